import logging

import pytest

from hub import Unauthorized
from hub.config.secret import Secret
from hub_efento import access
from hub_efento.access import Gate, Once
from hub_efento.config import EfentoConfig, Token


def token(name, text):
    return Token(name=name, token=Secret(text))


TOKENS = (token("barn", "aaa"), token("shed", "bbb"))


@pytest.fixture
def config():
    return EfentoConfig(tokens=TOKENS, header="Authorization")


@pytest.fixture
def gate(ctx):
    return Gate(ctx)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Api-Token": "aaa"}, "barn"),
        ({"X-Api-Token": " bbb "}, "shed"),
        ({"Authorization": "bbb"}, "shed"),
        ({"Authorization": "Bearer aaa"}, "barn"),
        ({"X-Api-Token": "wrong", "Authorization": "aaa"}, "barn"),
        ({"X-Api-Token": "", "Authorization": "aaa"}, "barn"),
    ],
)
def test_the_right_token_in_either_header_lets_a_gateway_in(gate, make_request, headers, name):
    assert gate(make_request(headers=headers)) == name


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Api-Token": ""}, {"X-Api-Token": "aa"}, {"X-Api-Token": "aaaa"},
     {"X-Api-Token": "ä\udcff"}, {"Authorization": "Basic aaa"}, {"X-Other": "aaa"}],
)  # fmt: skip
def test_anything_else_is_refused(gate, make_request, headers):
    with pytest.raises(Unauthorized):
        gate(make_request(headers=headers))


def test_a_refusal_is_logged_once_a_minute_and_never_with_the_token(
    gate, ctx, clock, make_request, caplog
):
    caplog.set_level(logging.WARNING)
    request = make_request(headers={"X-Api-Token": "nearly-right"})
    for _ in range(100):
        with pytest.raises(Unauthorized):
            gate(request)

    assert len(caplog.records) == 1
    assert "source=192.168.1.7" in caplog.text
    assert "nearly-right" not in caplog.text
    assert ctx.counters["unauthorized"] == 100
    assert "nearly-right" not in ctx.notices["wrong_token"].message


async def test_after_a_minute_it_is_logged_again(gate, clock, make_request, caplog):
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        with pytest.raises(Unauthorized):
            gate(make_request(headers={}))
        await clock.advance(minutes=1)

    assert len(caplog.records) == 2


def test_the_notice_goes_once_all_who_were_refused_come_in(gate, ctx, make_request):
    wrong, right = {"X-Api-Token": "x"}, {"X-Api-Token": "aaa"}
    for peer in ("10.0.0.1", "10.0.0.2"):
        with pytest.raises(Unauthorized):
            gate(make_request(headers=wrong, peer=peer))

    gate(make_request(headers=right, peer="10.0.0.9"))
    gate(make_request(headers=right, peer="10.0.0.1"))
    assert "wrong_token" in ctx.notices
    gate(make_request(headers=right, peer="10.0.0.2"))
    assert "wrong_token" not in ctx.notices


@pytest.mark.parametrize(
    ("config", "headers", "says"),
    [
        (EfentoConfig(), {"X-Api-Token": "x"}, "no token is configured"),
        (EfentoConfig(tokens=TOKENS), {}, "sent no token in X-Api-Token"),
        (EfentoConfig(tokens=TOKENS), {"X-Api-Token": "x"}, "not among efento.tokens"),
    ],
)
def test_the_notice_says_what_to_do(ctx, make_request, config, headers, says):
    ctx.config = config
    with pytest.raises(Unauthorized):
        Gate(ctx)(make_request(headers=headers))

    assert says in ctx.notices["wrong_token"].message


@pytest.mark.parametrize("peer", ["192.168.1.7", "10.1.1.1", "127.0.0.1", "::1", "fe80::1%eth0",
                                  "::ffff:192.168.1.7"])  # fmt: skip
def test_an_open_hub_lets_the_local_network_in(ctx, make_request, peer):
    ctx.config = EfentoConfig(open=True, tokens=TOKENS)

    assert Gate(ctx)(make_request(headers={}, peer=peer)) is None


@pytest.mark.parametrize("peer", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "local", ""])
def test_an_open_hub_is_closed_to_everybody_else(ctx, make_request, peer):
    ctx.config = EfentoConfig(open=True)

    with pytest.raises(Unauthorized):
        Gate(ctx)(make_request(headers={}, peer=peer))


def test_a_wrong_token_is_refused_by_an_open_hub_too(ctx, make_request):
    ctx.config = EfentoConfig(open=True, tokens=TOKENS)

    with pytest.raises(Unauthorized):
        Gate(ctx)(make_request(headers={"X-Api-Token": "x"}))


def test_refused_sources_are_bounded(gate, ctx, make_request, monkeypatch):
    monkeypatch.setattr(access, "_MOST_SOURCES", 2)
    for number in range(5):
        with pytest.raises(Unauthorized):
            gate(make_request(headers={}, peer=f"10.0.0.{number}"))
    right = {"X-Api-Token": "aaa"}

    for number in range(2):
        assert "wrong_token" in ctx.notices
        gate(make_request(headers=right, peer=f"10.0.0.{number}"))

    assert "wrong_token" not in ctx.notices


def test_sources_that_were_spoken_about_are_bounded(clock):
    once = Once(clock)
    assert once("first")

    for number in range(1000):
        assert once(number)

    assert once("first")
    assert not once(999)


def test_a_source_can_be_forgotten(clock):
    once = Once(clock)
    once("a")
    once.forget("a")
    once.forget("b")

    assert once("a")

"""What a start tells."""

import pytest

from hub.cli.output import clean, size_text
from hub.cli.welcome import first_steps, is_loopback, lan_url, opening_hint, own_url
from hub.config import create_defaults


def test_the_line_to_change_is_named(tmp_path):
    (tmp_path / "hub.yaml").write_text("name: Home\nhttp:\n  port: 1\n  host: 127.0.0.1\n")
    assert f"{tmp_path}/hub.yaml, line 4" in opening_hint(tmp_path)
    (tmp_path / "hub.yaml").write_text("name: Home\nhttp: {port: 1}\n")
    assert f"{tmp_path}/hub.yaml, line 2" in opening_hint(tmp_path)
    (tmp_path / "hub.yaml").write_text("name: Home\n")
    assert f"in {tmp_path}/hub.yaml, set" in opening_hint(tmp_path)
    (tmp_path / "hub.yaml").write_text("[")
    assert f"in {tmp_path}/hub.yaml, set" in opening_hint(tmp_path)


def test_the_default_configuration_names_the_line_of_its_host(tmp_path):
    created = create_defaults(tmp_path)
    lines = (tmp_path / "hub.yaml").read_text().splitlines()

    number = int(opening_hint(tmp_path).partition("line ")[2].partition(",")[0])

    assert lines[number - 1].strip() == "host: 127.0.0.1"
    text = "\n".join(first_steps(created, "http://127.0.0.1:8480"))
    assert text.count(created.efento_token.reveal()) == 1


def test_a_second_first_start_has_no_token_to_show(tmp_path):
    (tmp_path / "secrets.yaml").write_text("a: b\n")
    text = "\n".join(first_steps(create_defaults(tmp_path), "http://127.0.0.1:1"))

    assert "Organization Token" not in text


@pytest.mark.parametrize(
    ("url", "is_local", "own"),
    [
        ("http://127.0.0.1:8480", True, "http://127.0.0.1:8480"),
        ("http://localhost:1", True, "http://localhost:1"),
        ("http://[::1]:1", True, "http://[::1]:1"),
        ("https://0.0.0.0:8480", False, "https://127.0.0.1:8480"),
        ("http://[::]:8480", False, "http://[::1]:8480"),
        ("http://192.168.1.7:80", False, "http://192.168.1.7:80"),
        ("http://hub.local:80", False, "http://hub.local:80"),
    ],
)
def test_addresses_are_told_apart(url, is_local, own):
    assert is_loopback(url) is is_local
    assert own_url(url) == own


def test_a_gateway_is_given_an_address_on_the_network():
    assert lan_url("http://192.168.1.7:80") == "http://192.168.1.7:80"
    assert lan_url("http://127.0.0.1:8480").endswith(":8480")


def test_terminals_take_no_orders_from_data():
    assert clean("a\x1b[2Jb\tc\n") == "a\\x1b[2Jb\tc\n"


def test_sizes_are_written_as_people_read_them():
    assert [size_text(n) for n in (0, 1023, 1536, 5 << 20, 3 << 30)] == [
        "0 bytes", "1023 bytes", "1.5 KiB", "5.0 MiB", "3.0 GiB",
    ]  # fmt: skip

import pytest

from hub.config.schema import parse
from hub.config.secret import Secret
from hub.errors import ConfigErrors
from hub_efento.config import EfentoConfig


def load(node):
    return parse(EfentoConfig, node, "efento")


def test_an_empty_section_has_defaults():
    config = load(None)

    assert config.tokens == ()
    assert not config.open
    assert config.auto_accept
    assert config.body_limit == 16 * 1024 * 1024
    assert config.spool_limit == 64 * 1024 * 1024


def test_a_full_section_is_read():
    config = load(
        {
            "tokens": [{"name": "barn", "token": "aaa"}, {"name": "shed", "token": "bbb"}],
            "header": "Authorization",
            "open": True,
            "auto_accept": False,
            "loggers": [{"serial": "282c024fffb1", "name": "Cold store"}],
            "prefix": "/farm/efento",
            "body_limit": "1MiB",
            "spool_limit": "8MiB",
        }
    )

    assert [token.name for token in config.tokens] == ["barn", "shed"]
    assert config.tokens[0].token == Secret("aaa")
    assert "aaa" not in repr(config)
    assert config.loggers[0].serial == "282C024FFFB1"
    assert config.body_limit == 1024 * 1024


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"prefix": "barn"}, "prefix: expected a path"),
        ({"prefix": "/barn/"}, "prefix: expected a path"),
        ({"header": "no good"}, "header: expected the name of a header"),
        ({"tokens": [{"name": "a", "token": "x"}, {"name": "a", "token": "y"}]}, "there twice"),
        ({"tokens": [{"name": "a", "token": "x"}, {"name": "b", "token": "x"}]}, "same token"),
        ({"tokens": [{"name": "a", "token": ""}]}, "secret"),
        ({"tokens": [{"name": "a"}]}, "required"),
        ({"loggers": [{"serial": "a", "name": "A"}, {"serial": "A", "name": "B"}]}, "A is there"),
        ({"loggers": [{"serial": "", "name": "A"}]}, "serial: expected 1 to 64"),
        ({"body_limit": "1kB"}, "size"),
        ({"tokns": []}, "unknown key"),
    ],
)
def test_mistakes_are_pointed_out(node, says):
    with pytest.raises(ConfigErrors) as caught:
        load(node)

    assert says in str(caught.value)

"""Secrets stay hidden."""

import copy
import logging
import pickle

import pytest

from hub.config import Secret


def test_a_secret_is_never_printed():
    secret = Secret("hunter2")

    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{[secret]}",
        f"{secret!r:>20}",
    ]
    assert not any("hunter2" in text for text in shown)
    assert str(secret) == "**REDACTED**"
    assert secret.reveal() == "hunter2"


def test_a_secret_is_not_logged(caplog):
    logging.getLogger("test").error("token %s in %r", Secret("hunter2"), {"t": Secret("hunter2")})

    assert "hunter2" not in caplog.text


def test_a_secret_is_compared_by_its_text():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), "a"}) == 2
    assert Secret("é").matches("é")
    assert not Secret("a").matches("\ud800")


def test_a_secret_is_shared_but_not_pickled():
    secret = Secret("hunter2")

    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)

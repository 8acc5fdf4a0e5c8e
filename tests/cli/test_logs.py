"""The log of a running hub."""

import io
import logging
import threading
import time

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from hub.cli.logs import LineFormatter, Redactor, secrets_in
from hub.cli.printer import Printer
from hub.cli.run import parse_levels
from hub.config import Mark, NodeDict, NodeList, NodeStr, Secret


def record(message, *arguments, error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("hub.test", logging.WARNING, "x.py", 1, message, arguments, info)


def line_of(one, redact=None, *, has_traces=False):
    return LineFormatter(redact or Redactor(), has_traces=has_traces).format(one)


def int_of(text):
    raise ValueError(text)


@given(st.text())
def test_an_event_is_one_line_whatever_is_in_it(text):
    assert "\n" not in line_of(record("got %s", text))


def test_an_exception_is_one_sentence_with_its_place_unless_traces_are_wanted():
    with pytest.raises(ValueError, match="lines") as caught:
        int_of("two\nlines")

    error = caught.value
    line = line_of(record("failed", error=error))
    assert 'failed error="ValueError: two\\x0alines" at=' in line
    assert "test_logs.py:" in line
    assert "Traceback" in line_of(record("failed", error=error), has_traces=True)


def test_known_secrets_and_everything_like_a_token_are_taken_out():
    redact = Redactor()
    redact.add(["hunter22", "hunter22hunter22", "abc"])

    line = line_of(record("a=%s b=%s c=%s d=abc", "hunter22hunter22", "fh_" + "a" * 43,
                          "Bearer eyJhbGciOi"), redact)  # fmt: skip

    assert line.endswith("a=**REDACTED** b=**REDACTED** c=Bearer **REDACTED** d=abc")


def test_secrets_are_found_wherever_they_stand_in_a_configuration():
    node = NodeDict(
        {
            "a": NodeList([NodeStr("one", Mark("x", 1, is_secret=True)), NodeStr("open")]),
            "b": {"c": (Secret("two"), 5)},
        }
    )

    assert set(secrets_in(node)) == {"one", "two"}


def test_levels_are_for_all_or_for_one_logger():
    assert parse_levels(["DEBUG", "hub.storage=error"]) == ("debug", {"hub.storage": "error"})
    with pytest.raises(typer.BadParameter, match="expected debug, info"):
        parse_levels(["hub="])


def test_lines_are_written_in_order_and_all_of_them_at_the_end():
    stream = io.StringIO()
    printer = Printer(stream)
    for number in range(100):
        printer.put(str(number))

    printer.close()

    assert stream.getvalue().split() == [str(number) for number in range(100)]


def test_a_reader_that_has_gone_to_sleep_holds_up_nobody():
    gate = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text):
            gate.wait(10)
            return super().write(text)

    stream = Stuck()
    printer = Printer(stream)
    started = time.monotonic()
    for _ in range(6000):
        printer.put("x")
    assert time.monotonic() - started < 5
    gate.set()
    printer.close()

    assert "lines were left out)" in stream.getvalue()


def test_a_reader_that_has_gone_for_good_does_no_harm():
    stream = io.StringIO()
    stream.close()
    printer = Printer(stream)
    printer.put("x")

    printer.close()

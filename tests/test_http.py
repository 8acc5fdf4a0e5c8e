import contextlib
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import UTC
from hub.errors import WireError
from hub.http import Request, json_response

NOW = dt.datetime(2026, 3, 1, tzinfo=UTC)


def request(body):
    return Request(method="POST", path="/", headers={}, received=NOW, body=body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b"\xef\xbb\xbf[1]", [1]),
        ('"é"'.encode(), "é"),
    ],
)
def test_a_body_is_decoded_with_or_without_a_mark(body, value):
    assert request(body).json() == value


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1,]", b'"\xff"', b"[NaN]", b"1e999", b"[" * 100_000, b'["\\ud800"]']
)
def test_what_is_no_json_is_an_error_of_the_wire(body):
    with pytest.raises(WireError, match="body: expected JSON"):
        request(body).json()


@given(st.binary() | st.text().map(str.encode))
def test_any_body_gives_json_or_an_error_of_the_wire(body):
    with contextlib.suppress(WireError):
        json.dumps(request(body).json())


def test_a_request_needs_an_aware_time():
    with pytest.raises(ValueError, match="received: expected a time with its zone"):
        Request(method="GET", path="/", headers={}, received=NOW.replace(tzinfo=None))


def test_a_json_response_writes_times_as_iso_8601():
    response = json_response(201, {"at": NOW}, {"Location": "/x"})

    assert (response.status, response.content_type) == (201, "application/json")
    assert json.loads(response.body) == {"at": "2026-03-01T00:00:00Z"}
    assert response.headers == {"Location": "/x"}
    assert json_response(200, None).headers == {}

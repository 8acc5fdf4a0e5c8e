"""``hub quarantine`` on messages of Efento gateways."""

import json

import pytest

from hub.cli.opening import with_hub
from hub.clock import SystemClock
from hub.storage.writes import QuarantineItem

ROUTE = "POST /api/v4/measurements"


def message(serial="282C02000001", value=21.5):
    now = f"{SystemClock().now():%Y-%m-%d %H:%M:%S} UTC"
    return json.dumps(
        {
            "measurements": [
                {
                    "serial": serial,
                    "response_handle": 1,
                    "battery": "ok",
                    "signal": -60,
                    "measured_at": now,
                    "measurement_interval": 180,
                    "next_measurement_at": now,
                    "params": [
                        {"channel": 1, "type": "temperature", "value": value, "status": "ok"}
                    ],
                }
            ]
        }
    ).encode()


@pytest.fixture
def put_aside(folder):
    """Put messages into the quarantine of the folder; return their numbers."""

    def put(*bodies, route=ROUTE, plugin="efento", source="barn at 10.0.0.7"):
        async def work(app):
            return [
                await app.core.store.quarantine.add(
                    QuarantineItem(
                        received=app.core.clock.now_us(), plugin=plugin, source=source,
                        reason="not understood", body=body, route=route,
                        headers={"Content-Type": "application/json", "X-Api-Token": "secret!"},
                    )
                )
                for body in bodies
            ]  # fmt: skip

        return with_hub(folder, work, lambda *_: None)

    return put


def test_messages_are_listed_shown_and_dropped(hub, put_aside):
    numbers = put_aside(b'{"one": "\x1b[31m"}', b"two")

    listed = hub("quarantine", "list", "--json").json()
    assert [one["number"] for one in listed["messages"]] == numbers[::-1]
    assert listed["count"] == 2
    assert "not understood" in hub("quarantine", "list").out
    shown = hub("quarantine", "show", numbers[0])
    assert "barn at 10.0.0.7" in shown.out
    assert "\x1b" not in shown.out
    assert "secret!" not in shown.out
    assert hub("quarantine", "show", numbers[1], "--json").json()["body"] == "two"
    assert hub("quarantine", "drop", numbers[0]).out == "1 dropped\n"
    assert hub("quarantine", "list", "--json").json()["count"] == 1


def test_a_message_that_is_not_there_is_one_sentence(hub):
    for command in ("show", "drop"):
        result = hub("quarantine", command, "7")
        assert result.code == 1
        assert "not in the quarantine" in result.err


def test_the_body_is_saved_as_it_came(hub, put_aside, tmp_path):
    body = bytes(range(256)) * 500
    (number,) = put_aside(body)

    assert hub("quarantine", "show", number, "--save", tmp_path / "body.bin").code == 0
    assert (tmp_path / "body.bin").read_bytes() == body
    again = hub("quarantine", "show", number, "--save", tmp_path / "body.bin")
    assert (again.code, "exists already" in again.err) == (1, True)
    assert "there is more of it" in hub("quarantine", "show", number).err


def test_what_is_understood_now_is_stored_and_leaves(hub, put_aside):
    put_aside(message(value=21.5), message(serial="282C02000002", value=3))

    result = hub("quarantine", "replay", "--all")

    assert result.code == 0
    assert "2 understood, 0 not understood again, 0 failed" in result.out
    assert hub("quarantine", "list", "--json").json()["count"] == 0
    assert hub("status", "--json").json()["entities"] > 0


def test_what_is_not_understood_again_is_told_with_its_new_number(hub, put_aside):
    (number,) = put_aside(b"this is no JSON")

    done = hub("quarantine", "replay", number, "--json").json()

    assert (done["taken"], done["again"], done["failed"]) == (0, 1, 0)
    (new,) = done["messages"][0]["again"]
    assert new > number
    left = hub("quarantine", "list", "--json").json()["messages"]
    assert [one["number"] for one in left] == [new]
    assert left[0]["source"] == "barn at 10.0.0.7"
    assert f"{new}: not understood again, now {new + 1}" in hub("quarantine", "replay", new).out


def test_a_large_message_is_replayed_without_the_routes_limit(hub, put_aside, folder):
    (folder / "hub.yaml").write_text(
        "http: {port: 0}\nefento: {body_limit: 64KiB, tokens: [{name: barn, token: abc}]}\n"
    )
    entries = [json.loads(message(f"2800{n:08X}"))["measurements"][0] for n in range(300)]
    put_aside(json.dumps({"measurements": entries}).encode())

    assert "1 understood" in hub("quarantine", "replay", "--plugin", "efento").out


def test_a_message_without_a_route_stays(hub, put_aside):
    put_aside(b"x", route="POST /nowhere", plugin="gone")

    result = hub("quarantine", "replay", "--all")

    assert result.code == 1
    assert "nothing answers POST /nowhere: is the plugin gone off?" in result.out
    assert hub("quarantine", "list", "--plugin", "gone", "--json").json()["count"] == 1


def test_replaying_what_is_not_there_fails(hub):
    result = hub("quarantine", "replay", "99")

    assert result.code == 1
    assert "99: it is not in the quarantine" in result.out


def test_all_of_one_plugin_are_dropped(hub, put_aside):
    put_aside(b"a", b"b")
    put_aside(b"c", plugin="other")

    assert hub("quarantine", "drop", "--plugin", "efento").out == "2 dropped\n"
    assert hub("quarantine", "list", "--json").json()["count"] == 1

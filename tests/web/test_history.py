import datetime as dt
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import UTC, to_us
from hub.errors import StorageError, WireError
from hub.http import Request
from hub.model import DeviceInfo, DeviceKey, EntityInfo
from hub.registry.records import encode as encode_record
from hub.registry.registry import Registry
from hub.storage.store import Store, StoreSettings
from hub.storage.values import encode
from hub.storage.writes import WriteBatch
from hub.testing.clock import ManualClock
from hub.web import history
from hub.web.auth import local

START = dt.datetime(2025, 1, 1, 12, tzinfo=UTC)
NOW = START + dt.timedelta(days=2)
PERIOD = f"/api/history/period/{quote(START.isoformat())}"
AMSTERDAM = dt.timezone(dt.timedelta(hours=1))
ENTITIES = {
    "sensor.cold": history.EntityHistory(
        series=1, is_numeric=True, attributes={"unit_of_measurement": "°C"}
    ),
    "binary_sensor.door": history.EntityHistory(series=2, domain="binary_sensor"),
    "sensor.text": history.EntityHistory(series=3),
    "sensor.silent": history.EntityHistory(series=4),
}


def at(minutes):
    return (START + dt.timedelta(minutes=minutes)).isoformat()


@pytest.fixture
async def store(tmp_path):
    opened = Store(tmp_path, ManualClock(NOW), StoreSettings(reserve_bytes=0))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def put(store):
    async def write(series, *readings, flags=0):
        batch = WriteBatch()
        for minutes, value in readings:
            moment = to_us(START) + round(minutes * 60e6)
            batch.fresh.append((series, moment, 0, *encode(value), 0, flags))
        await store.writer.submit(batch)

    return write


@pytest.fixture
async def ask(serve, store):
    hub = await serve(
        *history.routes(store.history, ENTITIES.get, ManualClock(NOW), AMSTERDAM),
        authenticate=local,
    )

    async def get(query, path=PERIOD, status=200):
        reply = await hub.ask("GET", f"{path}?{query}")
        assert reply.status == status, reply.body
        return json.loads(reply.body)

    return get


async def test_states_are_shown_as_home_assistant_shows_them(ask, put):
    await put(1, (-10, 3), (5, 4.0), (10, 4.5))

    answer = await ask("filter_entity_id=sensor.cold")

    assert answer == [
        [
            {
                "entity_id": "sensor.cold",
                "state": state,
                "attributes": {"unit_of_measurement": "°C"},
                "last_changed": at(minutes),
                "last_updated": at(minutes),
            }
            for minutes, state in ((0, "3"), (5, "4"), (10, "4.5"))
        ]
    ]


def told(states):
    return [(state["state"], state["last_changed"]) for state in states]


async def test_the_first_entry_is_the_state_at_the_start(ask, put):
    await put(1, (-600, 1), (-10, 2), (0, 3), (1, 4))
    assert told((await ask("filter_entity_id=sensor.cold"))[0]) == [("3", at(0)), ("4", at(1))]

    later = PERIOD.replace(quote(START.isoformat()), quote(at(0.5)))
    assert told((await ask("filter_entity_id=sensor.cold", later))[0]) == [
        ("3", at(0.5)), ("4", at(1)),
    ]  # fmt: skip


async def test_the_state_at_the_start_can_be_left_out(ask, put):
    await put(1, (-10, 2), (1, 2), (2, 3))

    assert told((await ask("filter_entity_id=sensor.cold&skip_initial_state"))[0]) == [("3", at(2))]


async def test_without_a_reading_before_the_start_the_first_one_comes_first(ask, put):
    await put(1, (7, 2))

    assert told((await ask("filter_entity_id=sensor.cold"))[0]) == [("2", at(7))]


async def test_equal_readings_are_one_state(ask, put):
    await put(1, (-1, 4), (1, 4), (2, 4.0), (3, 5), (4, 5), (5, 4))

    answer = await ask("filter_entity_id=sensor.cold")

    assert told(answer[0]) == [("4", at(0)), ("5", at(3)), ("4", at(5))]


async def test_every_reading_can_be_asked_for(ask, put):
    await put(1, (-1, 4), (1, 4), (3, 5))

    answer = await ask("filter_entity_id=sensor.cold&significant_changes_only=0")

    assert told(answer[0]) == [("4", at(0)), ("4", at(0)), ("5", at(3))]
    assert [state["last_updated"] for state in answer[0]] == [at(0), at(1), at(3)]


async def test_a_minimal_answer_is_whole_at_both_ends_only(ask, put):
    await put(1, *((minute, minute) for minute in range(1, 6)))

    answer = await ask("filter_entity_id=sensor.cold&minimal_response")

    first, *middle, last = answer[0]
    assert set(first) == set(last) == {
        "entity_id", "state", "attributes", "last_changed", "last_updated",
    }  # fmt: skip
    assert middle == [{"state": str(n), "last_changed": at(n)} for n in (2, 3, 4)]
    assert (first["state"], last["state"]) == ("1", "5")


async def test_attributes_can_be_left_out(ask, put):
    await put(1, (1, 1))

    answer = await ask("filter_entity_id=sensor.cold&no_attributes")

    assert answer[0][0]["attributes"] == {}


async def test_gaps_are_unavailable(ask, put):
    await put(1, (1, 1), (2, None), (3, 1))

    answer = await ask("filter_entity_id=sensor.cold")

    assert [state["state"] for state in answer[0]] == ["1", "unavailable", "1"]


async def test_values_are_shown_as_their_kind_of_entity_shows_them(ask, put):
    await put(2, (1, "open"), (2, False), (3, 1))
    await put(3, (1, "open"), (2, {"a": 1}), (3, "x" * 300))

    door, text = await ask("filter_entity_id=binary_sensor.door,sensor.text")

    assert [state["state"] for state in door] == ["on", "off", "on"]
    assert [state["state"] for state in text] == ["open", '{"a":1}', "unknown"]
    assert text[2]["attributes"] == {"value": "x" * 300}


async def test_readings_of_a_wrong_clock_are_no_states(ask, put):
    await put(1, (1, 1))
    await put(1, (2, 99), flags=1)

    assert told((await ask("filter_entity_id=sensor.cold"))[0]) == [("1", at(1))]


async def test_entities_come_in_the_order_asked_for_and_those_without_states_do_not(ask, put):
    await put(1, (1, 1))
    await put(2, (1, True))
    query = (
        "filter_entity_id=sensor.silent,Binary_Sensor.door,sensor.unknown,sensor.cold,sensor.cold"
    )

    answer = await ask(query)

    assert [states[0]["entity_id"] for states in answer] == ["binary_sensor.door", "sensor.cold"]


async def test_nothing_to_show_is_an_empty_list(ask):
    assert await ask("filter_entity_id=sensor.silent") == []


async def test_the_period_is_a_day_unless_an_end_is_given(ask, put):
    day = 24 * 60
    await put(1, (1, 1), (day - 1, 2), (day + 1, 3))

    assert told((await ask("filter_entity_id=sensor.cold"))[0])[-1] == ("2", at(day - 1))
    end = quote(at(day + 2))
    answer = await ask(f"filter_entity_id=sensor.cold&end_time={end}")
    assert told(answer[0])[-1] == ("3", at(day + 1))


async def test_without_a_start_it_is_the_last_day(ask, put):
    await put(1, (1, 1), (2 * 24 * 60 - 5, 2))

    for path in ("/api/history/period",):
        answer = await ask("filter_entity_id=sensor.cold", path)
        assert [state["state"] for state in answer[0]] == ["1", "2"]
        assert answer[0][0]["last_changed"] == (NOW - dt.timedelta(days=1)).isoformat()


async def test_more_readings_than_a_page_come_whole_and_in_order(ask, put):
    await put(1, *((n / 60, n) for n in range(1, 5001)))

    answer = await ask("filter_entity_id=sensor.cold&minimal_response")

    assert [int(state["state"]) for state in answer[0]] == list(range(1, 5001))


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("/api/history/period/yesterday", "filter_entity_id=sensor.cold", "Invalid datetime"),
        ("/api/history/period/0001-01-01T00:00:00", "filter_entity_id=a.b", "Invalid datetime"),
        (PERIOD, "filter_entity_id=sensor.cold&end_time=soon", "Invalid end_time"),
        (PERIOD, "", "filter_entity_id is missing"),
        (PERIOD, "filter_entity_id=", "filter_entity_id is missing"),
        (PERIOD, "filter_entity_id=nonsense", "Invalid filter_entity_id"),
        (
            PERIOD,
            "filter_entity_id=" + ",".join(f"a.b{n}" for n in range(501)),
            "Invalid filter_entity_id",
        ),
    ],
)
async def test_a_wrong_question_is_told_in_home_assistant_s_words(ask, path, query, message):
    assert await ask(query, path, status=400) == {"message": message}


async def test_the_future_and_a_period_that_ends_before_it_begins_are_empty(ask, put):
    await put(1, (1, 1))

    assert (
        await ask("filter_entity_id=sensor.cold", "/api/history/period/2030-01-01T00:00:00Z") == []
    )
    assert await ask(f"filter_entity_id=sensor.cold&end_time={quote(at(0))}") == []


def parse(start, **query):
    request = Request(
        method="GET", path="/", headers={}, received=NOW, params={"start": start},
        query={"filter_entity_id": "sensor.cold", **query},
    )  # fmt: skip
    return history.parse(request, NOW, AMSTERDAM)


@pytest.mark.parametrize(
    "text",
    ["2025-01-01T12:00:00+00:00", "2025-01-01T12:00:00Z", "2025-01-01 12:00:00+00:00",
     "2025-01-01T13:00:00", "2025-01-01T13:00:00.000 01:00", "2025-01-01T13:00:00 01:00",
     "2025-01-01T13:00:00 0100", "20250101T130000"],
)  # fmt: skip
def test_times_are_understood_in_many_forms(text):
    assert parse(text).start_us == to_us(START)


def test_a_day_begins_at_midnight_of_the_hub_s_zone():
    assert parse("2025-01-01").start_us == to_us(dt.datetime(2024, 12, 31, 23, tzinfo=UTC))


@given(st.text(max_size=30) | st.datetimes().map(str), st.text(max_size=30))
def test_no_question_whatever_is_anything_but_a_period_or_refused(start, entity_ids):
    try:
        asked = parse(start, filter_entity_id=entity_ids, end_time=start)
    except WireError:
        return
    assert asked is None


async def test_a_store_that_fails_is_a_503(serve):
    class Broken:
        async def at_or_before(self, series, moment):
            raise StorageError("broken")

    hub = await serve(*history.routes(Broken(), ENTITIES.get, ManualClock(NOW)), authenticate=local)

    assert (await hub.ask("GET", f"{PERIOD}?filter_entity_id=sensor.cold")).status == 503


def test_entities_are_found_in_the_registry():
    registry = Registry()
    entry, _ = registry.note_device(
        DeviceInfo(key=DeviceKey("efento", "282C02"), name="Cold store"), 0
    )
    info = EntityInfo(name="Temperature", unit="°C", device_class="temperature")
    series = registry.note_series(entry, "temperature", info, 4.5, 0)
    entity_id = series.entity.entity_id
    assert history.finder(registry)(entity_id) is None  # it is not on disk yet

    loaded = Registry()
    loaded.load([], [encode_record(entry.record)], [encode_record(series.entity)])
    found = history.finder(loaded)(entity_id)

    assert (found.series, found.domain, found.is_numeric) == (series.entity.series, "sensor", True)
    assert found.attributes["unit_of_measurement"] == "°C"
    assert history.finder(loaded)("sensor.unknown") is None

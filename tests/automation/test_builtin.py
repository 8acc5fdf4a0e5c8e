"""The hub's own actions for automations."""

import logging

import pytest

from hub.actions import Actions
from hub.automation.builtin import register_actions
from hub.bus import Bus
from hub.errors import ActionError, InvalidActionData
from hub.testing.clock import ManualClock


class Kept:
    """Notifications in a dictionary."""

    def __init__(self):
        self.shown = {}

    async def create(self, notification_id, title, message):
        self.shown[notification_id] = (title, message)

    async def dismiss(self, notification_id):
        self.shown.pop(notification_id, None)


class Posts:
    """Remembers what was posted and answers."""

    def __init__(self, status=200, answer=b'{"ok": true}'):
        self.sent = []
        self.answer = (status, answer)

    async def __call__(self, url, body, headers, timeout):
        self.sent.append((url, body, dict(headers), timeout.total_seconds()))
        return self.answer


@pytest.fixture
def actions():
    return Actions(Bus(), ManualClock())


async def test_a_log_line_is_one_line(actions, caplog):
    register_actions(actions)
    with caplog.at_level(logging.DEBUG):
        await actions.call("log.write", {"message": "too\nwarm", "level": "warning"})

    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [("WARNING", "too warm")]


async def test_an_unknown_level_is_refused(actions):
    register_actions(actions)
    with pytest.raises(InvalidActionData, match="level: expected one of debug"):
        await actions.call("log.write", {"message": "x", "level": "loud"})


async def test_notifications_come_and_go(actions):
    kept = Kept()
    register_actions(actions, notifications=kept)
    await actions.call(
        "persistent_notification.create", {"message": "m", "title": "t", "notification_id": "n"}
    )
    await actions.call(
        "notify.persistent_notification", {"message": "a", "data": {"notification_id": "b"}}
    )
    assert kept.shown == {"n": ("t", "m"), "b": (None, "a")}
    await actions.call("persistent_notification.dismiss", {"notification_id": "n"})
    await actions.call("notify.persistent_notification", {"message": "c"})

    assert len(kept.shown) == 2
    assert "n" not in kept.shown


async def test_a_post_sends_json_and_returns_the_answer(actions):
    post = Posts()
    register_actions(actions, post=post)
    answer = await actions.call(
        "http.post", {"url": "http://a/b", "json": {"t": 8.5}, "timeout": "00:05"}
    )

    assert answer == {"status": 200, "content": {"ok": True}}
    assert post.sent == [("http://a/b", b'{"t":8.5}', {"Content-Type": "application/json"}, 300.0)]


async def test_a_post_sends_text(actions):
    post = Posts(answer=b"fine")
    register_actions(actions, post=post)
    answer = await actions.call("http.post", {"url": "https://a", "body": "t", "headers": {"X": 1}})

    assert answer == {"status": 200, "content": "fine"}
    assert post.sent == [("https://a", b"t", {"X": "1"}, 10.0)]


async def test_a_refused_post_is_an_error_without_the_secrets_of_its_address(actions):
    register_actions(actions, post=Posts(status=500))
    with pytest.raises(ActionError, match=r"^http\.post: a answered with status 500$"):
        await actions.call("http.post", {"url": "http://u:secret@a/hook?token=secret"})


@pytest.mark.parametrize(
    "data",
    [
        {"url": "file:///etc/passwd"},
        {"url": "http://a", "json": 1, "body": "x"},
        {"url": "http://a", "json": object()},
        {"url": "http://a", "body": "x" * 2_000_000},
        {"url": "http://a", "headers": "x"},
        {"url": "http://a", "headers": {"X": "a\r\nb"}},
        {"url": "http://a", "timeout": "soon"},
        {"url": "http://a", "timeout": 0},
        {"url": "http://a", "timeout": 9999},
        {},
    ],
)
async def test_wrong_data_is_refused_before_anything_is_sent(actions, data):
    post = Posts()
    register_actions(actions, post=post)
    with pytest.raises(InvalidActionData):
        await actions.call("http.post", data)

    assert post.sent == []


def test_what_was_registered_goes_again(actions):
    remove = register_actions(actions, notifications=Kept(), post=Posts())
    assert len(actions.all()) == 5
    remove()

    assert actions.all() == []

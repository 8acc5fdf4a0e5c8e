import datetime as dt

import pytest

from hub.accounts.tokens import Tokens
from hub.accounts.users import Users
from hub.errors import RegistryError, StorageFull
from hub.tasks import Tasks

HOUR = dt.timedelta(hours=1)


@pytest.fixture
async def tasks():
    owned = Tasks("test")
    yield owned
    await owned.stop()


@pytest.fixture
def tokens(documents, users, clock, tasks):
    return Tokens(documents.table("tokens"), users, clock, tasks)


@pytest.fixture
async def ada(users):
    return await users.add("ada", "viewer")


async def test_a_token_lets_its_user_in(tokens, ada):
    text = await tokens.add(ada, "phone")

    assert text.startswith("fh_")
    assert len(text) == 46
    assert tokens.verify(text) == ada
    assert tokens.verify(text) == ada


@pytest.mark.parametrize("text", ["", "fh_", "fh_wrong", "x" * 46, "fh_" + "x" * 1000, "fh_\ud800"])
async def test_anything_else_lets_nobody_in(tokens, ada, text):
    await tokens.add(ada, "phone")

    assert tokens.verify(text) is None


async def test_the_text_of_a_token_is_kept_nowhere(tokens, ada, documents, tmp_path):
    text = await tokens.add(ada, "phone")

    assert text[3:] not in repr(tokens.all())
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or text[3:].encode() not in path.read_bytes()


async def test_tokens_work_after_a_restart(tokens, ada, documents, clock, passwords, tasks):
    text = await tokens.add(ada, "phone", expires=clock.now() + HOUR)

    users = Users(documents.table("users"), passwords, clock)
    again = Tokens(documents.table("tokens"), users, clock, tasks)

    assert again.verify(text) == ada
    assert again.all()[0].expires == clock.now() + HOUR


async def test_a_token_that_expired_lets_nobody_in(tokens, ada, clock):
    text = await tokens.add(ada, "phone", expires=clock.now() + HOUR)
    assert tokens.verify(text) == ada

    await clock.advance(minutes=60)

    assert tokens.verify(text) is None


async def test_a_token_that_would_have_expired_is_not_made(tokens, ada, clock):
    with pytest.raises(RegistryError, match="expired already"):
        await tokens.add(ada, "phone", expires=clock.now())


@pytest.mark.parametrize("label", ["", "  ", "x" * 101, "a\tb"])
async def test_a_label_must_be_printable_and_of_some_length(tokens, ada, label):
    with pytest.raises(RegistryError, match="token label"):
        await tokens.add(ada, label)


async def test_a_removed_token_lets_nobody_in_and_the_others_still_do(tokens, ada):
    phone, tablet = await tokens.add(ada, "phone"), await tokens.add(ada, "tablet")
    assert tokens.verify(phone)

    await tokens.remove(tokens.all(ada)[0].id)

    assert tokens.verify(phone) is None
    assert tokens.verify(tablet) == ada
    with pytest.raises(RegistryError, match="no such token"):
        await tokens.remove("nothing")


async def test_a_removed_user_s_tokens_let_nobody_in(tokens, users, ada):
    text = await tokens.add(ada, "phone")
    tokens.verify(text)

    await users.remove("ada")
    await users.add("ada", "owner")

    assert tokens.verify(text) is None
    assert await tokens.remove_all(ada) == 1
    assert tokens.all() == []


async def test_a_change_of_role_counts_at_once(tokens, users, ada):
    text = await tokens.add(ada, "phone")

    await users.set_role("ada", "admin")

    assert tokens.verify(text).role == "admin"


async def test_the_last_use_is_written_once_an_hour(tokens, ada, documents, clock, tasks):
    text = await tokens.add(ada, "phone")
    first = clock.now()
    for _ in range(100):
        tokens.verify(text)
    await clock.advance(minutes=59)
    tokens.verify(text)
    assert tokens.all()[0].last_used == first
    assert documents.sync_count <= 3

    await clock.advance(minutes=1)
    tokens.verify(text)
    await clock.advance(seconds=1)

    assert tokens.all()[0].last_used == first + HOUR
    assert tasks.failed_count == 0


async def test_many_tokens_in_use_fill_no_memory(tokens, ada):
    texts = [await tokens.add(ada, f"device {number}") for number in range(300)]

    assert all(tokens.verify(text) for text in texts + texts)
    assert len(tokens._verified) == 256


async def test_a_full_disk_stops_neither_reading_nor_the_token(documents, users, clock, tasks, ada):
    class FullTable:
        def all(self):
            return documents.table("tokens").all()

        async def update(self, key, /, **fields):
            raise StorageFull("no space left")

    text = await Tokens(documents.table("tokens"), users, clock, tasks).add(ada, "phone")
    tokens = Tokens(FullTable(), users, clock, tasks)

    assert tokens.verify(text) == ada
    await clock.advance(seconds=1)
    assert tasks.failed_count == 1

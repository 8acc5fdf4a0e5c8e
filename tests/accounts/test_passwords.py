import asyncio

from hub.accounts.passwords import Passwords, default_hasher
from hub.errors import StorageBusy


async def test_a_hash_is_argon2id_and_salted(passwords):
    first, second = await passwords.hash("long enough"), await passwords.hash("long enough")

    assert first.startswith("$argon2id$")
    assert first != second
    assert await passwords.verify(first, "long enough")
    assert not await passwords.verify(first, "long  enough")


async def test_what_is_no_hash_lets_nobody_in(passwords):
    assert not await passwords.verify("not a hash", "long enough")
    assert not await passwords.verify(None, "nobody has this password")


async def test_half_a_surrogate_pair_is_a_password_too(passwords):
    assert await passwords.verify(await passwords.hash("\ud800 8 letters"), "\ud800 8 letters")


async def test_too_many_at_once_are_sent_away(passwords):
    results = await asyncio.gather(
        *(passwords.hash("long enough") for _ in range(40)), return_exceptions=True
    )

    assert sum(isinstance(result, StorageBusy) for result in results) == 8


async def test_the_loop_goes_on_while_a_real_hash_is_made():
    passwords = Passwords()
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    hashed = await passwords.hash("long enough")
    counting.cancel()
    passwords.close()

    assert turns > 10
    assert not default_hasher().check_needs_rehash(hashed)

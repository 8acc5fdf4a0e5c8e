import asyncio
import re

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from hub.accounts.passwords import Passwords
from hub.accounts.users import RESERVED, Role, Users, check_name
from hub.errors import RegistryError, Unauthorized

PASSWORD = "correct horse"
HOME = "192.0.2.7"


async def test_a_user_who_was_added_is_found_by_name_and_by_id(users, clock):
    ada = await users.add("ada", "viewer")

    assert users.get("ada") == users.by_id(ada.id) == ada
    assert (ada.role, ada.display_name, ada.created) == (Role.VIEWER, "ada", clock.now())
    assert len(users) == 1


async def test_users_are_listed_by_name(users):
    for name in ("zoe", "ada", "max"):
        await users.add(name, "user")

    assert [user.name for user in users.all()] == ["ada", "max", "zoe"]


async def test_users_are_there_after_a_restart(users, documents, passwords, clock):
    await users.add("ada", "owner", PASSWORD, display_name="Ada L.")

    again = Users(documents.table("users"), passwords, clock)

    assert again.all() == users.all()
    assert (await again.authenticate("ada", PASSWORD, source=HOME)).display_name == "Ada L."


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 37, "Ada", "-ada", "ada-", "a--da", "a_da", "a.da", "ada\n", "ädä"]
)
async def test_a_name_that_breaks_the_rule_is_refused(users, name):
    with pytest.raises(RegistryError, match="expected a name of 3 to 36"):
        await users.add(name, "viewer")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_refused(name):
    with pytest.raises(RegistryError, match="reserved"):
        check_name(name)


@given(st.text(max_size=40))
def test_the_name_rule_is_the_one_of_the_things_stack(name):
    fits = re.fullmatch(r"[a-z0-9](?:[-]?[a-z0-9]){2,}", name) and len(name) <= 36
    if fits and name not in RESERVED:
        assert check_name(name) == name
    else:
        with pytest.raises(RegistryError):
            check_name(name)


async def test_a_taken_name_is_refused_even_at_the_same_moment(users):
    results = await asyncio.gather(
        *(users.add("ada", "viewer", PASSWORD) for _ in range(3)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == [
        "RegistryError", "RegistryError", "User",
    ]  # fmt: skip
    assert len(users) == 1


@pytest.mark.parametrize("role", ["", "root", "Owner"])
async def test_an_unknown_role_is_refused_and_the_known_ones_are_named(users, role):
    with pytest.raises(RegistryError, match="owner, admin, viewer, user"):
        await users.add("ada", role)


@pytest.mark.parametrize("shown", ["   ", "x" * 101, "a\nb"])
async def test_a_display_name_must_be_printable_and_of_some_length(users, shown):
    with pytest.raises(RegistryError, match="display name"):
        await users.add("ada", "viewer", display_name=shown)


def test_each_role_includes_those_below_it():
    order = [Role.USER, Role.VIEWER, Role.ADMIN, Role.OWNER]

    for high, role in enumerate(order):
        assert [role.includes(other) for other in order] == [low <= high for low in range(4)]


async def test_the_display_name_changes_and_the_name_does_not(users):
    ada = await users.add("ada", "viewer")

    changed = await users.set_display_name("ada", " Countess ")

    assert (changed.id, changed.name, changed.display_name) == (ada.id, "ada", "Countess")
    assert users.get("ada") == changed


async def test_the_last_owner_can_be_neither_demoted_nor_removed(users):
    await users.add("ada", "owner")
    with pytest.raises(RegistryError, match="needs an owner"):
        await users.set_role("ada", "admin")
    with pytest.raises(RegistryError, match="needs an owner"):
        await users.remove("ada")

    await users.add("max", "owner")

    assert (await users.set_role("ada", "admin")).role is Role.ADMIN


async def test_a_removed_user_is_unknown(users):
    await users.add("ada", "viewer", PASSWORD)

    await users.remove("ada")

    assert users.get("ada") is None
    with pytest.raises(RegistryError, match="no such user"):
        await users.remove("ada")
    with pytest.raises(Unauthorized):
        await users.authenticate("ada", PASSWORD, source=HOME)


async def test_changing_somebody_unknown_is_refused(users):
    for change in (
        users.set_role("ada", "admin"),
        users.set_display_name("ada", "Ada"),
        users.set_password("ada", PASSWORD),
    ):
        with pytest.raises(RegistryError, match="no such user"):
            await change


async def test_the_right_password_lets_in_and_a_wrong_one_does_not(users):
    ada = await users.add("ada", "viewer", PASSWORD)

    assert await users.authenticate("ada", PASSWORD, source=HOME) == ada
    for name, password in (("ada", "wrong horse"), ("eve", PASSWORD), ("ada", "x" * 5000)):
        with pytest.raises(Unauthorized, match="the name or the password is wrong"):
            await users.authenticate(name, password, source=HOME)
    assert users.failed_count == 3


async def test_without_a_password_nobody_gets_in(users):
    await users.add("ada", "viewer")
    with pytest.raises(Unauthorized):
        await users.authenticate("ada", "", source=HOME)

    await users.set_password("ada", PASSWORD)
    await users.authenticate("ada", PASSWORD, source=HOME)
    await users.set_password("ada", None)

    with pytest.raises(Unauthorized):
        await users.authenticate("ada", PASSWORD, source=HOME)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
async def test_a_password_must_have_some_length(users, password):
    with pytest.raises(RegistryError, match="expected 8 to 1024 characters"):
        await users.add("ada", "viewer", password)
    assert len(users) == 0


async def test_a_guesser_waits_ever_longer_and_others_do_not(users, clock):
    await users.add("ada", "viewer", PASSWORD)
    for _ in range(5):
        with pytest.raises(Unauthorized, match="wrong"):
            await users.authenticate("ada", "a wrong one", source=HOME)

    with pytest.raises(Unauthorized, match="try again in 1 s"):
        await users.authenticate("ada", PASSWORD, source=HOME)
    await users.authenticate("ada", PASSWORD, source="192.0.2.8")

    await clock.advance(seconds=1)
    await users.authenticate("ada", PASSWORD, source=HOME)


async def test_many_guesses_at_once_get_no_further_than_one_by_one(users):
    await users.add("ada", "viewer", PASSWORD)

    results = await asyncio.gather(
        *(users.authenticate("ada", f"guess number {n}", source=HOME) for n in range(20)),
        return_exceptions=True,
    )

    assert sum("wrong" in str(result) for result in results) == 5


async def test_a_password_that_changes_while_it_is_checked_no_longer_lets_in(users):
    await users.add("ada", "viewer", PASSWORD)

    changing = asyncio.ensure_future(users.set_password("ada", "another horse"))
    await asyncio.sleep(0)

    with pytest.raises(Unauthorized):
        await users.authenticate("ada", PASSWORD, source=HOME)
    await changing


async def test_an_outdated_hash_is_renewed_at_log_in(users, documents, clock):
    await users.add("ada", "viewer", PASSWORD)
    stored = next(iter(documents.table("users").all().values()))["password"]
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    again = Users(documents.table("users"), stronger, clock)

    await again.authenticate("ada", PASSWORD, source=HOME)
    renewed = next(iter(documents.table("users").all().values()))["password"]
    await again.authenticate("ada", PASSWORD, source=HOME)
    stronger.close()

    assert renewed != stored
    assert "m=16,t=2" in renewed


async def test_no_text_of_a_user_holds_the_password_or_its_hash(users, documents):
    ada = await users.add("ada", "viewer", PASSWORD)

    assert "argon2" not in repr(ada)
    assert PASSWORD not in str(documents.table("users").all())

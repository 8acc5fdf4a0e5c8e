import json

import pytest
from argon2 import PasswordHasher

from hub.accounts.passwords import Passwords
from hub.accounts.tokens import Tokens
from hub.accounts.users import Users
from hub.clock import SystemClock
from hub.http import Response, Route, json_response
from hub.storage.documents import Documents
from hub.tasks import Tasks
from hub.web import auth


@pytest.fixture
async def tokens(tmp_path):
    documents = await Documents.open(tmp_path)
    passwords, tasks, clock = Passwords(PasswordHasher(1, 8, 1)), Tasks("test"), SystemClock()
    users = Users(documents.table("users"), passwords, clock)
    opened = Tokens(documents.table("tokens"), users, clock, tasks)
    opened.by_role = {
        role: await opened.add(await users.add(f"the-{role}", role), "test")
        for role in ("user", "viewer", "admin", "owner")
    }
    yield opened
    await tasks.stop()
    passwords.close()
    await documents.close()


async def whoami(request):
    return json_response(200, {"name": request.principal.name})


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        ("user", {"user", "viewer", "admin", "owner"}),
        ("viewer", {"viewer", "admin", "owner"}),
        ("admin", {"admin", "owner"}),
        ("owner", {"owner"}),
    ],
)
async def test_a_route_lets_in_its_role_and_those_above(serve, tokens, access, allowed):
    hub = await serve(Route("GET", "/x", whoami, access=access), verify=tokens.verify)

    for role, token in tokens.by_role.items():
        reply = await hub.ask("GET", "/x", Authorization=f"Bearer {token}")
        if role in allowed:
            assert (reply.status, json.loads(reply.body)) == (200, {"name": f"the-{role}"})
        else:
            assert reply.status == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer fh_wrong"},
                {"Authorization": "Basic YTpi"}, {"Authorization": ""}],
)  # fmt: skip
async def test_without_a_valid_token_nobody_gets_in(serve, tokens, headers):
    bearer = auth.Bearer(tokens.verify)
    hub = await serve(Route("GET", "/x", whoami), authenticate=bearer)

    reply = await hub.ask("GET", "/x", **headers)

    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="hub"'
    assert bearer.failed_count == (1 if "Bearer" in headers.get("Authorization", "") else 0)


async def test_the_scheme_s_name_ignores_case(serve, tokens):
    hub = await serve(Route("GET", "/x", whoami), verify=tokens.verify)

    reply = await hub.ask("GET", "/x", Authorization=f"bearer   {tokens.by_role['viewer']} ")

    assert reply.status == 200


async def test_those_without_the_role_are_counted(serve, tokens):
    bearer = auth.Bearer(tokens.verify)
    hub = await serve(Route("GET", "/x", whoami), authenticate=bearer)

    await hub.ask("GET", "/x", Authorization=f"Bearer {tokens.by_role['user']}")

    assert (bearer.failed_count, bearer.forbidden_count) == (0, 1)


async def test_a_refused_caller_s_body_is_not_read(serve, tokens):
    async def handler(request):
        return Response()

    hub = await serve(Route("POST", "/x", handler), verify=tokens.verify)
    wire = await hub.wire()

    reply = await wire.ask(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n")

    assert reply.status == 401

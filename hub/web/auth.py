"""Who calls: roles by API token."""

from collections.abc import Callable, Mapping

from hub.accounts.users import Role, User
from hub.clock import EPOCH
from hub.errors import Forbidden, Unauthorized

LOCAL = User(id="local", name="local", display_name="Command line", role=Role.OWNER, created=EPOCH)
"""Who calls over the control socket: its file lets in the hub's own user alone."""

_ROLES = {role.value: role for role in Role}


class Bearer:
    """Finds the caller by ``Authorization: Bearer``; *verify* looks up a token."""

    def __init__(self, verify: Callable[[str], User | None]) -> None:
        self._verify = verify
        self.failed_count = 0
        self.forbidden_count = 0

    def __call__(self, headers: Mapping[str, str], role: str) -> User:
        """Return the caller if they have at least *role*.

        Raises:
            Unauthorized: There is no token, or it opens nothing.
            Forbidden: The token's user may not do this.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("send an API token as Authorization: Bearer")
        user = self._verify(token.strip())
        if user is None:
            self.failed_count += 1
            raise Unauthorized("the token is unknown or has expired")
        if not user.role.includes(_ROLES[role]):
            self.forbidden_count += 1
            raise Forbidden(f"this takes the role {role}, and {user.name} is {user.role}")
        return user


def local(headers: Mapping[str, str], role: str) -> User:
    """Let in whoever reached the control socket."""
    return LOCAL

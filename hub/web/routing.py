"""The route table: which plugin answers a path, and in whose dialect errors are told.

It is a resolver of our own, because zones have to answer for paths that match nothing, an exact
route has to beat another plugin's zone, and two plugins that claim one route have to be named.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from hub.errors import PluginError
from hub.http import Route, Zone
from hub.web.counts import Counts
from hub.web.dialect import CORE, Dialect, core_problem
from hub.web.trie import Node, shape_of, split

NO_PARAMS: Mapping[str, str] = MappingProxyType({})
_METHOD = re.compile(r"[A-Z]{1,20}")
_ACCESS = frozenset({"public", "user", "viewer", "admin", "owner"})
_SLASHES = re.compile(r"/{2,}")
_PREFIX = re.compile(r"/|(?:/[^/?#{}\s]+)+")


class Bound:
    """A route with what answering it takes."""

    __slots__ = ("dialect", "is_vital", "names", "route")

    def __init__(
        self, route: Route, dialect: Dialect, names: tuple[str, ...], *, is_vital: bool
    ) -> None:
        self.route = route
        self.dialect = dialect
        self.names = names
        self.is_vital = is_vital


@frozen
class Found:
    """The route that answers, the path it was found under, and its parameters' values."""

    bound: Bound
    path: str
    params: Mapping[str, str] = NO_PARAMS


@frozen
class Missing:
    """No route answers; if the path has other methods, they are in ``allowed``."""

    dialect: Dialect
    allowed: tuple[str, ...] = ()


@frozen
class _Claim:
    owner: str
    routes: tuple[Route, ...]
    zones: tuple[Zone, ...]
    is_vital: bool


class RouteTable:
    """All routes and zones, by owner; what it does not have may lie in another one *beyond*."""

    def __init__(self, counts: Counts, beyond: "RouteTable | None" = None) -> None:
        self.counts = counts
        self._beyond = beyond
        self.exact: dict[tuple[str, str], Bound] = {}
        """Routes without parameters by method and raw path: the short cut for what is hot."""
        self._claims: list[_Claim] = []
        self._root: Node[Bound] = Node()
        self._zones: list[tuple[str, Dialect]] = []
        self._dialects: dict[tuple[str, str], Dialect] = {}
        self.fallback = Dialect(counts.of(CORE), core_problem, {}, None)

    def add(
        self,
        owner: str,
        routes: Sequence[Route] = (),
        zones: Sequence[Zone] = (),
        *,
        is_vital: bool = False,
    ) -> Callable[[], None]:
        """Add all that *owner* claims, or nothing; return what takes it away again.

        Vital routes are answered while the hub starts, stops and is overloaded.

        Raises:
            PluginError: A claim is malformed, or somebody else has it: both are named.
        """
        claim = _Claim(owner, tuple(routes), tuple(zones), is_vital)
        try:
            self._check(claim)
        except ValueError as err:
            raise PluginError(owner, str(err)) from err
        self._rebuild([*self._claims, claim])

        def remove() -> None:
            if claim in self._claims:
                self._rebuild([other for other in self._claims if other is not claim])

        return remove

    def routes(self) -> list[tuple[str, Route]]:
        """Return every route with its owner, in the order in which they were added."""
        return [(claim.owner, route) for claim in self._claims for route in claim.routes]

    def resolve(self, method: str, path: str) -> Found | Missing:
        """Find what answers *method* at the raw, still encoded *path*."""
        zone = self._zone_of(_SLASHES.sub("/", path))
        looked_up = zone.normalise(path) if zone.normalise is not None else path
        found = self._find(method, looked_up)
        if isinstance(found, Found):
            return found
        # The gateways of a plugin write its routes in their own way outside its zone as well.
        for dialect in self._dialects.values():
            if dialect.normalise is not None and dialect is not zone:
                theirs = dialect.normalise(path)
                bound = self.exact.get((method, theirs))
                if bound is not None and bound.dialect.tally is dialect.tally:
                    return Found(bound, theirs)
        if found is None and self._beyond is not None:
            return self._beyond.resolve(method, path)
        return found or Missing(zone)

    def _find(self, method: str, path: str) -> Found | Missing | None:
        bound = self.exact.get((method, path))
        if bound is not None:
            return Found(bound, path)
        if not path.startswith("/"):
            return None
        allowed: list[str] = []
        dialect: Dialect | None = None
        for ends, values in self._root.walk(split(path)):
            bound = ends.get(method) or (ends.get("GET") if method == "HEAD" else None)
            if bound is not None:
                return Found(bound, path, dict(zip(bound.names, values, strict=True)))
            dialect = dialect or next(iter(ends.values())).dialect
            allowed.extend(ends)
        if dialect is None:
            return None
        also = {"HEAD"} if "GET" in allowed else set()
        return Missing(dialect, tuple(sorted({*allowed, *also, "OPTIONS"})))

    def _zone_of(self, path: str) -> Dialect:
        for prefix, dialect in self._zones:
            if path == prefix or path.startswith(prefix if prefix == "/" else prefix + "/"):
                return dialect
        return self.fallback

    # -- wiring -----------------------------------------------------------------------------------

    def _check(self, claim: _Claim) -> None:
        self._check_zones(claim)
        held = {
            (route.method, shape_of(route.path)[0]): (other.owner, route)
            for other in self._claims
            for route in other.routes
        }
        for route in claim.routes:
            shape, _ = shape_of(route.path)
            _check_route(route)
            taken = held.get((route.method, shape))
            if taken is not None:
                raise ValueError(
                    f"route {route.method} {route.path} is claimed by {claim.owner}, "
                    f"but {taken[0]} has it already ({taken[1].method} {taken[1].path})"
                )
            held[route.method, shape] = (claim.owner, route)
        for owner, route, zone_owner, zone in self._trespassers(claim):
            raise ValueError(
                f"route {route.method} {route.path} of {owner} has parameters and lies in the zone "
                f"{zone.prefix} of {zone_owner}: only exact paths may"
            )

    def _check_zones(self, claim: _Claim) -> None:
        held = {zone.prefix: other.owner for other in self._claims for zone in other.zones}
        for zone in claim.zones:
            if not _PREFIX.fullmatch(zone.prefix):
                raise ValueError(f"zone {zone.prefix!r}: expected a prefix such as /api/v9")
            if zone.prefix in held:
                raise ValueError(
                    f"zone {zone.prefix} is claimed by {claim.owner}, "
                    f"but {held[zone.prefix]} has it already"
                )
            held[zone.prefix] = claim.owner
            Dialect(self.counts.of(CORE), zone.problem, zone.headers, zone.normalise)

    def _trespassers(self, claim: _Claim) -> Iterator[tuple[str, Route, str, Zone]]:
        claims = [*self._claims, claim]
        zones = sorted(
            ((zone, other.owner) for other in claims for zone in other.zones),
            key=lambda pair: -len(pair[0].prefix),
        )
        for other in claims:
            for route in other.routes:
                for zone, owner in zones:
                    if f"{route.path}/".startswith(f"{zone.prefix}/"):
                        if owner not in {other.owner, CORE} and "{" in route.path:
                            yield other.owner, route, owner, zone
                        break

    def _rebuild(self, claims: list[_Claim]) -> None:
        zones = [
            (zone.prefix, self._dialect(claim.owner, zone))
            for claim in claims
            for zone in claim.zones
        ]
        zones.sort(key=lambda pair: -len(pair[0]))
        root: Node[Bound] = Node()
        exact: dict[tuple[str, str], Bound] = {}
        for claim in claims:
            for route in claim.routes:
                shape, names = shape_of(route.path)
                dialect = self._dialect_for(claim.owner, route.path, zones)
                bound = Bound(route, dialect, names, is_vital=claim.is_vital)
                root.add(shape, route.method, bound)
                if not names:
                    exact[route.method, route.path] = bound
        self._claims, self._root, self._zones, self.exact = claims, root, zones, exact
        self._dialects = {(d.tally.owner, prefix): d for prefix, d in zones}

    def _dialect(self, owner: str, zone: Zone) -> Dialect:
        return Dialect(self.counts.of(owner), zone.problem, zone.headers, zone.normalise)

    def _dialect_for(self, owner: str, path: str, zones: list[tuple[str, Dialect]]) -> Dialect:
        own = [(prefix, d) for prefix, d in zones if d.tally.owner == owner]
        for prefix, dialect in own:
            if prefix == "/" or f"{path}/".startswith(f"{prefix}/"):
                return dialect
        if own:
            return own[0][1]
        core = next((d for prefix, d in zones if prefix == "/"), self.fallback)
        return Dialect(self.counts.of(owner), core.problem, core.headers, None)


def _check_route(route: Route) -> None:
    if not _METHOD.fullmatch(route.method):
        raise ValueError(f"route {route.method!r} {route.path}: expected a method such as POST")
    if isinstance(route.access, str) and route.access not in _ACCESS:
        raise ValueError(
            f"route {route.method} {route.path}: access {route.access!r}: expected public, user, "
            "viewer, admin, owner or a function"
        )

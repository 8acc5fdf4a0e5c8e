import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import PluginError
from hub.http import Response, Route, Zone
from hub.web.counts import Counts
from hub.web.dialect import core_problem
from hub.web.routing import Found, Missing, RouteTable


async def handler(request):
    return Response()


def route(method, path, **options):
    return Route(method, path, handler, **options)


def zone(prefix, **options):
    return Zone(prefix=prefix, problem=core_problem, **options)


@pytest.fixture
def bare():
    return RouteTable(Counts())


def squeeze(path):
    return re.sub("/+", "/", path).rstrip("/")


def owner_of(found):
    dialect = found.bound.dialect if isinstance(found, Found) else found.dialect
    return dialect.tally.owner


def test_an_exact_path_is_found_by_method_and_path(bare):
    post = route("POST", "/api/v4/measurements")
    bare.add("efento", [post])

    assert bare.exact["POST", "/api/v4/measurements"].route is post
    assert bare.resolve("POST", "/api/v4/measurements").bound.route is post


def test_parameters_are_found_and_decoded(bare):
    bare.add("waziup", [route("GET", "/api/v2/devices/{device_id}/sensors/{sensor}")])

    found = bare.resolve("GET", "/api/v2/devices/a%2Fb/sensors/t%201")

    assert found.params == {"device_id": "a/b", "sensor": "t 1"}


def test_an_exact_route_beats_parameters_and_falls_back_for_other_methods(bare):
    by_name, special = route("POST", "/x/{name}"), route("GET", "/x/special")
    bare.add("barn", [by_name, special, route("GET", "/x/{name}")])

    assert bare.resolve("GET", "/x/special").bound.route is special
    assert bare.resolve("POST", "/x/special").bound.route is by_name


def test_a_path_that_has_other_methods_says_which(bare):
    bare.add("barn", [route("POST", "/x"), route("GET", "/x"), route("PUT", "/y")])

    assert bare.resolve("DELETE", "/x").allowed == ("GET", "HEAD", "OPTIONS", "POST")
    assert bare.resolve("GET", "/y").allowed == ("OPTIONS", "PUT")
    assert bare.resolve("GET", "/z").allowed == ()


def test_head_is_answered_by_get(bare):
    bare.add("barn", [route("GET", "/x")])

    assert bare.resolve("HEAD", "/x").bound.route.method == "GET"


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/", "hub"),
        ("/nothing", "hub"),
        ("/api/v4", "efento"),
        ("/api/v4/nothing", "efento"),
        ("//api//v4/nothing", "efento"),
        ("/api/v40", "hub"),
        ("/api/v4/deeper/nothing", "deep"),
        ("*", "hub"),
        ("", "hub"),
    ],
)
def test_what_matches_nothing_belongs_to_the_longest_zone(bare, path, owner):
    bare.add("hub", zones=[zone("/")])
    bare.add("efento", zones=[zone("/api/v4")])
    bare.add("deep", zones=[zone("/api/v4/deeper")])

    missing = bare.resolve("GET", path)

    assert isinstance(missing, Missing)
    assert owner_of(missing) == owner


def test_an_exact_route_beats_another_plugin_s_zone_and_speaks_its_own_dialect(bare):
    bare.add("waziup", [route("GET", "/api/v2/{thing}")], [zone("/api/v2")])
    bare.add("efento", [route("POST", "/api/v2/measurements")], [zone("/api/v4")])

    assert owner_of(bare.resolve("POST", "/api/v2/measurements")) == "efento"
    assert owner_of(bare.resolve("GET", "/api/v2/measurements")) == "waziup"
    assert owner_of(bare.resolve("PUT", "/api/v2/measurements")) == "efento"
    assert owner_of(bare.resolve("POST", "/api/v2/other")) == "waziup"


def test_a_zone_s_normaliser_finds_what_the_gateways_write(bare):
    bare.add(
        "efento",
        [route("POST", "/api/v4/measurements"), route("POST", "/api/v2/measurements")],
        [zone("/api/v4", normalise=squeeze)],
    )
    bare.add("waziup", [], [zone("/api/v2")])

    for path in ("/api/v4/measurements/", "//api/v4//measurements", "/api/v2/measurements/"):
        found = bare.resolve("POST", path)
        assert owner_of(found) == "efento"
        assert found.path == squeeze(path)
    assert isinstance(bare.resolve("POST", "/api/v2/measurements/x"), Missing)


def test_a_normaliser_does_not_lead_to_another_plugin_s_route(bare):
    bare.add("waziup", [route("GET", "/api/v2/devices")], [zone("/api/v2")])
    bare.add("efento", [], [zone("/api/v4", normalise=squeeze)])

    assert isinstance(bare.resolve("GET", "/api/v2/devices/"), Missing)


@pytest.mark.parametrize(
    ("first", "second"), [("/x/{id}", "/x/{name}"), ("/x", "/x"), ("/{a}/x/{b}", "/{c}/x/{d}")]
)
def test_a_route_that_is_taken_is_refused_with_both_names(bare, first, second):
    bare.add("waziup", [route("GET", first), route("POST", second)])

    with pytest.raises(PluginError) as refused:
        bare.add("thingsboard", [route("GET", "/fine"), route("GET", second)])

    for part in ("thingsboard", "waziup", first, second):
        assert part in str(refused.value)
    assert bare.resolve("GET", "/fine").allowed == ()


def test_a_plugin_can_not_claim_a_route_twice(bare):
    with pytest.raises(PluginError, match="claimed by barn, but barn has it already"):
        bare.add("barn", [route("GET", "/x"), route("GET", "/x")])


def test_a_zone_that_is_taken_is_refused_with_both_names(bare):
    bare.add("waziup", zones=[zone("/api/v2")])

    with pytest.raises(PluginError, match="claimed by efento, but waziup has it already"):
        bare.add("efento", zones=[zone("/api/v2")])


def test_only_exact_routes_may_lie_in_another_plugin_s_zone(bare):
    bare.add("waziup", zones=[zone("/api/v2")])
    with pytest.raises(PluginError, match="zone /api/v2 of waziup: only exact paths may"):
        bare.add("efento", [route("GET", "/api/v2/{thing}")])

    bare.add("early", [route("GET", "/api/v3/{thing}")])
    with pytest.raises(PluginError, match=r"GET /api/v3/\{thing\} of early"):
        bare.add("late", zones=[zone("/api/v3")])


def test_parameters_are_fine_in_the_core_s_zones(bare):
    bare.add("hub", zones=[zone("/"), zone("/api")])
    bare.add("hello", [route("GET", "/api/hello/{name}")])

    assert bare.resolve("GET", "/api/hello/you").params == {"name": "you"}
    assert owner_of(bare.resolve("GET", "/api/hello/you")) == "hello"


@pytest.mark.parametrize(
    ("routes", "zones"),
    [
        ([Route("get", "/x", handler)], []),
        ([Route("GET", "x", handler)], []),
        ([Route("GET", "/x", handler, access="root")], []),
        ([], [zone("api")]),
        ([], [zone("/api/")]),
        ([], [zone("/api/{x}")]),
        ([], [zone("/api", headers={"X-Y": "a\r\nb"})]),
        ([], [zone("/api", headers={"X Y": "a"})]),
    ],
)
def test_a_malformed_claim_is_refused_with_the_plugin_s_name(bare, routes, zones):
    with pytest.raises(PluginError, match=r"plugin barn: .*expected"):
        bare.add("barn", routes, zones)


def test_what_is_taken_away_is_gone_and_can_be_claimed_again(bare):
    remove = bare.add("barn", [route("GET", "/x")], [zone("/api/v9")])
    bare.add("other", [route("GET", "/y")])

    remove()
    remove()

    assert bare.resolve("GET", "/x").allowed == ()
    assert owner_of(bare.resolve("GET", "/api/v9/x")) == "hub"
    assert [(owner, r.path) for owner, r in bare.routes()] == [("other", "/y")]
    bare.add("third", [route("GET", "/x")], [zone("/api/v9")])


def test_what_a_table_does_not_have_is_looked_for_beyond(bare):
    bare.add("barn", [route("GET", "/x"), route("GET", "/z")])
    near = RouteTable(bare.counts, beyond=bare)
    near.add("hub", [route("POST", "/y"), route("POST", "/z")])

    assert owner_of(near.resolve("POST", "/y")) == "hub"
    assert owner_of(near.resolve("GET", "/x")) == "barn"
    assert near.resolve("PUT", "/z").allowed == ("OPTIONS", "POST")


@given(st.text(max_size=5), st.text(st.sampled_from("/%2.fa{}*?#é\x00"), max_size=60))
def test_no_path_whatever_upsets_the_table(method, path):
    table = RouteTable(Counts())
    table.add(
        "barn",
        [route("GET", "/a/{b}/f"), route("POST", "/a"), route("GET", "/")],
        [zone("/a", normalise=squeeze)],
    )

    assert isinstance(table.resolve(method, path), Found | Missing)

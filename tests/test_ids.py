import re

from hypothesis import given
from hypothesis import strategies as st

from hub.ids import domain_of, is_entity_id, slug, ulid


def test_ulids_are_26_characters_and_never_the_same():
    made = {ulid() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", u) for u in made)


@given(st.integers(0, 2**48 - 2))
def test_ulids_sort_by_time(moment):
    assert ulid(moment) < ulid(moment + 1)


def test_a_ulid_begins_with_its_moment_as_the_specification_shows():
    # github.com/ulid/spec: 1469918176385 is 01ARYZ6S41
    assert ulid(1469918176385).startswith("01ARYZ6S41")


@given(st.text())
def test_every_slug_makes_an_entity_id(text):
    assert is_entity_id(f"sensor.{slug(text)}")
    assert is_entity_id(f"sensor.{slug(text)}_{slug(text)}")


def test_slugs_are_readable():
    assert slug("Kühl-Raum 3 (Süd)") == "kuhl_raum_3_sud"
    assert slug("") == slug("!!!") == "unknown"
    assert len(slug("x" * 500)) == 120


def test_the_domain_is_what_stands_before_the_point():
    assert domain_of("binary_sensor.door") == "binary_sensor"

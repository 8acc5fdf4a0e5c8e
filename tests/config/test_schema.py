"""Attrs classes as schemas: what fits becomes an instance, what does not names its line."""

import datetime as dt
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from attrs import field, frozen

from hub.config import ConfigErrors, NodeDict, NodeList, Secret, load_yaml, parse
from hub.config.nodes import Mark
from hub.config.shapes import (
    ByteSize,
    Duration,
    Host,
    ListenPort,
    Name,
    Number,
    Parsed,
    Percent,
    Port,
    ReadableFile,
    SecretText,
    Size,
    Text,
    Whole,
)


@frozen(kw_only=True)
class Gateway:
    name: Name
    token: Secret
    port: Port = 1883
    tags: tuple[str, ...] = ()


@frozen(kw_only=True)
class Cloud:
    gateways: tuple[Gateway, ...] = ()
    extra: dict[str, int] = field(factory=dict)
    from_: str = "here"
    hidden: int = field(default=1, init=False)


def gateway_yaml(tmp_path, text, cls=Cloud, where="thingsboard", environment=None):
    (tmp_path / "hub.yaml").write_text(text)
    (tmp_path / "secrets.yaml").write_text("pin: 1883\nword: hunter2\n")
    node, _ = load_yaml(tmp_path / "hub.yaml", environment=environment or {})
    return parse(cls, node, where, folder=tmp_path)


def refusal(tmp_path, text, cls=Cloud, **options):
    with pytest.raises(ConfigErrors) as caught:
        gateway_yaml(tmp_path, text, cls, **options)
    return str(caught.value).splitlines()


def test_a_class_is_its_own_schema(tmp_path):
    text = "gateways:\n- {name: Farm, token: !secret word, tags: [a, b]}\nextra: {a: 1}\nfrom: x"
    cloud = gateway_yaml(tmp_path, text)

    assert cloud == Cloud(
        gateways=(Gateway(name="Farm", token=Secret("hunter2"), tags=("a", "b")),),
        extra={"a": 1},
        from_="x",
    )
    assert type(cloud.gateways[0].name) is str
    assert "hunter2" not in repr(cloud)


def test_an_error_points_at_file_line_and_key(tmp_path):
    text = "\n" * 11 + "gateways: [{name: Farm, token: 1883}]"

    assert refusal(tmp_path, text) == [
        "hub.yaml:12: thingsboard.gateways[0].token: expected text, got 1883"
    ]


def test_all_errors_come_at_once_in_the_order_of_their_lines(tmp_path):
    text = """
extra: {a: x, 5: 1, b: true}
gateways:
- name: ''
  tokn: x
- 7
- {name: Barn, token: t, port: 0, tags: x}
from: [1]
hidden: 3
"""
    assert refusal(tmp_path, text) == [
        "hub.yaml:2: thingsboard.extra.a: expected a whole number, got 'x'",
        "hub.yaml:2: thingsboard.extra.5: expected a key that is text, got 5",
        "hub.yaml:2: thingsboard.extra.b: expected a whole number, got true",
        "hub.yaml:4: thingsboard.gateways[0].name: expected a name of 1 to 255 characters, got ''",
        "hub.yaml:4: thingsboard.gateways[0].token: required, and missing",
        'hub.yaml:5: thingsboard.gateways[0].tokn: unknown key, did you mean "token"?',
        "hub.yaml:6: thingsboard.gateways[1]: expected a mapping, got 7",
        "hub.yaml:7: thingsboard.gateways[2].port: expected a port from 1 to 65535, got 0",
        "hub.yaml:7: thingsboard.gateways[2].tags: expected a list, got 'x'",
        "hub.yaml:8: thingsboard.from: expected text, got a list",
        "hub.yaml:9: thingsboard.hidden: unknown key",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gateways: [{name: x, token: ''}]", "expected a secret of at least 1 character(s)"),
        ("gateways: [{name: x, token: {a: 1}}]", "expected text, got a mapping"),
        ("gateways: [{name: x, token: ~}]", "expected text, got nothing"),
        ("gateways: [{name: x, token: !secret pin}]", "expected text, got **REDACTED**"),
        ("gateways: [{name: x, token: t, port: !secret word}]", "65535, got **REDACTED**"),
        ("gateways: [{name: x, token: t, tags: [!secret pin]}]", "text, got **REDACTED**"),
        ("gateways: [{name: x, token: t, port: !env_var W hunter2}]", "65535, got **REDACTED**"),
    ],
)
def test_no_error_gives_a_secret_away(tmp_path, text, message):
    (line,) = refusal(tmp_path, text)
    assert line.endswith(message)


def test_what_the_environment_says_is_read_as_what_is_expected(tmp_path):
    @frozen
    class Env:
        port: Port
        ratio: Percent
        is_on: bool
        text: str

    text = "port: !env_var A\nratio: !env_var B 12.5\nis_on: !env_var C yes\ntext: !env_var A"

    assert gateway_yaml(tmp_path, text, Env, environment={"A": "80"}) == Env(80, 12.5, True, "80")
    assert len(refusal(tmp_path, text, Env, environment={"A": "x", "C": "y"})) == 2


def test_a_value_that_is_only_quoted_is_no_number(tmp_path):
    assert refusal(tmp_path, "gateways: [{name: x, token: t, port: '80'}]") == [
        "hub.yaml:1: thingsboard.gateways[0].port: expected a port from 1 to 65535, got '80'"
    ]


def test_nothing_counts_as_an_empty_section_list_and_mapping(tmp_path):
    assert gateway_yaml(tmp_path, "gateways:\nextra:\n") == Cloud()
    assert gateway_yaml(tmp_path, "") == Cloud()
    assert parse(Cloud, None) == Cloud()
    assert parse(Cloud, {"from": "x", "gateways": []}) == Cloud(from_="x")


def test_plain_values_are_parsed_too_and_named_as_configuration():
    with pytest.raises(ConfigErrors, match=r"^configuration: a\.from: expected text, got 5$"):
        parse(Cloud, {"from": 5}, "a")
    with pytest.raises(ConfigErrors, match=r"^x\.yaml:7: a: expected a mapping, got 5$"):
        parse(Cloud, 5, "a", mark=Mark("x.yaml", 7))


def test_a_class_may_refuse_values_that_do_not_fit_together(tmp_path):
    @frozen
    class Range:
        low: int
        high: int

        def __attrs_post_init__(self):
            if self.low > self.high:
                raise ValueError("low is above high")

    assert refusal(tmp_path, "\nlow: 2\nhigh: 1", Range, where="r") == [
        "hub.yaml:2: r: low is above high"
    ]


def test_a_very_wrong_file_is_not_listed_to_its_end(tmp_path):
    assert len(refusal(tmp_path, "\n".join(f"from{i}: 1" for i in range(500)))) == 200


def test_a_strange_key_does_not_break_the_line(tmp_path):
    assert refusal(tmp_path, '"a\\nb\\e": 1\n' + "k" * 99 + ": 1") == [
        "hub.yaml:1: thingsboard.a?b?: unknown key",
        f"hub.yaml:2: thingsboard.{'k' * 40}: unknown key",
    ]


SHAPES = [
    (str, "x", "x"),
    (int, 5, 5),
    (float, 5, 5.0),
    (bool, True, True),
    (object, [1], [1]),
    (Any, None, None),
    (NodeList, None, []),
    (NodeList, [1], [1]),
    (NodeList, NodeList([1]), [1]),
    (str | None, None, None),
    (str | None, "x", "x"),
    (Literal["a", 1, True], True, True),
    (Literal["a", 1], 1, 1),
    (tuple[int, ...], [1, 2], (1, 2)),
    (Mapping[str, tuple[int, ...]], {"a": [1]}, {"a": (1,)}),
    (Annotated[str, "a remark"], "x", "x"),
    (Annotated[str, Text(pattern="[a-z]+")], "abc", "abc"),
    (Annotated[int, Whole(minimum=1)], 1, 1),
    (Annotated[int, Whole(maximum=1)], -5, -5),
    (Annotated[int, Parsed(lambda text: int(text, 16), "hex digits")], "ff", 255),
    (ZoneInfo, "Europe/Amsterdam", ZoneInfo("Europe/Amsterdam")),
    (dt.timedelta, 90, dt.timedelta(seconds=90)),
    (dt.timedelta, 0.5, dt.timedelta(milliseconds=500)),
    (dt.timedelta, "90", dt.timedelta(seconds=90)),
    (dt.timedelta, "01:30", dt.timedelta(hours=1, minutes=30)),
    (dt.timedelta, "1:02:03.5", dt.timedelta(hours=1, minutes=2, seconds=3.5)),
    (dt.timedelta, {"minutes": 5, "seconds": "1.5"}, dt.timedelta(minutes=5, seconds=1.5)),
    (Size, 10, 10),
    (Size, "10", 10),
    (Size, "500 MB", 500_000_000),
    (Size, "1.5GiB", 3 << 29),
    (Size, "2kib", 2048),
    (Host, "farm-1.local", "farm-1.local"),
    (Host, "0.0.0.0", "0.0.0.0"),  # noqa: S104
    (Host, "::1", "::1"),
    (Host, "[fe80::1]", "fe80::1"),
    (ListenPort, 0, 0),
    (Path, "a/b", Path("a/b")),
    (Secret, "s", Secret("s")),
]


@pytest.mark.parametrize(("annotation", "node", "value"), SHAPES, ids=count())
def test_a_shape_reads_what_it_is_for(annotation, node, value):
    cls = frozen(type("Sample", (), {"__annotations__": {"x": annotation}}))

    read = parse(cls, NodeDict({"x": node})).x
    assert read == value
    assert type(read) is type(value) or annotation is NodeList


REFUSED = [
    (str, 5, "expected text, got 5"),
    (str, None, "expected text, got nothing"),
    (str, dt.date(2024, 1, 2), "expected text, got 2024-01-02"),
    (int, "x" * 99, f"expected a whole number, got '{'x' * 40}...'"),
    (int, 1.5, "expected a whole number, got 1.5"),
    (int, True, "expected a whole number, got true"),
    (Annotated[int, Whole(minimum=1)], 0, "expected a whole number of at least 1, got 0"),
    (Annotated[int, Whole(maximum=1)], 2, "expected a whole number of at most 1, got 2"),
    (Port, 10**5000, "expected a port from 1 to 65535, got a very large number"),
    (float, float("nan"), "expected a number, got nan"),
    (float, float("inf"), "expected a number, got inf"),
    (float, 10**400, "expected a number, got a very large number"),
    (float, False, "expected a number, got false"),
    (Annotated[float, Number(maximum=2)], 3, "expected a number of at most 2, got 3"),
    (bool, 1, "expected true or false, got 1"),
    (bool, "yes", "expected true or false, got 'yes'"),
    (Literal["a", "b", "c"], "d", "expected a, b or c, got 'd'"),
    (Literal["a"], None, "expected a, got nothing"),
    (Literal[1], True, "expected 1, got true"),
    (NodeList, "x", "expected a list, got 'x'"),
    (tuple[int, ...], {}, "expected a list, got a mapping"),
    (dict[str, int], [], "expected a mapping, got a list"),
    (Annotated[str, Text("a word", pattern="[a-z]+")], "a b", "expected a word, got 'a b'"),
    (Annotated[int, Parsed(lambda text: int(text, 16), "hex digits")], "x", "expected hex digits"),
    (Annotated[int, Parsed(lambda text: int(text, 16), "hex digits")], 5, "expected hex digits"),
    (Annotated[Secret, SecretText(8)], "short", "expected a secret of at least 8 character(s)"),
    (ZoneInfo, "Mars/Olympus", "expected a time zone such as Europe/Amsterdam, got 'Mars/"),
    (ZoneInfo, "Europe", "expected a time zone such as"),
    (ZoneInfo, "../etc/passwd", "expected a time zone such as"),
    (ZoneInfo, 1, "expected a time zone such as"),
    (dt.timedelta, -1, "expected a duration from 0:00:00 to 36500 days"),
    (dt.timedelta, True, 'expected seconds, "HH:MM:SS", or a mapping such as'),
    (dt.timedelta, "1:60", "expected seconds"),
    (dt.timedelta, "nan", "expected seconds"),
    (dt.timedelta, 10**400, "expected seconds"),
    (dt.timedelta, {"years": 1}, "expected seconds"),
    (dt.timedelta, {"hours": True}, "expected seconds"),
    (dt.timedelta, {}, "expected seconds"),
    (dt.timedelta, None, "expected seconds"),
    (Annotated[dt.timedelta, Duration(minimum=dt.timedelta(minutes=1))], 5, "expected a duration"),
    (Size, "10 XB", "expected a size such as 10GiB, got '10 XB'"),
    (Size, True, "expected a size such as 10GiB, got true"),
    (Size, -1, "expected a size such as 10GiB, got -1"),
    (Size, "", "expected a size such as 10GiB, got ''"),
    (Annotated[int, ByteSize(minimum=99)], 5, "expected a size such as 10GiB of at least 99 bytes"),
    (Host, "a b", "expected a host name or an IP address, got 'a b'"),
    (Host, "-x", "expected a host name"),
    (Host, 1, "expected a host name"),
    (Path, "", "expected a path, got ''"),
    (Path, "a\0b", "expected a path"),
    (Path, 1, "expected a path, got 1"),
    (ReadableFile, "missing.pem", "expected a file that exists and can be read, got 'missing.pem'"),
    (ReadableFile, "x" * 5000, "expected a file that exists"),
]


@pytest.mark.parametrize(("annotation", "node", "message"), REFUSED, ids=count())
def test_a_shape_says_what_it_expected(annotation, node, message):
    cls = frozen(type("Sample", (), {"__annotations__": {"x": annotation}}))

    with pytest.raises(ConfigErrors) as caught:
        parse(cls, NodeDict({"x": node}))
    assert str(caught.value).startswith(f"configuration: x: {message}")


def test_paths_start_at_the_configuration_folder_or_at_home(tmp_path, monkeypatch):
    @frozen
    class Files:
        near: ReadableFile
        home: Path
        far: Path

    monkeypatch.setenv("HOME", "/home/anna")
    (tmp_path / "near.pem").touch()
    node = {"near": "near.pem", "home": "~/x", "far": "/etc/x"}

    assert parse(Files, node, folder=tmp_path) == Files(
        tmp_path / "near.pem", Path("/home/anna/x"), Path("/etc/x")
    )


@pytest.mark.parametrize(
    "annotation", [bytes, set[int], int | str, tuple[int, str], dict[int, int]]
)
def test_an_annotation_without_a_shape_is_a_mistake_of_the_programmer(annotation):
    cls = frozen(type("Sample", (), {"__annotations__": {"x": annotation}}))

    with pytest.raises(TypeError, match="no shape is known for the annotation"):
        parse(cls, {})

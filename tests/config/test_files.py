"""YAML files as a user writes them: marks, includes, secrets, and everything that goes wrong."""

import gc
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.config import builder, files
from hub.config.files import load_yaml
from hub.config.nodes import NodeDict, NodeList, NodeStr, child_mark, mark_of, where
from hub.errors import ConfigErrors


@pytest.fixture(params=["libyaml", "python"])
def parser(request, monkeypatch):
    """Both of PyYAML's parsers: not every machine has libyaml."""
    loader = yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader
    monkeypatch.setattr(builder, "EVENTS", loader)


@pytest.fixture
def folder(tmp_path):
    """A configuration folder, filled by ``folder(name=text)``."""

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def read(folder, name="hub.yaml", environment=None):
    return load_yaml(folder / name, folder, environment or {})


def errors(folder, name="hub.yaml", environment=None):
    with pytest.raises(ConfigErrors) as caught:
        read(folder, name, environment)
    assert all(error.file for error in caught.value.errors)
    return str(caught.value).splitlines()


def test_every_key_and_item_knows_its_file_and_line(folder, parser):
    node, problems = read(folder(hub="a: 1\nb:\n  - x\n  -\n    c: yes\n"))

    assert node == {"a": 1, "b": ["x", {"c": True}]}
    assert problems == []
    assert where(node) == ("hub.yaml", 1)
    assert where(node, "a") == ("hub.yaml", 1)
    assert where(node, "b") == ("hub.yaml", 2)
    assert where(node["b"], 0) == ("hub.yaml", 3)
    assert where(node["b"][0]) == ("hub.yaml", 3)
    assert where(node["b"][1], "c") == ("hub.yaml", 5)
    assert (type(node), type(node["b"]), type(node["b"][0])) == (NodeDict, NodeList, NodeStr)


def test_what_knows_no_place_falls_back_to_what_holds_it(folder, parser):
    node, _ = read(folder(hub="a: [1]\n"))

    assert where(node, "missing") == where(node)
    assert where(node["a"], 5) == where(node["a"])
    assert where(5) == ("configuration", 0)
    assert child_mark(5, "x", mark_of(node)) == mark_of(node)
    assert where(NodeDict({"a": 1}), "a") == ("configuration", 0)


def test_yaml_1_1_has_its_own_idea_of_booleans_and_times(folder, parser):
    node, _ = read(folder(hub="- on\n- off\n- yes\n- no\n- 'on'\n- 12:30:00\n- 07:05\n- ~\n"))

    assert node == [True, False, True, False, "on", 45000, "07:05", None]


@pytest.mark.parametrize("is_collecting", [True, False])
def test_the_garbage_collector_is_left_as_it_was(folder, is_collecting):
    root = folder(hub="a: 1", broken="a: [")
    try:
        if not is_collecting:
            gc.disable()
        read(root)
        errors(root, "broken.yaml")
        assert gc.isenabled() is is_collecting
    finally:
        gc.enable()


def test_an_empty_file_is_nothing(folder, parser):
    assert read(folder(hub="# nothing here\n")) == (None, [])


def test_a_key_that_is_there_twice_is_warned_about_and_the_last_counts(folder, parser):
    node, problems = read(folder(hub="a: 1\nb: {x: 1, x: 2}\na: 3\n"))

    assert node == {"a": 3, "b": {"x": 2}}
    assert [str(problem) for problem in problems] == [
        "hub.yaml:3: a: this key is there twice, the one in line 1 does not count",
        "hub.yaml:2: x: this key is there twice, the one in line 2 does not count",
    ]


def test_a_merged_key_that_is_overridden_is_no_duplicate(folder, parser):
    node, problems = read(folder(hub="a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n"))

    assert node["b"] == {"x": 1, "y": 3}
    assert problems == []


def test_an_include_keeps_the_places_of_its_own_file(folder, parser):
    node, _ = read(
        folder(
            hub="a: !include sub/one.yaml\n", sub__one="- 1\n- !include two.yaml\n", sub__two="x: y"
        )
    )

    assert node == {"a": [1, {"x": "y"}]}
    assert where(node, "a") == ("hub.yaml", 1)
    assert where(node["a"], 1) == ("sub/one.yaml", 2)
    assert where(node["a"][1], "x") == ("sub/two.yaml", 1)


def test_a_folder_is_included_in_four_ways(folder, parser):
    root = folder(
        lists="- !include_dir_list parts\n- !include_dir_merge_list parts\n",
        dicts="- !include_dir_named names\n- !include_dir_merge_named names\n",
        parts__b="[3]",
        parts__a="[1, 2]",
        parts__deep__c="[4]",
        parts__secrets="a: b",
        parts__empty="",
        names__one="{a: 1}",
        names__two="",
        names__three="{b: 2}",
    )
    (root / "parts" / ".hidden").mkdir()
    (root / "parts" / ".hidden" / "x.yaml").write_text("[9]")
    (root / "parts" / "note.txt").write_text("[9]")

    lists, _ = read(root, "lists.yaml")
    assert lists == [[[1, 2], [3], [4], None], [1, 2, 3, 4]]
    assert where(lists[0], 2) == ("parts/deep/c.yaml", 1)
    assert where(lists[1], 2) == ("parts/b.yaml", 1)
    dicts, _ = read(root, "dicts.yaml")
    assert dicts == [{"one": {"a": 1}, "two": {}, "three": {"b": 2}}, {"a": 1, "b": 2}]
    assert where(dicts[0], "three") == ("names/three.yaml", 1)
    assert where(dicts[1], "b") == ("names/three.yaml", 1)


def test_what_can_not_be_merged_is_named(folder, parser):
    root = folder(
        hub="- !include_dir_merge_list parts\n- !include_dir_merge_named parts\n",
        parts__a="[1]",
        parts__b="{c: 1}",
    )

    assert errors(root) == [
        "parts/b.yaml:1: expected a list, to merge it into that of hub.yaml",
        "parts/a.yaml:1: expected a mapping, to merge it into that of hub.yaml",
    ]


def test_a_secret_is_looked_for_in_its_own_folder_and_then_upwards(folder, parser):
    root = folder(
        hub="- !secret top\n- !include sub/part.yaml\n",
        secrets="top: one\nboth: outer\nnumber: 5\n",
        sub__part="[!secret top, !secret both, !secret number]",
        sub__secrets="both: inner\n",
    )
    node, _ = read(root)

    assert node == ["one", ["one", "inner", 5]]
    assert node.marks[0].is_secret
    assert where(node[0]) == ("hub.yaml", 1)
    assert "one" not in repr(node)


def test_a_secret_that_is_missing_or_no_value_is_named(folder, parser):
    root = folder(hub="a: !secret x\nb:\n  !secret list\n", secrets="list: [1]\n")

    assert errors(root) == [
        "hub.yaml:1: the secret x is not defined; add it to secrets.yaml",
        "hub.yaml:3: the secret list must be a single value",
    ]
    (root / "secrets.yaml").unlink()
    assert len(errors(root)) == 2


def test_a_secret_may_not_need_a_secret(folder, parser):
    root = folder(hub="a: !secret x\n", secrets="x: !secret y\n")

    assert errors(root)[0].startswith("secrets.yaml:1: the secret y is not defined")


def test_the_environment_gives_text_or_its_default(folder, parser):
    root = folder(hub="[!env_var PORT, !env_var NAME a  b, !env_var PORT 1]")
    node, _ = read(root, environment={"PORT": "8480"})

    assert node == ["8480", "a b", "8480"]
    assert errors(root) == [
        "hub.yaml:1: the environment variable PORT is not set and has no default"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n  b: c: d\n", "hub.yaml:2: not valid YAML: mapping values are not allowed"),
        ("a: [\n", "hub.yaml:2: not valid YAML: while parsing a flow "),
        ("\tb: 1", "hub.yaml:1: not valid YAML: while scanning for the next token, found charac"),
        ("a: !foo 1", "hub.yaml:1: not valid YAML: unknown tag '!foo'"),
        ("a: !!binary x", "hub.yaml:1: not valid YAML: unknown tag '!!binary'"),
        ("a: !!python/name:os.system ''", "hub.yaml:1: not valid YAML: unknown tag '!!python"),
        ("\n- !!int ''", "hub.yaml:2: not a valid int"),
        ("- !!float x", "hub.yaml:1: not a valid float"),
        ("- !!bool x", "hub.yaml:1: not a valid bool"),
        ("- !!timestamp x", "hub.yaml:1: not a valid timestamp"),
        ("- 2024-13-45", "hub.yaml:1: not a valid timestamp"),
        ("- " + "9" * 5000, "hub.yaml:1: not a valid int"),
        ("- !env_var ''", "hub.yaml:1: not a valid !env_var"),
        ("- !secret [a]", "hub.yaml:1: not valid YAML: expected text after !secret"),
        ("!!map 3", "hub.yaml:1: not valid YAML: expected a mapping"),
        ("!!seq 3", "hub.yaml:1: not valid YAML: expected a list"),
        ("? [1]\n: 2", "hub.yaml:1: not valid YAML: expected a plain key"),
        ("--- 1\n--- 2", "hub.yaml:2: not valid YAML: expected a single document in the stream"),
        ("a: 1\nb: *x", "hub.yaml:2: not valid YAML: found undefined alias"),
        ("a: &a [1, *a]", "hub.yaml:1: not valid YAML: the alias *a contains itself"),
        ("[" * 200_000, "hub.yaml:1: not valid YAML: nested deeper than 50 levels"),
        ("a: b\nc: \x07", "hub.yaml:2: a control character is not allowed in YAML"),
        ("a: !include hub.yaml", "hub.yaml:1: the files include each other without end: hub.yaml"),
        ("a: !include no.yaml", "hub.yaml:1: no.yaml is not a file"),
        ("a: !include ../x.yaml", "hub.yaml:1: ../x.yaml is outside the configuration folder"),
        ("a: !include /etc/passwd", "hub.yaml:1: /etc/passwd is outside the configuration folder"),
        ('a: !include "\\0"', "hub.yaml:1: '\\x00' is no path"),
        ("a: !include_dir_list no", "hub.yaml:1: no is not a folder"),
        ("a: !include_dir_list ..", "hub.yaml:1: .. is outside the configuration folder"),
        ("a: !include .", "hub.yaml:1: . is not a file"),
    ],
)
def test_an_error_names_its_line(folder, parser, text, message):
    assert errors(folder(hub=text))[0].startswith(message)


def test_all_errors_are_gathered(folder, parser):
    root = folder(hub="- !include a.yaml\n- !include b.yaml\n- !secret x\n", a="a: [", b="b: c: d")

    assert [line.split(":")[0] for line in errors(root)] == ["a.yaml", "b.yaml", "hub.yaml"]


def test_nobody_reads_more_errors_than_a_few_hundred(folder):
    root = folder(hub="- !secret x\n" * 1000, double="a: 1\n" * 1000)

    assert len(errors(root)) == 200
    assert len(read(root, "double.yaml")[1]) == 200


def test_text_that_is_not_utf_8_names_its_line(folder):
    root = folder()
    (root / "hub.yaml").write_bytes(b"a: 1\nb: \xe9t\xe9\n")

    assert errors(root) == ["hub.yaml:2: expected text in UTF-8"]


def test_a_byte_order_mark_is_no_error(folder):
    root = folder()
    (root / "hub.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")

    assert read(root)[0] == {"a": 1}


def test_a_link_that_leads_outside_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text("a: 1")
    root = folder(hub="- !include link/x.yaml\n- !include_dir_list all\n", all__y="1")
    (root / "link").symlink_to(outside)
    (root / "all" / "x.yaml").symlink_to(outside / "x.yaml")

    assert [line.split(": ", 1)[0] for line in errors(root)] == ["hub.yaml:1", "hub.yaml:2"]


def test_includes_nest_only_so_deep(folder):
    chain = {f"f{i}": f"!include f{i + 1}.yaml" for i in range(20)}

    assert "without end: f0.yaml -> f1.yaml" in errors(folder(**chain), "f0.yaml")[0]


def test_a_chain_of_deep_files_is_refused_and_not_a_crash(folder):
    deep = {f"f{i}": "[" * 49 + f"!include f{i + 1}.yaml" + "]" * 49 for i in range(7)}

    for depth in range(200, 900, 100):

        def descend(left):
            return descend(left - 1) if left else read(folder(**deep, f7="1"), "f0.yaml")

        with pytest.raises(ConfigErrors, match="nested too deeply over its includes"):
            descend(depth)


@pytest.mark.parametrize(
    "line", ["&x{i} [*x{p}, *x{p}, *x{p}, *x{p}]", "&x{i} {{<<: [*x{p}, *x{p}, *x{p}, *x{p}]}}"]
)
def test_aliases_that_multiply_are_counted(folder, parser, line):
    first = "&x0 [1]" if "<<" not in line else "&x0 {a: 1}"
    lines = [line.format(i=i, p=i - 1) for i in range(1, 30)]
    text = "\n".join(f"k{i}: {value}" for i, value in enumerate([first, *lines]))

    assert "more than 1000000 values" in errors(folder(hub=text))[0]


def test_files_have_limits(folder, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1 << 20)
    monkeypatch.setattr(files, "MAX_FILE_COUNT", 10)
    root = folder(
        large="a: " + "x" * (1 << 20),
        many="- !include one.yaml\n" * 20,
        one="1",
    )

    assert errors(root, "large.yaml") == ["large.yaml: large.yaml is larger than 1 MiB"]
    assert errors(root, "many.yaml") == ["many.yaml:10: more than 10 files"]


def test_a_link_in_a_circle_is_explained(folder):
    root = folder(hub="a: 1")
    (root / "hub.yaml").unlink()
    (root / "hub.yaml").symlink_to("hub.yaml")

    assert errors(root) == ["hub.yaml: hub.yaml is not a file"]


def test_a_file_that_is_closed_to_the_hub_is_explained(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    root = folder(hub="a: 1")
    monkeypatch.setattr(Path, "open", refuse)

    assert errors(root) == ["hub.yaml: hub.yaml can't be read: Permission denied"]


ALPHABET = (
    st.sampled_from(list("ab:-[]{}&*!<>|?#'\"%@`,. \n\t0123e~\\=\x00é\ud7ff")) | st.characters()
)
SNIPPETS = st.sampled_from(
    [
        *["!include hub.yaml", "!include other.yaml", "!secret a", "!env_var A b", "&a", "*a"],
        "<<: *a",
        "!include_dir_list .",
        "!include_dir_merge_named .",
        "!!int",
        "!!set",
        "2024-01-01",
        "- ",
        ": ",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(ALPHABET | SNIPPETS, max_size=30), is_python=st.booleans())
def test_any_text_is_a_node_or_errors_with_their_file(tmp_path_factory, parts, is_python):
    root = tmp_path_factory.mktemp("config")
    (root / "hub.yaml").write_bytes("".join(parts).encode(errors="surrogatepass"))
    (root / "other.yaml").write_text("x: 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "EVENTS", yaml.SafeLoader if is_python else yaml.CSafeLoader)
        found = ()
        try:
            read(root)
        except ConfigErrors as error:
            found = error.errors or [None]
        assert all(error.file and error.line for error in found)

"""``hub.yaml`` as a whole."""

from zoneinfo import ZoneInfo

import pytest
import yaml
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.config import CORE_KEYS, ConfigErrors, Secret, Settings, load
from hub.config.settings import History, Http, Location, Log, Plugins, Tls

FULL = """\
name: Farm
time_zone: Europe/Amsterdam
location: {latitude: 52.37, longitude: 4.9, elevation: -2}
http: {host: 0.0.0.0, port: 0, tls: {certificate: cert.pem, key: key.pem}}
mqtt: {host: 127.0.0.1, link: {password: hunter2}}
history: {keep_days: 30, max_bytes: 1GiB, synchronous: normal}
plugins: {disabled: [waziup]}
log: {level: warning, loggers: {hub.bus: debug}}
automations: !include automations.yaml
efento: {tokens: [{name: barn, token: hunter2}]}
thingsbord:
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hub.yaml").write_text(FULL)
    (tmp_path / "automations.yaml").write_text("- alias: one\n- alias: two\n")
    (tmp_path / "cert.pem").touch()
    (tmp_path / "key.pem").touch()
    return tmp_path


def test_every_core_key_is_read(folder):
    read = load(folder)

    assert read.name == "Farm"
    assert read.time_zone == ZoneInfo("Europe/Amsterdam")
    assert read.location == Location(latitude=52.37, longitude=4.9, elevation=-2)
    tls = Tls(certificate=folder / "cert.pem", key=folder / "key.pem")
    assert read.http == Http(host="0.0.0.0", port=0, tls=tls)  # noqa: S104
    assert read.history == History(keep_days=30, max_bytes=1 << 30, synchronous="normal")
    assert read.plugins == Plugins(disabled=("waziup",))
    assert read.log == Log(level="warning", loggers={"hub.bus": "debug"})
    assert read.automations == [{"alias": "one"}, {"alias": "two"}]
    assert read.automations[1].mark.line == 2
    assert read.folder == folder


def test_sections_are_kept_for_their_plugins(folder):
    read = load(folder)

    assert list(read.sections) == ["efento", "thingsbord"]
    assert read.sections["efento"]["tokens"][0].mark.line == 10
    assert "hunter2" not in repr(read)


def test_mqtt_is_accepted_and_a_warning(folder):
    assert [str(problem) for problem in load(folder).problems] == [
        "hub.yaml:5: mqtt: ignored: this version does not speak MQTT"
    ]


def test_a_section_that_no_plugin_claims_is_a_warning_with_a_hint(folder):
    problems = load(folder).unclaimed(["efento", "thingsboard"])

    assert [str(problem) for problem in problems] == [
        'hub.yaml:11: thingsbord: ignored: no plugin of this name, did you mean "thingsboard"?'
    ]


def test_a_plugin_reads_its_section_with_its_own_class(folder):
    @frozen(kw_only=True)
    class Token:
        name: str
        token: Secret

    @frozen(kw_only=True)
    class Efento:
        tokens: tuple[Token, ...] = ()
        is_open: bool = False

    @frozen(kw_only=True)
    class Strict:
        key: str

    read = load(folder)

    assert read.section("efento", Efento).tokens[0].token.reveal() == "hunter2"
    assert read.section("waziup", Efento) == Efento()
    with pytest.raises(ConfigErrors, match=r"^hub\.yaml:1: waziup.key: required, and missing$"):
        read.section("waziup", Strict)
    with pytest.raises(
        ConfigErrors, match=r"^hub\.yaml:11: thingsbord.key: required, and missing$"
    ):
        read.section("thingsbord", Strict)


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "---\n", "{}"])
def test_a_missing_or_empty_file_gives_the_defaults(tmp_path, text):
    if text is not None:
        (tmp_path / "hub.yaml").write_text(text)

    assert load(tmp_path) == Settings(folder=tmp_path)
    assert load(tmp_path).http.host == "127.0.0.1"


def test_all_core_errors_come_at_once(tmp_path):
    (tmp_path / "hub.yaml").write_text(
        "name: 5\ntime_zone: Mars\nhttp: {prot: 1, tls: {key: x}}\nautomations: {a: 1}\n"
    )
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path)

    assert str(caught.value).splitlines() == [
        "hub.yaml:1: name: expected a name of 1 to 255 characters, got 5",
        "hub.yaml:2: time_zone: expected a time zone such as Europe/Amsterdam, got 'Mars'",
        'hub.yaml:3: http.prot: unknown key, did you mean "port"?',
        "hub.yaml:3: http.tls.certificate: required, and missing",
        "hub.yaml:3: http.tls.key: expected a file that exists and can be read, got 'x'",
        "hub.yaml:4: automations: expected a list, got a mapping",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "hub.yaml:1: expected keys such as name and http"),
        ("a: 1\non: 2\n", "hub.yaml:2: True: expected a key that is text"),
        ("http: [\n", "hub.yaml:2: not valid YAML"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path, text, message):
    (tmp_path / "hub.yaml").write_text(text)
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path)

    assert str(caught.value).startswith(message)


def test_a_folder_that_can_not_be_looked_into_is_explained(tmp_path):
    with pytest.raises(ConfigErrors, match="can't be read: File name too long"):
        load(tmp_path / ("x" * 300))


def test_the_core_keys_are_reserved():
    assert {"name", "http", "mqtt", "history", "plugins", "automations"} <= CORE_KEYS
    assert "efento" not in CORE_KEYS


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["10GiB", "full", "UTC", "127.0.0.1", "info", "2024-01-01", "hub.yaml"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
INNER_KEYS = ["host", "port", "tls", "certificate", "key", "keep_days", "max_bytes", "synchronous"]
INNER_KEYS += ["disabled", "latitude", "longitude", "elevation", "level", "loggers"]
FILES = st.dictionaries(
    st.sampled_from(sorted(CORE_KEYS)) | st.text(max_size=5),
    VALUES | st.dictionaries(st.sampled_from(INNER_KEYS), VALUES, max_size=3),
    max_size=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=FILES)
def test_any_values_give_settings_or_errors_with_file_and_line(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("config")
    (folder / "hub.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    found = ()
    try:
        read = load(folder)
    except ConfigErrors as error:
        found = error.errors or [None]
    else:
        assert isinstance(read, Settings)
    assert all(error.file == "hub.yaml" and error.line for error in found)

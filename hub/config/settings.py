"""The core keys of ``hub.yaml``, with a default for each, and the sections of plugins as nodes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

import attrs
from attrs import Factory, field, frozen

from hub.config.files import load_yaml
from hub.config.nodes import Mark, Node, NodeDict, NodeList, child_mark
from hub.config.places import hint
from hub.config.problems import Problem
from hub.config.schema import parse
from hub.config.shapes import ByteSize, Host, ListenPort, Name, Number, ReadableFile, Whole
from hub.errors import ConfigError, ConfigErrors

MAIN_FILE = "hub.yaml"

T = TypeVar("T")
LogLevel = Literal["debug", "info", "warning", "error"]


@frozen(kw_only=True)
class Location:
    """Where the hub stands, in degrees and metres."""

    latitude: Annotated[float, Number("a latitude", -90, 90)] = 0.0
    longitude: Annotated[float, Number("a longitude", -180, 180)] = 0.0
    elevation: Annotated[float, Number("an elevation in metres", -500, 9000)] = 0.0


@frozen(kw_only=True)
class Tls:
    """The files in PEM form that let the server speak TLS."""

    certificate: ReadableFile
    key: ReadableFile


@frozen(kw_only=True)
class Http:
    """Where the web server listens: this machine alone, unless the host says otherwise."""

    host: Host = "127.0.0.1"
    port: ListenPort = 8480
    tls: Tls | None = None


@frozen(kw_only=True)
class History:
    """How much is kept. *synchronous* normal gives up the last commits at a power cut."""

    keep_days: Annotated[int, Whole("a number of days", 1, 36_500)] = 365
    max_bytes: Annotated[int, ByteSize(minimum=1 << 20)] = 10 << 30
    synchronous: Literal["full", "normal"] = "full"


@frozen(kw_only=True)
class Plugins:
    """Which of the installed plugins stay off."""

    disabled: tuple[str, ...] = ()


@frozen(kw_only=True)
class Log:
    """What is logged: from which level on, and exceptions by the name of the logger."""

    level: LogLevel = "info"
    loggers: Mapping[str, LogLevel] = Factory(dict)


@frozen(kw_only=True)
class Core:
    """The keys of ``hub.yaml`` that belong to the hub itself."""

    name: Name = "Home"
    time_zone: ZoneInfo = Factory(lambda: ZoneInfo("UTC"))
    location: Location = Location()
    http: Http = Http()
    mqtt: object = field(default=None, repr=False)  # may hold passwords
    history: History = History()
    plugins: Plugins = Plugins()
    log: Log = Log()
    automations: NodeList = Factory(NodeList)


CORE_KEYS = frozenset(attribute.name for attribute in attrs.fields(Core))
"""The keys of ``hub.yaml`` that no plugin may have as its name."""


@frozen(kw_only=True)
class Settings(Core):
    """Everything in ``hub.yaml``.

    *sections* are the mappings of plugins by their name, *problems* what is odd and no error.
    """

    folder: Path = Path()
    sections: NodeDict = field(factory=NodeDict, repr=False)  # hold tokens
    problems: tuple[Problem, ...] = ()

    def section(self, plugin: str, cls: type[T]) -> T:
        """Read the section of *plugin* into its attrs class; a missing section is an empty one.

        Raises:
            ConfigErrors: all that is wrong with it.
        """
        mark = child_mark(self.sections, plugin, Mark(MAIN_FILE, 0))
        return parse(cls, self.sections.get(plugin), plugin, mark=mark, folder=self.folder)

    def unclaimed(self, plugins: Iterable[str]) -> list[Problem]:
        """Return a warning for each section that belongs to none of *plugins*."""
        names = frozenset(plugins)
        return [
            _warning(self.sections, name, "ignored: no plugin of this name" + hint(name, known))
            for name in map(str, self.sections)
            if name not in names
            for known in [CORE_KEYS | names]
        ]


def load(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read ``hub.yaml`` in *folder*; a missing or empty file gives the defaults.

    *environment* answers ``!env_var``; the process's own by default.

    Raises:
        ConfigErrors: all that is wrong with the files or the core keys. Plugins' sections are
            not looked into: see :meth:`Settings.section`.
    """
    path = folder / MAIN_FILE
    root: Node = None
    problems: list[Problem] = []
    try:
        is_there = path.exists()
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise ConfigErrors([ConfigError(path, None, "", problem)]) from error
    if is_there:
        root, problems = load_yaml(path, folder, environment)
    if root is None:
        root = NodeDict({}, Mark(MAIN_FILE, 0))
    if not isinstance(root, NodeDict):
        raise ConfigErrors([ConfigError(MAIN_FILE, 1, "", "expected keys such as name and http")])
    odd = [key for key in root if not isinstance(key, str)]
    if odd:
        marks = (child_mark(root, key) for key in odd)
        raise ConfigErrors(
            ConfigError(mark.file, mark.line, str(key), "expected a key that is text")
            for key, mark in zip(odd, marks, strict=True)
        )
    core = parse(Core, _part(root, is_core=True), folder=folder)
    if core.mqtt is not None:
        problems.append(_warning(root, "mqtt", "ignored: this version does not speak MQTT"))
    return Settings(
        **attrs.asdict(core, recurse=False),
        folder=folder,
        sections=_part(root, is_core=False),
        problems=tuple(problems),
    )


def _part(root: NodeDict, *, is_core: bool) -> NodeDict:
    part = {key: node for key, node in root.items() if (key in CORE_KEYS) is is_core}
    return NodeDict(part, root.mark, {key: root.marks[key] for key in part if key in root.marks})


def _warning(root: NodeDict, key: str, message: str) -> Problem:
    mark = child_mark(root, key)
    return Problem("warning", mark.file, mark.line, key, message)

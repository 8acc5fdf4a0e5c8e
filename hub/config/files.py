"""The YAML files of one configuration folder: includes, secrets, environment, and limits."""

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from hub.config.builder import Builder, forbidden_line
from hub.config.nodes import Mark, Node, NodeDict, NodeList, NodeStr
from hub.config.places import MAX_ERRORS
from hub.config.problems import Problem
from hub.errors import ConfigError, ConfigErrors

SECRETS_FILE = "secrets.yaml"

MAX_FILE_BYTES = 8 << 20
MAX_FILE_COUNT = 1000
MAX_NODE_COUNT = 1_000_000
MAX_INCLUDE_DEPTH = 8


def load_yaml(
    path: Path, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Node, list[Problem]]:
    """Read a YAML file with everything it includes; return its node and what is odd in it.

    *folder* is the configuration folder, which includes may not leave; the file's own by default.

    Raises:
        ConfigErrors: a file can't be read or is not valid YAML.
    """
    folder = folder or path.parent
    files = Files(folder, os.environ if environment is None else environment)
    is_collecting = gc.isenabled()
    # What is built here stays: looking through it for garbage takes longer than building it.
    gc.disable()
    try:
        node = files.read(files.folder / os.path.relpath(path, folder), None)
    except ConfigError as error:
        files.errors.append(error)
        node = None
    except RecursionError:
        files.errors.append(ConfigError(path.name, None, "", "nested too deeply over its includes"))
        node = None
    finally:
        if is_collecting:
            gc.enable()
    if files.errors:
        raise ConfigErrors(files.errors)
    return node, files.problems


class Files:
    """Reads the files of *folder*; gathers what is wrong with them instead of stopping at once."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.errors: list[ConfigError] = []
        self.problems: list[Problem] = []
        self.folder = _real(folder)
        self.environment = environment
        self._open: list[Path] = []
        self._secrets: dict[Path, Node] = {}
        self._file_count = 0
        self._node_count = 0

    def read(self, path: Path, included: Mark | None) -> Node:
        """Read one file, *included* from there; None if it is empty or something is wrong.

        Raises:
            ConfigError: a limit was reached, so reading on makes no sense.
        """
        place = included or Mark(self.name(path), 0)
        if _real(path) in map(_real, self._open) or len(self._open) == MAX_INCLUDE_DEPTH:
            chain = " -> ".join(self.name(step) for step in [*self._open, path])
            self.fail(place, f"the files include each other without end: {chain}")
            return None
        self._file_count += 1
        if self._file_count > MAX_FILE_COUNT:
            raise _error(place, f"more than {MAX_FILE_COUNT} files")
        text = self._text(path, place)
        if text is None:
            return None
        self._open.append(path)
        try:
            return Builder(text, self.name(path), Tags(self, path)).build()
        except yaml.YAMLError as error:
            self.fail(_yaml_mark(self.name(path), error), _yaml_problem(error))
            return None
        finally:
            self._open.pop()

    def name(self, path: Path) -> str:
        """Name *path* as messages do: relative to the configuration folder."""
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)

    def inside(self, base: Path, value: str, mark: Mark) -> Path | None:
        """Return the path that *value* means in a file of the folder *base*."""
        try:
            path = Path(os.path.normpath(base / value))
            is_inside = _real(path).is_relative_to(self.folder)
        except (OSError, ValueError):  # a NUL
            self.fail(mark, f"{value!r:.60} is no path")
            return None
        if not is_inside:
            self.fail(mark, f"{value} is outside the configuration folder")
            return None
        return path

    def secret(self, name: str, base: Path, mark: Mark) -> Node:
        """Look *name* up in the secrets of the folder *base*, then of those above it."""
        folder = base
        while folder.is_relative_to(self.folder):
            secrets = self._secrets_of(folder)
            if isinstance(secrets, NodeDict) and name in secrets:
                value = secrets[name]
                if isinstance(value, NodeDict | NodeList):
                    self.fail(mark, f"the secret {name} must be a single value")
                return NodeStr(value, mark) if isinstance(value, NodeStr) else value
            folder = folder.parent
        self.fail(mark, f"the secret {name} is not defined; add it to {SECRETS_FILE}")
        return None

    def count(self, node_count: int, mark: Mark) -> None:
        """Count nodes over all files.

        Raises:
            ConfigError: there are too many.
        """
        self._node_count += node_count
        if self._node_count > MAX_NODE_COUNT:
            raise _error(mark, f"more than {MAX_NODE_COUNT} values, those that aliases repeat too")

    def fail(self, mark: Mark, problem: str) -> None:
        """Note something that is wrong."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(_error(mark, problem))

    def _secrets_of(self, folder: Path) -> Node:
        if folder not in self._secrets:
            path = folder / SECRETS_FILE
            self._secrets[folder] = None  # while it is read: a secret may not need a secret
            self._secrets[folder] = self.read(path, None) if path.exists() else None
        return self._secrets[folder]

    def _text(self, path: Path, place: Mark) -> str | None:
        try:
            if not path.is_file():
                self.fail(place, f"{self.name(path)} is not a file")
                return None
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            self.fail(place, f"{self.name(path)} can't be read: {error.strerror}")
            return None
        if len(data) > MAX_FILE_BYTES:
            self.fail(place, f"{self.name(path)} is larger than {MAX_FILE_BYTES >> 20} MiB")
            return None
        return self._decoded(data, self.name(path))

    def _decoded(self, data: bytes, name: str) -> str | None:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.fail(Mark(name, line), "expected text in UTF-8")
            return None
        line_or_none = forbidden_line(text)
        if line_or_none is not None:
            self.fail(Mark(name, line_or_none), "a control character is not allowed in YAML")
            return None
        return text


class Tags:
    """What the tags in one file mean."""

    def __init__(self, files: Files, path: Path) -> None:
        self._files = files
        self._path = path
        self._meanings: dict[str, Callable[[str, Mark], Node]] = {
            "!include": self._include,
            "!include_dir_list": self._include_list,
            "!include_dir_merge_list": self._include_merged_list,
            "!include_dir_named": self._include_named,
            "!include_dir_merge_named": self._include_merged_named,
            "!secret": self._secret,
            "!env_var": self._env_var,
        }

    def resolve(self, tag: str, value: str, mark: Mark) -> Node:
        """Return what the tag stands for; problems are noted and give None."""
        return self._meanings[tag](value, mark)

    def count(self, node_count: int, mark: Mark) -> None:
        """Count nodes over all files."""
        self._files.count(node_count, mark)

    def warn(self, mark: Mark, key: str, message: str) -> None:
        """Note something that is odd and not wrong."""
        if len(self._files.problems) < MAX_ERRORS:
            self._files.problems.append(Problem("warning", mark.file, mark.line, key, message))

    def fail(self, mark: Mark, problem: str) -> None:
        """Note something that is wrong."""
        self._files.fail(mark, problem)

    def _include(self, value: str, mark: Mark) -> Node:
        path = self._files.inside(self._path.parent, value, mark)
        return None if path is None else self._files.read(path, mark)

    def _include_list(self, value: str, mark: Mark) -> Node:
        found = [(node, path_mark) for _, node, path_mark in self._folder(value, mark)]
        return NodeList((node for node, _ in found), mark, (place for _, place in found))

    def _include_merged_list(self, value: str, mark: Mark) -> Node:
        merged = NodeList((), mark)
        for _, node, place in self._folder(value, mark):
            if isinstance(node, NodeList):
                merged.extend(node)
                merged.marks += node.marks
            elif node is not None:
                self.fail(place, f"expected a list, to merge it into that of {mark.file}")
        return merged

    def _include_named(self, value: str, mark: Mark) -> Node:
        found = list(self._folder(value, mark))
        return NodeDict(
            {
                path.stem: NodeDict({}, place) if node is None else node
                for path, node, place in found
            },
            mark,
            {path.stem: place for path, _, place in found},
        )

    def _include_merged_named(self, value: str, mark: Mark) -> Node:
        merged = NodeDict({}, mark)
        for _, node, place in self._folder(value, mark):
            if isinstance(node, NodeDict):
                merged.update(node)
                merged.marks.update(node.marks)
            elif node is not None:
                self.fail(place, f"expected a mapping, to merge it into that of {mark.file}")
        return merged

    def _secret(self, value: str, mark: Mark) -> Node:
        return self._files.secret(value, self._path.parent, mark)

    def _env_var(self, value: str, mark: Mark) -> Node:
        name, *default = value.split()
        found = self._files.environment.get(name, " ".join(default) if default else None)
        if found is None:
            self.fail(mark, f"the environment variable {name} is not set and has no default")
            return None
        return NodeStr(found, mark)

    def _folder(self, value: str, mark: Mark) -> Iterator[tuple[Path, Node, Mark]]:
        """Read the YAML files below a folder by name, those in hidden folders and secrets aside."""
        folder = self._files.inside(self._path.parent, value, mark)
        if folder is None:
            return
        if not folder.is_dir():
            self.fail(mark, f"{value} is not a folder")
            return
        for path in sorted(folder.rglob("*.yaml")):
            parts = path.relative_to(folder).parts
            if path.name == SECRETS_FILE or any(part.startswith(".") for part in parts):
                continue
            if self._files.inside(folder, str(path), mark) is not None:
                yield path, self._files.read(path, mark), Mark(self._files.name(path), 1)


def _real(path: Path) -> Path:
    """Follow all links; in contrast to ``Path.resolve`` also where they go in circles."""
    return Path(os.path.realpath(path))


def _error(mark: Mark, problem: str) -> ConfigError:
    return ConfigError(mark.file, mark.line or None, "", problem)


def _yaml_mark(name: str, error: yaml.YAMLError) -> Mark:
    place = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return Mark(name, 1 if place is None else place.line + 1)


def _yaml_problem(error: yaml.YAMLError) -> str:
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    return "not valid YAML: " + (", ".join(part for part in parts if part) or str(error))

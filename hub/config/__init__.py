"""The user's YAML files as typed values, with file and line in every error."""

from hub.config.defaults import Created, create_defaults
from hub.config.files import load_yaml
from hub.config.nodes import Mark, NodeDict, NodeList, NodeStr, mark_of, where
from hub.config.problems import Problem
from hub.config.schema import parse
from hub.config.secret import REDACTED, Secret
from hub.config.settings import CORE_KEYS, Settings, load
from hub.errors import ConfigError, ConfigErrors

__all__ = [
    "CORE_KEYS",
    "REDACTED",
    "ConfigError",
    "ConfigErrors",
    "Created",
    "Mark",
    "NodeDict",
    "NodeList",
    "NodeStr",
    "Problem",
    "Secret",
    "Settings",
    "create_defaults",
    "load",
    "load_yaml",
    "mark_of",
    "parse",
    "where",
]

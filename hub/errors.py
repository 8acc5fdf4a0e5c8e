"""Everything the hub raises on purpose.

```
HubError
├── ConfigError            a file of the user's is wrong: file, line, path, expectation
├── ConfigErrors           all that is wrong with the files of the user's at once
├── WireError              a message is not what its protocol says: where, problem
├── PluginError            a plugin could not be loaded, set up or started
├── StorageError           the disk or a store failed
│   ├── StorageBusy        it is behind: try again later
│   ├── StorageFull        there is no space left
│   └── NewerSchema        the file was written by a newer version
├── ActionError            an action ran and failed
│   ├── ActionNotFound     nobody registered that action
│   └── InvalidActionData  the data does not fit the action
├── TemplateError          a template could not be rendered
├── AutomationError        a trigger, condition or step could not be evaluated
├── RegistryError          a change the registry refuses: unknown or taken name
├── AccessError            the caller may not do this
│   ├── Unauthorized       nobody has shown who they are
│   └── Forbidden          they have, and it is not enough
└── FolderInUse            another running hub holds the folder
```
"""

from collections.abc import Iterable
from pathlib import Path


class HubError(Exception):
    """Root of all errors the hub raises on purpose; the message is fit for a user's eyes."""


class ConfigError(HubError):
    """A configuration file is wrong.

    Reads as ``hub.yaml:12: thingsboard.gateways[0].token: expected text, got 1883``.
    """

    def __init__(self, file: str | Path, line: int | None, path: str, problem: str) -> None:
        place = f"{file}:{line}" if line else f"{file}"
        super().__init__(f"{place}: {path}: {problem}" if path else f"{place}: {problem}")
        self.file = str(file)
        self.line = line
        self.path = path
        self.problem = problem


class ConfigErrors(HubError):
    """Everything that is wrong with the configuration, one line for each in the message."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


class WireError(HubError):
    """A message breaks its protocol; *where* names the field, as in ``measurements[2].serial``."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class PluginError(HubError):
    """A plugin could not be loaded, set up or started; the rest of the hub goes on."""

    def __init__(self, plugin: str, problem: str) -> None:
        super().__init__(f"plugin {plugin}: {problem}")
        self.plugin = plugin
        self.problem = problem


class StorageError(HubError):
    """A store failed; nothing of the write that raised it was acknowledged."""


class StorageBusy(StorageError):
    """The writer is behind or stalled: the sender should come back later."""


class StorageFull(StorageError):
    """No space is left on the disk."""


class NewerSchema(StorageError):
    """A file was written by a newer version of the hub and was left untouched."""


class ActionError(HubError):
    """An action ran and failed."""


class ActionNotFound(ActionError):
    """No action of that name is registered."""

    def __init__(self, name: str) -> None:
        super().__init__(f"action {name} is not registered")
        self.name = name


class InvalidActionData(ActionError):
    """The data does not fit the action; the message names the field."""


class TemplateError(HubError):
    """A template could not be rendered: syntax, undefined name, or a limit was reached."""


class AutomationError(HubError):
    """A trigger, condition or step of an automation could not be evaluated."""


class RegistryError(HubError):
    """The registry refuses a change: the thing is unknown, or the name is taken or not allowed."""


class AccessError(HubError):
    """The caller may not do this."""


class Unauthorized(AccessError):
    """The caller has not shown who they are."""


class Forbidden(AccessError):
    """The caller is known, and it is not enough."""


class FolderInUse(HubError):
    """Another running hub holds the configuration folder."""

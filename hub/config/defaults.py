"""The files of a first start: ready to run on this machine, with a token of their own."""

import os
import secrets
from pathlib import Path

from attrs import field, frozen

from hub.config.files import SECRETS_FILE, load_yaml
from hub.config.secret import Secret
from hub.config.settings import MAIN_FILE
from hub.errors import ConfigError, ConfigErrors

AUTOMATIONS_FILE = "automations.yaml"
TOKEN_NAME = "efento_first_gateway"  # noqa: S105 - the name of the secret

_MAIN = f"""\
# The configuration of fieldhub. Every key has a default, so a line may go if you don't need it.
# "hub check" tells what is wrong, with the line.

name: Home
# By its IANA name, such as Europe/Amsterdam.
time_zone: UTC
location: {{latitude: 0.0, longitude: 0.0, elevation: 0}}

http:
  # 127.0.0.1 is this machine alone. To let gateways in, open the hub to the network by changing
  # this one line to  host: 0.0.0.0
  host: 127.0.0.1
  port: 8480

# Readings go when they are this old, or earlier, the oldest first, when they take more space.
history:
  keep_days: 365
  max_bytes: 10GiB

plugins:
  disabled: []

automations: !include {AUTOMATIONS_FILE}

"""

_EFENTO = f"""\
# One token for each Efento gateway; type it into the gateway's settings, too.
efento:
  tokens:
    - name: first gateway
      token: !secret {TOKEN_NAME}
"""

_SECRETS = """\
# Passwords and tokens, used elsewhere as  !secret NAME  . Keep this file to yourself.
{name}: "{token}"
"""


@frozen(kw_only=True)
class Created:
    """What a first start made: *efento_token* is the new token, None if none was made."""

    folder: Path
    files: tuple[Path, ...] = ()
    efento_token: Secret | None = field(default=None)


def create_defaults(folder: Path) -> Created:
    """Create *folder* with its first configuration; do nothing where ``hub.yaml`` exists.

    No file that is there is changed. The folder is made with mode 0700, each file with 0600.

    Raises:
        ConfigErrors: the folder or a file in it can't be written.
    """
    files: list[Path] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / MAIN_FILE).exists():
            return Created(folder=folder)
        token = Secret(secrets.token_hex(16))
        text = _SECRETS.format(name=TOKEN_NAME, token=token.reveal())
        is_new = _create(folder / SECRETS_FILE, text, files)
        _create(folder / AUTOMATIONS_FILE, "[]\n", files)
        has_token = is_new or _has_token(folder / SECRETS_FILE)
        # Last of all: until it is there, a start is a first start.
        _create(folder / MAIN_FILE, _MAIN + (_EFENTO if has_token else ""), files)
        _sync(folder)
    except OSError as error:
        problem = f"the configuration can't be written: {error.strerror or error}"
        raise ConfigErrors([ConfigError(error.filename or folder, None, "", problem)]) from error
    return Created(folder=folder, files=tuple(files), efento_token=token if is_new else None)


def _create(path: Path, text: str, files: list[Path]) -> bool:
    """Write a new file, whole or not at all; leave one that is there."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(fresh, path)  # in contrast to a rename, this refuses to replace a file
    except FileExistsError:
        return False
    except OSError:  # a file system without links; the folder has no other user at a first start
        if path.exists():
            return False
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
    files.append(path)
    return True


def _has_token(path: Path) -> bool:
    """Tell whether the user's own secrets have the token, as after a first start cut short."""
    try:
        node, _ = load_yaml(path)
    except ConfigErrors:
        return False
    return isinstance(node, dict) and isinstance(node.get(TOKEN_NAME), str)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

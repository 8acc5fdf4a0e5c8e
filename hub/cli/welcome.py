"""What ``hub run`` tells at its start: what to do next, and how to let gateways in."""

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hub.config import Created, NodeDict, load_yaml, where
from hub.config.defaults import AUTOMATIONS_FILE
from hub.config.files import SECRETS_FILE
from hub.config.settings import MAIN_FILE
from hub.errors import ConfigErrors

# From the blocks for documentation (RFC 5737): no packet is sent, the system only says which
# address of ours it would send one from.
_FAR_AWAY = ("192.0.2.1", 9)


def first_steps(created: Created, url: str) -> Iterator[str]:
    """Yield the lines that a first start prints; the only ones that show the new token."""
    folder = created.folder
    yield f"A new hub was made in {folder}:"
    for path in created.files:
        yield f"  {path.name}"
    yield ""
    yield "What to do next:"
    yield "  1. Make yourself an account, in another terminal:"
    yield f"       hub --config {folder} user add NAME --role owner"
    yield "  2. Let gateways in from the network:"
    yield f"       {opening_hint(folder)}"
    if created.efento_token is not None:
        yield "  3. Type into the server settings of your Efento gateway:"
        yield f"       server address      {lan_url(url)}"
        yield "       endpoints           leave them as they are (/api/v4/…)"
        yield f"       Organization Token  {created.efento_token.reveal()}"
        yield f"     The token is shown this once; {folder / SECRETS_FILE} keeps it."
    yield f"  Automations go into {folder / AUTOMATIONS_FILE}."
    yield ""


def opening_hint(folder: Path) -> str:
    """Say which line opens the hub to the network."""
    place, line = _host_line(folder)
    at = f"{place}, line {line}" if line else place
    return f"in {at}, set the host of http to 0.0.0.0 and start the hub again"


def is_loopback(url: str) -> bool:
    """Tell whether only this machine can reach *url*."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_url(url: str) -> str:
    """Return *url* as this machine itself reaches it, also if the hub listens everywhere."""
    parts = urlsplit(url)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(parts.hostname or "")  # noqa: S104
    return url if host is None else f"{parts.scheme}://{host}:{parts.port}"


def lan_url(url: str) -> str:
    """Return *url* with this machine's address on the network."""
    parts = urlsplit(url)
    if not is_loopback(url) and own_url(url) == url:
        return url
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_FAR_AWAY)
            host = probe.getsockname()[0]
    except OSError:
        host = socket.gethostname()
    return f"{parts.scheme}://{host}:{parts.port}"


def _host_line(folder: Path) -> tuple[Path, int]:
    try:
        root, _ = load_yaml(folder / MAIN_FILE, folder)
    except ConfigErrors:
        return folder / MAIN_FILE, 0
    if not isinstance(root, NodeDict) or "http" not in root:
        return folder / MAIN_FILE, 0
    http = root["http"]
    is_named = isinstance(http, NodeDict) and "host" in http
    file, line = where(http, "host") if is_named else where(root, "http")
    return folder / file, line

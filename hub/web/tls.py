"""TLS from files."""

import ssl
from pathlib import Path

from hub.errors import ConfigError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Load a certificate chain and its key, both PEM; TLS 1.2 and newer.

    Raises:
        ConfigError: A file is missing or unreadable, is no PEM, or the two don't belong together.
    """
    for name, path in (("certificate", certificate), ("key", key)):
        try:
            with path.open("rb") as file:
                file.read(1)
        except OSError as err:
            raise ConfigError(path, None, f"http.tls.{name}", err.strerror or str(err)) from err
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password callback OpenSSL would ask on the terminal for an encrypted key's.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as err:
        if err.reason == "KEY_VALUES_MISMATCH":
            problem = f"the key does not belong to the certificate {certificate}"
            raise ConfigError(key, None, "http.tls.key", problem) from err
        problem = f"expected a PEM certificate with its unencrypted key in {key}"
        raise ConfigError(certificate, None, "http.tls.certificate", problem) from err
    return context

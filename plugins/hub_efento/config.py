"""The section ``efento`` of ``hub.yaml``."""

import re
from typing import Annotated

from attrs import Attribute, field, frozen

from hub import Secret, shapes
from hub_efento import fields

MIB = 1024 * 1024

_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")


def _is_path(_: object, __: "Attribute[str]", value: str) -> None:
    if value and not _PATH.fullmatch(value):
        raise ValueError(f"prefix: expected a path such as /barn, got {value!r}")


def _is_header(_: object, __: "Attribute[str | None]", value: str | None) -> None:
    if value is not None and not _HEADER.fullmatch(value):
        raise ValueError(f"header: expected the name of a header, got {value!r}")


@frozen(kw_only=True)
class Token:
    """What one gateway, or a group that shares it, identifies itself with."""

    name: shapes.Name
    token: Secret


def _canonical(serial: str) -> str:
    try:
        return fields.serial(serial)
    except ValueError as err:
        raise ValueError(f"serial: {err}") from err


@frozen(kw_only=True)
class NamedLogger:
    """A logger's name; without one it is called after its serial number."""

    serial: str = field(converter=_canonical)
    name: shapes.Name


def _are_named_once(
    _: object, __: "Attribute[tuple[NamedLogger, ...]]", loggers: tuple[NamedLogger, ...]
) -> None:
    serials = [logger.serial for logger in loggers]
    for serial in serials:
        if serials.count(serial) > 1:
            raise ValueError(f"loggers: {serial} is there twice")


def _are_distinct(_: object, __: "Attribute[tuple[Token, ...]]", tokens: tuple[Token, ...]) -> None:
    for place, token in enumerate(tokens):
        for other in tokens[:place]:
            if other.name == token.name:
                raise ValueError(f"tokens: the name {token.name} is there twice")
            if other.token == token.token:
                raise ValueError(f"tokens: {other.name} and {token.name} have the same token")


@frozen(kw_only=True)
class EfentoConfig:
    """How Efento gateways get in.

    ``tokens`` are looked for in the header ``X-Api-Token``, which the gateway fills from its
    field Organization Token, and in ``header``, the name of one of its custom headers. ``open``
    lets gateways in without a token, but only from private addresses. Without ``auto_accept``
    unknown loggers wait until a user enables them. ``loggers`` gives some of them names.
    ``prefix`` adds routes below another path. A body above ``body_limit`` is put aside unread, up
    to ``spool_limit``.
    """

    tokens: tuple[Token, ...] = field(default=(), validator=_are_distinct)
    header: str | None = field(default=None, validator=_is_header)
    open: bool = False
    auto_accept: bool = True
    loggers: tuple[NamedLogger, ...] = field(default=(), validator=_are_named_once)
    prefix: str = field(default="", validator=_is_path)
    body_limit: Annotated[int, shapes.ByteSize(minimum=64 * 1024, maximum=64 * MIB)] = 16 * MIB
    spool_limit: Annotated[int, shapes.ByteSize(maximum=256 * MIB)] = 64 * MIB

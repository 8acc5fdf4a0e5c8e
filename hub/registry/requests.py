"""What users may change of an entity or a device: which fields, and what fits them."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from hub.errors import RegistryError
from hub.ids import is_entity_id
from hub.registry.records import DISABLED_BY_USER

NEW_ENTITY_ID = "new_entity_id"
HIDDEN_BY_USER = "user"
_LONGEST = 255
_MOST = 100

Check = Callable[[Any], Any]
"""Returns the value as it is kept, or raises ValueError with what was expected."""


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(f"text of at most {_LONGEST} characters, or null")
    return value.strip() or None


def _texts(value: object) -> tuple[str, ...]:
    if (
        not isinstance(value, list | tuple | set | frozenset)
        or len(value) > _MOST
        or not all(isinstance(item, str) and 0 < len(item) <= _LONGEST for item in value)
    ):
        raise ValueError(f"a list of at most {_MOST} texts")
    return tuple(sorted(set(value)))


def _options(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > _MOST:
        raise ValueError("a mapping, or null")
    return dict(value) or None


def _by_user(value: object) -> str | None:
    if value not in {None, DISABLED_BY_USER}:
        raise ValueError(f"{DISABLED_BY_USER!r} or null")
    return DISABLED_BY_USER if value else None


def _entity_id(value: object) -> str:
    if not isinstance(value, str) or not is_entity_id(value):
        raise ValueError("an entity id such as sensor.cold_store")
    return value


# Home Assistant's names in its registry commands -> (our field, check).
ENTITY_FIELDS: Mapping[str, tuple[str, Check]] = {
    NEW_ENTITY_ID: ("entity_id", _entity_id),
    "name": ("name_by_user", _text),
    "icon": ("icon", _text),
    "area_id": ("area_id", _text),
    "labels": ("labels", _texts),
    "aliases": ("aliases", _texts),
    "options": ("options", _options),
    "hidden_by": ("hidden_by", _by_user),
    "disabled_by": ("disabled_by", _by_user),
}
DEVICE_FIELDS: Mapping[str, tuple[str, Check]] = {
    "name_by_user": ("name_by_user", _text),
    "area_id": ("area_id", _text),
    "labels": ("labels", _texts),
    "disabled_by": ("disabled_by", _by_user),
}


def read(
    what: str, fields: Mapping[str, tuple[str, Check]], changes: Mapping[str, object]
) -> dict[str, Any]:
    """Check what a user wants to change; return our fields with the values they get.

    Raises:
        RegistryError: A field can't be changed, or its value does not fit.
    """
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in fields:
            raise RegistryError(f"{what}: {name} can't be changed; there are {', '.join(fields)}")
        field, check = fields[name]
        try:
            found[field] = check(value)
        except ValueError as err:
            raise RegistryError(f"{what}: {name}: expected {err}, got {value!r:.100}") from None
    return found


def check_names(
    what: str, fields: Mapping[str, Any], areas: Container[str], labels: Container[str]
) -> None:
    """Refuse areas and labels that do not exist.

    Raises:
        RegistryError: There is no such area or label.
    """
    area = fields.get("area_id")
    if area is not None and area not in areas:
        raise RegistryError(f"{what}: there is no area {area}; create it first")
    for label in fields.get("labels", ()):
        if label not in labels:
            raise RegistryError(f"{what}: there is no label {label}; create it first")

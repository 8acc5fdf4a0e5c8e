"""Names for people and for machines: entity ids, friendly names, attributes."""

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Any

from hub.ids import MAX_ENTITY_ID, slug
from hub.model import EntityInfo, Value
from hub.registry.records import Device, Entity


def entity_id_for(device: Device, key: str, info: EntityInfo, taken: Container[str]) -> str:
    """Make an entity id that nobody has: ``domain.device_entity``, with a number if it must."""
    name = f"{slug(device.shown_name)}_{slug(info.name or key)}" if info.name != "" else ""
    if info.name is None:
        name = slug(device.shown_name)
    return unique_id(info.domain, name or slug(device.shown_name), taken)


def unique_id(domain: str, object_id: str, taken: Container[str]) -> str:
    """Make ``domain.object_id`` unique by appending a number from 2 on."""
    base = f"{domain}.{object_id}"[: MAX_ENTITY_ID - 8].rstrip("_")
    if base not in taken:
        return base
    # Thousands may share a name: double the number until one is free, then narrow it down.
    free = 2
    while f"{base}_{free}" in taken:
        free *= 2
    held = free // 2
    while free - held > 1:
        middle = (held + free) // 2
        if f"{base}_{middle}" in taken:
            held = middle
        else:
            free = middle
    return f"{base}_{free}"


def friendly_name(device: Device, entity: Entity) -> str:
    """Return what a person reads: the user's name, or device and entity name."""
    if entity.name_by_user:
        return entity.name_by_user
    if entity.info.name:
        return f"{device.shown_name} {entity.info.name}"
    return device.shown_name


def attributes_for(device: Device, entity: Entity) -> Mapping[str, Any]:
    """Return the state attributes that follow from the registry, by Home Assistant's names."""
    info = entity.info
    options = entity.options or {}
    attributes: dict[str, Any] = dict(info.attributes or {})
    if info.state_class:
        attributes["state_class"] = info.state_class
    if info.options:
        attributes["options"] = list(info.options)
    unit = options.get("unit_of_measurement", info.unit)
    if unit:
        attributes["unit_of_measurement"] = unit
    device_class = options.get("device_class", info.device_class)
    if device_class:
        attributes["device_class"] = device_class
    icon = entity.icon or info.icon
    if icon:
        attributes["icon"] = icon
    attributes["friendly_name"] = friendly_name(device, entity)
    return MappingProxyType(attributes)


def described(key: str, info: EntityInfo | None, value: Value) -> EntityInfo:
    """Return the plugin's description, or one that follows from the first value."""
    if info is not None:
        return info
    name = key.replace("_", " ").strip().capitalize() or key
    if isinstance(value, bool):
        return EntityInfo(domain="binary_sensor", name=name)
    if isinstance(value, int | float):
        return EntityInfo(domain="sensor", name=name, state_class="measurement")
    return EntityInfo(domain="sensor", name=name)

"""The entity that every gateway has: whether it has been heard lately.

The hub makes it, under the gateway's own device. A group stands for gateways that can't be told
apart, so it has none.
"""

from hub.model import DeviceInfo, DeviceKey, EntityInfo, GatewayKey
from hub.registry.entries import Series
from hub.registry.records import Gateway
from hub.registry.registry import Registry

CONNECTIVITY = "connectivity"
INFO = EntityInfo(
    domain="binary_sensor",
    name="Connectivity",
    device_class="connectivity",
    category="diagnostic",
)


def connectivity_of(registry: Registry, key: GatewayKey) -> bool | None:
    """Return what a gateway's entity says; None if it has none, or does not say."""
    entry = registry.devices.get(DeviceKey(*key))
    series = entry.series.get(CONNECTIVITY) if entry is not None else None
    return series.value if series is not None and isinstance(series.value, bool) else None


def is_connectivity(registry: Registry, series: Series) -> bool:
    """Tell whether a series is a gateway's connectivity: it outlasts the gateway's silence."""
    entity = series.entity
    return entity.key == CONNECTIVITY and GatewayKey(*entity.device) in registry.gateways


def device_of(gateway: Gateway) -> DeviceInfo:
    """Describe the device of a gateway whose plugin has not done so."""
    return DeviceInfo(
        key=DeviceKey(*gateway.key),
        name=gateway.name,
        manufacturer=gateway.manufacturer,
        model=gateway.model,
        sw_version=gateway.sw_version,
        connections=frozenset(gateway.connections),
    )

"""Plugins for tests: modules that are added without being installed."""

from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace

from hub.hookspecs import hookimpl
from hub.loader import Loader
from hub.version import VERSION


def make_plugin(**hooks: Callable[..., object]) -> SimpleNamespace:
    """Make a throw-away plugin of functions: ``make_plugin(register_routes=lambda ctx: [...])``."""
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


class PickedLoader(Loader):
    """A loader that finds exactly the plugins it was given."""

    def __init__(self, plugins: Mapping[str, ModuleType | object]) -> None:
        super().__init__(VERSION)
        self._picked = dict(plugins)

    def discover(self) -> None:
        """Add the plugins."""
        for name, module in self._picked.items():
            self.add(name, module)

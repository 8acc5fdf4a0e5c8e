import pytest

from hub.testing.contract import (
    test_everything_is_freed_when_it_stops,
    test_it_documents_its_routes,
    test_it_emits_aware_times_only,
    test_it_has_defaults_for_its_configuration,
    test_it_runs,
    test_no_garbage_makes_it_fail,
)

__all__ = [
    "test_everything_is_freed_when_it_stops",
    "test_it_documents_its_routes",
    "test_it_emits_aware_times_only",
    "test_it_has_defaults_for_its_configuration",
    "test_it_runs",
    "test_no_garbage_makes_it_fail",
]

pytestmark = pytest.mark.hub_plugin("hello")

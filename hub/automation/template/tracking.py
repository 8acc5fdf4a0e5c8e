"""What a render looked at, so that it can be repeated when that changes."""

import datetime as dt

from attrs import define, field

ALL_RATE = dt.timedelta(seconds=60)
DOMAIN_RATE = dt.timedelta(seconds=1)


@define
class Dependencies:
    """Everything one render depends on.

    ``lifecycle`` means that only the number of entities was asked for: adding or removing one
    matters, a change of state does not.
    """

    entities: set[str] = field(factory=set)
    domains: set[str] = field(factory=set)
    domains_lifecycle: set[str] = field(factory=set)
    all_states: bool = False
    all_states_lifecycle: bool = False
    has_time: bool = False
    has_failed: bool = False

    @property
    def rate_limit(self) -> dt.timedelta | None:
        """The least time between two renders, or None: one a change."""
        if self.all_states or self.has_failed:
            return ALL_RATE
        if self.domains or self.domains_lifecycle:
            return DOMAIN_RATE
        return None

    def concerns(self, entity_id: str, *, is_lifecycle: bool) -> bool:
        """Tell whether a change of *entity_id* can change the result."""
        if self.all_states or entity_id in self.entities:
            return True
        domain = entity_id.partition(".")[0]
        if domain in self.domains:
            return True
        return is_lifecycle and (self.all_states_lifecycle or domain in self.domains_lifecycle)

"""The trigger ``template``: a template's result becomes true."""

import datetime as dt
from functools import partial
from typing import Any

from attrs import frozen

from hub.automation.periods import Period
from hub.automation.sections import Section
from hub.automation.template.engine import Template
from hub.automation.template.native import truth
from hub.automation.template.watch import Watch
from hub.automation.triggers.base import Common, Detach, Holds, Site, Trigger, resolve
from hub.errors import TemplateError
from hub.events import StateChanged


@frozen(kw_only=True)
class TemplateTrigger(Trigger):
    """Fires when the result was false and is true."""

    template: Template
    period: Period | None

    def attach(self, site: Site) -> Detach:
        """Render, and again whenever something changes that the template looked at."""
        watching = _Watching(self, site)
        return watching.stop


class _Watching:
    """One attached template trigger."""

    def __init__(self, trigger: TemplateTrigger, site: Site) -> None:
        self._trigger = trigger
        self._site = site
        self._holds = Holds(site)
        rooms = site.rooms
        self._watch = Watch(
            trigger.template,
            site.variables,
            (rooms.bus, rooms.clock),
            site.name,
            self._changed,
        )
        first = self._watch.result
        if isinstance(first, TemplateError):
            site.problem(f"template trigger: {first}")
        self._is_armed = not isinstance(first, TemplateError) and not truth(first)

    def stop(self) -> None:
        self._watch.stop()
        self._holds.cancel()

    def _changed(self, result: Any, event: StateChanged | None) -> None:  # noqa: ANN401
        if isinstance(result, TemplateError):
            self._site.problem(f"template trigger: {result}")
            return
        self._holds.cancel()
        if not truth(result):
            self._is_armed = True
            return
        if self._is_armed:
            self._is_armed = False
            self._begin(event)

    def _begin(self, event: StateChanged | None) -> None:
        trigger, site = self._trigger, self._site
        cause = "time change or manual update" if event is None else event.entity_id
        variables = {
            **trigger.base,
            "entity_id": None if event is None else event.entity_id,
            "from_state": None if event is None else event.old_state,
            "to_state": None if event is None else event.new_state,
            "for": None,
            "description": f"{cause} via template",
        }
        context = None if event is None else event.context
        fire = partial(site.fire, trigger, variables, context)
        if trigger.period is None:
            fire()
            return
        length = resolve(site, trigger.period, {"trigger": variables})
        if length is None:
            return
        variables["for"] = length
        if length == dt.timedelta():
            fire()
        else:
            self._holds.begin(length, (), lambda _: True, fire)


def parse_template(section: Section, common: Common) -> Trigger:
    """Read a trigger ``template``."""
    return TemplateTrigger(
        common=common,
        template=section.template("value_template"),
        period=section.period("for"),
    )

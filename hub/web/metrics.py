"""``GET /api/hub/metrics``: counters and gauges in Prometheus' text format, version 0.0.4."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import field, frozen

from hub.http import Request, Response, Route

log = logging.getLogger(__name__)
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LABEL = re.compile(r"[a-z_][a-z0-9_]*")
_KINDS = frozenset({"counter", "gauge"})
PREFIX = "fieldhub_"


def _named(_: object, __: object, value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError(f"metric {value!r}: expected a name of a-z, 0-9 and _")


@frozen
class Metric:
    """A counter or a gauge with its samples: labels and value.

    ``name`` comes without the prefix ``fieldhub_``; a counter's ends in ``_total``.
    """

    name: str = field(validator=_named)
    kind: str
    description: str
    samples: Sequence[tuple[Mapping[str, str], float]]


Collector = Callable[[], Iterable[Metric]]


def gauge(name: str, description: str, value: float) -> Metric:
    """Make a gauge with one value."""
    return Metric(name, "gauge", description, [({}, value)])


def counter(name: str, description: str, value: float) -> Metric:
    """Make a counter with one value."""
    return Metric(name, "counter", description, [({}, value)])


def exposition(collectors: Iterable[Collector]) -> bytes:
    """Ask all collectors and write what they say; one that fails is left out, logged and counted.

    A metric that several collectors give is written once, with the samples of all.
    """
    metrics: dict[str, Metric] = {}
    samples: dict[str, list[str]] = {}
    failed_count = 0
    for collect in collectors:
        try:
            for metric in collect():
                lines = [_line(metric.name, labels, v) for labels, v in metric.samples]
                metrics.setdefault(metric.name, metric)
                samples.setdefault(metric.name, []).extend(lines)
        except Exception:  # isolation: the other collectors are still asked
            failed_count += 1
            log.exception("collector failed collector=%s", getattr(collect, "__qualname__", "?"))
    failed = gauge("failed_collectors", "Sources of metrics that could not be asked", failed_count)
    metrics[failed.name] = failed
    samples[failed.name] = [_line(failed.name, {}, failed_count)]
    return "".join(
        f"# HELP {PREFIX}{name} {_escaped(metric.description, is_help=True)}\n"
        f"# TYPE {PREFIX}{name} {metric.kind if metric.kind in _KINDS else 'untyped'}\n"
        + "".join(samples[name])
        for name, metric in metrics.items()
    ).encode()


def routes(collectors: Sequence[Collector]) -> Sequence[Route]:
    """Return the route; *collectors* may grow later."""

    async def metrics(_: Request) -> Response:
        return Response(200, exposition(collectors), _CONTENT_TYPE)

    return [Route("GET", "/api/hub/metrics", metrics)]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{_label(key)}="{_escaped(text)}"' for key, text in labels.items())
    return f"{PREFIX}{name}{{{pairs}}} {value!r}\n" if pairs else f"{PREFIX}{name} {value!r}\n"


def _label(key: str) -> str:
    if not _LABEL.fullmatch(key):
        raise ValueError(f"metric label {key!r}: expected a name of a-z, 0-9 and _")
    return key


def _escaped(text: str, *, is_help: bool = False) -> str:
    text = str(text).replace("\\", "\\\\").replace("\n", "\\n")
    return text if is_help else text.replace('"', '\\"')

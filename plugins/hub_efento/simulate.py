"""Simulated Efento gateways: what real ones send, and what they do with the answers.

A real gateway's loggers measure every three minutes or so; here a round of that length takes
``every``, and the five minutes a gateway waits after a 503 shrink alike.
"""

import asyncio
import datetime as dt
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from hub import SimulatorOptions
from hub_efento.loggers import Logger, loggers
from hub_efento.routes import HEARTBEAT, MEASUREMENTS

_ROUND = dt.timedelta(minutes=3)
_PAUSE = dt.timedelta(minutes=5)
_MOST_BUFFERED = 60_000  # measurements a logger's memory holds
_MOST_IN_MESSAGE = 200
_HEARTBEAT_ROUNDS = 5
# Of each cycle of rounds, these are spent without a network, and without mains.
_CYCLE = 30
_WITHOUT_NETWORK = range(18, 22)
_WITHOUT_MAINS = range(6, 10)


async def run(options: SimulatorOptions) -> None:
    """Run the gateways until the time is up."""
    count = options.gateway_count
    options.say(f"efento: {count} gateway(s) send to {options.url} every {options.every}")
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            delay = options.every * number / count
            group.create_task(Gateway(number, options).run(delay), name=f"efento-{number}")


class Gateway:
    """One gateway with its loggers; it keeps what it could not send."""

    def __init__(self, number: int, options: SimulatorOptions) -> None:
        self.number = number
        self.name = f"Efento-Gateway-{number + 1:04X}"
        self.mac = f"282C024F{number + 1:04X}"
        self._options = options
        self._url = options.url.rstrip("/")
        self._clock = options.clock
        self._loggers = loggers(number)
        self._started = self._clock.monotonic()
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=_MOST_BUFFERED)
        self._unwanted: set[int] = set()
        self._paused_until = 0.0
        self._level = 100
        self._had_mains = True

    async def run(self, delay: dt.timedelta) -> None:
        """Measure and send, round after round."""
        options = self._options
        end = None if options.duration is None else self._clock.now() + options.duration
        await self._clock.sleep(delay.total_seconds())
        step = 0
        while end is None or self._clock.now() < end:
            await self.round(step)
            step += 1
            await self._clock.sleep(options.every.total_seconds())

    async def round(self, step: int) -> None:
        """Let the loggers measure, and send what waits if there is a network."""
        for handle, logger in enumerate(self._loggers):
            if handle not in self._unwanted:
                self._waiting.append(self._entry(logger, handle, step))
        place = (step + 7 * self.number) % _CYCLE
        if place in _WITHOUT_NETWORK:
            if place == _WITHOUT_NETWORK[0]:
                self._say("no network, measurements wait")
            return
        if self._clock.monotonic() < self._paused_until:
            return
        has_mains = place not in _WITHOUT_MAINS
        if step % _HEARTBEAT_ROUNDS == 0 or has_mains != self._had_mains:
            if has_mains != self._had_mains:
                self._say("mains power is back" if has_mains else "mains power lost")
            self._had_mains = has_mains
            if await self._send(HEARTBEAT, self._heartbeat(has_mains=has_mains)) is None:
                return
        await self._send_waiting()

    async def _send_waiting(self) -> None:
        while self._waiting:
            entries = [self._waiting[i] for i in range(min(_MOST_IN_MESSAGE, len(self._waiting)))]
            answer = await self._send(MEASUREMENTS, {"measurements": entries})
            if answer is None:
                return
            for _ in entries:
                self._waiting.popleft()
            for handle in answer.get("N", ()):
                self._unwanted.add(handle)
            self._say(
                f"{len(entries)} measurements stored, Y {len(answer.get('Y', ()))} "
                f"N {len(answer.get('N', ()))}"
            )

    async def _send(self, path: str, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send a message; return the answer, or None if it has to be sent again."""
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        if self._options.token is not None:
            headers["X-Api-Token"] = self._options.token
        body = json.dumps(message).encode()
        try:
            status, answer = await self._options.post(self._url + path, headers, body)
        except OSError as err:
            self._say(f"not sent, again in the next round: {err}")
            return None
        if status == 201:
            return _decoded(answer)
        if status == 503:
            pause = _PAUSE * (self._options.every / _ROUND)
            self._paused_until = self._clock.monotonic() + pause.total_seconds()
            self._say(f"503, waits {pause.total_seconds():.0f} s, then sends again")
        else:
            self._say(f"{status} instead of 201, again in the next round")
        return None

    def _entry(self, logger: Logger, handle: int, step: int) -> dict[str, Any]:
        now = self._clock.now()
        interval = max(1, round(self._options.every.total_seconds()))
        return {
            "serial": logger.serial,
            "response_handle": handle,
            "battery": "low" if logger.is_battery_low else "ok",
            "signal": logger.signal(),
            "measured_at": _written(now),
            "measurement_interval": interval,
            "next_measurement_at": _written(now + dt.timedelta(seconds=interval)),
            "params": logger.measure(step),
        }

    def _heartbeat(self, *, has_mains: bool) -> dict[str, Any]:
        self._level = min(100, self._level + 5) if has_mains else max(5, self._level - 7)
        now = int(self._clock.now().timestamp())
        pause = max(1, round(self._options.every.total_seconds() * _HEARTBEAT_ROUNDS))
        return {
            "name": self.name,
            "model": "HG6-v1.2-LECH",
            "software_version": "01.00.00-c723d",
            "current_time": now,
            "uptime": int(self._clock.monotonic() - self._started),
            "mac": ":".join(self.mac[i : i + 2] for i in range(0, 12, 2)),
            "sensors_number": f"{len(self._loggers)}/128",
            "next_communication_at": now + pause,
            "power_monitor": {
                "is_usb_connected": has_mains,
                "is_charging": has_mains and self._level < 100,
                "battery_level": None if has_mains else self._level,
            },
        }

    def _say(self, text: str) -> None:
        self._options.say(f"{self.name}: {text}")


def _written(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _decoded(answer: bytes) -> dict[str, Any]:
    try:
        value = json.loads(answer)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

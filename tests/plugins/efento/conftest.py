import datetime as dt
import json
import logging
from pathlib import Path

import pytest

from hub import IngestResult, Request
from hub.config.secret import Secret
from hub.testing.clock import ManualClock
from hub_efento.config import EfentoConfig, Token

EXCHANGES = Path(__file__).parent / "exchanges"
# The day of the vendor's sample messages.
NOW = dt.datetime(2024, 10, 12, 15, 28, 40, tzinfo=dt.UTC)
TOKEN = "correct-horse"


class Recorder:
    """A plugin's context that keeps what the plugin does with it."""

    name = "efento"

    def __init__(self, config, clock):
        self.config = config
        self.clock = clock
        self.log = logging.getLogger("hub.plugins.efento")
        self.batches = []
        self.unwanted = set()
        self.offered = []
        self.notices = {}
        self.counters = {}
        self.online = None
        self.error = None

    async def ingest(self, batch):
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        return IngestResult(stored=len(batch.readings))

    def accepts(self, device):
        self.offered.append(device)
        return device.key.uid not in self.unwanted

    def is_online(self, key):
        return self.online is None or key.uid in self.online

    def count(self, counter, by=1):
        self.counters[counter] = self.counters.get(counter, 0) + by

    def notice(self, notice):
        self.notices[notice.key] = notice

    def clear_notice(self, key):
        self.notices.pop(key, None)


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def config():
    return EfentoConfig(tokens=(Token(name="barn", token=Secret(TOKEN)),))


@pytest.fixture
def ctx(config, clock):
    return Recorder(config, clock)


@pytest.fixture
def make_request(clock):
    def make(body=b"", path="/api/v4/measurements", **fields):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        settings = {
            "method": "POST",
            "headers": {"X-Api-Token": TOKEN, "Content-Type": "application/json"},
            "received": clock.now(),
            "peer": "192.168.1.7",
            "principal": "barn",
        }
        return Request(path=path, body=body, **{**settings, **fields})

    return make


@pytest.fixture
def exchange():
    """Load a real exchange: request, response, and where it was seen."""

    def load(name):
        return json.loads((EXCHANGES / f"{name}.json").read_text(encoding="utf-8"))

    return load


@pytest.fixture
def entry():
    """Make one logger's part of a message."""

    def make(*params, **fields):
        return {
            "serial": "282C024FFFB1",
            "response_handle": 1,
            "battery": "ok",
            "signal": -70,
            "measured_at": "2024-10-12 15:28:21 UTC",
            "measurement_interval": 180,
            "next_measurement_at": "2024-10-12 15:31:21 UTC",
            "params": [
                {"channel": number, "type": kind, "value": value, "status": "ok"}
                for number, (kind, value) in enumerate(params, 1)
            ],
            **fields,
        }

    return make

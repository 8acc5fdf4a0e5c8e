"""Identifiers: ULIDs for events and contexts, slugs, and the rules for entity ids."""

import functools
import random
import re
import time

from slugify import slugify

# Crockford's alphabet, as the ULID specification prescribes (github.com/ulid/spec).
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_ENTITY_ID = re.compile(r"(?!.+__)(?!_)[0-9a-z_]+(?<!_)\.(?!_)[0-9a-z_]+(?<!_)")
MAX_ENTITY_ID = 255


def ulid(at_ms: int | None = None) -> str:
    """Make a ULID: 26 characters that sort by time; *at_ms* is milliseconds since 1970."""
    moment = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    # Nobody has to be unable to guess it, and asking the system for bytes hands over the processor.
    number = (moment & 0xFFFFFFFFFFFF) << 80 | random.getrandbits(80)
    pairs = _PAIRS
    return "".join([pairs[(number >> shift) & 1023] for shift in range(120, -1, -10)])


@functools.lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """Make *text* safe for an entity id; two inputs may map to one slug, so check."""
    return slugify(text, separator="_", max_length=120) or "unknown"


def is_entity_id(text: str) -> bool:
    """Tell whether *text* is a valid entity id by Home Assistant's rule (``domain.object_id``)."""
    return len(text) <= MAX_ENTITY_ID and _ENTITY_ID.fullmatch(text) is not None


def domain_of(entity_id: str) -> str:
    """Return what stands before the point of an entity id."""
    return entity_id.partition(".")[0]

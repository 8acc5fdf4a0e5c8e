"""Numbered migrations of the documents, from one schema version to the next."""

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

from hub.errors import StorageError
from hub.storage.journal import encode_json
from hub.storage.snapshot import Bodies

RawTables = dict[str, dict[str, dict[str, Any]]]
"""Table -> key -> document, as a migration sees it."""

Migration = Callable[[RawTables], RawTables]
"""Takes the tables of one schema version and returns those of the next; it may change them."""


def schema_of(migrations: Sequence[Migration]) -> int:
    """Count the schema version that *migrations* lead to; without any it is 1."""
    return 1 + len(migrations)


def raw(bodies: Bodies) -> RawTables:
    """Decode the JSON text of every document."""
    return {
        name: {key: json.loads(body) for key, body in rows.items()} for name, rows in bodies.items()
    }


def migrate(tables: RawTables, schema: int, migrations: Sequence[Migration]) -> Bodies:
    """Run the migrations that *tables* of version *schema* still lack.

    Raises:
        StorageError: a migration failed or returned something that is no table of documents.
    """
    tables, bodies = copy.deepcopy(tables), {}
    for number, migration in enumerate(migrations[schema - 1 :], start=schema):
        step = f"migration of the documents from version {number} to {number + 1}"
        try:
            tables = migration(tables)
            bodies = {
                name: {key: encode_json(dict(document)) for key, document in rows.items()}
                for name, rows in tables.items()
            }
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise StorageError(
                f"{step} failed and changed nothing: {reason}; go back to the version of the "
                "hub that wrote the files and report this"
            ) from error
    return bodies

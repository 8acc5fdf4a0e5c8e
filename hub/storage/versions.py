"""The versions of what lies in a folder, looked up without changing anything."""

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from hub.errors import NewerSchema, StorageError
from hub.storage import documents, schema
from hub.storage.copying import schema_of_database
from hub.storage.database import FILE_NAME
from hub.storage.migration import schema_of
from hub.storage.recovery import Layout, read

DATABASE = FILE_NAME
DOCUMENTS = "documents.json"


@frozen(kw_only=True)
class Versions:
    """Schema versions; 0 where there is nothing."""

    database: int
    documents: int


def known_versions() -> Versions:
    """Return the newest versions that this hub can read."""
    return Versions(database=len(schema.MIGRATIONS), documents=schema_of(documents.MIGRATIONS))


def versions_in(folder: Path) -> Versions:
    """Return the versions of the stores in *folder*; a damaged file counts as none.

    Raises:
        StorageError: A file is there and can't be read.
    """
    try:
        database = schema_of_database(folder / DATABASE)
    except StorageError:  # opening it says what is wrong, and mends it
        database = 0
    return Versions(database=database, documents=read(Layout(folder)).newest_schema)


def check_versions(found: Versions, what: str) -> None:
    """Refuse stores that a newer hub wrote; *what* begins the message.

    Raises:
        NewerSchema: One of them is newer.
    """
    known = known_versions()
    pairs: Sequence[tuple[str, int, int]] = (
        ("database", found.database, known.database),
        ("documents", found.documents, known.documents),
    )
    for name, version, newest in pairs:
        if version > newest:
            raise NewerSchema(
                f"{what} was written by a newer version of the hub ({name} of version {version}, "
                f"this hub knows versions up to {newest}): install the newer hub, or use a backup "
                "made with this one"
            )

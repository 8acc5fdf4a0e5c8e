"""What users and tokens need of a document store."""

from typing import Any, Protocol


class Table(Protocol):
    """The documents of one kind. Reads come from memory; writes return when they are on disk."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a copy of the document, or None."""
        ...

    def all(self) -> dict[str, dict[str, Any]]:
        """Return copies of all documents by key."""
        ...

    async def put(self, key: str, document: dict[str, Any]) -> None:
        """Insert or replace a document.

        Raises:
            StorageError: It could not be written, and nothing changed.
        """
        ...

    async def update(self, key: str, /, **fields: object) -> dict[str, Any] | None:
        """Set fields of a document and return it whole; None if there is no such key.

        Raises:
            StorageError: It could not be written, and nothing changed.
        """
        ...

    async def delete(self, key: str) -> bool:
        """Delete a document and tell whether there was one.

        Raises:
            StorageError: It could not be written, and nothing changed.
        """
        ...

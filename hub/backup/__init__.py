"""Backups: one archive with everything a hub keeps, checked before it is used."""

from hub.backup.archive import Backup, write_archive
from hub.backup.replacement import finish_replacement
from hub.backup.restore import Restored, restore_archive

__all__ = ["Backup", "Restored", "finish_replacement", "restore_archive", "write_archive"]

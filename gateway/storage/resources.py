"""Where the named queries and the migrations lie on disk.

In a checkout they are the top-level folders ``queries/`` and ``migrations/``;
in an installed wheel they travel inside the package as ``gateway/_sql/``.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent.parent


def _folder(name: str) -> Path:
    packaged = _PACKAGE / "_sql" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


QUERIES: Final = _folder("queries")
"""Folder of the aiosql files, one per subject."""

MIGRATIONS: Final = _folder("migrations")
"""Folder of the migration files, in dbmate's format, ordered by name."""

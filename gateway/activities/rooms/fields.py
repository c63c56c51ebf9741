"""What people type about rooms: cleaned, or refused with the field's name (pure)."""

import unicodedata
from typing import Final

from gateway.core.errors import InvalidField
from gateway.core.text import is_plain

MAX_NAME: Final = 100
"""Characters in a room's name (``rooms.name``)."""

MAX_DESCRIPTION: Final = 2000


def clean_name(text: str) -> str:
    """Return a room's name, trimmed and in one spelling, so that equal names are equal."""
    name = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(name) <= MAX_NAME or not is_plain(name):
        raise InvalidField(
            f'The field "name" is wrong: 1 to {MAX_NAME} characters, no control characters.'
        )
    return name


def clean_description(text: str | None) -> str | None:
    """Return a room's description; it may have lines. None is better than an empty one."""
    description = text.strip() if text else ""
    if len(description) > MAX_DESCRIPTION or not is_plain(description, also="\n\r\t"):
        raise InvalidField(
            f'The field "description" is wrong: at most {MAX_DESCRIPTION} characters, '
            "no control characters but line ends and tabs."
        )
    return description or None


def clean_search(text: str) -> str:
    """Return the beginning of a name to look for."""
    search = unicodedata.normalize("NFC", text)
    if len(search) > MAX_NAME or not is_plain(search):
        raise InvalidField(f'The field "search" is wrong: at most {MAX_NAME} plain characters.')
    return search

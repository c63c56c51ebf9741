"""What people type about rooms: cleaned, or refused with the field's name (pure)."""

import unicodedata
from datetime import timedelta
from typing import Final

from gateway.core.errors import InvalidField
from gateway.core.text import is_plain

MAX_NAME: Final = 100
"""Characters in a room's name (``rooms.name``)."""

MAX_DESCRIPTION: Final = 2000

INVITATION_LIFETIME: Final = timedelta(days=7)
MAX_INVITATION_LIFETIME: Final = timedelta(days=365)
MAX_INVITATION_USES: Final = 1_000_000


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


def check_invitation(expires_in: timedelta, max_uses: int | None) -> None:
    """Raise ``InvalidField`` for a link that is good for too long, for too many, or for nobody."""
    if not timedelta(0) < expires_in <= MAX_INVITATION_LIFETIME:
        raise InvalidField('The field "expires_in_seconds" is wrong: up to a year from now.')
    if max_uses is not None and not 1 <= max_uses <= MAX_INVITATION_USES:
        raise InvalidField(f'The field "max_uses" is wrong: 1 to {MAX_INVITATION_USES}.')

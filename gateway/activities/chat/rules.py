"""What may be said and done in a chat (pure)."""

from typing import Final

import emoji as unicode_emoji

from gateway.core.errors import InvalidField, InvalidState

MAX_EMOJI: Final = 20
"""Different emoji under one message: two rows of them."""

MAX_EDITS: Final = 100
"""Edits of one message. All are kept, and read together."""

MAY_DELETE: Final = frozenset({"admin", "moderator"})
"""Roles that may delete what others said."""

SMALL_ROOM: Final = 100
"""Members of a room in which everybody is told how far the others have read.

In a larger one nobody looks at it, and a message would cause hundreds of events.
"""


def clean_emoji(text: str) -> str:
    """Return an emoji as it is stored, or raise ``InvalidField`` for anything else.

    Unicode's own (UTS #51); fully-qualified, so that equal ones are equal.
    """
    known = unicode_emoji.EMOJI_DATA.get(text)
    if known is not None and known["status"] != unicode_emoji.STATUS["component"]:
        if known["status"] == unicode_emoji.STATUS["fully_qualified"]:
            return text
        qualified = unicode_emoji.emojize(unicode_emoji.demojize(text), variant="emoji_type")
        return qualified if qualified in unicode_emoji.EMOJI_DATA else text
    raise InvalidField('The field "data.emoji" is wrong: one emoji of Unicode.')


def check_edit_count(count: int) -> None:
    """Raise ``InvalidState`` where a message would be edited more often than it may."""
    if count > MAX_EDITS:
        raise InvalidState(f"A message can be edited {MAX_EDITS} times.")


def check_emoji_count(count: int) -> None:
    """Raise ``InvalidState`` where a message would get more kinds of emoji than it may have."""
    if count > MAX_EMOJI:
        raise InvalidState(f"A message has at most {MAX_EMOJI} different emoji.")

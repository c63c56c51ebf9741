"""The rules of planning poker: decks, and what revealed cards say together.

Pure: no clock, no database. Sources: Grenning, "Planning Poker" (2002) for the
game; Cohn, "Agile Estimating and Planning" (2005) for the modified Fibonacci
deck and its special cards.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gateway.activities.poker.messages import Statistics
from gateway.core.errors import InvalidField, InvalidState

MODIFIED_FIBONACCI: Final = ("0", "½", "1", "2", "3", "5", "8", "13", "20", "40", "100", "?", "☕")
"""The deck of a new game."""

SPECIAL: Final = frozenset({"?", "☕", "∞"})
"""Cards that say something about the voter and nothing about the story."""

_FRACTIONS: Final = {"½": 0.5}


def check_card(card: str, deck: Sequence[str]) -> None:
    """Raise ``InvalidField`` unless ``card`` is in ``deck``."""
    if card not in deck:
        raise InvalidField(f'The field "data.card" is wrong: the cards are {" ".join(deck)}.')


def require_open_story(story_id: UUID | None, expected: UUID | None, *, is_revealed: bool) -> UUID:
    """Return the story that takes votes, or raise ``InvalidState``.

    ``story_id`` is the one on the table, ``expected`` the one that somebody
    means, if they say so.
    """
    if story_id is None:
        raise InvalidState("No story is open: start one first.")
    if expected is not None and expected != story_id:
        raise InvalidState("Another story is open now.")
    if is_revealed:
        raise InvalidState("The cards of this story are on the table already.")
    return story_id


def summarise(cards: Sequence[str]) -> Statistics:
    """Return what the revealed ``cards`` say together."""
    regular = [card for card in cards if card not in SPECIAL]
    numbers = [number for number in map(_number, regular) if number is not None]
    return Statistics(
        votes=len(cards),
        average=round(statistics.fmean(numbers), 2) if numbers else None,
        median=statistics.median(numbers) if numbers else None,
        minimum=min(numbers, default=None),
        maximum=max(numbers, default=None),
        consensus=bool(regular) and len(set(regular)) == 1,
        distribution=dict(Counter(cards)),
    )


def _number(card: str) -> float | None:
    """Return the number on a card, or ``None`` for a card without one."""
    if card in _FRACTIONS:
        return _FRACTIONS[card]
    try:
        number = float(card)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

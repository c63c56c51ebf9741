"""The people that a terminal has seen in its room, by name (pure)."""

import re
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from gateway.client import Person

MAX_PEOPLE: Final = 10_000
"""People remembered; those met first are forgotten first."""


class People:
    """Who has been here, spoken, or been spoken of. Names are unique at a gateway."""

    def __init__(self) -> None:
        self._names: dict[UUID, str] = {}

    def meet(self, people: Iterable[Person]) -> None:
        """Remember people."""
        for person in people:
            self._names[person.id] = person.name
            if len(self._names) > MAX_PEOPLE:
                del self._names[next(iter(self._names))]

    def name(self, user_id: UUID | None) -> str:
        """Return somebody's name; "somebody" if they were never met."""
        return self._names.get(user_id, "somebody") if user_id is not None else "somebody"

    def find(self, name: str) -> UUID | None:
        """Return whose name this is, or begins with this alone; case and a leading @ are as good.

        ``None`` where nobody's is, or several begin so.
        """
        found = self._called(name, str.__eq__) or self._called(name, str.startswith)
        return found[0] if len(found) == 1 else None

    def find_whole(self, name: str) -> UUID | None:
        """Return whose whole name this is."""
        found = self._called(name, str.__eq__)
        return found[0] if len(found) == 1 else None

    def _called(self, name: str, fits: Callable[[str, str], bool]) -> list[UUID]:
        wanted = name.removeprefix("@").casefold()
        return [user_id for user_id, known in self._names.items() if fits(known.casefold(), wanted)]

    def mentioned(self, text: str) -> tuple[UUID, ...]:
        """Return who is named in a text as ``@Name``; of names in one another, the longest."""
        found = []
        if "@" in text:
            for user_id, name in sorted(self._names.items(), key=lambda item: -len(item[1])):
                text, times = mention_pattern(name).subn(" ", text)
                if times:
                    found.append(user_id)
        return tuple(found)


def mention_pattern(name: str) -> re.Pattern[str]:
    """Return what finds ``@Name`` as words of their own."""
    return re.compile(rf"(?<!\w)@{re.escape(name)}(?!\w)", re.IGNORECASE)

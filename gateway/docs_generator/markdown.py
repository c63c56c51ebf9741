"""Small helpers for pages in Markdown."""

from collections.abc import Iterable
from typing import Final

from pydantic.fields import FieldInfo

_LIMITS: Final = (
    ("ge", "at least {}"),
    ("gt", "above {}"),
    ("le", "at most {}"),
    ("lt", "below {}"),
)


def cell(text: str) -> str:
    """Return ``text`` as one line that a table's cell may hold."""
    return " ".join(text.split()).replace("``", "`").replace("|", r"\|")


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the cells are taken as they are."""
    columns = list(heading)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def limits_of(field: FieldInfo) -> str:
    """Return the numeric limits of a setting, for people."""
    found = (
        text.format(getattr(constraint, name))
        for constraint in field.metadata
        for name, text in _LIMITS
        if getattr(constraint, name, None) is not None
    )
    return ", ".join(found)

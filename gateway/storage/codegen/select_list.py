"""Where the result columns of a query come from, read from its text.

No parser of SQL: it reads the lists after ``select`` and ``returning`` and the
tables after ``from``, ``join``, ``into``, ``update`` and ``using``, which is
enough for the plain statements in ``queries/``. What it cannot follow counts
as an expression, and so as a column that may be null.
"""

import re
from dataclasses import dataclass
from typing import Final

_LITERAL: Final = re.compile(r"'(?:''|[^'])*'|--[^\n]*")
_MENTION: Final = re.compile(
    r"\b(?:(left|full|right)\s+(?:outer\s+)?)?(?:from|join|into|update|using)\s+([a-z_][\w.]*)"
    r"(?:\s+(?:as\s+)?([a-z_]\w*))?"
)
_NO_ALIAS: Final = {
    "on", "where", "set", "order", "group", "limit", "left", "right", "full", "inner", "cross",
    "join", "returning", "for", "union", "using", "values", "select", "default",
}  # fmt: skip
_LIST: Final = re.compile(r"\bselect\b(?:\s+distinct\b)?|\breturning\b")
_LIST_END: Final = re.compile(r"from\b|union\b|where\b|limit\b|order\b|for\b")
_ITEM: Final = re.compile(r"(?:([a-z_]\w*)\.)?([a-z_]\w*|\*)(?:\s+as\s+([a-z_]\w*))?")
_NAMED: Final = re.compile(r"\bas\s+([a-z_]\w*)$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A table the statement reads or writes; ``optional`` behind an outer join."""

    table: str
    alias: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A result column ``name`` (``*``: all), taken as it is from ``column`` of ``alias``.

    ``alias`` is ``None`` when the text does not say whose column it is, and
    ``column`` is ``None`` for an expression.
    """

    name: str
    alias: str | None
    column: str | None


def mentions(sql: str) -> list[Mention]:
    """Return the tables of the statement, by their names in it."""
    found = _MENTION.findall(_plain(sql))
    everything = any(side in {"right", "full"} for side, _table, _alias in found)
    return [
        Mention(
            table=table,
            alias=alias if alias and alias not in _NO_ALIAS else table.rpartition(".")[2],
            optional=everything or side == "left",
        )
        for side, table, alias in found
    ]


def items(sql: str) -> list[Item]:
    """Return the items of all select and returning lists, those of subqueries too."""
    text = _plain(sql)
    return [
        _item(part.strip()) for match in _LIST.finditer(text) for part in _parts(text, match.end())
    ]


def _plain(sql: str) -> str:
    """Return the text in small letters without comments and literals."""
    return _LITERAL.sub("''", sql.lower())


def _parts(text: str, start: int) -> list[str]:
    """Split the list that begins at ``start`` at its commas outside brackets."""
    depth, parts = 0, [""]
    for index in range(start, len(text)):
        character = text[index]
        depth += (character in "([") - (character in ")]")
        at_word = not (text[index - 1].isalnum() or text[index - 1] in "_.")
        ends = depth == 0 and at_word and _LIST_END.match(text, index)
        if depth < 0 or character == ";" or ends:
            break
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _item(text: str) -> Item:
    if plain := _ITEM.fullmatch(text):
        alias, column, name = plain.groups()
        return Item(name or column, alias, column)
    named = _NAMED.search(text)
    return Item(named[1] if named else "", None, None)

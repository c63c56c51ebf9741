"""Small helpers for pages in Markdown."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

_LINE_CHARACTERS: Final = 92


def cell(text: str) -> str:
    """Return ``text`` as one line that a table's cell may hold."""
    return " ".join(text.split()).replace("``", "`").replace("|", r"\|")


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the cells are taken as they are."""
    columns = list(heading)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def pretty_json(value: object, indent: str = "") -> str:
    """Return JSON with each part on one line where it fits, for people to read."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _LINE_CHARACTERS or not isinstance(value, Mapping | list):
        return line
    deeper = indent + "  "
    if isinstance(value, Mapping):
        parts = [f"{json.dumps(key)}: {pretty_json(part, deeper)}" for key, part in value.items()]
    else:
        parts = [pretty_json(part, deeper) for part in value]
    start, end = "{}" if isinstance(value, Mapping) else "[]"
    return f"{start}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{end}"

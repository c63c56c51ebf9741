"""Values as SQL text: EXPLAIN EXECUTE takes no parameters."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson


def literal(value: object) -> str:
    """Return a literal that PostgreSQL reads as whatever type stands there."""
    text = _text(value)
    return "null" if text is None else f"'{_doubled(text)}'"


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float() | UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return orjson.dumps(value).decode()
        case list() | tuple():
            return f"{{{','.join(map(_element, value))}}}"
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")


def _element(value: object) -> str:
    text = _text(value)
    if text is None:
        return "null"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _doubled(text: str) -> str:
    return text.replace("'", "''")

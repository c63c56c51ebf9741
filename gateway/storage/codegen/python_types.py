"""Which Python type stands for a PostgreSQL type, and where it is imported from."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_IDS: Final = "gateway.core.ids"

_SCALARS: Final = {
    "bool": "bool",
    "bytea": "bytes",
    "float4": "float",
    "float8": "float",
    "int2": "int",
    "int4": "int",
    "int8": "int",
    "json": "str",
    "jsonb": "Json",
    "name": "str",
    "text": "str",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "tsvector": "str",
    "uuid": "UUID",
    "varchar": "str",
}

HOMES: Final = {
    "Json": "gateway.storage.connection",
    "MessageId": _IDS,
    "RoomId": _IDS,
    "Seq": _IDS,
    "Sequence": "collections.abc",
    "SessionId": _IDS,
    "UUID": "uuid",
    "UserId": _IDS,
    "datetime": "datetime",
}
"""The module of every name in an annotation that has to be imported."""

_NEW_TYPES: Final = {
    "UUID": {
        "actor": "UserId",
        "banned_by": "UserId",
        "created_by": "UserId",
        "host_id": "UserId",
        "last_read_message_id": "MessageId",
        "marker_room": "RoomId",
        "marker_user": "UserId",
        "mention": "UserId",
        "message_id": "MessageId",
        "messages.id": "MessageId",
        "reply_to": "MessageId",
        "root": "MessageId",
        "room_id": "RoomId",
        "rooms.id": "RoomId",
        "user_id": "UserId",
        "users.id": "UserId",
    },
    "int": {
        "after_seq": "Seq",
        "before_seq": "Seq",
        "last_due": "Seq",
        "last_seq": "Seq",
        "log_start": "Seq",
        "seq": "Seq",
        "marker_seq": "Seq",
    },
    "str": {"kept_sid": "SessionId", "sid": "SessionId"},
}
"""By the plain type, which columns and parameters have a type of their own."""


class UnknownTypeError(Exception):
    """A query or column has a type that is missing here."""


@dataclass(frozen=True, slots=True)
class PythonType:
    """An annotation, such as ``Sequence[RoomId] | None``."""

    text: str

    def or_none(self, nullable: bool = True) -> "PythonType":
        """Return the type with ``None`` when ``nullable``."""
        return PythonType(f"{self.text} | None") if nullable else self


def python_type(
    name: str, pg_type: str, enums: Collection[str], *, nullable_elements: bool = False
) -> PythonType:
    """Return the type of the column or parameter ``name``.

    ``name`` is qualified by its table for a column called ``id``. An array's
    elements go by the singular: ``room_ids`` are ``RoomId``.
    """
    if pg_type.endswith("[]"):
        element = python_type(name.removesuffix("s"), pg_type[:-2], enums)
        return PythonType(f"Sequence[{element.or_none(nullable_elements).text}]")
    if pg_type in enums:
        return PythonType(class_name(pg_type))
    if pg_type not in _SCALARS:
        raise UnknownTypeError(
            f"{name} has the type {pg_type}, which codegen/python_types.py lacks"
        )
    plain = _SCALARS[pg_type]
    return PythonType(_NEW_TYPES.get(plain, {}).get(name, plain))


def class_name(*words: str) -> str:
    """Return ``words`` with underscores and dots as one name in capitals: ``SyncMode``."""
    return "".join(part.capitalize() for word in words for part in re.split(r"[_.]", word))


def row_name(table: str) -> str:
    """Return the name of a table's row type: ``poker.stories`` gives ``PokerStoryRow``."""
    singular = re.sub(r"ies$", "y", table) if table.endswith("ies") else table.removesuffix("s")
    return class_name(singular, "row")

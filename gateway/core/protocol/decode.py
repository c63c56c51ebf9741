"""Text from a client becomes a typed command, or an error that says what is wrong with it."""

import functools
import operator
from collections.abc import Iterable
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from gateway.core.errors import BadJson, BadRequest, InvalidField, UnknownType
from gateway.core.protocol.base import MAX_INTEGER, Command


class CommandDecoder:
    """Decodes and validates in one pass, for exactly the command types it was made with."""

    def __init__(self, command_types: Iterable[type[Command]]) -> None:
        """Raise ``ValueError`` when two commands have one name: a mistake found at start."""
        by_name: dict[str, type[Command]] = {}
        for command_type in command_types:
            name = command_name(command_type)
            if name in by_name:
                raise ValueError(f"two commands are named {name!r}")
            by_name[name] = command_type
        union = functools.reduce(operator.or_, by_name.values())
        # The union is made at run time, which mypy has no type for.
        adapter = TypeAdapter(Annotated[union, Field(discriminator="type")])  # type: ignore[var-annotated,arg-type]
        self._adapter: TypeAdapter[Command] = adapter

    def decode(self, text: bytes) -> Command:
        """Return the command in ``text`` (UTF-8 JSON), or raise a leaf of ``BadRequest``."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise _explain(error) from None


def command_name(command_type: type[Command]) -> str:
    """Return the ``type`` that a command has on the wire."""
    name = command_type.model_fields["type"].annotation.__args__[0]  # type: ignore[union-attr]
    assert isinstance(name, str)  # noqa: S101 - a programming mistake, not an input
    return name


def peek_id(text: bytes) -> int | None:
    """Return the ``id`` of a message that could not be decoded, where it has a readable one."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    command_id = value.get("id") if isinstance(value, dict) else None
    if type(command_id) is int and 0 <= command_id <= MAX_INTEGER:
        return command_id
    return None


def _explain(error: ValidationError) -> BadRequest:
    """Turn pydantic's account of the mistake into ours: one sentence that names the field."""
    first: dict[str, Any] = error.errors(include_url=False, include_context=True)[0]  # type: ignore[assignment]
    match first["type"]:
        case "json_invalid":
            return BadJson(f"This is not JSON: {first['ctx']['error']}.")
        case "model_attributes_type" | "model_type" | "dict_type" if not first["loc"]:
            return BadJson("A message is a JSON object.")
        case "union_tag_not_found":
            return InvalidField('The field "type" is missing.')
        case "union_tag_invalid":
            return UnknownType(f"There is no command {str(first['ctx']['tag'])[:64]!r}.")
    # The first step of the path is the union's tag, which is not in the message.
    field = ".".join(str(step) for step in first["loc"][1:])[:64] or "message"
    return InvalidField(f'The field "{field}" is wrong: {first["msg"]}.')

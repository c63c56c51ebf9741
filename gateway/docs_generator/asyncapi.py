"""``docs/asyncapi.json``: the WebSocket for machines (AsyncAPI 3.0.0, https://www.asyncapi.com).

The document describes the gateway, so it *receives* commands and *sends* events.
"""

import json
from collections.abc import Iterable
from typing import Any

from gateway.core.protocol.base import WireModel
from gateway.core.protocol.connection import SUBPROTOCOL, ErrorBody
from gateway.docs_generator import examples
from gateway.docs_generator.messages import (
    CommandMessage,
    Message,
    Schema,
    commands,
    events,
    notices,
    reference,
    schemas,
)

_CHANNEL = {"$ref": "#/channels/gateway"}
_REFUSED = "refused"


def asyncapi_document() -> str:
    """Return the document as JSON text."""
    messages = _messages()
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Parley",
            "version": "1.0.0",
            "description": "The WebSocket of a Parley gateway: see docs/protocol.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8000", "protocol": "ws"}},
        "channels": {
            "gateway": {
                "address": "/ws",
                "description": f"One JSON object in each text frame; subprotocol {SUBPROTOCOL}.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {**_receive(), **_send((*events(), *notices()))},
        "components": {"schemas": schemas(), "messages": messages},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _messages() -> dict[str, Any]:
    """Return every message by its name in the document."""
    found: dict[str, Any] = {}
    for message in (*commands(), *events(), *notices()):
        found[message.type_name] = _message(message.type_name, message.schema, message.example)
        found[message.type_name]["description"] = message.meaning
    for command in commands():
        for reply in command.replies or (None,):
            found[_reply_name(command, reply)] = _ok(command, reply)
    refusal = {"re": 7, "error": examples.NOTICE_DATA["error"]["error"]}
    found[_REFUSED] = _message(_REFUSED, _reply("error", reference(ErrorBody)), refusal)
    return found


def _message(name: str, schema: Schema, example: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"name": name, "payload": schema, "examples": [{"payload": example}]}


def _ok(command: CommandMessage, reply: type[WireModel] | None) -> dict[str, Any]:
    schema = reference(reply) if reply else {"type": "object"}
    example = {"re": 7, "ok": examples.REPLIES[reply.__name__] if reply else {}}
    return _message(_reply_name(command, reply), _reply("ok", schema), example)


def _reply(field: str, schema: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"re": {"type": "integer"}, field: schema},
        "required": ["re", field],
    }


def _reply_name(command: CommandMessage, reply: type[WireModel] | None) -> str:
    return f"{command.type_name}.{reply.__name__ if reply else 'ok'}"


def _receive() -> dict[str, Any]:
    return {
        command.type_name: {
            "action": "receive",
            "channel": _CHANNEL,
            "messages": _refs([command.type_name]),
            "reply": {
                "channel": _CHANNEL,
                "messages": _refs(
                    [
                        *(_reply_name(command, reply) for reply in command.replies or (None,)),
                        _REFUSED,
                    ]
                ),
            },
        }
        for command in commands()
    }


def _send(messages: Iterable[Message]) -> dict[str, Any]:
    return {
        message.type_name: {
            "action": "send",
            "channel": _CHANNEL,
            "messages": _refs([message.type_name]),
        }
        for message in messages
    }


def _refs(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/gateway/messages/{name}"} for name in names]

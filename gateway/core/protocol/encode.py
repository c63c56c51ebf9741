"""Replies, notices and events become bytes. Each is encoded once, however many receive it."""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import orjson

from gateway.core.errors import GatewayError
from gateway.core.ids import RoomId, Seq, UserId
from gateway.core.protocol.base import Committed, EventData, NoticeData, WireModel


def encode_ok(command_id: int, body: WireModel | None = None) -> bytes:
    """Return the reply to a command that was carried out."""
    return b'{"re":%d,"ok":%b}' % (command_id, _json(body) if body is not None else b"{}")


def encode_committed(command_id: int, committed: Committed) -> bytes:
    """Return the reply to a durable command: what ``encode_ok`` would, in half the time."""
    if committed.seq is None or committed.at is None:
        return encode_ok(command_id, committed)
    at = encode_time(committed.at)
    return b'{"re":%d,"ok":{"seq":%d,"at":"%b"}}' % (command_id, committed.seq, at)


def encode_error(command_id: int | None, error: GatewayError) -> bytes:
    """Return the reply to a command that failed, or the ``error`` notice when it had no id."""
    body = orjson.dumps(error_body(error))
    if command_id is None:
        return b'{"type":"error","data":{"error":%b}}' % body
    return b'{"re":%d,"error":%b}' % (command_id, body)


def error_body(error: GatewayError) -> dict[str, object]:
    """Return an error as the wire and the HTTP API show it."""
    return {"code": error.code, "message": error.message, "retryable": error.retryable}


def encode_notice(notice: NoticeData) -> bytes:
    """Return a notice: ``{"type": …, "data": {…}}``."""
    return b'{"type":"%b","data":%b}' % (notice.type.encode(), _json(notice))


def encode_ephemeral(room_id: RoomId, data: EventData) -> bytes:
    """Return an event that is not in the log and so carries no ``seq``."""
    return b'{"type":"%b","room":"%b","data":%b}' % (
        data.type.encode(),
        encode_id(room_id),
        _json(data),
    )


def encode_event(
    event_type: str,
    room_id: RoomId,
    seq: Seq,
    at: datetime,
    by: UserId | None,
    key: str | None,
    payload: bytes,
) -> bytes:
    """Return a durable event from what its row in ``room_events`` holds.

    A live event. Its replay years later is put together by PostgreSQL
    (``read_events`` in queries/log.sql), of the same values to the same bytes.
    """
    return b'{"type":"%b","room":"%b","seq":%d,"at":"%b"%b%b,"data":%b}' % (
        event_type.encode(),
        encode_id(room_id),
        seq,
        encode_time(at),
        b',"by":"%b"' % encode_id(by) if by is not None else b"",
        b',"key":%b' % orjson.dumps(key) if key is not None else b"",
        payload,
    )


@lru_cache(maxsize=4096)
def encode_id(value: UUID) -> bytes:
    """Return a room's or a person's id; the same few thousand come again and again."""
    return str(value).encode()


@lru_cache(maxsize=256)  # the events of a batch, and their replies, have one time
def encode_time(at: datetime) -> bytes:
    """Return RFC 3339 in UTC with microseconds, the resolution of PostgreSQL."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def encode_payload(data: EventData) -> bytes:
    """Return an event's data, as it is stored in ``room_events.payload`` and sent."""
    return _json(data)


def _json(model: WireModel) -> bytes:
    return model.__pydantic_serializer__.to_json(model)

"""Every name this gateway uses in Redis, in one place (``docs/redis.md`` is this table in prose).

Every key can be lost without losing durable data.
"""

from typing import Final

from gateway.core.ids import InstanceId, RoomId, SessionId, UserId

INSTANCES: Final = "instances"
"""Sorted set: live instances, scored by the end of their lease (ms of Redis's clock)."""

CONTROL: Final = b"control"
"""Channel: what every instance has to know at once (``backplane.sessions``)."""


def room_channel(room_id: RoomId) -> bytes:
    """Channel: everything that happens in a room (``core.publication``)."""
    return b"room:" + str(room_id).encode()


def user_channel(user_id: UserId) -> bytes:
    """Channel: a person's inbox shows something else; which room's id (16 bytes), or nothing."""
    return b"user:" + str(user_id).encode()


def instance_channel(instance_id: InstanceId) -> bytes:
    """Channel: an instance's messages to itself, which prove that it hears."""
    return b"instance:" + instance_id.encode()


def room_presence(room_id: RoomId) -> str:
    """Hash ``{instance}:{user}`` → person with status (JSON): who is in a room, and how."""
    return f"presence:room:{room_id}"


def typing(room_id: RoomId) -> str:
    """Sorted set of user ids, scored by when their typing expires (ms of Unix time)."""
    return f"typing:{room_id}"


def session(session_id: SessionId) -> str:
    """String (JSON): a sign-in session, cached from ``public.sessions`` for a minute."""
    return f"session:{session_id}"

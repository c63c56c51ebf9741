"""Membership, as the ledger writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.rooms.messages import MemberJoined, Role
from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import rooms as room_queries


@dataclass(frozen=True, slots=True)
class BecomeMember:
    """Join a room for good. A private room wants ``Submission.invited``."""

    role: Role = "member"


class _NewMember(NamedTuple):
    room_id: RoomId
    user_id: UserId
    role: Role


class Arrivals:
    """The plan of ``BecomeMember``: a crowd that comes in is written in one statement."""

    def __init__(self) -> None:
        self._new: list[_NewMember] = []

    async def load(self, _conn: Connection, _submissions: Sequence[Submission]) -> None:
        """Nothing: who is a member is known already."""

    def carry_out(self, context: Context, command: BecomeMember) -> Outcome:
        """Add the actor to the room; no event for who is a member already."""
        if context.role is not None:
            return Outcome(())
        self._new.append(_NewMember(context.room.id, context.actor.user_id, command.role))
        event = MemberJoined(user=context.actor.person, role=command.role)
        return Outcome((event,), role=command.role)

    async def write(self, conn: Connection, _now: datetime) -> None:
        """Write the new members."""
        if self._new:
            room_ids, user_ids, roles = zip(*self._new, strict=True)
            await room_queries.add_members(conn, room_ids=room_ids, user_ids=user_ids, roles=roles)

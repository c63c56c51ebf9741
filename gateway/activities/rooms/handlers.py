"""Membership, as the ledger writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.activities.activity import Context, Outcome, Standing, Submission
from gateway.activities.rooms.messages import MemberJoined, Role
from gateway.core.errors import Banned, InvalidState
from gateway.core.ids import RoomId, Seq, UserId
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
    last_read_seq: Seq
    read_count: int
    muted_until: datetime | None


class Arrivals:
    """The plan of ``BecomeMember``: a crowd that comes in is written in one statement."""

    def __init__(self) -> None:
        self._bans: dict[tuple[RoomId, UserId], datetime | None] = {}
        self._mutes: dict[tuple[RoomId, UserId], datetime | None] = {}
        self._new: list[_NewMember] = []

    async def load(self, conn: Connection, submissions: Sequence[Submission]) -> None:
        """Read who may not come in, and who was muted when they left."""
        rows = await room_queries.read_restrictions(
            conn,
            room_ids=[submission.room_id for submission in submissions],
            user_ids=[submission.actor.user_id for submission in submissions],
        )
        for row in rows:
            restrictions = self._bans if row.is_ban else self._mutes
            restrictions[row.room_id, row.user_id] = row.until

    def carry_out(self, context: Context, command: BecomeMember) -> Outcome:
        """Add the actor to the room; no event for who is a member already."""
        if context.standing is not None:
            return Outcome(())
        if context.is_archived:
            raise InvalidState("This room is archived: nobody new comes in.")
        user_id = context.actor.user_id
        place = context.room.id, user_id
        if place in self._bans:
            banned_until = self._bans[place]
            if banned_until is None or banned_until > context.now:
                raise Banned("You were banned from this room.")
        muted_until = self._mutes.get(place)
        if muted_until is not None and muted_until <= context.now:
            muted_until = None
        seen = Seq(context.seq - 1), context.number - 1
        self._new.append(_NewMember(*place, command.role, *seen, muted_until))
        event = MemberJoined(user=context.actor.person, role=command.role, muted_until=muted_until)
        standing = Standing(command.role, muted_until)
        return Outcome((event,), standings={user_id: standing}, touched=(user_id,))

    async def write(self, conn: Connection, _now: datetime) -> None:
        """Write the new members."""
        if self._new:
            room_ids, user_ids, roles, last_read_seqs, read_counts, muted_untils = zip(
                *self._new, strict=True
            )
            await room_queries.add_members(
                conn,
                room_ids=room_ids,
                user_ids=user_ids,
                roles=roles,
                last_read_seqs=last_read_seqs,
                read_counts=read_counts,
                muted_untils=muted_untils,
            )

"""Membership, as the ledger writes it."""

from dataclasses import dataclass

from gateway.activities.activity import Context, Outcome
from gateway.activities.rooms.messages import MemberJoined, Role
from gateway.storage.generated import rooms as room_queries


@dataclass(frozen=True, slots=True)
class BecomeMember:
    """Join a room for good. A private room wants ``Submission.invited``."""

    role: Role = "member"


async def become_member(context: Context, command: BecomeMember) -> Outcome:
    """Add the actor to the room; no event for who is a member already."""
    if context.role is not None:
        return Outcome(())
    added = await room_queries.add_member(
        context.conn, room_id=context.room.id, user_id=context.actor.user_id, role=command.role
    )
    if not added:
        return Outcome(())  # by an earlier command of the same batch
    return Outcome((MemberJoined(user=context.actor.person, role=command.role),))

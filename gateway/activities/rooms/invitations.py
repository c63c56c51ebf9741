"""Accepting an invitation, as the ledger writes it."""

from dataclasses import dataclass
from uuid import UUID

from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.rooms.handlers import Arrivals, BecomeMember
from gateway.core.errors import UnknownInvitation
from gateway.storage.generated import invitations as invitation_queries
from gateway.storage.generated import rooms as room_queries


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """Join a room by an invitation, given as the hash of its token; ``Submission.invited``."""

    token_hash: str


@dataclass(frozen=True, slots=True)
class AcceptPersonalInvitation:
    """Join a room by an invitation of one's own; ``Submission.invited``."""

    invitation_id: UUID


async def accept_invitation(context: Context, command: AcceptInvitation) -> Outcome:
    """Add the actor and count the use, in one transaction.

    So of two people with the last use one gets in, and a failure on the way
    uses nothing up. Whoever is a member already uses nothing up either.
    """
    if context.standing is not None:
        return Outcome(())
    room_id = await room_queries.lock_invitation(context.conn, token_hash=command.token_hash)
    if room_id != context.room.id:
        raise UnknownInvitation("This invitation has expired or is used up.")
    outcome = await _come_in(context)
    await room_queries.count_invitation_use(context.conn, token_hash=command.token_hash)
    return outcome


async def accept_personal_invitation(
    context: Context, command: AcceptPersonalInvitation
) -> Outcome:
    """Add the actor, if the invitation is still good. It stays, so that this may be repeated."""
    if context.standing is not None:
        return Outcome(())
    invitation = await invitation_queries.find_personal_invitation(
        context.conn, invitation_id=command.invitation_id, user_id=context.actor.user_id
    )
    if (
        invitation is None
        or invitation.room_id != context.room.id
        or invitation.expires_at <= context.now
    ):
        raise UnknownInvitation("This invitation has expired or was withdrawn.")
    return await _come_in(context)


async def _come_in(context: Context) -> Outcome:
    command = BecomeMember()
    arrivals = Arrivals()
    await arrivals.load(context.conn, [Submission(context.room.id, context.actor, command)])
    outcome = arrivals.carry_out(context, command)
    await arrivals.write(context.conn, context.now)
    return outcome

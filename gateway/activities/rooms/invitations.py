"""Accepting an invitation, as the ledger writes it."""

from dataclasses import dataclass

from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.rooms.handlers import Arrivals, BecomeMember
from gateway.core.errors import UnknownInvitation
from gateway.storage.generated import rooms as room_queries


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """Join a room by an invitation, given as the hash of its token; ``Submission.invited``."""

    token_hash: str


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
    arrivals = Arrivals()
    await arrivals.load(context.conn, [Submission(context.room.id, context.actor, command)])
    outcome = arrivals.carry_out(context, BecomeMember())
    await arrivals.write(context.conn, context.now)
    await room_queries.count_invitation_use(context.conn, token_hash=command.token_hash)
    return outcome

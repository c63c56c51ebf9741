"""Who is in a room and as what, as the ledger writes it. Rare, so one by one.

What is decided here holds at once: every command reads its actor's standing
under the room's lock, and ``member.left`` ends what is open on live connections.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from gateway.activities.activity import Context, Outcome, Standing
from gateway.activities.rooms import rules
from gateway.activities.rooms.messages import (
    MemberBan,
    MemberBanned,
    MemberKick,
    MemberLeave,
    MemberLeft,
    MemberMute,
    MemberMuted,
    MemberRoleChanged,
    MemberSetRole,
    MemberUnban,
    MemberUnbanned,
)
from gateway.core.errors import InvalidField, InvalidState, UnknownMember
from gateway.core.ids import UserId
from gateway.core.protocol.base import Person
from gateway.storage.generated import audit as audit_queries
from gateway.storage.generated import invitations as invitation_queries
from gateway.storage.generated import members as member_queries


class _Target(NamedTuple):
    """Whom a command is about."""

    user_id: UserId
    person: Person
    role: str | None
    muted_until: datetime | None

    @property
    def member_role(self) -> str:
        """The role, or ``UnknownMember``."""
        if self.role is None:
            raise UnknownMember("This person is not a member of this room.")
        return self.role


async def leave(context: Context, _command: MemberLeave) -> Outcome:
    """End the actor's own membership; the last admin archives the room instead."""
    role = context.require_member()
    await _require_another_admin(context, role)
    ended = await _remove(context, context.actor.user_id)
    event = MemberLeft(user=context.actor.person, reason="left")
    return _gone(context.actor.user_id, event, ended)


async def set_role(context: Context, command: MemberSetRole) -> Outcome:
    """Give a member another role; the one they have changes nothing."""
    rules.require_admin(context.require_member())
    target = await _find(context, command.data.user_id)
    role = command.data.role
    if target.member_role == role:
        return Outcome(())
    await _require_another_admin(context, target.role)
    await member_queries.set_role(
        context.conn, room_id=context.room.id, user_id=target.user_id, role=role
    )
    await _record(context, "set_role", target, role=role, before=target.member_role)
    ended = () if rules.may_invite(role) else await _end_invitations(context, target.user_id)
    event = MemberRoleChanged(user=target.person, role=role)
    standing = Standing(role, target.muted_until)
    touched = (target.user_id, *ended)
    return Outcome((event,), standings={target.user_id: standing}, touched=touched)


async def kick(context: Context, command: MemberKick) -> Outcome:
    """End somebody's membership."""
    target = await _find_moderated(context, command.data.user_id)
    _ = target.member_role
    ended = await _remove(context, target.user_id)
    await _record(context, "kick", target)
    return _gone(target.user_id, MemberLeft(user=target.person, reason="kicked"), ended)


async def ban(context: Context, command: MemberBan) -> Outcome:
    """Keep somebody out, and put them out if they are in."""
    until = command.data.until
    if until is not None and until <= context.now:
        raise InvalidField('The field "data.until" is wrong: a time to come.')
    target = await _find_moderated(context, command.data.user_id)
    await member_queries.ban(
        context.conn,
        room_id=context.room.id,
        user_id=target.user_id,
        banned_by=context.actor.user_id,
        reason=command.data.reason,
        until=until,
        created_at=context.now,
    )
    await _record(context, "ban", target, reason=command.data.reason or "")
    banned = MemberBanned(user=target.person, until=until, reason=command.data.reason)
    if target.role is None:
        ended = await _end_invitations(context, target.user_id)
        return Outcome((banned,), touched=(target.user_id, *ended))
    ended = await _remove(context, target.user_id)
    left = MemberLeft(user=target.person, reason="banned")
    return _gone(target.user_id, left, ended)._replace(events=(banned, left))


async def unban(context: Context, command: MemberUnban) -> Outcome:
    """Let somebody in again; who is not banned changes nothing."""
    target = await _find_moderated(context, command.data.user_id)
    if not await member_queries.unban(
        context.conn, room_id=context.room.id, user_id=target.user_id
    ):
        return Outcome(())
    await _record(context, "unban", target)
    return Outcome((MemberUnbanned(user=target.person),))


async def mute(context: Context, command: MemberMute) -> Outcome:
    """Let a member read only, or speak again."""
    target = await _find_moderated(context, command.data.user_id)
    role = target.member_role
    until = command.data.until
    if until is not None and until <= context.now:
        until = None
    if until == target.muted_until:
        return Outcome(())
    await member_queries.set_muted_until(
        context.conn, room_id=context.room.id, user_id=target.user_id, muted_until=until
    )
    await _record(context, "mute", target, until=until.isoformat() if until else "")
    event = MemberMuted(user=target.person, until=until)
    return Outcome(
        (event,), standings={target.user_id: Standing(role, until)}, touched=(target.user_id,)
    )


async def _remove(context: Context, user_id: UserId) -> Sequence[UserId]:
    """End a membership; the invitation by which it began is not good for another."""
    await member_queries.remove_member(context.conn, room_id=context.room.id, user_id=user_id)
    return await _end_invitations(context, user_id)


async def _end_invitations(context: Context, user_id: UserId) -> Sequence[UserId]:
    """End those that somebody made, and their own unless they are a member; return whose."""
    return await invitation_queries.end_invitations(
        context.conn, room_id=context.room.id, user_id=user_id
    )


def _gone(user_id: UserId, event: MemberLeft, ended: Sequence[UserId]) -> Outcome:
    return Outcome((event,), standings={user_id: None}, touched=(user_id, *ended))


async def _find(context: Context, user_id: UUID) -> _Target:
    row = await member_queries.find_person(
        context.conn, room_id=context.room.id, user_id=UserId(user_id)
    )
    if row is None:
        raise UnknownMember("There is no such person.")
    person = Person(id=row.id, name=row.username, avatar_url=row.avatar_url)
    return _Target(row.id, person, row.role, row.muted_until)


async def _find_moderated(context: Context, user_id: UUID) -> _Target:
    """Return somebody whom the actor may moderate."""
    role = context.require_member()
    if user_id == context.actor.user_id:
        raise InvalidState("You cannot do that to yourself.")
    rules.require_moderation(role, None)
    target = await _find(context, user_id)
    rules.require_moderation(role, target.role)
    return target


async def _require_another_admin(context: Context, role: str | None) -> None:
    if role == "admin":
        admins = await member_queries.count_admins(context.conn, room_id=context.room.id)
        rules.require_another_admin(role, admins)


async def _record(context: Context, action: str, target: _Target, **details: str) -> None:
    await audit_queries.record_action(
        context.conn,
        action=action,
        entity_type="room",
        entity_id=str(context.room.id),
        user_id=str(context.actor.user_id),
        details={"person": str(target.user_id), **details},
    )

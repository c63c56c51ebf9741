"""Invitations, for people and as links: making, accepting, declining them."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from gateway.activities.accounts.tokens import TOKEN_BYTES, encode_token, hash_token
from gateway.activities.activity import LookAgain, Submission, Submit
from gateway.activities.rooms import fields, inbox_reading, rules
from gateway.activities.rooms.invitations import AcceptInvitation, AcceptPersonalInvitation
from gateway.activities.rooms.service import read_room
from gateway.activities.rooms.views import (
    Invitation,
    InvitationLink,
    InvitedPerson,
    MyInvitations,
    OpenInvitations,
    PersonalInvitation,
    RoomView,
)
from gateway.backplane.throttle import Throttle, counter_key
from gateway.core.errors import Banned, InvalidState, UnknownInvitation, UnknownMember
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, UserId
from gateway.core.protocol.base import Person
from gateway.core.windows import Counter
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import audit as audit_queries
from gateway.storage.generated import invitations as invitation_queries
from gateway.storage.generated import log as log_queries
from gateway.storage.generated import members as member_queries
from gateway.storage.generated import rooms as room_queries
from gateway.storage.generated.invitations import InvitedPeopleRow, LinksIntoRow

MAX_LISTED: Final = 100
"""Invitations of each kind that a room's list tells, the newest."""

INVITATIONS_PER_HOUR: Final = 30
"""People whom one person may invite, into all rooms together: anybody can make a room."""

_HOUR_SECONDS: Final = 3600


class Invitations:
    """What an ``actor``, who is signed in, may do with invitations. All may raise ``Unavailable``.

    Accepting again changes nothing and is no error: the first answer may have been lost.
    """

    def __init__(
        self, database: Database, submit: Submit, look_again: LookAgain, throttle: Throttle
    ) -> None:
        """``submit`` is the ledger's: whoever becomes a member does so in the room's log."""
        self._database = database
        self._submit = submit
        self._look_again = look_again
        self._throttle = throttle

    async def make_link(
        self,
        actor: Identity,
        room_id: RoomId,
        *,
        expires_in: timedelta = fields.INVITATION_LIFETIME,
        max_uses: int | None = None,
    ) -> Invitation:
        """Make a link into a room; admins and moderators may.

        ``max_uses`` counts the people it lets in; ``None`` is any number.
        Raises ``UnknownRoom``, ``Forbidden``, ``InvalidField``.
        """
        fields.check_invitation(expires_in, max_uses)
        token = encode_token(secrets.token_bytes(TOKEN_BYTES))
        token_hash = hash_token(token)
        invitation_id = _link_id(token_hash)
        expires_at = datetime.now(UTC) + expires_in
        async with self._database.transaction() as conn:
            # So nobody puts the actor out at the same time, which would leave the link good.
            await log_queries.lock_rooms(conn, room_ids=[room_id])
            room = await read_room(conn, actor, room_id)
            rules.require_inviter(room.role)
            await room_queries.create_invitation(
                conn,
                token_hash=token_hash,
                room_id=room_id,
                created_by=actor.user_id,
                expires_at=expires_at,
                max_uses=max_uses,
            )
            await _record(conn, actor, "invite_link", room_id, invitation=str(invitation_id))
        return Invitation(id=invitation_id, token=token, expires_at=expires_at, max_uses=max_uses)

    async def use_link(self, actor: Identity, token: str) -> RoomView:
        """Make the actor a member by a link; ``UnknownInvitation``, ``Banned``, ``InvalidState``.

        To repeat it is no error even when the link has expired meanwhile, for a day, or is
        used up.
        """
        token_hash = hash_token(token)
        async with self._database.connection() as conn:
            room_id = await invitation_queries.find_invitation(conn, token_hash=token_hash)
        if room_id is None:
            raise UnknownInvitation("There is no such invitation.")
        return await self._come_in(actor, room_id, AcceptInvitation(token_hash))

    async def invite(self, actor: Identity, room_id: RoomId, user_id: UserId) -> PersonalInvitation:
        """Invite somebody, who sees it in their inbox; admins and moderators may.

        Raises ``UnknownRoom``, ``Forbidden``, ``UnknownMember`` (nobody has this id),
        ``Banned``, ``InvalidState`` (a member, or an archived room), ``RateLimited``.
        """
        await self._throttle.take([_counter(actor)])
        async with self._database.transaction() as conn:
            # So nobody bans them, or lets them in, at the same time.
            locked = await log_queries.lock_rooms(conn, room_ids=[room_id])
            room = await read_room(conn, actor, room_id)
            rules.require_inviter(room.role)
            if locked[0].is_archived:
                raise InvalidState("This room is archived: nobody can be invited into it.")
            await _require_invitable(conn, room_id, user_id)
            invitation = await invitation_queries.invite_person(
                conn,
                room_id=room_id,
                user_id=user_id,
                invited_by=actor.user_id,
                expires_at=datetime.now(UTC) + fields.INVITATION_LIFETIME,
            )
            await _record(conn, actor, "invite", room_id, person=str(user_id))
        self._look_again(None, [user_id])
        return PersonalInvitation(
            id=invitation.id,
            room=room.model_copy(update={"role": None}),
            by=actor.person,
            expires_at=invitation.expires_at,
        )

    async def mine(self, actor: Identity) -> MyInvitations:
        """Return who invites the actor, into rooms that they are not in."""
        async with self._database.connection() as conn:
            found = await inbox_reading.read_invitations(conn, [actor.user_id])
        return MyInvitations(invitations=found[actor.user_id])

    async def of_room(self, actor: Identity, room_id: RoomId) -> OpenInvitations:
        """Return the open ways into a room, to its admins and moderators.

        Raises ``UnknownRoom``, ``Forbidden``.
        """
        async with self._database.connection() as conn:
            room = await read_room(conn, actor, room_id)
            rules.require_inviter(room.role)
            people = await invitation_queries.invited_people(conn, room_id=room_id, most=MAX_LISTED)
            links = await invitation_queries.links_into(conn, room_id=room_id, most=MAX_LISTED)
        return OpenInvitations(people=tuple(map(_invited, people)), links=tuple(map(_link, links)))

    async def withdraw(self, actor: Identity, room_id: RoomId, invitation_id: UUID) -> None:
        """End an invitation into a room; one that is gone already is no error.

        Raises ``UnknownRoom``, ``Forbidden``.
        """
        async with self._database.transaction() as conn:
            room = await read_room(conn, actor, room_id)
            rules.require_inviter(room.role)
            user_id = await invitation_queries.withdraw_personal_invitation(
                conn, room_id=room_id, invitation_id=invitation_id
            )
            links = await invitation_queries.withdraw_link(
                conn, room_id=room_id, hash_start=invitation_id.hex
            )
            if user_id is not None or links:
                await _record(
                    conn, actor, "withdraw_invitation", room_id, invitation=str(invitation_id)
                )
        if user_id is not None:
            self._look_again(None, [user_id])

    async def accept(self, actor: Identity, invitation_id: UUID) -> RoomView:
        """Make the actor a member by an invitation of theirs.

        Raises ``UnknownInvitation``, ``Banned``, ``InvalidState``.
        """
        async with self._database.connection() as conn:
            invitation = await invitation_queries.find_personal_invitation(
                conn, invitation_id=invitation_id, user_id=actor.user_id
            )
        if invitation is None:
            raise UnknownInvitation("There is no such invitation.")
        command = AcceptPersonalInvitation(invitation_id)
        return await self._come_in(actor, invitation.room_id, command)

    async def decline(self, actor: Identity, invitation_id: UUID) -> None:
        """Forget an invitation of the actor's; one that is gone already is no error."""
        async with self._database.connection() as conn:
            await invitation_queries.decline_invitation(
                conn, invitation_id=invitation_id, user_id=actor.user_id
            )
        self._look_again(None, [actor.user_id])

    async def _come_in(self, actor: Identity, room_id: RoomId, command: object) -> RoomView:
        await self._submit(Submission(room_id, actor, command, invited=True))
        async with self._database.connection() as conn:
            return await read_room(conn, actor, room_id)


async def _require_invitable(conn: Connection, room_id: RoomId, user_id: UserId) -> None:
    person = await member_queries.find_person(conn, room_id=room_id, user_id=user_id)
    if person is None:
        raise UnknownMember("There is no such person.")
    if person.role is not None:
        raise InvalidState("This person is a member of the room already.")
    if await member_queries.is_banned(conn, room_id=room_id, user_id=user_id):
        raise Banned("This person is banned from the room: unban them first.")


def _counter(actor: Identity) -> Counter:
    key = counter_key(str(actor.user_id), "invitations")
    return Counter(key, INVITATIONS_PER_HOUR, _HOUR_SECONDS)


def _link_id(token_hash: str) -> UUID:
    """Return what names a link: the beginning of its hash, which leads nobody to the token."""
    return UUID(token_hash[:32])


def _invited(row: InvitedPeopleRow) -> InvitedPerson:
    by = None
    if row.inviter_id is not None and row.inviter_name is not None:
        by = Person(id=row.inviter_id, name=row.inviter_name, avatar_url=row.inviter_avatar_url)
    return InvitedPerson(
        id=row.id,
        user=Person(id=row.user_id, name=row.username, avatar_url=row.avatar_url),
        by=by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _link(row: LinksIntoRow) -> InvitationLink:
    return InvitationLink(
        id=_link_id(row.token_hash),
        by=Person(id=row.inviter_id, name=row.inviter_name, avatar_url=row.inviter_avatar_url),
        created_at=row.created_at,
        expires_at=row.expires_at,
        max_uses=row.max_uses,
        uses=row.uses,
    )


async def _record(
    conn: Connection, actor: Identity, action: str, room_id: RoomId, **details: str
) -> None:
    await audit_queries.record_action(
        conn,
        action=action,
        entity_type="room",
        entity_id=str(room_id),
        user_id=str(actor.user_id),
        details=details,
    )

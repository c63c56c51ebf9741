"""Who is in a room and as what: through the ledger, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gateway.activities.chat.messages import ChatSend
from gateway.activities.rooms.handlers import BecomeMember
from gateway.activities.rooms.messages import (
    MemberBan,
    MemberKick,
    MemberLeave,
    MemberMute,
    MemberSetRole,
    MemberUnban,
    RoomUpdate,
)
from gateway.core.errors import (
    Banned,
    Forbidden,
    GatewayError,
    InvalidField,
    InvalidState,
    LastAdmin,
    Muted,
    NotAMember,
    UnknownMember,
    UnknownRoom,
)
from gateway.core.identity import Identity
from gateway.core.protocol.base import Committed, DurableCommand
from gateway.storage.database import Database
from tests.activities.talk import Talk
from tests.support.ledgers import become_member, new_person, new_room, open_book, wish


@pytest.fixture
async def people(database: Database) -> dict[str, Identity]:
    """An admin, a moderator, two members, and somebody outside."""
    names = ["admin", "moderator", "member", "other", "stranger"]
    return {name: await new_person(database, name) for name in names}


@pytest.fixture
async def talk(database: Database, people: dict[str, Identity]) -> AsyncIterator[Talk]:
    """Their room."""
    inside = [person for name, person in people.items() if name != "stranger"]
    async with open_book(database) as book:
        talk = Talk(database, book, await new_room(database, *inside))
        for name in ("admin", "moderator"):
            await talk.set_role(people[name], name)
        yield talk


async def roles(talk: Talk) -> dict[str, str]:
    """Return the members' roles by their ids."""
    rows = await talk.rows("select user_id, role from room_users where room_id = $1", talk.room_id)
    return {str(row["user_id"]): row["role"] for row in rows}


@pytest.mark.parametrize("command_type", [MemberKick, MemberBan, MemberMute])
@pytest.mark.parametrize(
    ("actor", "target", "error"),
    [
        ("admin", "moderator", None),
        ("admin", "member", None),
        ("moderator", "member", None),
        ("moderator", "admin", Forbidden),
        ("moderator", "moderator", InvalidState),
        ("member", "other", Forbidden),
        ("member", "admin", Forbidden),
        ("admin", "admin", InvalidState),
        ("stranger", "member", NotAMember),
    ],
)
async def test_who_may_moderate_whom(
    talk: Talk,
    people: dict[str, Identity],
    *,
    command_type: type,
    actor: str,
    target: str,
    error: type[GatewayError] | None,
):
    """An admin anybody, a moderator plain members, nobody themselves."""
    data = {"user_id": str(people[target].user_id)}
    if command_type is MemberMute:
        data["until"] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    if error is None:
        assert (await talk.do(command_type, people[actor], **data)).seq == 1
        return
    before = await roles(talk)
    with pytest.raises(error):
        await talk.do(command_type, people[actor], **data)
    assert (await talk.events(), await roles(talk)) == ([], before)


async def test_what_admins_do_is_written_to_the_trail(talk: Talk, people: dict[str, Identity]):
    """With who, whom and where."""
    member = str(people["member"].user_id)
    await talk.do(MemberSetRole, people["admin"], user_id=member, role="moderator")
    await talk.do(MemberBan, people["admin"], user_id=member, reason="Advertising")
    rows = await talk.rows(
        "select action, user_id, details from audit_log where entity_id = $1 order by id",
        str(talk.room_id),
    )
    assert [(row["action"], row["details"]["person"]) for row in rows] == [
        ("set_role", member),
        ("ban", member),
    ]
    assert {row["user_id"] for row in rows} == {str(people["admin"].user_id)}


async def test_a_kicked_member_may_come_back_and_a_banned_one_not(
    talk: Talk, people: dict[str, Identity]
):
    """Until the ban is over, or taken back."""
    admin, member = people["admin"], people["member"]
    about = {"user_id": str(member.user_id)}
    await talk.do(MemberKick, admin, **about)
    await talk.book.ledger.submit(become_member(talk.room_id, member))
    await talk.do(MemberBan, admin, **about)
    with pytest.raises(Banned):
        await talk.book.ledger.submit(become_member(talk.room_id, member))
    await talk.do(MemberUnban, admin, **about)
    await talk.book.ledger.submit(become_member(talk.room_id, member))
    await talk.do(MemberBan, admin, **about)
    await talk.rows("update room_bans set until = now() - interval '1 second' returning 1")
    await talk.book.ledger.submit(become_member(talk.room_id, member))
    assert str(member.user_id) in await roles(talk)


async def test_a_mute_outlasts_leaving_and_coming_back(talk: Talk, people: dict[str, Identity]):
    """Until it is over or taken back, as often as they go."""
    member = people["member"]
    until = datetime.now(UTC) + timedelta(hours=1)
    about = {"user_id": str(member.user_id)}
    await talk.do(MemberMute, people["admin"], **about, until=until.isoformat())
    for _ in range(2):
        await talk.do(MemberLeave, member)
        await talk.book.ledger.submit(become_member(talk.room_id, member))
        with pytest.raises(Muted):
            await talk.say(member)
    assert datetime.fromisoformat((await talk.events())[-1]["data"]["muted_until"]) == until
    await talk.do(MemberMute, people["admin"], **about, until=None)
    await talk.do(MemberLeave, member)
    await talk.book.ledger.submit(become_member(talk.room_id, member))
    await talk.say(member)


async def test_somebody_outside_can_be_banned_beforehand(talk: Talk, people: dict[str, Identity]):
    """No membership ends, as there is none."""
    about = {"user_id": str(people["stranger"].user_id)}
    await talk.do(MemberBan, people["moderator"], **about)
    assert [event["type"] for event in await talk.events()] == ["member.banned"]
    with pytest.raises(Banned):
        await talk.book.ledger.submit(become_member(talk.room_id, people["stranger"]))
    with pytest.raises(UnknownMember):
        await talk.do(MemberKick, people["admin"], **about)


async def test_a_ban_needs_a_time_to_come_with_a_zone(talk: Talk, people: dict[str, Identity]):
    """One in the past would be none."""
    about = {"user_id": str(people["member"].user_id)}
    with pytest.raises(InvalidField, match=r"data\.until"):
        await talk.do(MemberBan, people["admin"], **about, until="2020-01-01T00:00:00Z")
    with pytest.raises(ValueError, match="timezone"):
        await talk.do(MemberBan, people["admin"], **about, until="2099-01-01T00:00:00")


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
async def test_a_time_that_utc_cannot_tell_is_refused(
    talk: Talk, people: dict[str, Identity], until: str
):
    """And other zones are told in UTC."""
    about = {"user_id": str(people["member"].user_id)}
    with pytest.raises(ValueError, match="out of range"):
        await talk.do(MemberMute, people["admin"], **about, until=until)
    await talk.do(MemberMute, people["admin"], **about, until="2099-01-01T01:00:00+01:00")
    assert (await talk.events())[-1]["data"]["until"] == "2099-01-01T00:00:00Z"


async def test_a_room_keeps_an_admin(talk: Talk, people: dict[str, Identity]):
    """The last one can neither leave nor stop being one; of two, one can."""
    admin, moderator = people["admin"], people["moderator"]
    with pytest.raises(LastAdmin):
        await talk.do(MemberLeave, admin)
    demote = {"user_id": str(admin.user_id), "role": "member"}
    with pytest.raises(LastAdmin):
        await talk.do(MemberSetRole, admin, **demote)
    await talk.do(MemberSetRole, admin, user_id=str(moderator.user_id), role="admin")
    results = await talk.book.all_at_once(
        wish(MemberLeave, talk.room_id, admin), wish(MemberLeave, talk.room_id, moderator)
    )
    assert [type(result) for result in results] == [Committed, LastAdmin]


async def test_a_role_holds_from_the_next_command_on(talk: Talk, people: dict[str, Identity]):
    """In the same batch: who is admin no more kicks nobody."""
    admin, moderator, member = people["admin"], people["moderator"], people["member"]
    await talk.do(MemberSetRole, admin, user_id=str(moderator.user_id), role="admin")
    results = await talk.book.all_at_once(
        wish(
            MemberSetRole,
            talk.room_id,
            admin,
            user_id=str(moderator.user_id),
            role="member",
        ),
        wish(MemberKick, talk.room_id, moderator, user_id=str(member.user_id)),
    )
    assert isinstance(results[1], Forbidden)


async def test_who_was_put_out_says_nothing_more(talk: Talk, people: dict[str, Identity]):
    """Not even what was sent at the same moment."""
    admin, member = people["admin"], people["member"]
    results = await talk.book.all_at_once(
        wish(MemberKick, talk.room_id, admin, user_id=str(member.user_id)),
        wish(ChatSend, talk.room_id, member, content="But"),
    )
    assert isinstance(results[1], NotAMember)
    assert [event["type"] for event in await talk.events()] == ["member.left"]


async def test_a_private_room_is_unknown_to_who_was_put_out(
    database: Database, people: dict[str, Identity]
):
    """As to everybody else."""
    async with open_book(database) as book:
        room_id = await new_room(database, people["admin"], people["member"], is_private=True)
        talk = Talk(database, book, room_id)
        await talk.set_role(people["admin"], "admin")
        await talk.do(MemberKick, people["admin"], user_id=str(people["member"].user_id))
        with pytest.raises(UnknownRoom):
            await talk.say(people["member"])
        with pytest.raises(UnknownRoom):
            await book.ledger.submit(become_member(room_id, people["member"]))


async def test_an_archived_room_takes_nothing_but_its_admin_and_markers(
    talk: Talk, people: dict[str, Identity]
):
    """From the next command of the same batch on."""
    admin = people["admin"]
    results = await talk.book.all_at_once(
        wish(RoomUpdate, talk.room_id, admin, is_archived=True),
        wish(ChatSend, talk.room_id, admin, content="Hello?"),
    )
    assert isinstance(results[1], InvalidState)
    with pytest.raises(InvalidState):
        await talk.book.ledger.submit(become_member(talk.room_id, people["stranger"]))
    again = await talk.book.ledger.submit(become_member(talk.room_id, people["member"]))
    assert again.seq is None
    await talk.do(RoomUpdate, admin, is_archived=False)
    await talk.say(admin)


async def test_an_update_tells_how_the_room_is_now(talk: Talk, people: dict[str, Identity]):
    """What is left out stays, what is the same already is no event, and it is an admin's."""
    admin = people["admin"]
    await talk.do(RoomUpdate, admin, name="  Lounge ", retention_days=30)
    assert (await talk.do(RoomUpdate, admin, name="Lounge")).seq is None
    await talk.do(RoomUpdate, admin, description="Come in", retention_days=0)
    assert (await talk.events())[-1]["data"] == {
        "name": "Lounge",
        "description": "Come in",
        "is_archived": False,
        "retention_days": None,
    }
    with pytest.raises(Forbidden):
        await talk.do(RoomUpdate, people["moderator"], name="Mine")
    with pytest.raises(InvalidField, match="name"):
        await talk.do(RoomUpdate, admin, name="\x07")


async def test_joining_twice_in_one_batch_is_joining_once(talk: Talk, people: dict[str, Identity]):
    """Two tabs."""
    submission = become_member(talk.room_id, people["stranger"])
    assert isinstance(submission.command, BecomeMember)
    await talk.book.all_at_once(submission, submission)
    assert [event["type"] for event in await talk.events()] == ["member.joined"]


async def test_what_was_said_before_somebody_came_counts_as_read(
    talk: Talk, people: dict[str, Identity]
):
    """Also in the batch in which they come."""
    await talk.say(people["admin"])
    await talk.book.all_at_once(
        wish(ChatSend, talk.room_id, people["admin"], content="Before"),
        become_member(talk.room_id, people["stranger"]),
        wish(ChatSend, talk.room_id, people["admin"], content="After"),
    )
    assert await talk.unread(people["stranger"]) == 1


async def invite(talk: Talk, by: Identity, *invited: Identity) -> None:
    """Make invitations, and a link."""
    for person in invited:
        await talk.rows(
            "insert into personal_invitations (room_id, user_id, invited_by, expires_at) "
            "values ($1, $2, $3, now() + interval '1 day') returning 1",
            talk.room_id,
            person.user_id,
            by.user_id,
        )
    await talk.rows(
        "insert into room_invitations (token_hash, room_id, created_by, expires_at) "
        "values ($1, $2, $3, now() + interval '1 day') returning 1",
        uuid4().hex,
        talk.room_id,
        by.user_id,
    )


async def invited(talk: Talk) -> set[object]:
    """Return who is invited, and who made links."""
    people = await talk.rows(
        "select user_id from personal_invitations where room_id = $1", talk.room_id
    )
    links = await talk.rows(
        "select created_by from room_invitations where room_id = $1", talk.room_id
    )
    return {row["user_id"] for row in people} | {row["created_by"] for row in links}


@pytest.mark.parametrize(
    ("command_type", "data"),
    [
        (MemberKick, {}),
        (MemberBan, {}),
        (MemberSetRole, {"role": "member"}),
        (MemberLeave, None),
    ],
)
async def test_the_invitations_of_who_may_invite_no_more_end(
    talk: Talk,
    people: dict[str, Identity],
    command_type: type[DurableCommand],
    data: dict[str, str] | None,
):
    """By person and as links, and the inboxes are told; those of others stay, and of members."""
    admin, moderator, stranger = people["admin"], people["moderator"], people["stranger"]
    friend = await new_person(talk.database)
    await invite(talk, admin, friend)
    await invite(talk, moderator, stranger, people["member"])
    if data is None:
        await talk.do(command_type, moderator)
    else:
        await talk.do(command_type, admin, user_id=moderator.user_id, **data)
    assert await invited(talk) == {friend.user_id, people["member"].user_id, admin.user_id}
    assert talk.book.touched[-1] == (talk.room_id, {moderator.user_id, stranger.user_id})


async def test_who_stays_able_to_invite_keeps_their_invitations(
    talk: Talk, people: dict[str, Identity]
):
    """A promotion ends nothing."""
    moderator, stranger = people["moderator"], people["stranger"]
    await invite(talk, moderator, stranger)
    await talk.do(MemberSetRole, people["admin"], user_id=moderator.user_id, role="admin")
    assert await invited(talk) == {moderator.user_id, stranger.user_id}

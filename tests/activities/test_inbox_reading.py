"""What inboxes show, beside a count of everything there is."""

import random
from uuid import UUID, uuid4

import pytest

from gateway.activities.chat.messages import ChatDelete, ChatEdit, ChatRead
from gateway.activities.rooms import inbox_reading
from gateway.activities.rooms.messages import MemberKick, MemberLeave
from gateway.core.errors import LastAdmin
from gateway.core.identity import Identity
from gateway.core.ids import RoomId, Seq
from gateway.storage.database import Database
from gateway.storage.generated import retention as retention_queries
from tests.activities.talk import Talk
from tests.support.ledgers import become_member, new_person, new_room, open_book, say

COUNTED = """
    select
        count(x.id) filter (where x.deleted_at is null) as unread,
        count(x.id) filter (where m.user_id = any(x.mentions)) as mentions
    from room_users m
    left join messages x on x.room_id = m.room_id and x.seq > m.last_read_seq
    where m.room_id = $1 and m.user_id = $2
"""


async def shown(
    database: Database, room_id: RoomId, *people: Identity
) -> dict[UUID, tuple[int, int]]:
    """Return unread messages and mentions, as the inboxes of these people show them."""
    user_ids = [person.user_id for person in people]
    async with database.connection() as conn:
        whole = await inbox_reading.read_memberships(conn, user_ids)
        single = await inbox_reading.read_memberships(
            conn, [], [(user_id, room_id) for user_id in user_ids]
        )
    assert single == {place: row for place, row in whole.items() if place[1] == room_id}
    return {user_id: (row.unread, row.mentions) for (user_id, _), row in single.items()}


async def counted(talk: Talk, *people: Identity) -> dict[UUID, tuple[int, int]]:
    """Count them one by one."""
    found = {}
    for person in people:
        [row] = await talk.rows(COUNTED, talk.room_id, person.user_id)
        found[person.user_id] = (row["unread"], row["mentions"])
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_unread_and_mentions_are_exact_whatever_happens(database: Database, seed: int):
    """Messages, deletions, edits, markers, newcomers, in any order."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    people = [await new_person(database) for _ in range(3)]
    async with open_book(database) as book:
        talk = Talk(database, book, await new_room(database, *people))
        await talk.set_role(people[0], "admin")
        kept: list[tuple[UUID, Identity]] = []
        for step in range(60):
            actor = rng.choice(people)
            named = [str(p.user_id) for p in people if rng.random() < 0.3]
            match rng.choice("sssdernm"):
                case "d" | "e" as what if kept:
                    message_id, author = kept[rng.randrange(len(kept))]
                    if what == "d":
                        kept.remove((message_id, author))
                        await talk.do(ChatDelete, author, message_id=str(message_id))
                    else:
                        await talk.do(
                            ChatEdit,
                            author,
                            message_id=str(message_id),
                            content=f"Edit {step}",
                            mentions=named,
                        )
                case "r":
                    await talk.do(ChatRead, actor)
                case "m":
                    [room] = await talk.rows(
                        "select last_seq from rooms where id = $1", talk.room_id
                    )
                    if room["last_seq"]:
                        await talk.do(ChatRead, actor, seq=rng.randint(1, room["last_seq"]))
                case "n":
                    people.append(await new_person(database))
                    await book.ledger.submit(become_member(talk.room_id, people[-1]))
                case _:
                    kept.append((await talk.say(actor, mentions=named), actor))
            if step % 5 == 0:
                assert await shown(database, talk.room_id, *people) == await counted(talk, *people)
        assert await shown(database, talk.room_id, *people) == await counted(talk, *people)


async def test_what_retention_took_is_not_unread(database: Database):
    """Of messages that nobody read, those count that can still be read."""
    ada, grace = await new_person(database), await new_person(database, "Grace")
    async with open_book(database) as book:
        talk = Talk(database, book, await new_room(database, ada, grace))
        said = [await talk.say(ada) for _ in range(6)]
        await talk.do(ChatDelete, ada, message_id=str(said[4]))
        assert await shown(database, talk.room_id, grace) == {grace.user_id: (5, 0)}
        for log_start, last_due, left in ((1, 3, 2), (4, 7, 0)):
            async with database.connection() as conn:
                await retention_queries.delete_before(
                    conn, room_id=talk.room_id, log_start=Seq(log_start), last_due=Seq(last_due)
                )
            assert await shown(database, talk.room_id, grace) == {grace.user_id: (left, 0)}


async def test_a_person_sees_their_rooms_and_nobody_elses(database: Database):
    """And a single room only as a member of it."""
    ada, grace = await new_person(database), await new_person(database, "Grace")
    theirs = [await new_room(database, ada) for _ in range(3)]
    other = await new_room(database, grace)
    async with database.connection() as conn:
        rows = await inbox_reading.read_memberships(
            conn, [ada.user_id], [(grace.user_id, theirs[0])]
        )
    assert set(rows) == {(ada.user_id, room_id) for room_id in theirs}
    assert other not in {room_id for _, room_id in rows}


async def test_the_ledger_names_those_who_see_something_else(database: Database):
    """After the commit, room by room; of what changes nothing, nobody."""
    ada, grace = await new_person(database), await new_person(database, "Grace")
    async with open_book(database) as book:
        talk = Talk(database, book, await new_room(database, ada))
        await talk.set_role(ada, "admin")
        await book.ledger.submit(become_member(talk.room_id, grace))
        await book.ledger.submit(say(talk.room_id, ada))
        for _ in range(2):
            await talk.do(ChatRead, grace, seq=2)
        await talk.do(MemberKick, ada, user_id=str(grace.user_id))
        with pytest.raises(LastAdmin):
            await talk.do(MemberLeave, ada)
    assert book.touched == [(talk.room_id, {grace.user_id})] * 3


async def test_invitations_of_an_archived_room_are_not_shown(database: Database):
    """Nor those that have expired, nor into a room that somebody is in."""
    ada = await new_person(database)
    rooms = [await new_room(database) for _ in range(4)]
    async with database.connection() as conn:
        await conn.executemany(
            "insert into personal_invitations (id, room_id, user_id, expires_at) "
            "values ($1, $2, $3, now() + $4::text::interval)",
            [
                (uuid4(), room_id, ada.user_id, "-1 second" if room_id == rooms[1] else "1 day")
                for room_id in rooms
            ],
        )
        await conn.execute("update rooms set is_archived = true where id = $1", rooms[2])
        await conn.execute(
            "insert into room_users (room_id, user_id) values ($1, $2)", rooms[3], ada.user_id
        )
        found = await inbox_reading.read_invitations(conn, [ada.user_id])
    assert [invitation.room.id for invitation in found[ada.user_id]] == [rooms[0]]
    assert found[ada.user_id][0].by is None

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.core.ids import RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import inbox, rooms
from gateway.storage.generated.tables import RoomRow
from gateway.storage.users import register_guest

NIL = UUID(int=0)


async def _person(conn: Connection, name: str = "ada") -> UserId:
    return (await register_guest(conn, username=name, avatar_url=None)).id


async def _room(
    conn: Connection, creator: UserId, name: str = "Lobby", *, is_private: bool = False
) -> RoomRow:
    return await rooms.create_room(
        conn, name=name, description=None, is_private=is_private, created_by=creator
    )


async def _add(conn: Connection, room_id: RoomId, *user_ids: UserId, read_count: int = 0) -> int:
    count = len(user_ids)
    return await rooms.add_members(
        conn,
        room_ids=[room_id] * count,
        user_ids=user_ids,
        roles=["member"] * count,
        last_read_seqs=[Seq(read_count)] * count,
        read_counts=[read_count] * count,
        muted_untils=[None] * count,
    )


async def _directory(conn: Connection, prefix: str = "", size: int = 100) -> list[str]:
    """Read the whole directory page by page."""
    names: list[str] = []
    after_name, after_id = "", NIL
    while page := await rooms.list_public_rooms(
        conn, prefix=prefix, after_name=after_name, after_id=after_id, max_rooms=size
    ):
        names += [found.name for found in page]
        after_name, after_id = page[-1].name, page[-1].id
    return names


async def test_a_room_starts_with_its_creator_as_admin(conn: Connection) -> None:
    """A new room is empty but for who made it."""
    creator = await _person(conn)
    created = await _room(conn, creator)
    assert await rooms.get_room(conn, room_id=created.id) == created
    assert (created.last_seq, created.epoch, created.message_count) == (0, 1, 0)
    member = await rooms.get_member(conn, room_id=created.id, user_id=creator)
    assert member is not None
    assert member.role == "admin"


async def test_the_directory_is_read_in_pages_without_gap_or_repetition(conn: Connection) -> None:
    """Rooms come by name without regard to case, those of one name too, on pages of any size."""
    creator = await _person(conn)
    names = ["Amber", "amber", "Zebra", "Ängste", "amber", "beta", "_", "Beta 2"]
    for name in names:
        await _room(conn, creator, name)
    whole = await _directory(conn)
    assert [name.lower() for name in whole] == sorted(name.lower() for name in names)
    for size in (1, 2, 3, 7):
        assert await _directory(conn, size=size) == whole


async def test_the_directory_shows_public_rooms_in_use(conn: Connection) -> None:
    """Private and archived rooms are nobody's business."""
    creator = await _person(conn)
    await _room(conn, creator, "open")
    await _room(conn, creator, "secret", is_private=True)
    archived = await _room(conn, creator, "old")
    await conn.execute("update rooms set is_archived = true where id = $1", archived.id)
    assert await _directory(conn) == ["open"]


async def test_the_directory_is_searched_by_the_beginning_of_a_name(conn: Connection) -> None:
    """Signs that mean something to a pattern mean themselves here."""
    creator = await _person(conn)
    for name in ["Sprint 1", "sprint 2", "Spring", "100%", "100 people", "Über"]:
        await _room(conn, creator, name)
    assert await _directory(conn, "SPRINT", size=1) == ["Sprint 1", "sprint 2"]
    assert await _directory(conn, "100%") == ["100%"]
    assert await _directory(conn, "ü") == ["Über"]
    assert await _directory(conn, "x") == []


async def test_my_rooms_come_with_role_and_unread_messages(conn: Connection) -> None:
    """What was said before somebody came counts as read; what is said afterwards does not."""
    ada, grace = await _person(conn), await _person(conn, "grace")
    lobby = await _room(conn, ada)
    await _room(conn, ada, "Elsewhere")
    await conn.execute("update rooms set message_count = 7 where id = $1", lobby.id)
    await _add(conn, lobby.id, grace, read_count=7)
    await conn.execute("update rooms set message_count = 9 where id = $1", lobby.id)
    found = await inbox.read_memberships(conn, people=[grace, ada], pair_users=[], pair_rooms=[])
    [mine] = [row for row in found if row.user_id == grace]
    assert (mine.id, mine.role, mine.unread) == (lobby.id, "member", 2)
    assert {row.name for row in found if row.user_id == ada} == {"Elsewhere", "Lobby"}


async def test_a_member_is_added_once(conn: Connection) -> None:
    """The answer tells whether somebody is new, and a second time changes nothing."""
    creator = await _person(conn)
    lobby = await _room(conn, creator)
    new = await _person(conn, "grace")
    assert await _add(conn, lobby.id, new, creator) == 1
    admin = await rooms.get_member(conn, room_id=lobby.id, user_id=creator)
    assert admin is not None
    assert admin.role == "admin"


async def test_a_name_is_locked_until_the_transaction_ends(database: Database) -> None:
    """Who asks for a locked name waits, and then sees the room that was made meanwhile."""

    async def ask(creator: UserId) -> RoomRow:
        async with database.transaction() as conn:
            await rooms.lock_room_name(conn, name="Lobby")
            found = await rooms.oldest_public_room(conn, name="Lobby")
            return found or await _room(conn, creator)

    async with database.connection() as conn:
        creator = await _person(conn)
    made = await asyncio.gather(*(ask(creator) for _ in range(10)))
    assert len({room.id for room in made}) == 1


async def test_other_names_do_not_wait(database: Database) -> None:
    """A lock on one name is none on another."""
    async with database.transaction() as first, database.transaction() as second:
        await rooms.lock_room_name(first, name="Lobby")
        async with asyncio.timeout(2):
            await rooms.lock_room_name(second, name="Sprint planning")


async def test_the_oldest_public_room_of_exactly_the_name_is_found(conn: Connection) -> None:
    """Private, archived, younger and differently written rooms are others."""
    creator = await _person(conn)
    await _room(conn, creator, "Lobby", is_private=True)
    await _room(conn, creator, "lobby")
    archived = await _room(conn, creator, "Lobby")
    await conn.execute("update rooms set is_archived = true where id = $1", archived.id)
    oldest = await _room(conn, creator, "Lobby")
    await _room(conn, creator, "Lobby")
    assert await rooms.oldest_public_room(conn, name="Lobby") == oldest


async def _invite(
    conn: Connection, *, max_uses: int | None = None, lifetime: timedelta = timedelta(days=1)
) -> RoomId:
    """Make a private room with an invitation whose hash is ``link``."""
    creator = await _person(conn)
    created = await _room(conn, creator, is_private=True)
    await rooms.create_invitation(
        conn,
        token_hash="link",
        room_id=created.id,
        created_by=creator,
        expires_at=datetime.now(UTC) + lifetime,
        max_uses=max_uses,
    )
    return created.id


async def _use(database: Database) -> RoomId | None:
    async with database.transaction() as conn:
        room_id = await rooms.lock_invitation(conn, token_hash="link")
        if room_id is not None:
            await rooms.count_invitation_use(conn, token_hash="link")
        return room_id


@pytest.mark.parametrize("max_uses", [1, 3])
async def test_an_invitation_admits_as_many_as_it_says(database: Database, max_uses: int) -> None:
    """However many follow it at once, the last use is one person's."""
    async with database.connection() as conn:
        room_id = await _invite(conn, max_uses=max_uses)
    used = await asyncio.gather(*(_use(database) for _ in range(10)))
    assert used.count(room_id) == max_uses
    assert used.count(None) == 10 - max_uses


async def test_an_invitation_without_a_number_is_never_used_up(database: Database) -> None:
    """Without ``max_uses`` only time ends it."""
    async with database.connection() as conn:
        room_id = await _invite(conn)
    assert [await _use(database) for _ in range(3)] == [room_id] * 3


async def test_a_use_that_is_undone_does_not_count(database: Database) -> None:
    """When what follows fails, the invitation is as good as before."""
    async with database.connection() as conn:
        room_id = await _invite(conn, max_uses=1)
        with pytest.raises(LookupError):
            await _use_and_fail(conn)
    assert await _use(database) == room_id


async def _use_and_fail(conn: Connection) -> None:
    async with conn.transaction():
        await rooms.count_invitation_use(conn, token_hash="link")
        raise LookupError


async def test_an_expired_invitation_leads_nowhere(database: Database) -> None:
    """After its time a link is as good as none."""
    async with database.connection() as conn:
        await _invite(conn, lifetime=timedelta(seconds=-1))
    assert await _use(database) is None

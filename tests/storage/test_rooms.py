import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gateway.core.errors import UnknownInvitation
from gateway.core.ids import RoomId, UserId
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import rooms
from gateway.storage.rooms import ensure_public_by_name, redeem_invitation
from gateway.storage.users import register_guest

NIL = UUID(int=0)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def person(conn: Connection, name: str = "ada") -> UserId:
    return (await register_guest(conn, username=name, avatar_url=None)).id


async def room(conn: Connection, creator: UserId, name: str = "Lobby", *, is_private: bool = False):
    return await rooms.create_room(
        conn, name=name, description=None, is_private=is_private, created_by=creator
    )


async def directory(conn: Connection, prefix: str = "", size: int = 100) -> list[str]:
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
    creator = await person(conn)
    created = await room(conn, creator)
    assert await rooms.get_room(conn, room_id=created.id) == created
    assert (created.last_seq, created.epoch, created.message_count) == (0, 1, 0)
    member = await rooms.get_member(conn, room_id=created.id, user_id=creator)
    assert member is not None
    assert member.role == "admin"


async def test_the_directory_is_read_in_pages_without_gap_or_repetition(conn: Connection) -> None:
    """Rooms come by name without regard to case, those of one name too, on pages of any size."""
    creator = await person(conn)
    names = ["Amber", "amber", "Zebra", "Ängste", "amber", "beta", "_", "Beta 2"]
    for name in names:
        await room(conn, creator, name)
    whole = await directory(conn)
    assert [name.lower() for name in whole] == sorted(name.lower() for name in names)
    for size in (1, 2, 3, 7):
        assert await directory(conn, size=size) == whole


async def test_the_directory_shows_public_rooms_in_use(conn: Connection) -> None:
    """Private and archived rooms are nobody's business."""
    creator = await person(conn)
    await room(conn, creator, "open")
    await room(conn, creator, "secret", is_private=True)
    archived = await room(conn, creator, "old")
    await conn.execute("update rooms set is_archived = true where id = $1", archived.id)
    assert await directory(conn) == ["open"]


async def test_the_directory_is_searched_by_the_beginning_of_a_name(conn: Connection) -> None:
    """Signs that mean something to a pattern mean themselves here."""
    creator = await person(conn)
    for name in ["Sprint 1", "sprint 2", "Spring", "100%", "100 people", "Über"]:
        await room(conn, creator, name)
    assert await directory(conn, "SPRINT", size=1) == ["Sprint 1", "sprint 2"]
    assert await directory(conn, "100%") == ["100%"]
    assert await directory(conn, "ü") == ["Über"]
    assert await directory(conn, "x") == []


async def test_my_rooms_come_with_role_and_unread_messages(conn: Connection) -> None:
    """What was said before somebody came counts as read; what is said afterwards does not."""
    ada, grace = await person(conn), await person(conn, "grace")
    lobby = await room(conn, ada)
    await room(conn, ada, "Elsewhere")
    await conn.execute("update rooms set message_count = 7 where id = $1", lobby.id)
    await rooms.add_member(conn, room_id=lobby.id, user_id=grace, role="member")
    await conn.execute("update rooms set message_count = 9 where id = $1", lobby.id)
    [mine] = await rooms.list_rooms_of(conn, user_id=grace)
    assert (mine.id, mine.role, mine.unread) == (lobby.id, "member", 2)
    assert [r.name for r in await rooms.list_rooms_of(conn, user_id=ada)] == ["Elsewhere", "Lobby"]


async def test_a_member_is_added_once(conn: Connection) -> None:
    """The answer tells whether somebody is new, and a second time changes nothing."""
    creator = await person(conn)
    lobby = await room(conn, creator)
    new = await person(conn, "grace")
    assert await rooms.add_member(conn, room_id=lobby.id, user_id=new, role="member") == 1
    assert await rooms.add_member(conn, room_id=lobby.id, user_id=creator, role="member") == 0
    admin = await rooms.get_member(conn, room_id=lobby.id, user_id=creator)
    assert admin is not None
    assert admin.role == "admin"


async def test_a_room_is_ensured_once(database: Database) -> None:
    """Any number of instances that ask at once for a room of one name get one room."""
    async with database.connection() as conn:
        creator = await person(conn)

    async def ask() -> RoomId:
        async with database.connection() as conn:
            return (await ensure_public_by_name(conn, name="Lobby", created_by=creator)).id

    assert len(set(await asyncio.gather(*(ask() for _ in range(10))))) == 1
    async with database.connection() as conn:
        assert await directory(conn) == ["Lobby"]


async def test_ensuring_finds_the_oldest_public_room_of_exactly_the_name(conn: Connection) -> None:
    """Private, archived, younger and differently written rooms are others."""
    creator = await person(conn)
    await room(conn, creator, "Lobby", is_private=True)
    await room(conn, creator, "lobby")
    oldest = await room(conn, creator, "Lobby")
    await room(conn, creator, "Lobby")
    assert await ensure_public_by_name(conn, name="Lobby", created_by=creator) == oldest


@pytest.fixture
async def private(database: Database) -> RoomId:
    """A private room of ada's."""
    async with database.connection() as conn:
        return (await room(conn, await person(conn), is_private=True)).id


async def invite(
    database: Database,
    room_id: RoomId,
    *,
    max_uses: int | None = None,
    expires_at: datetime = TOMORROW,
) -> str:
    token_hash = uuid4().hex * 2
    async with database.connection() as conn:
        await rooms.create_invitation(
            conn,
            token_hash=token_hash,
            room_id=room_id,
            created_by=UserId(await conn.fetchval("select id from users where username = 'ada'")),
            expires_at=expires_at,
            max_uses=max_uses,
        )
    return token_hash


async def test_an_invitation_makes_a_member(database: Database, private: RoomId) -> None:
    """Whoever follows a good link is in the room; following it again uses nothing up."""
    token_hash = await invite(database, private, max_uses=1)
    async with database.connection() as conn:
        grace = await person(conn, "grace")
        first = await redeem_invitation(conn, token_hash=token_hash, user_id=grace)
        assert (first.room_id, first.joined) == (private, True)
        member = await rooms.get_member(conn, room_id=private, user_id=grace)
        assert member is not None
        assert member.role == "member"


async def test_a_member_uses_no_invitation_up(database: Database, private: RoomId) -> None:
    """An admin who tries the link stays admin and leaves it for others."""
    token_hash = await invite(database, private, max_uses=1)
    async with database.connection() as conn:
        ada = UserId(await conn.fetchval("select id from users where username = 'ada'"))
        tried = await redeem_invitation(conn, token_hash=token_hash, user_id=ada)
        assert not tried.joined
        grace = await person(conn, "grace")
        used = await redeem_invitation(conn, token_hash=token_hash, user_id=grace)
        assert used.joined


async def test_the_last_use_of_an_invitation_admits_one(
    database: Database, private: RoomId
) -> None:
    """Of several who follow a link for one at once, one gets in and the others learn it is used."""
    token_hash = await invite(database, private, max_uses=1)
    async with database.connection() as conn:
        people = [await person(conn, f"guest{number}") for number in range(5)]

    async def follow(user_id: UserId) -> bool:
        async with database.connection() as conn:
            return (await redeem_invitation(conn, token_hash=token_hash, user_id=user_id)).joined

    results = await asyncio.gather(*map(follow, people), return_exceptions=True)
    assert results.count(True) == 1
    assert [type(result) for result in results if result is not True] == [UnknownInvitation] * 4


async def test_an_expired_invitation_is_unknown(database: Database, private: RoomId) -> None:
    """After its time a link is as good as none."""
    token_hash = await invite(database, private, expires_at=datetime.now(UTC))
    async with database.connection() as conn:
        grace = await person(conn, "grace")
        with pytest.raises(UnknownInvitation):
            await redeem_invitation(conn, token_hash=token_hash, user_id=grace)
        assert await rooms.get_member(conn, room_id=private, user_id=grace) is None

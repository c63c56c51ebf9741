import orjson
import pytest

from gateway.activities.chat.messages import CHAT_EVENTS
from gateway.activities.poker.messages import POKER_EVENTS
from gateway.activities.rooms.messages import ROOM_EVENTS
from gateway.core.errors import EmailTaken
from gateway.storage.connection import Connection
from gateway.storage.seed import SeedReport, seed
from gateway.storage.users import register

EVENTS = {event.type: event for event in (*CHAT_EVENTS, *POKER_EVENTS, *ROOM_EVENTS)}
NOTHING = SeedReport(users=0, rooms=0, messages=0, games=0, clocks=0)


async def test_seeding_twice_adds_nothing_the_second_time(conn: Connection) -> None:
    """The report says what was added: everything, then nothing."""
    assert await seed(conn, "hash") == SeedReport(users=5, rooms=3, messages=24, games=1, clocks=1)
    assert await seed(conn, "hash") == NOTHING


async def test_seeding_leaves_what_people_did_since(conn: Connection) -> None:
    """A room that went on is not touched, and a deleted one comes back whole."""
    await seed(conn, "hash")
    await conn.execute("update rooms set last_seq = 99 where name = 'Lobby'")
    await conn.execute("delete from rooms where name = 'Founders'")
    again = await seed(conn, "hash")
    assert (again.rooms, again.messages) == (1, 8)
    assert await conn.fetchval("select last_seq from rooms where name = 'Lobby'") == 99


async def test_log_tables_and_counters_agree(conn: Connection) -> None:
    """The log is gap-free, ends at last_seq, and tells of exactly the messages there are."""
    await seed(conn, "hash")
    rooms = await conn.fetch(
        "select r.last_seq, r.message_count, array_agg(e.seq order by e.seq) as seqs, "
        "array_agg(e.seq order by e.seq) filter (where e.type = 'chat.message') as sent, "
        "(select array_agg(m.seq order by m.seq) from messages m where m.room_id = r.id) as there "
        "from rooms r join room_events e on e.room_id = r.id group by r.id"
    )
    assert len(rooms) == 3
    for room in rooms:
        assert room["seqs"] == list(range(1, room["last_seq"] + 1))
        assert room["sent"] == room["there"]
        assert room["message_count"] == len(room["there"])


async def test_seeded_events_are_events_of_the_protocol(conn: Connection) -> None:
    """Every payload is valid for its type, with no field missing or left over."""
    await seed(conn, "hash")
    rows = await conn.fetch("select type, payload from room_events")
    for row in rows:
        event = EVENTS[row["type"]].model_validate_json(row["payload"])
        assert event.model_dump(mode="json") == orjson.loads(row["payload"])
    assert {row["type"] for row in rows} == {
        "chat.message",
        "member.joined",
        "poker.started",
        "poker.voted",
    }


async def test_cards_are_in_no_event(conn: Connection) -> None:
    """There are votes, on the open story, and the log says only that they were cast."""
    await seed(conn, "hash")
    cast = await conn.fetchval(
        "select count(*) from poker.votes v "
        "join poker.sessions s on s.current_story_id = v.story_id"
    )
    payloads = await conn.fetch("select payload from room_events where type = 'poker.voted'")
    assert cast == len(payloads) == 2
    fields = {"game_id", "story_id", "player", "voted"}
    assert all(orjson.loads(row["payload"]).keys() == fields for row in payloads)


async def test_a_taken_address_is_said_and_nothing_is_added(conn: Connection) -> None:
    """Seeding a gateway in which somebody is ada already changes nothing."""
    await register(conn, email="ada@example.com", username="lovelace", password_hash="hash")
    with pytest.raises(EmailTaken):
        await seed(conn, "hash")
    assert await conn.fetchval("select count(*) from rooms") == 0

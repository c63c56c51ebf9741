"""Ten thousand people at once, straight into the database.

Signing in and becoming a member take most of a minute for so many, and are not
what is measured. Here are the same rows in a few seconds: guests, their
sessions, and rooms whose members they are.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_bytes, token_hex
from uuid import UUID, uuid4

from gateway.activities.accounts.tokens import TOKEN_BYTES, encode_token, hash_token
from gateway.activities.rooms.messages import MemberJoined
from gateway.config import load_settings
from gateway.core.ids import RoomId, Seq, SessionId, UserId
from gateway.core.protocol.base import Person
from gateway.core.protocol.encode import encode_payload
from gateway.storage.connection import Connection
from gateway.storage.database import direct_connection
from gateway.storage.generated import seed as queries
from gateway.storage.generated import sessions as session_queries

SESSION_LIFETIME = timedelta(days=1)


async def seed_people(database_url: str, *, users: int, room_size: int) -> str:
    """Make people and their rooms; return who they are, as ``people.read_people`` takes it."""
    tag = token_hex(4)  # names are for ever
    guests = [Person(id=uuid4(), name=f"Guest {tag} {number}") for number in range(users)]
    teams = [guests[first : first + room_size] for first in range(0, users, room_size)]
    async with direct_connection(load_settings().database_at(database_url)) as conn:
        async with conn.transaction():
            await _add_guests(conn, guests)
            tokens = [await _open_session(conn, guest) for guest in guests]
            rooms = [
                await _add_room(conn, f"Load {tag} {number}", team)
                for number, team in enumerate(teams, 1)
            ]
        # Until it looks by itself PostgreSQL takes the tables for empty, and reads them whole.
        await conn.execute("analyze")
    people = [[str(guest.id), token] for guest, token in zip(guests, tokens, strict=True)]
    return json.dumps({"guests": people, "rooms": [str(room) for room in rooms]})


async def _add_guests(conn: Connection, guests: Sequence[Person]) -> None:
    await queries.seed_users(
        conn,
        ids=[guest.id for guest in guests],
        emails=[None] * len(guests),
        usernames=[guest.name for guest in guests],
        guests=[True] * len(guests),
        password_hash="",
    )


async def _open_session(conn: Connection, guest: Person) -> str:
    token = encode_token(token_bytes(TOKEN_BYTES))
    await session_queries.create_session(
        conn,
        sid=SessionId(hash_token(token)),
        user_id=UserId(guest.id),
        address=None,
        user_agent=None,
        expires_at=datetime.now(UTC) + SESSION_LIFETIME,
    )
    return token


async def _add_room(conn: Connection, name: str, team: Sequence[Person]) -> UUID:
    """Make a room that all of them have joined; the first one is its admin."""
    room_id = RoomId(uuid4())
    now = datetime.now(UTC)
    events = [
        MemberJoined(user=person, role="member" if number else "admin")
        for number, person in enumerate(team)
    ]
    people = [UserId(person.id) for person in team]
    await queries.seed_room(
        conn,
        id=room_id,
        name=name,
        description=name,
        is_private=False,
        created_by=people[0],
        last_seq=Seq(len(team)),
        message_count=0,
        created_at=now,
    )
    await queries.seed_members(
        conn,
        room_id=room_id,
        user_ids=people,
        roles=[event.role for event in events],
        last_read_seqs=[Seq(len(team))] * len(team),
        read_counts=[0] * len(team),
    )
    await queries.seed_events(
        conn,
        room_id=room_id,
        seqs=[Seq(seq) for seq in range(1, len(team) + 1)],
        types=[event.type for event in events],
        actors=people,
        payloads=[encode_payload(event).decode() for event in events],
        times=[now] * len(team),
    )
    return room_id

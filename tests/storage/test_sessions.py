from datetime import UTC, datetime, timedelta

from gateway.core.ids import SessionId, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import sessions
from gateway.storage.users import register_guest

NOW = datetime.now(UTC)


async def _sign_in(
    conn: Connection, name: str = "ada", *sids: str, expires_at: datetime = NOW + timedelta(days=1)
) -> UserId:
    user = await register_guest(conn, username=name, avatar_url=None)
    for sid in sids:
        await sessions.create_session(
            conn,
            sid=SessionId(sid),
            user_id=user.id,
            address=None,
            user_agent=None,
            expires_at=expires_at,
        )
    return user.id


async def _live(conn: Connection, *sids: str) -> list[str]:
    found = await sessions.find_sessions(conn, sids=[SessionId(sid) for sid in sids])
    return sorted(row.sid for row in found)


async def test_a_session_tells_who_is_signed_in(conn: Connection) -> None:
    """One look gives the person, and the time until which that is good."""
    expires_at = NOW + timedelta(hours=1)
    user_id = await _sign_in(conn, "ada", "a", expires_at=expires_at)
    [found] = await sessions.find_sessions(conn, sids=[SessionId("a"), SessionId("x")])
    assert (found.user_id, found.username, found.is_guest) == (user_id, "ada", True)
    assert found.expires_at == expires_at


async def test_expiry_is_in_utc_whatever_the_servers_time_zone(conn: Connection) -> None:
    """The column has no zone: neither writing nor reading depends on the connection's."""
    await conn.execute("set timezone to 'Pacific/Auckland'")
    await _sign_in(conn, "ada", "a", expires_at=NOW + timedelta(hours=1))
    await _sign_in(conn, "grace", "b", expires_at=NOW - timedelta(minutes=1))
    stored = await conn.fetchval("select expire from sessions where sid = 'a'")
    assert stored == (NOW + timedelta(hours=1)).replace(tzinfo=None)
    assert await _live(conn, "a", "b") == ["a"]


async def test_an_unknown_session_is_nobody(conn: Connection) -> None:
    """A made-up token signs nobody in."""
    assert await sessions.find_sessions(conn, sids=[SessionId("x")]) == []


async def test_signing_out_ends_one_session(conn: Connection) -> None:
    """The person's other sessions go on."""
    await _sign_in(conn, "ada", "a", "b")
    assert await sessions.delete_session(conn, sid=SessionId("a")) == 1
    assert await _live(conn, "a", "b") == ["b"]


async def test_expired_sessions_are_swept(conn: Connection) -> None:
    """The sweep takes those whose time is over and leaves the others."""
    await _sign_in(conn, "ada", "a", expires_at=NOW - timedelta(seconds=1))
    await _sign_in(conn, "grace", "b")
    assert await sessions.delete_expired_sessions(conn) == 1
    assert await conn.fetchval("select array_agg(sid) from sessions") == ["b"]


async def test_of_many_sessions_those_that_are_over_are_told(conn: Connection) -> None:
    """Deleted, expired or never there; nothing of the others."""
    await _sign_in(conn, "ada", "a", "b")
    await _sign_in(conn, "grace", "c", expires_at=NOW - timedelta(seconds=1))
    await sessions.delete_session(conn, sid=SessionId("a"))
    asked = [SessionId(sid) for sid in ("a", "b", "c", "x")]
    assert sorted(await sessions.find_ended_sessions(conn, sids=asked)) == ["a", "c", "x"]

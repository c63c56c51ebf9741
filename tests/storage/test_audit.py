import pytest

from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import audit


async def _record(conn: Connection, user_id: str | None) -> int:
    return await audit.record_action(
        conn,
        action="sign_in.failed",
        entity_type="user",
        entity_id=None,
        user_id=user_id,
        details={"address": "127.0.0.1"},
    )


async def test_an_action_is_kept_with_its_details(conn: Connection) -> None:
    """What happened, to what, and more about it; a failed sign-in has no person."""
    assert await _record(conn, None) == 1
    row = await conn.fetchrow("select action, user_id, details from audit_log")
    assert row is not None
    assert tuple(row) == ("sign_in.failed", None, {"address": "127.0.0.1"})


async def test_the_trail_outlives_the_account(conn: Connection) -> None:
    """Nobody's deletion deletes what they did: there is no foreign key."""
    await _record(conn, "no longer here")
    assert await conn.fetchval("select user_id from audit_log") == "no longer here"


async def test_what_is_undone_leaves_no_trace(database: Database) -> None:
    """The trail is part of the transaction: no entry for what did not happen."""
    with pytest.raises(LookupError):
        await _record_and_fail(database)
    async with database.connection() as conn:
        assert await conn.fetchval("select count(*) from audit_log") == 0


async def _record_and_fail(database: Database) -> None:
    async with database.transaction() as conn:
        await _record(conn, None)
        raise LookupError

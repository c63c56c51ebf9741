"""Transactions and savepoints: each step one round trip, and none that says nothing.

Not asyncpg's own, which cannot set the time limit in the round trip that
begins, and which takes a commit that the server answered with a rollback for one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.storage.connection import Connection

_PLAN_ONCE_AND_BY_INDEX: Final = "; ".join(
    [
        "set local plan_cache_mode = force_generic_plan",
        *(
            f"set local enable_{way} = off"
            for way in ("seqscan", "hashjoin", "mergejoin", "material")
        ),
    ]
)
# All statements look up keys in indexes. Left to itself, the server plans anew each
# time where the values are arrays, which takes longer than the statement; and
# while a table's statistics are from when it was small, or not there yet, it
# goes through what has become ten thousand rows: by a scan, or to join all of them
# with the few that are meant. For the transaction alone: PgBouncer would hand a
# session's settings on to others.

BEGIN: Final = (
    "begin; set local idle_in_transaction_session_timeout = '3s'; " + _PLAN_ONCE_AND_BY_INDEX
)
"""A transaction whose next statement takes longer than that to arrive is ended by the server.

Its locks would otherwise outlive a gateway that was paused or cut off without a
word, until TCP notices, and nobody else could write to its rooms. Shorter than
a statement may take, so that whoever waits for the locks still gets them.
"""

BEGIN_SNAPSHOT: Final = (
    "begin isolation level repeatable read, read only; " + _PLAN_ONCE_AND_BY_INDEX
)


@asynccontextmanager
async def transaction(conn: Connection) -> AsyncIterator[None]:
    """Commit at the end of the block; roll back on any error.

    Raises ``RuntimeError`` when the block hid the error of a statement: the
    server has then undone everything, whatever the block believes.
    """
    await conn.execute(BEGIN)
    try:
        yield
    except BaseException:
        with suppress(Exception):  # a connection on which that fails is not used again
            await conn.execute("rollback")
        raise
    if await conn.execute("commit") != "COMMIT":
        raise RuntimeError("the transaction was rolled back: a statement in it had failed")


@asynccontextmanager
async def snapshot(conn: Connection) -> AsyncIterator[None]:
    """Read in the block, all of it as it stands at the first statement."""
    await conn.execute(BEGIN_SNAPSHOT)
    try:
        yield
    finally:
        with suppress(Exception):  # nothing was written
            await conn.execute("rollback")


@asynccontextmanager
async def savepoint(conn: Connection) -> AsyncIterator[None]:
    """On any error undo what the block did, and no more, inside a transaction."""
    await conn.execute("savepoint block")
    try:
        yield
    except BaseException:
        with suppress(Exception):  # what began the transaction will fail, too
            await conn.execute("rollback to savepoint block; release savepoint block")
        raise
    await conn.execute("release savepoint block")

"""Transactions and savepoints: each step one round trip, and none that says nothing.

Not asyncpg's own, which cannot set the time limit in the round trip that
begins, and which takes a commit that the server answered with a rollback for one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.storage.connection import Connection

BEGIN: Final = (
    "begin; "
    "set local idle_in_transaction_session_timeout = '3s'; "
    "set local plan_cache_mode = force_generic_plan"
)
"""Begins, and sets for the transaction alone (PgBouncer would hand a session's on to others):

- when its next statement takes longer to arrive, the server ends it. Its locks
  would otherwise outlive a gateway that was paused or cut off without a word,
  until TCP notices, and nobody else could write to its rooms. Shorter than a
  statement may take, so that whoever waits for the locks still gets them;
- a prepared statement's plan is kept. Left to itself, the server plans anew each
  time where the values are arrays, which takes longer than the statement. All
  statements look up keys in indexes: there is nothing to choose by the values.
"""


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
        await conn.execute("rollback")
        raise
    if await conn.execute("commit") != "COMMIT":
        raise RuntimeError("the transaction was rolled back: a statement in it had failed")


@asynccontextmanager
async def savepoint(conn: Connection) -> AsyncIterator[None]:
    """On any error undo what the block did, and no more, inside a transaction."""
    await conn.execute("savepoint block")
    try:
        yield
    except BaseException:
        await conn.execute("rollback to savepoint block; release savepoint block")
        raise
    await conn.execute("release savepoint block")

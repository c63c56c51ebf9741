"""What a PostgreSQL connection is in this house: its type, its codecs, its failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from gateway.core.errors import DatabaseUnavailable

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
"""A connection, on loan from the pool or of one's own."""

Json: TypeAlias = object
"""A value of a ``jsonb`` column: whatever orjson encodes; to be validated when it comes back."""

DRIVER_FAILURES: Final = (
    OSError,  # the network's, and every time limit: TimeoutError is one
    asyncpg.PostgresConnectionError,  # class 08, and a connection lost in the middle
    asyncpg.OperatorInterventionError,  # class 57: shutting down, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # class 53: too many connections, disk full
    asyncpg.IdleInTransactionSessionTimeoutError,  # a transaction that paused for too long
    asyncpg.InternalClientError,  # asyncpg's own confusion over a connection lost in mid-statement
)
"""What asyncpg raises when the server cannot serve, as against a statement it refuses."""

CONNECTION_FAILURES: Final = (*DRIVER_FAILURES, asyncpg.InterfaceError)
"""The same, and what asyncpg raises from then on for whoever goes on using the connection."""

_JSONB_VERSION: Final = b"\x01"
# The first byte of jsonb on the wire (PostgreSQL's jsonb_send).


async def prepare_connection(conn: asyncpg.Connection) -> None:
    """Teach a new connection ``jsonb``: Python values here, orjson on the way.

    ``json`` is left alone and stays text, byte for byte: the log's payloads
    pass through without being parsed. Elements of a ``jsonb[]`` may not be
    lists: asyncpg takes those for further dimensions of the array.
    """
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: _JSONB_VERSION + orjson.dumps(value),
        decoder=lambda wire: orjson.loads(wire[1:]),
    )


@contextmanager
def driver_failures_mapped(conn: Connection | None = None) -> Iterator[None]:
    """Raise the driver's failures to reach the server as ``DatabaseUnavailable``.

    What the server says about a statement (a constraint, a wrong name) passes
    through: only its caller knows what it means. asyncpg uses one class,
    ``InterfaceError``, for a closed connection and for a wrong call; ``conn``
    tells which it was. Without ``conn`` there is none yet: the pool is closed.
    """
    try:
        yield
    except DRIVER_FAILURES as error:
        raise DatabaseUnavailable(
            "The database does not answer; the same request may succeed later."
        ) from error
    except asyncpg.InterfaceError as error:
        if conn is not None and not _is_lost(conn):
            raise
        raise DatabaseUnavailable("The connection to the database is closed.") from error


def _is_lost(conn: Connection) -> bool:
    try:
        return conn.is_closed()
    except asyncpg.InterfaceError:
        # A pool that is cut off takes back what it has lent.
        return True

"""Which connections of this instance came with which sign-in session."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.core.identity import Identity
from gateway.core.ids import SessionId
from gateway.runtime.connection import Connection

ENDED_SECONDS: Final = 30.0
"""How long an end is remembered: longer than a sign-in takes that read the session before it."""


class SessionIndex:
    """Connections by session, and the sessions that have ended a moment ago.

    Most connections have a session of their own. A tuple for each is a third
    of a set's memory, and made anew only by the few who open several tabs.
    """

    def __init__(self) -> None:
        self._connections: dict[SessionId, tuple[Connection, ...]] = {}
        self._ended: dict[SessionId, float] = {}

    def add(self, session_id: SessionId, connection: Connection) -> None:
        """Note that a connection has signed in."""
        others = self._connections.get(session_id, ())
        self._connections[session_id] = (*others, connection)

    def discard(self, session_id: SessionId, connection: Connection) -> None:
        """Note that a connection is gone; nothing if it was ended with its session."""
        others = tuple(c for c in self._connections.get(session_id, ()) if c is not connection)
        if others:
            self._connections[session_id] = others
        else:
            self._connections.pop(session_id, None)

    def end(self, session_ids: Iterable[SessionId], now: float) -> list[Connection]:
        """Return the connections of sessions that have ended, and let go of them."""
        self._forget(now)
        ended: list[Connection] = []
        for session_id in session_ids:
            self._ended.pop(session_id, None)  # in order of the latest end
            self._ended[session_id] = now
            ended += self._connections.pop(session_id, ())
        return ended

    def has_ended(self, session_id: SessionId) -> bool:
        """Whether the session has ended a moment ago: who asked before may believe otherwise."""
        return session_id in self._ended

    def identities(self) -> Iterator[Identity]:
        """Yield who is connected: once for each session."""
        for connections in self._connections.values():
            if (identity := connections[0].identity) is not None:
                yield identity

    def _forget(self, now: float) -> None:
        past = itertools.takewhile(
            lambda entry: entry[1] < now - ENDED_SECONDS, self._ended.items()
        )
        for session_id, _ in list(past):
            del self._ended[session_id]

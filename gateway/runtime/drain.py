"""The end of an instance that others outlive: its people are sent to them, and waited for."""

import asyncio
from typing import Final

from gateway.runtime.endpoint import Endpoint
from gateway.runtime.liveness import Liveness
from gateway.runtime.presence import Presence
from gateway.runtime.whereabouts import Whereabouts

CLOSE_SECONDS: Final = 5.0
"""How long clients have to agree to the end of their connections."""

DRAIN_SECONDS: Final = 20.0
"""How long after its beginning nobody is waited for any more. Workers that end one after another
begin together; the rest of ``STOP_SECONDS`` (``serving/crew.py``) is for writing."""


class Drain:
    """Who comes back within the time that they were told was never gone."""

    def __init__(
        self, endpoint: Endpoint, presence: Presence, whereabouts: Whereabouts, liveness: Liveness
    ) -> None:
        self._endpoint = endpoint
        self._presence = presence
        self._whereabouts = whereabouts
        self._liveness = liveness

    async def send_all_away(self) -> None:
        """Close all connections, and have their people linger for as long as the return takes."""
        self._endpoint.drain()
        window_seconds = self._endpoint.return_window_seconds
        self._presence.linger_seconds += window_seconds
        self._whereabouts.linger_seconds += window_seconds
        await self._endpoint.close_all(CLOSE_SECONDS)

    async def wait_for_returns(self) -> None:
        """Let them be back elsewhere before they are said to be gone, where there is elsewhere."""
        if self._whereabouts.is_waiting and self._liveness.live_instances > 1:
            most_seconds = max(0.0, DRAIN_SECONDS - self._endpoint.draining_seconds)
            await asyncio.sleep(min(self._whereabouts.linger_seconds, most_seconds))

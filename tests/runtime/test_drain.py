"""How long an instance that stops waits for its people to be elsewhere."""

import asyncio
from typing import cast

import pytest

from gateway.runtime import admission, drain
from gateway.runtime.drain import Drain
from gateway.runtime.endpoint import ConnectionSettings
from gateway.runtime.liveness import Liveness
from gateway.runtime.presence import LINGER_SECONDS, Presence
from gateway.runtime.whereabouts import Whereabouts
from tests.runtime.test_endpoint import listening
from tests.support.waiting import soon


class Others:
    """What the drain asks the parts, and tells them."""

    linger_seconds = LINGER_SECONDS
    is_waiting = True
    live_instances = 2


async def waits(draining: Drain) -> bool:
    """Tell whether it waits for anybody, for more than a moment."""
    try:
        async with asyncio.timeout(0.1):
            await draining.wait_for_returns()
    except TimeoutError:
        return True
    return False


async def test_people_are_waited_for_as_long_as_they_were_told_to_stay_away(
    monkeypatch: pytest.MonkeyPatch,
):
    """And a while longer, but not for ever, and only where there is elsewhere."""
    monkeypatch.setattr(admission, "RETURNS_PER_SECOND", 0.25)
    others, presence = Others(), Others()
    async with listening(ConnectionSettings()) as place:
        draining = Drain(
            place.endpoint,
            cast("Presence", presence),
            cast("Whereabouts", others),
            cast("Liveness", others),
        )
        clients = [await place.connect("ada") for _ in range(2)]
        sending = asyncio.gather(draining.send_all_away())
        for client in clients:
            notice = await client.take(lambda message: message["type"] == "draining")
            assert notice["data"]["reconnect_in_ms"] <= 8_000
            assert await client.closed() == 4020
            await client.abort()
        await soon(sending)
        assert others.linger_seconds == presence.linger_seconds == 8 + LINGER_SECONDS
        assert await waits(draining)
        monkeypatch.setattr(drain, "DRAIN_SECONDS", 0.0)  # it has taken too long already
        assert not await waits(draining)
        monkeypatch.undo()
        others.live_instances = 1
        assert not await waits(draining)

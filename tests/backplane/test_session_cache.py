"""What Redis remembers of sign-in sessions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gateway.backplane.client import open_client
from gateway.backplane.sessions import SessionCache
from gateway.backplane.settings import RedisSettings
from gateway.core.identity import Identity
from gateway.core.ids import SessionId, UserId

ADA = Identity(
    UserId(uuid4()), "Ada", None, is_guest=True, session_id=SessionId(f"ada {uuid4().hex}")
)


@pytest.fixture
async def cache(settings: RedisSettings) -> AsyncIterator[SessionCache]:
    """A cache in a real Redis."""
    redis = open_client(settings)
    yield SessionCache(redis, settings)
    await redis.aclose()


async def test_what_is_forgotten_is_asked_for_again_but_an_end_is_not_forgotten(
    cache: SessionCache,
):
    """A session that ends while its person's name changes must not come back to life."""
    until = datetime.now(UTC) + timedelta(hours=1)
    sid = ADA.session_id
    await cache.remember([(ADA, until)])
    assert await cache.find([sid]) == {sid: ADA}
    await cache.forget([sid])
    assert await cache.find([sid]) == {sid: None}
    await cache.end([sid])
    await cache.forget([sid])
    await cache.remember([(ADA, until)])
    assert await cache.find([sid]) == {sid: "ended"}

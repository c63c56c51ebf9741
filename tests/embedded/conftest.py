"""Programs that use embedded servers, as processes of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.embedded.user_process import StartUser, User


@pytest.fixture
async def start_user(data_dir: Path) -> AsyncIterator[StartUser]:
    """Start users of ``data_dir`` and return each when the servers answer it."""
    started: list[User] = []

    async def start(*, uid: int | None = None) -> User:
        user = await User.start(data_dir, uid)
        started.append(user)
        return await user.until_served()

    yield start
    for user in started:
        await user.clean_up()

import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import ConfigurationError
from gateway.embedded import lock
from gateway.embedded.layout import prepare_layout
from gateway.embedded.lock import UserLock, alone


def test_the_last_user_knows_it(data_dir: Path) -> None:
    """Of two users neither is the last; once one has left, the other is, and stays a user."""
    layout = prepare_layout(data_dir)
    first, second = UserLock(layout), UserLock(layout)
    assert not first.is_last()
    assert not second.is_last()
    first.close()
    assert second.is_last()
    third = UserLock(layout)
    assert not third.is_last()
    second.close()
    third.close()


async def test_who_starts_or_stops_servers_is_alone(data_dir: Path) -> None:
    """A second one waits until the first is done."""
    layout = prepare_layout(data_dir)
    order = []

    async def second() -> None:
        async with alone(layout):
            order.append("second")

    async with asyncio.TaskGroup() as group, alone(layout):
        group.create_task(second())
        await asyncio.sleep(0)  # let it try
        order.append("first")
    assert order == ["first", "second"]


async def test_patience_ends_with_the_name_of_the_lock(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another process never finishes, the message says where to look."""
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.01)
    layout = prepare_layout(data_dir)
    async with alone(layout):
        with pytest.raises(ConfigurationError, match=f"{data_dir}/start.lock"):
            await alone(layout).__aenter__()

"""What is put off to the end of a turn."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from gateway.runtime.end_of_turn import EndOfTurn
from gateway.runtime.room import Room
from tests.support.listener import Listener

MESSAGE = b'{"data":{}}'


@pytest.fixture
async def problems() -> AsyncIterator[list[str]]:
    """What the event loop was told of failed callbacks. Other tests run on it, too."""
    texts: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: texts.append(str(context["exception"])))
    yield texts
    loop.set_exception_handler(None)


def flushed_by(end_of_turn: EndOfTurn) -> Listener:
    """Return somebody in a room that is flushed at the end of turns."""
    return Listener(end_of_turn.flush)


async def test_what_is_told_at_the_end_of_a_turn_is_written_in_that_turn():
    """With what was collected before, in one write."""
    end_of_turn = EndOfTurn()
    listener = flushed_by(end_of_turn)
    end_of_turn.tell(lambda: listener.room.tell(MESSAGE))
    listener.room.tell(MESSAGE)
    assert listener.writes == 0
    await asyncio.sleep(0)
    assert (listener.writes, len(listener.heard())) == (1, 2)


async def test_a_telling_that_fails_does_not_hold_up_the_others_and_the_rooms(
    problems: list[str],
):
    """Nor the turns that follow."""
    end_of_turn = EndOfTurn()
    listener = flushed_by(end_of_turn)

    def fail() -> None:
        raise ValueError("no words")

    end_of_turn.tell(fail)
    end_of_turn.tell(lambda: listener.room.tell(MESSAGE))
    await asyncio.sleep(0)
    assert (listener.writes, problems) == (1, [])
    listener.room.tell(MESSAGE)
    await asyncio.sleep(0)
    assert listener.writes == 2


async def test_what_a_write_leads_to_comes_with_the_next_turn():
    """A member that is parked by a write may make news."""
    end_of_turn = EndOfTurn()
    rooms: list[Room] = []

    class Parked(Listener):
        """Makes news when it is written to."""

        @override
        def write(self, frames: bytes) -> None:
            super().write(frames)
            if self.writes == 1:
                end_of_turn.tell(lambda: rooms[0].tell(MESSAGE))

    listener = Parked(end_of_turn.flush)
    rooms.append(listener.room)
    listener.room.tell(MESSAGE)
    await asyncio.sleep(0)
    assert listener.writes == 1
    await asyncio.sleep(0)
    assert listener.writes == 2

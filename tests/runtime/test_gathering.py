"""Many questions asked as one."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.core.errors import DatabaseUnavailable, GatewayError, InternalError, InvalidToken
from gateway.runtime.gathering import Gathering
from gateway.runtime.supervision import Supervisor
from tests.support.waiting import soon

MOST = 3


class Oracle:
    """Doubles numbers, and knows none below zero."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.was_asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()
        self.error: Exception | None = None

    async def ask_all(self, questions: Sequence[int]) -> list[int | GatewayError]:
        """Answer when it is allowed to."""
        self.asked.append([*questions])
        self.was_asked.set()
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        return [2 * n if n >= 0 else InvalidToken("No such number.") for n in questions]


@pytest.fixture
def oracle() -> Oracle:
    """What is asked."""
    return Oracle()


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    """The owner of the asking."""
    supervisor = Supervisor()
    yield supervisor
    await supervisor.stop()


@pytest.fixture
def gathering(oracle: Oracle, supervisor: Supervisor) -> Gathering[int, int]:
    """Asks the oracle, about three numbers at most."""
    return Gathering("test", oracle.ask_all, supervisor, MOST)


async def ask(gathering: Gathering[int, int], *questions: int) -> list[int | BaseException]:
    """Ask several at the same time."""
    answers = [gathering.ask(question) for question in questions]
    return await soon(asyncio.gather(*answers, return_exceptions=True))


async def test_what_is_asked_in_one_turn_is_asked_together(
    gathering: Gathering[int, int], oracle: Oracle
):
    """In order, and never more than may be."""
    assert await ask(gathering, 1, 2, 3, 4) == [2, 4, 6, 8]
    assert oracle.asked == [[1, 2, 3], [4]]


async def test_what_comes_meanwhile_is_asked_next(gathering: Gathering[int, int], oracle: Oracle):
    """An idle one asks at once, a busy one makes larger batches."""
    oracle.answering.clear()
    first = asyncio.gather(ask(gathering, 1))
    await soon(oracle.was_asked.wait())
    others = asyncio.gather(ask(gathering, 2), ask(gathering, 3))
    await asyncio.sleep(0)
    oracle.answering.set()
    assert (await first, await others) == ([[2]], [[4], [6]])
    assert oracle.asked == [[1], [2, 3]]


async def test_each_gets_its_own_error(gathering: Gathering[int, int]):
    """And the others their answers."""
    good, bad, fine = await ask(gathering, 1, -1, 2)
    assert (good, fine) == (2, 4)
    assert isinstance(bad, InvalidToken)


@pytest.mark.parametrize(
    ("error", "told"),
    [(DatabaseUnavailable("Away."), DatabaseUnavailable), (ValueError("a fault"), InternalError)],
)
async def test_a_failure_is_everybodys_and_nobody_waits_for_the_next(
    gathering: Gathering[int, int], oracle: Oracle, error: Exception, told: type[GatewayError]
):
    """Those who waited behind it are told as well; who asks later has another chance."""
    oracle.error = error
    answers = await ask(gathering, *range(10))
    assert {type(answer) for answer in answers} == {told}
    assert len(oracle.asked) == 1
    oracle.error = None
    assert await ask(gathering, 5) == [10]


async def test_who_goes_away_takes_nothing_from_the_others(
    gathering: Gathering[int, int], oracle: Oracle
):
    """The asking is nobody's in particular."""
    oracle.answering.clear()
    asking = [asyncio.gather(ask(gathering, n)) for n in (1, 2)]
    await soon(oracle.was_asked.wait())
    asking[0].cancel()
    oracle.answering.set()
    assert await soon(asking[1]) == [[4]]

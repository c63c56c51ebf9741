"""Many questions asked as one."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.core.errors import (
    DatabaseUnavailable,
    Draining,
    GatewayError,
    InternalError,
    InvalidToken,
    Overloaded,
)
from gateway.runtime import gathering as gathering_module
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
        self.error: GatewayError | None = None
        self.poison: int | None = None

    async def ask_all(self, questions: Sequence[int]) -> list[int | GatewayError]:
        """Answer when it is allowed to."""
        self.asked.append([*questions])
        self.was_asked.set()
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        if self.poison in questions:
            raise ValueError(self.poison)
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


async def test_without_the_database_everybody_is_told_at_once(
    gathering: Gathering[int, int], oracle: Oracle
):
    """Also those who wait behind; who asks later has another chance."""
    oracle.error = DatabaseUnavailable("Away.")
    answers = await ask(gathering, *range(10))
    assert {type(answer) for answer in answers} == {DatabaseUnavailable}
    assert len(oracle.asked) == 1
    oracle.error = None
    assert await ask(gathering, 5) == [10]


async def test_a_question_that_breaks_the_asking_fails_alone(
    gathering: Gathering[int, int], oracle: Oracle
):
    """The others are asked again without it."""
    oracle.poison = 2
    one, two, three, four = await ask(gathering, 1, 2, 3, 4)
    assert (one, three, four) == (2, 6, 8)
    assert isinstance(two, InternalError)


async def test_too_many_are_told_to_come_back(
    gathering: Gathering[int, int], oracle: Oracle, monkeypatch: pytest.MonkeyPatch
):
    """And so are those who would have to wait for too long."""
    monkeypatch.setattr(gathering_module, "MAX_WAITING", 4)
    answers = await ask(gathering, *range(5))
    assert answers[:4] == [0, 2, 4, 6]
    assert isinstance(answers[4], Overloaded)
    oracle.answering.clear()
    oracle.was_asked.clear()
    first = asyncio.gather(ask(gathering, 1, 2, 3, 4), return_exceptions=True)
    await soon(oracle.was_asked.wait())
    monkeypatch.setattr(gathering_module, "WAIT_SECONDS", -1.0)
    oracle.answering.set()
    ((*early, late),) = await first
    assert early == [2, 4, 6]
    assert isinstance(late, Overloaded)


async def test_a_stop_leaves_nobody_waiting(
    gathering: Gathering[int, int], oracle: Oracle, supervisor: Supervisor
):
    """Those who are being asked about, and those who are not yet."""
    oracle.answering.clear()
    asking = asyncio.gather(ask(gathering, 1, 2, 3, 4))
    await soon(oracle.was_asked.wait())
    await supervisor.stop()
    (answers,) = await soon(asking)
    assert {type(answer) for answer in answers} == {Draining}


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

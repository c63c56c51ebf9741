"""Asks for many at once what is asked one by one.

A crowd that comes in asks the same questions thousands of times a second: whose
token is this, how does this room stand. One question to the database costs as
much as a hundred, so what is asked while an asking is under way is asked
together next: an idle gateway answers at once, and a storm makes the batches.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from gateway.core.errors import GatewayError, InternalError
from gateway.runtime.supervision import Supervisor

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AskAll = Callable[[Sequence[Question]], Awaitable[Sequence[Answer | GatewayError]]]
"""Answers each question in its place, with an error for those that have none."""


class Gathering(Generic[Question, Answer]):
    """Collects questions of one kind."""

    def __init__(
        self, name: str, ask_all: AskAll[Question, Answer], supervisor: Supervisor, most: int
    ) -> None:
        """``most`` questions are asked at once."""
        self._name = name
        self._ask_all = ask_all
        self._supervisor = supervisor
        self._most = most
        self._waiting: deque[tuple[Question, asyncio.Future[Answer | GatewayError]]] = deque()
        self._is_asking = False

    async def ask(self, question: Question) -> Answer:
        """Return the answer, or raise the ``GatewayError`` that is the answer."""
        future: asyncio.Future[Answer | GatewayError] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if not self._is_asking:
            self._is_asking = True
            self._supervisor.job(self._name, self._ask())
        answer = await future
        if isinstance(answer, GatewayError):
            raise answer
        return answer

    async def _ask(self) -> None:
        """Ask until nobody waits. It begins a turn of the loop after the first question."""
        try:
            while self._waiting:
                await self._ask_some()
        finally:
            self._is_asking = False
            self._tell_all(InternalError("The gateway could not find out; its log says why."))

    async def _ask_some(self) -> None:
        count = min(len(self._waiting), self._most)
        some = [self._waiting.popleft() for _ in range(count)]
        answers: Sequence[Answer | GatewayError]
        try:
            answers = await self._ask_all([question for question, _ in some])
        except GatewayError as error:
            # Whoever waits would hear the same, and later.
            answers = [error] * count
            self._tell_all(error)
        except BaseException:
            self._waiting.extendleft(reversed(some))
            raise
        for (_, future), answer in zip(some, answers, strict=True):
            _tell(future, answer)

    def _tell_all(self, error: GatewayError) -> None:
        while self._waiting:
            _, future = self._waiting.popleft()
            _tell(future, error)


def _tell(future: asyncio.Future[Answer | GatewayError], answer: Answer | GatewayError) -> None:
    if not future.done():  # who asked may have gone
        future.set_result(answer)

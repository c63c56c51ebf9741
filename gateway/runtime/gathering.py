"""Asks for many at once what is asked one by one.

A crowd that comes in asks the same questions thousands of times a second: whose
token is this, how does this room stand. One question to the database costs as
much as a hundred, so what is asked while an asking is under way is asked
together next: an idle gateway answers at once, and a storm makes the batches.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import structlog

from gateway.core.errors import Draining, GatewayError, InternalError, Overloaded
from gateway.runtime.supervision import Supervisor

log = structlog.get_logger()

MAX_WAITING: Final = 10_000
"""Questions that wait. Whoever comes then is told to come back later."""

WAIT_SECONDS: Final = 10.0
"""How long a question waits to be asked, on a database that is slow."""

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
        self._waiting: deque[_Asker[Question, Answer]] = deque()
        self._is_asking = False

    async def ask(self, question: Question) -> Answer:
        """Return the answer, or raise the ``GatewayError`` that is the answer.

        ``Overloaded`` when too many wait, or this one for too long.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded("Too many are coming in at this moment.")
        asker = _Asker[Question, Answer](question)
        self._waiting.append(asker)
        if not self._is_asking:
            self._is_asking = True
            job = self._supervisor.job(self._name, self._ask())
            job.add_done_callback(self._asked)
        return await asker.answer()

    async def _ask(self) -> None:
        """Ask until nobody waits. It begins a turn of the loop after the first question."""
        try:
            while some := self._take_some():
                try:
                    await self._ask_some(some)
                finally:
                    for asker in some:  # who has an answer keeps it
                        asker.tell(Draining("This instance is shutting down."))
        finally:
            self._is_asking = False

    def _asked(self, job: asyncio.Task[None]) -> None:
        if job.cancelled():  # perhaps before it began
            self._is_asking = False
            self._tell_all(Draining("This instance is shutting down."))

    def _take_some(self) -> list["_Asker[Question, Answer]"]:
        some: list[_Asker[Question, Answer]] = []
        now = asyncio.get_running_loop().time()
        while self._waiting and len(some) < self._most:
            asker = self._waiting.popleft()
            if asker.asked_at + WAIT_SECONDS < now:
                asker.tell(Overloaded("The database is too slow at this moment."))
            elif not asker.has_answer:  # else they have gone
                some.append(asker)
        return some

    async def _ask_some(self, some: "Sequence[_Asker[Question, Answer]]") -> None:
        try:
            answers = await self._ask_all([asker.question for asker in some])
        except GatewayError as error:
            # Whoever waits would hear the same, and later.
            for asker in some:
                asker.tell(error)
            self._tell_all(error)
        except Exception:
            log.exception("questions_failed", about=self._name, questions=len(some))
            if len(some) == 1:
                some[0].tell(InternalError("The gateway could not find out; its log says why."))
                return
            for asker in some:  # alone, only the one at fault fails
                await self._ask_some([asker])
        else:
            for asker, answer in zip(some, answers, strict=True):
                asker.tell(answer)

    def _tell_all(self, error: GatewayError) -> None:
        while self._waiting:
            self._waiting.popleft().tell(error)


class _Asker(Generic[Question, Answer]):
    """Somebody who waits for the answer to a question."""

    def __init__(self, question: Question) -> None:
        loop = asyncio.get_running_loop()
        self.question = question
        self.asked_at = loop.time()
        self._future: asyncio.Future[Answer | GatewayError] = loop.create_future()

    @property
    def has_answer(self) -> bool:
        """Whether they have been told, or have gone."""
        return self._future.done()

    def tell(self, answer: Answer | GatewayError) -> None:
        """Give them the answer, if they have none."""
        if not self._future.done():
            self._future.set_result(answer)

    async def answer(self) -> Answer:
        """Wait for it, and raise it if it is an error."""
        answer = await self._future
        if isinstance(answer, GatewayError):
            raise answer.with_traceback(None)  # several may share it
        return answer

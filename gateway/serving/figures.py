"""The readings of all workers together, as the parent keeps them."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import orjson

from gateway.core.errors import Unavailable
from gateway.runtime.metrics import add_up
from gateway.runtime.siblings import ReadAll, Readings
from gateway.serving.asking import ask

ANSWER_SECONDS: Final = 1.0
"""A worker that takes longer to tell its readings is missing from the gauges."""


class Figures:
    """Asks every worker, and remembers what the silent and the dead had counted.

    That is why workers do not ask each other: each would remember something
    else, and as anyone may be asked the sums would fall and rise.
    """

    def __init__(self, names: Callable[[], Collection[str]]) -> None:
        """``names`` returns those of the workers that serve; no name is used twice."""
        self._names = names
        self._last: dict[str, Readings] = {}
        self._past: Readings = {}
        self._one_at_a_time = asyncio.Lock()

    async def answer(self) -> bytes:
        """Return the readings of all, as JSON."""
        async with self._one_at_a_time:
            return orjson.dumps(await self._read_all())

    async def _read_all(self) -> Readings:
        names = self._names()
        self._bury(self._last.keys() - set(names))
        answers = await asyncio.gather(
            *(ask(name, within_seconds=ANSWER_SECONDS) for name in names)
        )
        came = {
            name: orjson.loads(answer)
            for name, answer in zip(names, answers, strict=True)
            if answer is not None
        }
        self._last |= came
        silent = [self._last[name] for name in self._last.keys() - came.keys()]
        return add_up(list(came.values()), [*silent, self._past])

    def _bury(self, names: Collection[str]) -> None:
        dead = [self._last.pop(name) for name in names]
        self._past = add_up([], [self._past, *dead])


def reader(name: str) -> ReadAll:
    """Return how a worker reads the figures of all, from the parent of that name."""

    async def read_all() -> Readings:
        answer = await ask(name, within_seconds=2 * ANSWER_SECONDS)
        if answer is None:
            raise Unavailable("The other workers cannot be asked.")
        readings: Readings = orjson.loads(answer)
        return readings

    return read_all

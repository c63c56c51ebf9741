"""What goes wrong, and when: drawn from the seed alone, so that a run can be repeated.

*Strikes* break something and mend it, one after the other. Beside them goes
the *weather*: a link is slow for a while, so that strikes hit what is on its way.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.chaos.site import Instance, Site
from tests.support.fault_proxy import FaultProxy, Then, Trap

Disturbance = Callable[[Site, Instance], AbstractAsyncContextManager[None]]
"""Breaks something at the start of its block, and has mended it at the end."""

STRIKE_SECONDS: Final = (0.3, 6.0)
WEATHER_SECONDS: Final = (2.0, 6.0)
PAUSE_SECONDS: Final = (0.2, 1.5)

DELAY_SECONDS: Final = 0.03
JITTER_SECONDS: Final = 0.12
# A statement through such a link takes as long as it does over a continent; a batch has ten.


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. ``target`` is the number of the instance that it concerns."""

    kind: str
    target: int
    seconds: float
    pause_seconds: float

    def __str__(self) -> str:
        return f"{self.kind} (instance {self.target}) for {self.seconds:.1f} s"

    async def happen(self, site: Site) -> None:
        """Break it, wait, and mend it."""
        async with _ALL[self.kind](site, site.instances[self.target]):
            await asyncio.sleep(self.seconds)


def strikes(seed: int, instances: int) -> Iterator[Fault]:
    """Return what breaks, one after the other, without end."""
    return _deal(STRIKES, STRIKE_SECONDS, random.Random(f"{seed} strikes"), instances)  # noqa: S311 - to be repeated


def weather(seed: int, instances: int) -> Iterator[Fault]:
    """Return what is slow, one after the other, without end."""
    return _deal(WEATHER, WEATHER_SECONDS, random.Random(f"{seed} weather"), instances)  # noqa: S311 - to be repeated


def _deal(
    deck: Mapping[str, Disturbance],
    seconds: tuple[float, float],
    rng: random.Random,
    instances: int,
) -> Iterator[Fault]:
    """Deal each kind once before any comes again, as with a shuffled deck of cards."""
    while True:
        for kind in rng.sample(sorted(deck), len(deck)):
            shortest, longest = seconds
            # Squared: most are short, so there are many, and some outlast every patience.
            lasts = shortest + (longest - shortest) * rng.random() ** 2
            yield Fault(kind, rng.randrange(instances), lasts, rng.uniform(*PAUSE_SECONDS))


# Instances


@asynccontextmanager
async def _killed(site: Site, instance: Instance) -> AsyncIterator[None]:
    await instance.gateway.kill()
    yield
    await site.start(instance)


@asynccontextmanager
async def _drained(site: Site, instance: Instance) -> AsyncIterator[None]:
    await instance.gateway.clean_up()
    yield
    await site.start(instance)


# Servers


@asynccontextmanager
async def _redis_restarted(site: Site, _: Instance) -> AsyncIterator[None]:
    await site.servers.stop_redis()
    yield
    await site.servers.start_redis()


@asynccontextmanager
async def _redis_killed(site: Site, _: Instance) -> AsyncIterator[None]:
    site.signal("redis", signal.SIGKILL)
    yield
    await site.servers.start_redis()


@asynccontextmanager
async def _redis_paused(site: Site, _: Instance) -> AsyncIterator[None]:
    site.signal("redis", signal.SIGSTOP)
    yield
    site.signal("redis", signal.SIGCONT)


@asynccontextmanager
async def _redis_emptied(site: Site, _: Instance) -> AsyncIterator[None]:
    await site.empty_redis()
    yield


@asynccontextmanager
async def _postgres_restarted(site: Site, _: Instance) -> AsyncIterator[None]:
    await site.servers.stop_postgres()
    yield
    await site.servers.start_postgres()


def _postgres_ended(number: signal.Signals) -> Disturbance:
    @asynccontextmanager
    async def disturbance(site: Site, _: Instance) -> AsyncIterator[None]:
        site.signal("postgres", number)
        yield
        await site.servers.start_postgres()

    return disturbance


# Links

Link = Callable[[Instance], FaultProxy]


def _reset(link: Link) -> Disturbance:
    @asynccontextmanager
    async def disturbance(_: Site, instance: Instance) -> AsyncIterator[None]:
        link(instance).reset()
        yield

    return disturbance


def _refused(link: Link) -> Disturbance:
    @asynccontextmanager
    async def disturbance(_: Site, instance: Instance) -> AsyncIterator[None]:
        link(instance).refuse()
        link(instance).reset()
        yield
        link(instance).heal()

    return disturbance


def _half_open(link: Link, *, to_server: bool = True, to_client: bool = True) -> Disturbance:
    """Make the network swallow everything for a while, and then deliver it late."""

    @asynccontextmanager
    async def disturbance(_: Site, instance: Instance) -> AsyncIterator[None]:
        link(instance).half_open(to_server=to_server, to_client=to_client)
        yield
        link(instance).heal()

    return disturbance


def _cut(link: Link) -> Disturbance:
    """Make the network swallow everything for a while, and lose it."""

    @asynccontextmanager
    async def disturbance(_: Site, instance: Instance) -> AsyncIterator[None]:
        link(instance).half_open()
        yield
        link(instance).reset()
        link(instance).heal()

    return disturbance


def _at_commit(then: Then) -> Disturbance:
    """Do something to the link to the database when a commit comes by."""

    @asynccontextmanager
    async def disturbance(_: Site, instance: Instance) -> AsyncIterator[None]:
        instance.database.set_trap(Trap(b"commit\0", then))
        yield
        instance.database.heal()

    return disturbance


def _slow(link: Link) -> Disturbance:
    @asynccontextmanager
    async def disturbance(_: Site, instance: Instance) -> AsyncIterator[None]:
        link(instance).delay(DELAY_SECONDS, JITTER_SECONDS)
        yield
        link(instance).delay(0.0)

    return disturbance


def _database(instance: Instance) -> FaultProxy:
    return instance.database


def _redis(instance: Instance) -> FaultProxy:
    return instance.redis


def _clients(instance: Instance) -> FaultProxy:
    return instance.front


STRIKES: Final[Mapping[str, Disturbance]] = {
    "instance killed": _killed,
    "instance drained": _drained,
    "redis restarted": _redis_restarted,
    "redis killed": _redis_killed,
    "redis paused": _redis_paused,
    "redis emptied": _redis_emptied,
    "redis link reset": _reset(_redis),
    "redis link half-open": _half_open(_redis),
    "redis link deaf": _half_open(_redis, to_server=False),
    "redis link cut": _cut(_redis),
    "postgres restarted": _postgres_restarted,
    "postgres stopped at once": _postgres_ended(signal.SIGQUIT),
    "postgres killed": _postgres_ended(signal.SIGKILL),
    "database link reset": _reset(_database),
    "database link refused": _refused(_database),
    "database link half-open": _half_open(_database),
    "database link deaf": _half_open(_database, to_server=False),
    "database link cut": _cut(_database),
    "commits lost": _at_commit(Then.LOSE),
    "answers to commits lost": _at_commit(Then.LOSE_THE_ANSWER),
    "commits held": _at_commit(Then.HOLD),
    "client link reset": _reset(_clients),
    "client link refused": _refused(_clients),
    "client link half-open": _half_open(_clients),
    "client link cut": _cut(_clients),
}

WEATHER: Final[Mapping[str, Disturbance]] = {
    "database link slow": _slow(_database),
    "redis link slow": _slow(_redis),
    "client link slow": _slow(_clients),
}

_ALL: Final = {**STRIKES, **WEATHER}

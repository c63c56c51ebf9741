"""Random ids for rows that the gateway names itself."""

import os
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811 - a class, and in capitals

_SIZE: Final = 16
_COUNT: Final = 256

# The version stands in the high half of byte 6, the variant in the high quarter of byte 8.
_RANDOM: Final = int.from_bytes(bytes.fromhex("ffffffffffff0fff3fffffffffffffff") * _COUNT)
_FIXED: Final = int.from_bytes(bytes.fromhex("00000000000040008000000000000000") * _COUNT)


def random_ids() -> Iterator[UUID]:
    """Yield random UUIDs (RFC 9562, version 4) for ever, each a fifth the cost of ``uuid.uuid4``.

    The system is asked for randomness once for many of them, and they are of the
    driver's class, a ``uuid.UUID`` written in C.
    """
    while True:
        random = int.from_bytes(os.urandom(_COUNT * _SIZE))
        drawn = (random & _RANDOM | _FIXED).to_bytes(_COUNT * _SIZE)
        for start in range(0, _COUNT * _SIZE, _SIZE):
            yield DriverUUID(drawn[start : start + _SIZE])

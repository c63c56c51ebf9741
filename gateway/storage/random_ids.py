"""Random ids for rows that the gateway names itself."""

import os
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811 - a class, and in capitals

_SIZE: Final = 16
_DRAWN: Final = 256 * _SIZE


def random_ids() -> Iterator[UUID]:
    """Yield random UUIDs (RFC 9562, version 4) for ever, each a fifth the cost of ``uuid.uuid4``.

    The system is asked for randomness once for many of them, and they are of the
    driver's class, a ``uuid.UUID`` written in C.
    """
    while True:
        random = os.urandom(_DRAWN)
        for start in range(0, _DRAWN, _SIZE):
            drawn = bytearray(random[start : start + _SIZE])
            drawn[6] = drawn[6] & 0x0F | 0x40
            drawn[8] = drawn[8] & 0x3F | 0x80
            yield DriverUUID(bytes(drawn))

"""How long to wait before trying again.

Exponential backoff with full jitter: after a shared failure the clients come
back spread over the whole wait, not in waves. Source: Brooker, "Exponential
Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from typing import Final

FIRST_SECONDS: Final = 0.05
"""Longest wait before the second attempt."""

MOST_SECONDS: Final = 2.0
"""Longest wait before any later attempt."""

_MOST_DOUBLINGS: Final = 30
# Beyond it every limit in use is reached; it keeps 2 ** failures a small number.


def backoff_seconds(
    failures: int,
    fraction: float,
    *,
    first_seconds: float = FIRST_SECONDS,
    most_seconds: float = MOST_SECONDS,
) -> float:
    """Return how many seconds to wait after ``failures`` failed attempts in a row (1, 2, …).

    ``fraction`` is a random number in [0, 1), which the caller draws. The
    answer lies below ``first_seconds`` after the first failure, and the limit
    doubles with every further one up to ``most_seconds``.
    """
    doublings = min(failures - 1, _MOST_DOUBLINGS)
    return fraction * min(most_seconds, first_seconds * 2.0**doublings)

"""When to come back after a connection has ended (pure).

The close code's range decides, as ``core.close_codes`` says; whatever else
ended the connection counts as a broken network.
"""

from typing import Final

from gateway.core.backoff import backoff_seconds

RESUME_SECONDS: Final = 0.5
"""The longest wait before coming back "at once": enough that a thousand clients do not collide."""

DELAY_SECONDS: Final = 5.0
"""The least wait after a close that asks for a delay; as much again is random."""

MOST_SECONDS: Final = 15.0
"""The longest wait while a gateway stays away."""

MOST_ASKED_SECONDS: Final = 300.0
"""The longest wait that a gateway, or a proxy before it, may ask for."""

_RESUME: Final = range(4000, 4100)
_DELAY: Final = range(4100, 4200)
_FINAL: Final = range(4200, 4300)


def is_final(close_code: int | None) -> bool:
    """Tell whether the gateway asked not to come back."""
    return close_code in _FINAL


def retry_after_seconds(header: str) -> float | None:
    """Return the wait that ``Retry-After`` asks for (RFC 9110, section 10.2.3).

    ``None`` where it names a date, which depends on two clocks, or nothing.
    """
    if not (header.isascii() and header.isdecimal()):
        return None
    return min(float(header), MOST_ASKED_SECONDS)


def wait_seconds(close_code: int | None, failures: int, fraction: float) -> float:
    """Return how long to wait before the next attempt.

    ``failures`` counts the attempts in a row that did not get as far as the
    gateway's welcome; ``fraction`` is random in [0, 1).
    """
    if close_code in _DELAY:
        return DELAY_SECONDS * (1 + fraction)
    if close_code in _RESUME and not failures:
        return RESUME_SECONDS * fraction
    return backoff_seconds(failures + 1, fraction, first_seconds=0.5, most_seconds=MOST_SECONDS)

"""Commands at the speed that the gateway takes, so that none is refused for haste (pure)."""


class Pacer:
    """Spreads commands out: ``per_second`` in the long run, after a burst of one second's worth.

    The generic cell rate algorithm (ITU-T I.371, annex A): one number instead
    of a bucket that is refilled.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next_at = 0.0

    def delay_seconds(self, now: float) -> float:
        """Take a place for one command; return how long to wait until it is due.

        ``now`` is seconds of any steady clock.
        """
        due = max(self._next_at, now - 1.0)
        self._next_at = due + self._interval
        return max(0.0, due - now)

"""How fast is too fast: a token bucket, with time as an argument."""


class TokenBucket:
    """Allows ``burst`` at once and ``per_second`` in the long run."""

    __slots__ = ("_burst", "_per_second", "_tokens", "_updated_at")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._updated_at = now

    def take(self, now: float) -> bool:
        """Take one token if there is one. ``now`` is seconds of any steady clock."""
        grown = self._tokens + (now - self._updated_at) * self._per_second
        self._tokens = min(self._burst, grown)
        self._updated_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

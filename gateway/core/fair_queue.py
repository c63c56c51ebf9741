"""A queue in which no room can stand in front of another."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FairQueue(Generic[K, V]):
    """First in, first out for each key; the keys take turns, one item each."""

    def __init__(self) -> None:
        self._queues: OrderedDict[K, deque[V]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        """Return how many items wait, over all keys."""
        return self._size

    def waiting(self, key: K) -> int:
        """Return how many items of one key wait."""
        return len(self._queues.get(key, ()))

    def put(self, key: K, item: V) -> None:
        """Add an item behind those of the same key."""
        self._queues.setdefault(key, deque()).append(item)
        self._size += 1

    def take(self, most: int) -> list[V]:
        """Remove and return up to ``most`` items, in turns."""
        taken: list[V] = []
        while self._queues and len(taken) < most:
            key, queue = self._queues.popitem(last=False)
            taken.append(queue.popleft())
            if queue:
                self._queues[key] = queue
        self._size -= len(taken)
        return taken

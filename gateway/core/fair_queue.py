"""A queue in which no room can stand in front of another."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FairQueue(Generic[K, V]):
    """First in, first out for each key; the keys take turns, and all get equal shares."""

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
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
        queue.append(item)
        self._size += 1

    def take(self, most: int) -> dict[K, list[V]]:
        """Remove and return up to ``most`` items, by key, those of a key in their order."""
        taken: dict[K, list[V]] = {}
        left = most
        while self._queues and left:
            share = max(1, left // len(self._queues))
            for key in list(self._queues)[:left]:
                queue = self._queues[key]
                if len(queue) > share:
                    items = [queue.popleft() for _ in range(share)]
                    self._queues.move_to_end(key)
                else:
                    items = [*self._queues.pop(key)]
                taken.setdefault(key, []).extend(items)
                left -= len(items)
        self._size -= most - left
        return taken

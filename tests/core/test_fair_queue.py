from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fair_queue import FairQueue


def test_a_flooded_room_does_not_stand_in_front_of_another():
    """They get equal shares, and what one does not need is the others'."""
    queue: FairQueue[str, int] = FairQueue()
    for number in range(100):
        queue.put("flooded", number)
    queue.put("quiet", 1)
    assert queue.take(4) == {"flooded": [0, 1, 2], "quiet": [1]}
    assert (len(queue), queue.waiting("flooded"), queue.waiting("quiet")) == (97, 97, 0)


def test_the_keys_take_turns():
    """When there are more of them than are taken at a time."""
    queue: FairQueue[str, int] = FairQueue()
    for number in range(2):
        for key in "abc":
            queue.put(key, number)
    assert [queue.take(2) for _ in range(3)] == [
        {"a": [0], "b": [0]},
        {"c": [0], "a": [1]},
        {"b": [1], "c": [1]},
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())), st.integers(1, 7))
def test_each_key_keeps_its_order_and_nothing_is_lost(items: list[tuple[str, int]], most: int):
    """However many are taken at a time."""
    queue: FairQueue[str, tuple[str, int]] = FairQueue()
    for item in items:
        queue.put(item[0], item)
    taken: list[tuple[str, int]] = []
    while batch := queue.take(most):
        assert sum(map(len, batch.values())) == min(most, len(items) - len(taken))
        taken += [item for some in batch.values() for item in some]
    for key in "abc":
        assert [item for item in taken if item[0] == key] == [
            item for item in items if item[0] == key
        ]
    assert (len(queue), queue.take(most)) == (0, {})

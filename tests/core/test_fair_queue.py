from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fair_queue import FairQueue


def test_a_flooded_room_does_not_stand_in_front_of_another():
    """The keys take turns."""
    queue: FairQueue[str, int] = FairQueue()
    for number in range(100):
        queue.put("flooded", number)
    queue.put("quiet", 1)
    assert queue.take(3) == [0, 1, 1]
    assert (len(queue), queue.waiting("flooded"), queue.waiting("quiet")) == (98, 98, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())), st.integers(1, 7))
def test_each_key_keeps_its_order_and_nothing_is_lost(items: list[tuple[str, int]], most: int):
    """However many are taken at a time."""
    queue: FairQueue[str, tuple[str, int]] = FairQueue()
    for item in items:
        queue.put(item[0], item)
    taken: list[tuple[str, int]] = []
    while batch := queue.take(most):
        assert len(batch) <= most
        taken += batch
    for key in "abc":
        assert [item for item in taken if item[0] == key] == [
            item for item in items if item[0] == key
        ]
    assert (len(queue), queue.take(most)) == (0, [])

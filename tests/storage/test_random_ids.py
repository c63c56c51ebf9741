import itertools
import uuid

from gateway.storage.random_ids import random_ids


def test_ids_are_random_uuids():
    """Also those of a second draw, and of another generator."""
    ids = [*itertools.islice(random_ids(), 600), *itertools.islice(random_ids(), 600)]
    assert len(set(ids)) == len(ids)
    assert {(some.version, some.variant) for some in ids} == {(4, uuid.RFC_4122)}
    # Each of the other bits is set in some and not in others.
    ones = [sum(some.int >> bit & 1 for some in ids) for bit in range(128)]
    assert [bit for bit, count in enumerate(ones) if count in {0, len(ids)}] == [
        *(62, 63),
        *(76, 77, 78, 79),
    ]

"""The schedule of faults."""

from itertools import islice

from tests.chaos.faults import STRIKES, strikes, weather


def test_the_same_seed_gives_the_same_faults():
    """So that a finding can be repeated."""
    for draw in (strikes, weather):
        assert [*islice(draw(7, 2), 50)] == [*islice(draw(7, 2), 50)]
        assert [*islice(draw(7, 2), 50)] != [*islice(draw(8, 2), 50)]


def test_every_kind_comes_before_any_comes_again():
    """However unlucky the seed."""
    for seed in range(20):
        kinds = [fault.kind for fault in islice(strikes(seed, 3), len(STRIKES))]
        assert sorted(kinds) == sorted(STRIKES)

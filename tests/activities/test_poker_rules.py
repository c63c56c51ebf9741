import math
from collections import Counter
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.poker import rules
from gateway.activities.poker.rules import MODIFIED_FIBONACCI, SPECIAL
from gateway.core.errors import InvalidField

_WORTH = {"½": Fraction(1, 2)} | {
    card: Fraction(card) for card in ("0", "1", "2", "3", "5", "8", "13", "20", "40", "100")
}

hands = st.lists(st.sampled_from(MODIFIED_FIBONACCI), max_size=12)


@pytest.mark.parametrize("card", MODIFIED_FIBONACCI)
def test_every_card_of_the_deck_may_be_played(card: str):
    """The special ones as well."""
    rules.check_card(card, MODIFIED_FIBONACCI)


@given(st.text(max_size=10).filter(lambda card: card not in MODIFIED_FIBONACCI))
def test_a_card_of_no_deck_is_refused_by_the_name_of_its_field(card: str):
    """Also one that is worth the same as a card of the deck: 5.0 is no card."""
    with pytest.raises(InvalidField, match=r'"data\.card"'):
        rules.check_card(card, MODIFIED_FIBONACCI)


@given(hands)
def test_statistics_agree_with_exact_arithmetic(cards: list[str]):
    """Special cards count as votes and in the distribution, and nowhere else."""
    summary = rules.summarise(cards)
    numbers = sorted(_WORTH[card] for card in cards if card not in SPECIAL)
    assert summary.votes == len(cards)
    assert summary.distribution == Counter(cards)
    if not numbers:
        assert (summary.average, summary.median) == (None, None)
        assert (summary.minimum, summary.maximum) == (None, None)
        assert not summary.consensus
        return
    assert summary.average is not None
    assert math.isclose(summary.average, sum(numbers) / len(numbers), abs_tol=0.005 + 1e-9)
    assert summary.median == _median(numbers)
    assert (summary.minimum, summary.maximum) == (numbers[0], numbers[-1])
    assert summary.consensus == (len(set(numbers)) == 1)


@given(hands, st.randoms(use_true_random=False))
def test_the_order_of_the_votes_does_not_matter(cards: list[str], random: Random):
    """Who votes first has no advantage."""
    shuffled = random.sample(cards, len(cards))
    assert rules.summarise(shuffled) == rules.summarise(cards)


def test_the_median_of_an_even_count_lies_between_the_two_in_the_middle():
    """The case that is often got wrong."""
    assert rules.summarise(["1", "2", "3", "100"]).median == 2.5


def test_a_deck_without_numbers_has_a_consensus_and_no_average():
    """T-shirt sizes can agree."""
    summary = rules.summarise(["M", "M", "?"])
    assert summary.consensus
    assert summary.average is None
    assert summary.distribution == {"M": 2, "?": 1}


def _median(numbers: list[Fraction]) -> Fraction:
    middle, odd = divmod(len(numbers), 2)
    return numbers[middle] if odd else (numbers[middle - 1] + numbers[middle]) / 2

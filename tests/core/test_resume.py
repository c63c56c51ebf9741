import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import Position, Seq
from gateway.core.resume import MAX_REPLAY_EVENTS, Resume, how_to_resume

NOW = Position(3, Seq(10_000))
BEGINNING = Seq(1)


@pytest.mark.parametrize(
    ("since", "answer"),
    [
        (None, Resume.SNAPSHOT),
        (Position(3, Seq(10_000)), Resume.UP_TO_DATE),
        (Position(3, Seq(9_999)), Resume.REPLAY),
        (Position(3, Seq(10_000 - MAX_REPLAY_EVENTS)), Resume.REPLAY),
        (Position(3, Seq(9_999 - MAX_REPLAY_EVENTS)), Resume.SNAPSHOT),
        (Position(3, Seq(10_001)), Resume.SNAPSHOT),
        (Position(2, Seq(10_000)), Resume.SNAPSHOT),
        (Position(4, Seq(9_999)), Resume.SNAPSHOT),
    ],
)
def test_a_client_is_told_how_it_gets_up_to_date(since: Position | None, answer: Resume):
    """Too far behind, from the future, or of another epoch: only the state helps."""
    assert how_to_resume(since, NOW, BEGINNING) is answer


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_number_of_another_epoch_is_never_compared(since: int, now: int):
    """Not even an equal one."""
    answer = how_to_resume(Position(1, Seq(since)), Position(2, Seq(now)), BEGINNING)
    assert answer is Resume.SNAPSHOT


def test_a_log_that_begins_later_has_no_part_of_the_story():
    """What was deleted from it cannot be told again."""
    answers = [how_to_resume(Position(3, Seq(seq)), NOW, Seq(9_000)) for seq in (8_998, 8_999)]
    assert answers == [Resume.SNAPSHOT, Resume.REPLAY]
    assert how_to_resume(NOW, NOW, Seq(10_001)) is Resume.UP_TO_DATE

from gateway.runtime.admission import (
    RETURNS_PER_SECOND,
    Admission,
    AdmissionSettings,
    Refusal,
)


def test_who_is_turned_away_together_does_not_come_back_together():
    """The moment is random within the window, in the whole seconds of ``Retry-After``."""
    admission = Admission(AdmissionSettings(retry_seconds=4))
    assert {admission.turn_away(Refusal.FULL) for _ in range(1_000)} == {1, 2, 3, 4}
    assert admission.refused == {"full": 1_000}


def test_a_crowd_comes_back_spread_and_a_few_come_back_at_once():
    """The window grows with the crowd, up to the setting."""
    admission = Admission(AdmissionSettings(retry_seconds=15))
    for crowd, window in ((10, 10 / RETURNS_PER_SECOND), (5_000, 5.0), (1_000_000, 15.0)):
        moments = [admission.return_seconds(crowd) for _ in range(1_000)]
        assert 0 <= min(moments) < window / 4
        assert window * 3 / 4 < max(moments) < window


def test_it_is_crowded_while_as_many_are_on_their_way_in_as_should_be():
    """New connections wait then."""
    admission = Admission(AdmissionSettings(max_entering=2))
    admission.entering = 1
    assert not admission.is_crowded
    admission.entering = 2
    assert admission.is_crowded

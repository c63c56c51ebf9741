from hypothesis import given
from hypothesis import strategies as st

from gateway.client.pacer import Pacer
from gateway.core.limits import TokenBucket


def test_a_burst_goes_at_once_and_the_rest_at_the_rate():
    """With ten a second, eleven commands go now and the next ones a tenth of a second apart."""
    pacer = Pacer(10)
    delays = [pacer.delay_seconds(100.0) for _ in range(13)]
    assert delays[:11] == [0.0] * 11
    assert [round(delay, 6) for delay in delays[11:]] == [0.1, 0.2]


@given(
    st.floats(1, 1_000),
    st.lists(st.floats(0, 2), max_size=200),
)
def test_a_gateway_refuses_no_paced_command(per_second: float, pauses: list[float]):
    """What leaves when the pacer says passes the gateway's bucket of four seconds' worth."""
    pacer, now = Pacer(per_second), 50.0
    bucket = TokenBucket(per_second, max(4 * per_second, 4.0), now)
    for pause in pauses:
        now += pause
        now += pacer.delay_seconds(now)
        assert bucket.take(now)

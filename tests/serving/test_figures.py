"""Figures of several processes, put together."""

import secrets

import orjson

from gateway.runtime.metrics import METRICS, Told, add_up
from gateway.runtime.siblings import Readings
from gateway.runtime.supervision import Supervisor
from gateway.serving.asking import answering
from gateway.serving.figures import Figures

ONE: Readings = {
    "parley_connections": 3,
    "parley_backplane_hears": 1,
    "parley_lease_age_seconds": 0.5,
    "parley_worker_connections": {"1": 3},
    "parley_deliveries_total": 10,
    "parley_errors_total": {"rate_limited": 2},
    "parley_loop_lag_seconds": {"bounds": [0.1, 1], "counts": [5, 0, 1], "total": 2.5},
}
TWO: Readings = {
    "parley_connections": 4,
    "parley_backplane_hears": 0,
    "parley_lease_age_seconds": 1.5,
    "parley_worker_connections": {"2": 4},
    "parley_deliveries_total": 20,
    "parley_errors_total": {"rate_limited": 1, "bad_json": 1},
    "parley_loop_lag_seconds": {"bounds": [0.1, 1], "counts": [1, 1, 0], "total": 1.0},
}


def test_what_happened_is_added_and_what_is_so_as_it_fits():
    """The least that hears, the oldest lease; labels and buckets each for itself."""
    assert add_up([ONE, TWO]) == {
        "parley_connections": 7,
        "parley_backplane_hears": 0,
        "parley_lease_age_seconds": 1.5,
        "parley_worker_connections": {"1": 3, "2": 4},
        "parley_deliveries_total": 30,
        "parley_errors_total": {"rate_limited": 3, "bad_json": 1},
        "parley_loop_lag_seconds": {"bounds": [0.1, 1], "counts": [6, 1, 1], "total": 3.5},
    }


def test_of_the_past_only_what_happened_counts():
    """Nobody is connected to a process that is no more."""
    together = add_up([ONE], past=[TWO])
    assert together["parley_connections"] == 3
    assert together["parley_backplane_hears"] == 1
    assert together["parley_worker_connections"] == {"1": 3}
    assert together["parley_deliveries_total"] == 30
    assert add_up([], past=[{}, TWO]).keys() == {
        metric.name for metric in METRICS if metric.accumulates and metric.name in TWO
    }


def test_sums_are_told_as_the_figures_of_one_are():
    """Buckets of a histogram add up from the least; errors that did not happen are told as 0."""
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in Told(add_up([ONE, TWO])).collect()
        for sample in family.samples
    }
    assert told["parley_loop_lag_seconds_bucket", "1.0"] == 7
    assert told["parley_loop_lag_seconds_count",] == 8
    assert told["parley_errors_total", "bad_json"] == 1
    assert told["parley_errors_total", "not_a_member"] == 0
    assert told["parley_worker_connections", "2"] == 4


async def test_no_counter_falls_when_a_worker_is_silent_dies_or_is_replaced():
    """What it had told last stays in the sums; its gauges do not."""
    family = f"parley-test-{secrets.token_hex(8)}"
    names = [f"{family}-1", f"{family}-2"]
    figures = Figures(lambda: names)

    async def read() -> Readings:
        readings: Readings = orjson.loads(await figures.answer())
        return readings

    async def one() -> bytes:
        return orjson.dumps(ONE)

    async def two() -> bytes:
        return orjson.dumps(TWO)

    async with answering(f"{family}-1", one, Supervisor()):
        async with answering(f"{family}-2", two, Supervisor()):
            assert await read() == add_up([ONE, TWO])
        silent = await read()
        assert (silent["parley_connections"], silent["parley_deliveries_total"]) == (3, 30)
        names[1:] = []  # dead
        assert await read() == silent
        names[1:] = [f"{family}-3"]
        assert await read() == silent  # its successor has not told anything yet
        async with answering(f"{family}-3", two, Supervisor()):
            both = await read()
    assert (both["parley_connections"], both["parley_deliveries_total"]) == (7, 50)

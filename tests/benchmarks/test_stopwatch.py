import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import contenders
from benchmarks.dialects import SendLoop, msgpack
from benchmarks.stopwatch import EVENT_BYTES, Stopwatch, stamped

ROOT = Path(__file__).parents[2]

MEMBERS = 5


def test_an_event_has_one_size_and_more_behind_its_stamp_than_a_stamp_is_long():
    """So no stamp is found twice, however what arrives is cut into pieces."""
    event = stamped(1_234_567_890)
    assert len(event) == EVENT_BYTES
    assert event.startswith(b"sent=0000001234567890;")


def test_small_values_are_packed_as_messagepack():
    """The examples are those of MessagePack's specification, and a text of an event's length."""
    assert msgpack({"compact": True, "schema": 0}) == b"\x82\xa7compact\x01\xa6schema\x00"
    assert msgpack(["a", []]) == b"\x92\xa1a\x90"
    assert msgpack("x" * 150) == b"\xd9\x96" + b"x" * 150


@pytest.mark.parametrize("way", ["paced", "chased"])
def test_a_crowd_takes_the_time_of_every_delivery(tmp_path: Path, way: str):
    """Every event reaches every member of a real server, at the rate asked for or in turn."""
    program = contenders.compile_send_loop()
    if program is None:
        pytest.skip("no C compiler")
    with contenders.send_loop(program, MEMBERS, tmp_path) as loop:
        dialect, pids = SendLoop(), {"server": loop.server.pid}

        def publish(rooms: list[int], event: bytes) -> None:
            loop.server.stdin.write(b"".join(dialect.publication(room, event) for room in rooms))
            loop.server.stdin.flush()

        with Stopwatch(loop.server.port, pids) as crowd:
            crowd.come_in(dialect, [0] * MEMBERS)
            figures = getattr(crowd, way)(publish, 8, 4)
    assert figures.lost == 0
    assert 0 < figures.p50_ms <= figures.p99_ms <= figures.p999_ms
    assert figures.cpu_us["server"] > 0


@pytest.mark.slow
@pytest.mark.server
def test_an_office_hears_everything_it_says():
    """A tiny office prints a line for each kind of event, and has lost none."""
    command = [sys.executable, "-m", "benchmarks.office", "--teams=2", "--seconds=0.5"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split("│") for line in answer.stdout.splitlines() if line.startswith("│")]
    assert [line[1].split(",")[0].strip() for line in lines] == [
        *["ephemeral"] * 3,
        "typing",
        *["message"] * 2,
    ]
    assert all(int(lost) == 0 for line in lines for lost in line[3:5])

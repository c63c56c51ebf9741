import asyncio
import json
import sys
from pathlib import Path

import pytest

from benchmarks.report import SERVERS

ROOT = Path(__file__).parents[2]

SMALL = ["--members=20", "--events=8", "--handshakes=20", "--connections=20"]
SMALL += ["--rounds=1", "--peer-rounds=0"]


@pytest.mark.slow
@pytest.mark.server
async def test_the_benchmark_reports_every_figure(tmp_path: Path):
    """A tiny run ends, shows all rows, and writes a value for each server it measured."""
    results = tmp_path / "results.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", *SMALL, "--json", results),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    rows = {row["name"]: row for row in json.loads(results.read_bytes())["rows"]}
    assert list(rows) == [
        "CPU a delivery, one event in flight (µs)",
        "CPU a delivery, eight in flight (µs)",
        "CPU a handshake (µs)",
        "CPU a handshake, sign-in and join (µs)",
        "memory a connection, teams of ten (KB)",
        "memory a connection, one person (KB)",
    ]
    for name, row in rows.items():
        assert name in output.decode()
        assert all(len(values) == 1 for values in row["values"].values())
    delivery = rows["CPU a delivery, one event in flight (µs)"]
    assert set(delivery["values"]) | set(delivery["notes"]) == set(SERVERS)

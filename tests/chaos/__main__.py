"""``python -m tests.chaos``: break everything under load, and prove that nothing was lost.

With ``--mutant`` the gateways break a promise on purpose, and the run passes
when the checker finds that out.
"""

import argparse
import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from tests.chaos.mutants import MUTANTS, mutated_checkout
from tests.chaos.options import Options
from tests.chaos.report import Report
from tests.chaos.run import run_chaos


def main() -> int:
    """Run once for each seed; return 1 as soon as one shows what it should not."""
    arguments = _parser().parse_args()
    options = Options(
        seconds=arguments.seconds,
        clients=arguments.clients,
        rooms=arguments.rooms,
        instances=arguments.instances,
        source=arguments.source,
        logs=arguments.logs,
    )
    with contextlib.ExitStack() as stack:
        if arguments.mutant:
            source = stack.enter_context(mutated_checkout(arguments.mutant, options.source))
            options = replace(options, source=source)
        for seed in arguments.seed:
            report = _run(replace(options, seed=seed))
            if arguments.mutant and report.findings:
                _say(f"{arguments.mutant}: found out")
                return 0
            if report.findings:
                return 1
    if arguments.mutant:
        _say(f"{arguments.mutant}: NOT found out")
        return 1
    return 0


def _run(options: Options) -> Report:
    report = uvloop.run(run_chaos(options))
    for line in report.lines():
        _say(line)
    return report


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    usual = Options()
    add = parser.add_argument
    add("--seed", type=int, nargs="+", default=[usual.seed], help="what the faults are drawn from")
    add("--seconds", type=float, default=usual.seconds, help="for how long faults are made")
    add("--clients", type=int, default=usual.clients)
    add("--rooms", type=int, default=usual.rooms)
    add("--instances", type=int, default=usual.instances)
    add("--logs", type=Path, help="keep the instances' logs in this folder")
    add("--source", type=Path, help="run the gateway of another checkout")
    add("--mutant", choices=sorted(MUTANTS), help="break a promise; the checker must find it out")
    return parser


if __name__ == "__main__":
    sys.exit(main())

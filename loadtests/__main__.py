"""Run a scenario, on a gateway that is started for it (``make load``)."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.telemetry import configure_logging
from loadtests.gateways import running_site

HERE: Final = Path(__file__).parent

INSTANCES: Final = {"office": 1, "stadium": 1, "storm": 1, "churn": 1, "resume": 2}
"""The scenarios, and how many gateways each needs."""

PEOPLE: Final = 10_000

TEAM: Final = 10

SURVIVORS: Final = PEOPLE // TEAM
"""In *resume*: one in each team is on the instance that lives, beside those who come back."""


def main(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help=" | ".join(INSTANCES))],
    host: Annotated[
        str | None, typer.Option(help="A running gateway, instead of one that is started.")
    ] = None,
    users: Annotated[
        int | None, typer.Option(help=f"How many people: {PEOPLE:,}, in resume {SURVIVORS:,} more.")
    ] = None,
    room_size: Annotated[
        int | None,
        typer.Option(help="People in each room: a team, in resume one more, in stadium all."),
    ] = None,
    spawn_rate: Annotated[float, typer.Option(help="Arrivals a second.")] = 300,
    report: Annotated[Path, typer.Option(help="Folder of the report.")] = HERE / "reports",
) -> None:
    """Run a scenario. Options that are not listed here are the scenario's and Locust's own."""
    if scenario not in INSTANCES:
        raise typer.BadParameter(f"the scenarios are {', '.join(INSTANCES)}")
    configure_logging("error", as_json=False)
    # As Ctrl-C does it: whatever was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = report / scenario
    resumes = scenario == "resume"
    users = users or PEOPLE + SURVIVORS * resumes
    size = room_size or (users if scenario == "stadium" else TEAM + resumes)
    arguments = [
        *(f"--locustfile={HERE / scenario}.py", "--headless", "--only-summary"),
        *("--loglevel=ERROR", f"--html={folder / 'report.html'}", f"--summary={folder}"),
        *(f"--users={users}", f"--room-size={size}", f"--spawn-rate={spawn_rate}"),
    ]
    with contextlib.ExitStack() as stack:
        if host is None:
            site = stack.enter_context(running_site(INSTANCES[scenario]))
            arguments += [f"--people={site.seed(users=users, room_size=size)}"]
            arguments += [f"--gateway-pid={instance.pid}" for instance in site.instances]
            host = site.instances[0].url
            if resumes:
                arguments += [f"--second-host={site.instances[1].url}"]
        command = [sys.executable, "-m", "locust", *arguments, f"--host={host}", *context.args]
        raise SystemExit(subprocess.run(command, cwd=HERE.parent, check=False).returncode)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(main)
    app()

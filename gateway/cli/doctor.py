"""``gateway doctor``."""

import typer

from gateway.cli.options import DataDir
from gateway.core.health import HealthReport


def doctor(data_dir: DataDir = None) -> None:
    """Start every part as `serve` would, ask each how it is, and stop again.

    The exit code is 0 when all are well.
    """
    import uvloop
    from rich.console import Console
    from rich.table import Table

    from gateway.telemetry import configure_logging

    configure_logging("error", as_json=False)
    report = uvloop.run(_examine(data_dir))
    table = Table("part", "", "detail", "ms", box=None)
    for name, part in report.parts.items():
        sign = "[green]ok[/]" if part.ok else "[red]ill[/]"
        table.add_row(name, sign, part.detail, f"{part.milliseconds:.1f}")
    Console().print(table)
    if not report.ok:
        raise typer.Exit(1)


async def _examine(data_dir: DataDir) -> HealthReport:
    from gateway.app import Gateway
    from gateway.config import load_settings
    from gateway.servers import servers_of

    settings = load_settings(data_dir=data_dir)
    async with (
        servers_of(settings) as servers,
        Gateway.open(settings, servers.database, servers.redis) as gateway,
    ):
        return await gateway.health.report()

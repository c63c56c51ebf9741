"""``gateway serve``."""

from typing import Annotated

import typer

from gateway.cli.options import DataDir


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8000")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that share the port, one for each core.", show_default="1"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve rooms until Ctrl-C.

    Without DATABASE_URL and REDIS_URL, PostgreSQL and Redis are started beside
    the gateway, with their data in --data-dir; a second gateway on the same
    folder joins them.

    With --workers, SIGHUP restarts the workers one after another; in a terminal it
    ends them, as without.
    """
    import uvloop

    from gateway.config import load_settings
    from gateway.telemetry import configure_logging

    settings = load_settings(host=host, port=port, workers=workers, data_dir=data_dir)
    configure_logging(settings.log_level, as_json=settings.environment == "production")
    if settings.workers == 1:
        from gateway.serving.instance import serve as serve_alone

        uvloop.run(serve_alone(settings, _announce))
    else:
        from gateway.serving.parent import serve as serve_with_workers

        crew = f" with {settings.workers} workers"
        uvloop.run(serve_with_workers(settings, lambda url: _announce(url, crew)))


def _announce(url: str, crew: str = "") -> None:
    print(f"Parley is at {url}{crew} (API: {url}/docs). Ctrl-C stops it.", flush=True)

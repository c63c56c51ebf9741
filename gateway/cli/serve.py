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
    data_dir: DataDir = None,
) -> None:
    """Serve rooms until Ctrl-C.

    Without DATABASE_URL and REDIS_URL, PostgreSQL and Redis are started beside
    the gateway, with their data in --data-dir; a second gateway on the same
    folder joins them.
    """
    import uvloop

    from gateway import serving
    from gateway.config import load_settings
    from gateway.telemetry import configure_logging

    settings = load_settings(host=host, port=port, data_dir=data_dir)
    configure_logging(settings.log_level, as_json=settings.environment == "production")
    uvloop.run(serving.serve(settings, announce=_announce))


def _announce(url: str) -> None:
    print(f"Parley is at {url} (API: {url}/docs). Ctrl-C stops it.", flush=True)

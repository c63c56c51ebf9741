"""The command ``gateway``. Every failure that a person can mend is one readable line.

A command imports what it needs when it is called, so that none waits for what
only another one uses.
"""

import sys

import typer

from gateway.cli import connect, database, doctor, serve, types
from gateway.core.errors import ConfigurationError, GatewayError, MigrationError, ServiceDied

EXIT_FAILURE = 1

app = typer.Typer(
    name="gateway",
    help="Parley, a self-hosted realtime room gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(connect.connect)
app.add_typer(database.migrate, name="migrate")
app.command()(database.seed)
app.command("restore-mark")(database.restore_mark)
app.command()(doctor.doctor)
app.command()(types.types)


def main() -> None:
    """Run the command line; known errors go to standard error without a trace."""
    try:
        app()
    except (ConfigurationError, MigrationError, ServiceDied) as error:
        _fail(str(error))
    except GatewayError as error:
        _fail(error.message)
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, as shells expect


def _fail(message: str) -> None:
    print(f"gateway: {message}", file=sys.stderr)
    sys.exit(EXIT_FAILURE)

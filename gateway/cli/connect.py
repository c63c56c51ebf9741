"""``gateway connect``."""

import asyncio
import signal
import sys
from typing import Annotated

import typer


def connect(
    room: Annotated[str, typer.Argument(help="Name of a public room, made if new; or an id.")],
    name: Annotated[str, typer.Option(help="What the others call you.")],
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:8000",
    linger: Annotated[
        float, typer.Option(min=0, help="Seconds to go on listening after the end of piped input.")
    ] = 1.0,
) -> None:
    """Talk in a room from the terminal; /help there shows what can be typed.

    Lines may also be piped in, for scripts: each is carried out in turn.
    """
    from gateway.cli.terminal_screen import OutputClosed
    from gateway.client import ClientError, GatewayUnreachable

    try:
        asyncio.run(_talk(room, name, url, linger))
    except GatewayUnreachable as error:
        _fail(f"{str(error).removesuffix('.')} — start one with `make run`.")
    except ClientError as error:
        _fail(str(error))
    except OutputClosed:
        raise typer.Exit(1) from None


async def _talk(room_name: str, name: str, url: str, linger_seconds: float) -> None:
    from gateway.cli.terminal_screen import open_screen
    from gateway.cli.terminal_session import Session, Typing
    from gateway.cli.terminal_view import View
    from gateway.client import Client

    # As Ctrl-C does it: asyncio cancels this, and everything is left tidy.
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, signal.raise_signal, signal.SIGINT
    )
    async with Client(url) as client:
        user = await client.sign_in_as_guest(name)
        async with client.room(room_name) as room:
            typing = Typing()
            with open_screen(typing.edited) as screen:
                await Session(room, View(user.id), screen, typing).run(linger_seconds)


def _fail(message: str) -> None:
    print(f"gateway: {message}", file=sys.stderr)
    raise typer.Exit(1)

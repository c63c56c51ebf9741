"""``gateway connect``."""

import asyncio
import getpass
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from gateway.client import Client, Person

    SignIn = Callable[[Client], Awaitable[Person]]


def connect(
    room: Annotated[str, typer.Argument(help="Name of a public room, made if new; or an id.")],
    name: Annotated[
        str | None, typer.Option(help="What the others call you, who come as a guest.")
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(help="Of your account, instead of a name; the password is asked for."),
    ] = None,
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:8000",
    linger: Annotated[
        float, typer.Option(min=0, help="Seconds to go on listening after the end of piped input.")
    ] = 1.0,
) -> None:
    """Talk in a room from the terminal; /help there shows what can be typed.

    A guest is somebody new each time; with an account you find what you have
    not read yet. PARLEY_PASSWORD may hold its password. Lines may also be
    piped in, for scripts: each is carried out in turn.
    """
    from gateway.cli.terminal_screen import OutputClosed
    from gateway.client import ClientError, GatewayUnreachable

    try:
        asyncio.run(_talk(room, _sign_in(name, email), url, linger))
    except GatewayUnreachable as error:
        _fail(f"{str(error).removesuffix('.')} — start one with `make run`.")
    except ClientError as error:
        _fail(str(error))
    except OutputClosed:
        raise typer.Exit(1) from None


def _sign_in(name: str | None, email: str | None) -> "SignIn":
    """Return how to sign in: as a guest, or to an account."""
    if name is not None and email is None:
        return lambda client: client.sign_in_as_guest(name)
    if email is None or name is not None:
        _fail("say who you are: --name NAME (a guest) or --email ADDRESS (your account).")
    password = os.environ.get("PARLEY_PASSWORD") or getpass.getpass()
    return lambda client: client.sign_in(email, password)


async def _talk(room_name: str, sign_in: "SignIn", url: str, linger_seconds: float) -> None:
    from gateway.cli.terminal_screen import open_screen
    from gateway.cli.terminal_session import Session, Typing
    from gateway.cli.terminal_view import View
    from gateway.client import Client

    # As Ctrl-C does it: asyncio cancels this, and everything is left tidy.
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, signal.raise_signal, signal.SIGINT
    )
    async with Client(url) as client:
        user = await sign_in(client)
        async with client.room(room_name) as room:
            typing = Typing()
            with open_screen(typing.edited) as screen:
                await Session(client, room, View(user.id), screen, typing).run(linger_seconds)


def _fail(message: str) -> NoReturn:
    print(f"gateway: {message}", file=sys.stderr)
    raise typer.Exit(1)

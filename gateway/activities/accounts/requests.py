"""Signing in over a connection, and what a person may ask about their account."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.activities.accounts.messages import (
    AuthChangePassword,
    AuthGuest,
    AuthRegister,
    AuthSignIn,
    AuthSignOut,
    SessionEnd,
    SessionEndOthers,
    SessionList,
    SessionsEnded,
    SessionsListed,
)
from gateway.activities.accounts.service import Accounts
from gateway.activities.accounts.sessions import SignedIn
from gateway.activities.activity import Request
from gateway.core.identity import Identity
from gateway.core.protocol.base import Command

SignIn = Callable[[Any, str, str | None], Awaitable[SignedIn]]
"""Carries out a command that signs somebody in, from an address and with a program.

The throttle counts by the address; the person finds both in the list of sessions.
"""


def sign_ins(accounts: Accounts) -> dict[type[Command], SignIn]:
    """Return what signs people in by each of the commands."""

    async def register(command: AuthRegister, address: str, user_agent: str | None) -> SignedIn:
        data = command.data
        return await accounts.register(
            data.email, data.username, data.password, address=address, user_agent=user_agent
        )

    async def sign_in(command: AuthSignIn, address: str, user_agent: str | None) -> SignedIn:
        data = command.data
        return await accounts.sign_in(
            data.email, data.password, address=address, user_agent=user_agent
        )

    async def guest(command: AuthGuest, address: str, user_agent: str | None) -> SignedIn:
        data = command.data
        return await accounts.guest(
            data.name, data.avatar_url, address=address, user_agent=user_agent
        )

    return {AuthRegister: register, AuthSignIn: sign_in, AuthGuest: guest}


def requests(accounts: Accounts) -> dict[type[Command], Request]:
    """Return what carries out each of the commands of somebody who has signed in."""

    async def list_sessions(actor: Identity, _command: SessionList) -> SessionsListed:
        return await accounts.list_sessions(actor)

    async def end_session(actor: Identity, command: SessionEnd) -> SessionsEnded:
        return await accounts.end_session(actor, command.data.id)

    async def end_other_sessions(actor: Identity, _command: SessionEndOthers) -> SessionsEnded:
        return await accounts.end_other_sessions(actor)

    async def change_password(actor: Identity, command: AuthChangePassword) -> None:
        await accounts.change_password(actor, command.data.old_password, command.data.new_password)

    async def sign_out(actor: Identity, _command: AuthSignOut) -> None:
        await accounts.sign_out(actor)

    return {
        AuthChangePassword: change_password,
        AuthSignOut: sign_out,
        SessionList: list_sessions,
        SessionEnd: end_session,
        SessionEndOthers: end_other_sessions,
    }

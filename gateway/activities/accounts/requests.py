"""What a connection may ask about the sign-in sessions of its person."""

from gateway.activities.accounts.messages import (
    SessionEnd,
    SessionEndOthers,
    SessionList,
    SessionsEnded,
    SessionsListed,
)
from gateway.activities.accounts.service import Accounts
from gateway.activities.activity import Request
from gateway.core.identity import Identity
from gateway.core.protocol.base import Command


def requests(accounts: Accounts) -> dict[type[Command], Request]:
    """Return what carries out each of the commands."""

    async def list_sessions(actor: Identity, _command: SessionList) -> SessionsListed:
        return await accounts.list_sessions(actor)

    async def end_session(actor: Identity, command: SessionEnd) -> SessionsEnded:
        return await accounts.end_session(actor, command.data.id)

    async def end_other_sessions(actor: Identity, _command: SessionEndOthers) -> SessionsEnded:
        return await accounts.end_other_sessions(actor)

    return {
        SessionList: list_sessions,
        SessionEnd: end_session,
        SessionEndOthers: end_other_sessions,
    }

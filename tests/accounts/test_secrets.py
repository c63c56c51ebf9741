"""No password and no token is anywhere but with its owner."""

import logging

import pytest

from gateway.core.errors import InvalidCredentials
from tests.accounts.instances import Instance, NewPerson


async def everything_stored(instance: Instance) -> str:
    """Return all of the database's and Redis's content as one text."""
    texts = []
    async with instance.database.connection() as conn:
        for query in ("table users", "table sessions", "table audit_log"):
            texts += [str(tuple(row)) for row in await conn.fetch(query)]
    async for key in instance.redis.scan_iter():
        texts.append(key)
        if await instance.redis.type(key) == "string":
            texts.append(await instance.redis.get(key))
    return "\n".join(texts)


async def test_secrets_are_neither_stored_nor_logged(
    instance: Instance,
    ada: NewPerson,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    """A whole life of an account, then a search for its passwords and tokens."""
    caplog.set_level(logging.DEBUG)
    accounts = instance.accounts
    first = await ada.register(accounts)
    second = await ada.sign_in(accounts)
    with pytest.raises(InvalidCredentials):
        await ada.sign_in(accounts, "a wrong password")
    await accounts.identify(first.token)
    await accounts.identify(second.token)
    await accounts.change_password(first.identity, ada.password, "a better password")
    captured = capfd.readouterr()
    searched = (
        await everything_stored(instance) + captured.out + captured.err + caplog.text + repr(first)
    )
    assert ada.email in searched
    assert first.identity.session_id in searched
    for secret in (
        ada.password,
        "a wrong password",
        "a better password",
        first.token,
        second.token,
    ):
        assert secret not in searched

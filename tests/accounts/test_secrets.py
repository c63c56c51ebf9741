"""No password and no token is anywhere but with its owner."""

import pytest

from gateway.core.errors import InvalidCredentials


async def everything_stored(instance):
    """Return all of the database's and Redis's content as one text."""
    texts = []
    async with instance.database.connection() as conn:
        for table in ("users", "sessions", "audit_log"):
            texts += [str(tuple(row)) for row in await conn.fetch(f"select * from {table}")]
    async for key in instance.redis.scan_iter():
        texts.append(key)
        if await instance.redis.type(key) == "string":
            texts.append(await instance.redis.get(key))
    return "\n".join(texts)


async def test_secrets_are_neither_stored_nor_logged(instance, ada, capfd, caplog):
    """A whole life of an account, then a search for its passwords and tokens."""
    caplog.set_level(0)
    accounts = instance.accounts
    first = await accounts.register(ada.email, ada.username, ada.password, address=ada.address)
    second = await accounts.sign_in(ada.email, ada.password, address=ada.address)
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(ada.email, "a wrong password", address=ada.address)
    await accounts.identify(first.token)
    await accounts.identify(second.token)
    await accounts.change_password(first.identity, ada.password, "a better password")
    print(repr(first), repr(accounts))
    captured = capfd.readouterr()
    searched = await everything_stored(instance) + captured.out + captured.err + caplog.text
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

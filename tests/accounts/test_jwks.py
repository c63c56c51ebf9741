"""The keys that another service tells, from a real HTTP server."""

import asyncio
import re

import pytest
from structlog.testing import capture_logs

from gateway.activities.accounts.external import JwtSettings
from gateway.activities.accounts.external_tokens import ExternalTokens
from gateway.activities.accounts.jwks import Jwks
from gateway.core.errors import IdentityProviderUnavailable, InvalidToken
from tests.support.jwt_issuer import AUDIENCE, SigningKey, key_server

OLD, NEW = SigningKey("old"), SigningKey("new")


def checker(jwks: Jwks) -> ExternalTokens:
    """Return what checks tokens with these keys."""
    return ExternalTokens(JwtSettings(jwks_url="http://…", audience=AUDIENCE), jwks)


async def test_a_new_key_is_fetched_when_a_token_needs_it_and_the_old_one_is_forgotten():
    """The service rotates its keys without telling anybody."""
    async with key_server(OLD) as server:
        jwks = Jwks(server.url, rest_seconds=0)
        tokens = checker(jwks)
        assert await tokens.check(OLD.sign())
        server.entries = [NEW.jwk]
        assert await tokens.check(OLD.sign())  # nothing has asked for another
        assert server.asked == 1
        assert await tokens.check(NEW.sign())
        with pytest.raises(InvalidToken):
            await tokens.check(OLD.sign())
        await jwks.close()


async def test_made_up_keys_do_not_make_the_gateway_ask_each_time():
    """One question in half a minute, however many strangers come, at once or one by one."""
    async with key_server(OLD) as server:
        jwks = Jwks(server.url)
        tokens = checker(jwks)
        strangers = [SigningKey("new").sign()] * 50
        results = await asyncio.gather(*map(tokens.check, strangers), return_exceptions=True)
        for token in strangers[:5]:
            with pytest.raises(InvalidToken):
                await tokens.check(token)
        assert all(isinstance(result, InvalidToken) for result in results)
        assert server.asked == 1
        assert await tokens.check(OLD.sign())
        await jwks.close()


async def test_known_keys_are_good_while_the_service_is_away_and_unknown_ones_are_not_refused():
    """Nobody knows whether those are: the answer is to try again."""
    async with key_server(OLD) as server:
        jwks = Jwks(server.url, rest_seconds=0)
        tokens = checker(jwks)
        server.status = "503 Service Unavailable"
        with pytest.raises(IdentityProviderUnavailable):
            await tokens.check(OLD.sign())
        server.status = "200 OK"
        assert await tokens.check(OLD.sign())
        server.status = "500 Internal Server Error"
        assert await tokens.check(OLD.sign())
        with pytest.raises(IdentityProviderUnavailable):
            await tokens.check(NEW.sign())
    assert await tokens.check(OLD.sign())
    with pytest.raises(IdentityProviderUnavailable):  # and now nothing listens there
        await tokens.check(NEW.sign())
    await jwks.close()


async def test_only_rsa_keys_for_signatures_are_used():
    """Others may stand in the same set, and a weak one does not spoil it."""
    async with key_server(OLD) as server:
        weak, encrypting = SigningKey("weak", bits=1024), SigningKey("encrypting")
        server.entries += [
            weak.jwk,
            {**encrypting.jwk, "use": "enc"},
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
            {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
            {},
        ]
        jwks = Jwks(server.url)
        for key_id in ("weak", "encrypting", "shared", "broken"):
            assert await jwks.find(key_id) is None
        assert await jwks.find("old") is not None
        assert await jwks.find(None) is not None  # there is only one
        await jwks.close()


async def test_an_answer_without_end_is_not_read():
    """Nor one that is no set of keys."""
    async with key_server(OLD) as server:
        jwks = Jwks(server.url, rest_seconds=0)
        server.entries = [{**OLD.jwk, "x5c": ["x" * 300_000]}]
        with pytest.raises(IdentityProviderUnavailable):
            await jwks.find("old")
        server.entries = []
        with pytest.raises(IdentityProviderUnavailable):
            await jwks.find("old")
        await jwks.close()


async def test_a_fetch_that_is_cancelled_is_none():
    """Whoever comes next does not wait half a minute for the keys."""
    async with key_server(OLD) as server:
        jwks = Jwks(server.url)
        server.may_answer.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await jwks.find("old")
        assert jwks.fetches == 1
        server.may_answer.set()
        assert await jwks.find("old") is not None
        await jwks.close()


async def test_a_password_in_the_address_is_not_logged():
    """Nor its query, which may hold a key."""
    async with key_server(OLD) as server:
        server.status = "401 Unauthorized"
        url = server.url.replace("http://", "http://ada:lovelace@") + "?key=analytical"
        jwks = Jwks(url)
        with capture_logs() as lines, pytest.raises(IdentityProviderUnavailable):
            await jwks.find("old")
        (line,) = lines
        assert (line["url"], line["error"]) == (server.url, "status 401")
        assert not {"lovelace", "analytical"} & set(re.findall(r"\w+", str(lines)))
        await jwks.close()

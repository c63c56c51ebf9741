"""Tokens of another service: which are good, and which only look like it."""

import base64
import hmac
import json
import time
from functools import cache

import jwt
import pytest

from gateway.activities.accounts.external import JwtSettings, Vouched
from gateway.activities.accounts.external_tokens import ExternalTokens
from gateway.core.errors import ConfigurationError, InvalidToken
from tests.support.jwt_issuer import (
    AUDIENCE,
    ISSUER,
    SECRET,
    SigningKey,
    claims,
    sign,
)


@cache
def rsa_key() -> SigningKey:
    """Return one key for all tests: making one takes a while."""
    return SigningKey("one")


def by_secret() -> ExternalTokens:
    """Return what checks HS256."""
    return ExternalTokens(JwtSettings(secret=SECRET, audience=AUDIENCE, issuer=ISSUER))


def by_public_key() -> ExternalTokens:
    """Return what checks RS256."""
    return ExternalTokens(JwtSettings(public_key=rsa_key().pem, audience=AUDIENCE, issuer=ISSUER))


async def refused(tokens: ExternalTokens, token: str) -> str:
    """Return why a token is refused."""
    with pytest.raises(InvalidToken) as caught:
        await tokens.check(token)
    assert caught.value.message.endswith(".")
    return caught.value.message


def part(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(header: dict[str, object], key: bytes | None, **changes: object) -> str:
    """Return a token for Ada as no library would make it, signed with HMAC or not at all."""
    text = f"{part(header)}.{part(claims(**changes))}"
    signature = hmac.digest(key, text.encode(), "sha256") if key else b""
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_a_good_token_tells_who_it_is():
    """Issuer and subject together are the person; names and picture are taken along."""
    exp = int(time.time()) + 60
    token = sign(exp=exp, preferred_username="ada", picture="https://example.com/ada.png")
    vouched = await by_secret().check(token)
    assert isinstance(vouched, Vouched)
    assert vouched.external_id == "https://login.example.com|ada"
    assert vouched.names == ("Ada", "ada")
    assert vouched.picture == "https://example.com/ada.png"
    assert vouched.expires_at == exp
    assert (await by_public_key().check(rsa_key().sign())).external_id == vouched.external_id


async def test_an_expired_token_is_refused_and_so_is_one_that_never_expires():
    """And one that is not good yet."""
    now = int(time.time())
    assert "expired" in await refused(by_secret(), sign(exp=now - 60))
    assert "exp" in await refused(by_secret(), sign(exp=None))
    await refused(by_secret(), sign(nbf=now + 600))
    await refused(by_secret(), sign(exp=float("inf")))
    await refused(by_secret(), sign(exp="soon"))


async def test_a_token_for_somebody_else_or_of_somebody_else_is_refused():
    """With the right key, as services sign for many."""
    assert "Audience" in await refused(by_secret(), sign(aud="another"))
    await refused(by_secret(), sign(aud=None))
    await refused(by_secret(), sign(iss="https://evil.example"))
    await refused(by_secret(), sign(iss=None))
    anybody = ExternalTokens(JwtSettings(secret=SECRET))
    await refused(anybody, sign())  # RFC 7519, section 4.1.3: it is for somebody, who are we?
    assert (await anybody.check(sign(aud=None, iss=None))).external_id == "|ada"
    assert await anybody.check(forged({"alg": "HS256"}, SECRET.encode(), aud=None))


async def test_an_unsigned_token_is_refused():
    """Whatever it says of its algorithm (RFC 8725, section 2.1)."""
    for header in ({"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": None}, {}):
        await refused(by_secret(), forged(header, None))
        await refused(by_public_key(), forged(header, None))
    await refused(by_secret(), jwt.encode(claims(), None, "none"))


async def test_the_public_key_is_no_secret_to_sign_with():
    """Everybody has it, so HS256 with it would sign anybody in."""
    pem = rsa_key().pem.encode()
    for key in (pem, pem.rstrip(b"\n"), b"".join(pem.splitlines()[1:-1])):
        await refused(by_public_key(), forged({"alg": "HS256", "typ": "JWT"}, key))
    await refused(by_secret(), rsa_key().sign())


async def test_the_settings_choose_the_algorithm_and_not_the_token():
    """The right key is not enough (RFC 8725, section 3.1)."""
    long = SECRET * 2  # enough for any of them
    by_long = ExternalTokens(JwtSettings(secret=long, audience=AUDIENCE, issuer=ISSUER))
    assert await by_long.check(jwt.encode(claims(), long, "HS256"))
    for algorithm in ("HS384", "HS512"):
        await refused(by_long, jwt.encode(claims(), long, algorithm))
    for algorithm in ("RS512", "PS256"):
        await refused(by_public_key(), jwt.encode(claims(), rsa_key().private, algorithm))


async def test_a_token_of_another_key_or_with_changed_claims_is_refused():
    """One changed byte is enough."""
    await refused(by_secret(), jwt.encode(claims(), "another secret of thirty-two bytes", "HS256"))
    await refused(by_public_key(), SigningKey("one").sign())
    header, _, signature = sign().split(".")
    await refused(by_secret(), f"{header}.{part(claims(sub='root'))}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        "\ud800.\ud800.\ud800",
        "é.é.é",
        part([]) + "." + part({}) + ".",
        part({"alg": "HS256", "kid": 7}) + "." + part(claims()) + ".x",
        part({"alg": ["HS256"]}) + "." + part(claims()) + ".x",
        base64.urlsafe_b64encode(b"[" * 20_000).decode().rstrip("=") + ".e30.x",
    ],
)
async def test_what_is_no_token_is_refused(token: str):
    """Strangers may send anything."""
    await refused(by_secret(), token)


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\0b"},
        {"sub": "x" * 300},
        {"iss": "a|b"},
        {"iss": ["a"]},
    ],
)
async def test_who_cannot_be_told_from_others_is_refused(changes: dict[str, object]):
    """A subject is text that can be stored; an issuer with a bar could pose as another."""
    anybody = ExternalTokens(JwtSettings(secret=SECRET, audience=AUDIENCE))
    await refused(anybody, forged({"alg": "HS256"}, SECRET.encode(), **changes))


async def test_two_issuers_people_of_one_subject_are_two():
    """And one without an issuer is a third, whatever the subject."""
    anybody = ExternalTokens(JwtSettings(secret=SECRET, audience=AUDIENCE))
    issuers = ("https://a.example", "https://b.example", None)
    ids = {(await anybody.check(sign(iss=issuer))).external_id for issuer in issuers}
    ids.add((await anybody.check(sign(iss=None, sub="https://a.example|ada"))).external_id)
    assert len(ids) == 4


def test_a_key_that_checks_nothing_stops_the_start():
    """The message names the variable."""
    weak = SigningKey("weak", bits=1024).pem
    ellipsis = "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n"
    for public_key in (weak, ellipsis, "nonsense"):
        with pytest.raises(ConfigurationError, match="JWT_PUBLIC_KEY"):
            ExternalTokens(JwtSettings(public_key=public_key))


def test_a_key_in_pem_is_no_shared_secret():
    """It would check nothing: everybody may know it. The key is not told."""
    with pytest.raises(ConfigurationError, match="JWT_SECRET") as caught:
        ExternalTokens(JwtSettings(secret=rsa_key().pem))
    assert rsa_key().pem.splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("exp", [10**400, "9" * 400, float("inf"), float("nan"), [], "soon"])
async def test_a_token_that_ends_at_no_time_is_refused(exp: object):
    """Signed as it may be: no clock ever shows that."""
    signed = forged({"alg": "HS256", "typ": "JWT"}, SECRET.encode(), exp=exp)
    assert await refused(by_secret(), signed)

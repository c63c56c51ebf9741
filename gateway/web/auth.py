"""Routes for signing in and out."""

import ipaddress
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.activities.accounts import fields
from gateway.activities.accounts.messages import PublicSessionId, SessionsEnded, SessionsListed
from gateway.activities.accounts.sessions import SignedIn
from gateway.core.errors import (
    EmailTaken,
    Forbidden,
    InvalidCredentials,
    InvalidField,
    InvalidToken,
    OriginNotAllowed,
    Overloaded,
    RateLimited,
    UnknownSession,
    UsernameTaken,
)
from gateway.core.identity import Identity
from gateway.core.protocol.base import Person
from gateway.web.dependencies import SESSION_COOKIE, Actor, Address, ServicesDep, UserAgent
from gateway.web.errors import documented
from gateway.web.models import Answer, RequestBody

router = APIRouter(tags=["sign-in"])

Email = Annotated[str, Field(max_length=fields.MAX_EMAIL, examples=["ada@example.com"])]
Password = Annotated[
    str,
    Field(
        min_length=fields.MIN_PASSWORD,
        max_length=fields.MAX_PASSWORD,
        examples=["correct horse battery staple"],
        json_schema_extra={"format": "password"},
    ),
]


class RegisterBody(RequestBody):
    """A new account."""

    email: Email
    username: Annotated[
        str,
        Field(
            min_length=fields.MIN_USERNAME, max_length=fields.MAX_NAME, examples=["Ada Lovelace"]
        ),
    ]
    password: Password


class SignInBody(RequestBody):
    """E-mail and password of an account."""

    email: Email
    password: Annotated[str, Field(json_schema_extra={"format": "password"})]


class GuestBody(RequestBody):
    """Somebody who only needs a name."""

    name: Annotated[str, Field(min_length=1, max_length=fields.MAX_NAME, examples=["Grace"])]
    avatar_url: Annotated[str | None, Field(max_length=fields.MAX_AVATAR_URL)] = None


class PasswordBody(RequestBody):
    """The password so far, and the one from now on."""

    old_password: Annotated[str, Field(json_schema_extra={"format": "password"})]
    new_password: Password


class ProfileBody(RequestBody):
    """What to change; what is left out stays. An `avatar_url` of `null` takes the picture away."""

    username: Annotated[str | None, Field(min_length=1, max_length=fields.MAX_NAME)] = None
    avatar_url: Annotated[str | None, Field(max_length=fields.MAX_AVATAR_URL)] = None


class Me(Answer):
    """Who you are."""

    user: Person
    is_guest: bool

    @classmethod
    def of(cls, identity: Identity) -> "Me":
        """Return an identity as its owner sees it."""
        return cls(user=identity.person, is_guest=identity.is_guest)


class SignedInAnswer(Me):
    """Who you are now. `token` is shown this once: send it as `Authorization: Bearer …`."""

    token: str
    expires_at: datetime


@router.post(
    "/auth/register",
    status_code=201,
    responses=documented(
        InvalidField, EmailTaken, UsernameTaken, OriginNotAllowed, RateLimited, Overloaded
    ),
)
async def register(
    body: RegisterBody,
    services: ServicesDep,
    address: Address,
    user_agent: UserAgent,
    request: Request,
    answer: Response,
) -> SignedInAnswer:
    """Make an account and sign in."""
    signed_in = await services.accounts.register(
        body.email, body.username, body.password, address=address, user_agent=user_agent
    )
    return _welcome(signed_in, request, answer)


@router.post(
    "/auth/sign-in",
    responses=documented(
        InvalidField, InvalidCredentials, OriginNotAllowed, RateLimited, Overloaded
    ),
)
async def sign_in(
    body: SignInBody,
    services: ServicesDep,
    address: Address,
    user_agent: UserAgent,
    request: Request,
    answer: Response,
) -> SignedInAnswer:
    """Sign in with e-mail and password."""
    signed_in = await services.accounts.sign_in(
        body.email, body.password, address=address, user_agent=user_agent
    )
    return _welcome(signed_in, request, answer)


@router.post(
    "/auth/guest",
    status_code=201,
    responses=documented(InvalidField, OriginNotAllowed, RateLimited),
)
async def sign_in_as_guest(
    body: GuestBody,
    services: ServicesDep,
    address: Address,
    user_agent: UserAgent,
    request: Request,
    answer: Response,
) -> SignedInAnswer:
    """Come in with a name alone. If it is taken, you get one close to it."""
    signed_in = await services.accounts.guest(
        body.name, body.avatar_url, address=address, user_agent=user_agent
    )
    return _welcome(signed_in, request, answer)


@router.post(
    "/auth/sign-out",
    status_code=204,
    responses=documented(InvalidToken, Forbidden, OriginNotAllowed),
)
async def sign_out(actor: Actor, services: ServicesDep, request: Request, answer: Response) -> None:
    """End this session, at once and everywhere: its WebSockets are closed with 4201."""
    await services.accounts.sign_out(actor)
    answer.delete_cookie(
        SESSION_COOKIE, path="/", secure=_cookie_is_secure(request), httponly=True, samesite="lax"
    )


@router.post(
    "/auth/password",
    status_code=204,
    responses=documented(
        InvalidField,
        InvalidCredentials,
        InvalidToken,
        Forbidden,
        OriginNotAllowed,
        RateLimited,
        Overloaded,
    ),
)
async def change_password(body: PasswordBody, actor: Actor, services: ServicesDep) -> None:
    """Change the password. Your other sessions end; this one stays."""
    await services.accounts.change_password(actor, body.old_password, body.new_password)


@router.get("/auth/sessions", responses=documented(InvalidToken, Forbidden))
async def list_sessions(actor: Actor, services: ServicesDep) -> SessionsListed:
    """Tell where you are signed in: the newest hundred sessions, this one first."""
    return await services.accounts.list_sessions(actor)


@router.delete(
    "/auth/sessions/{session_id}",
    status_code=204,
    responses=documented(InvalidField, InvalidToken, Forbidden, UnknownSession, OriginNotAllowed),
)
async def end_session(session_id: PublicSessionId, actor: Actor, services: ServicesDep) -> None:
    """End one of your sessions, by its `id`. Its WebSockets are closed at once, with 4201."""
    await services.accounts.end_session(actor, session_id)


@router.delete("/auth/sessions", responses=documented(InvalidToken, Forbidden, OriginNotAllowed))
async def end_other_sessions(actor: Actor, services: ServicesDep) -> SessionsEnded:
    """End all your sessions but this one. Their WebSockets are closed at once, with 4201."""
    return await services.accounts.end_other_sessions(actor)


@router.get("/me", responses=documented(InvalidToken))
async def read_me(actor: Actor) -> Me:
    """Tell who you are."""
    return Me.of(actor)


@router.patch(
    "/me", responses=documented(InvalidField, InvalidToken, UsernameTaken, OriginNotAllowed)
)
async def change_me(body: ProfileBody, actor: Actor, services: ServicesDep) -> Me:
    """Change your name or your picture; connections that are open keep the ones they came with."""
    identity = await services.accounts.change_profile(
        actor,
        username=body.username,
        with_avatar="avatar_url" in body.model_fields_set,
        avatar_url=body.avatar_url,
    )
    return Me.of(identity)


def _welcome(signed_in: SignedIn, request: Request, answer: Response) -> SignedInAnswer:
    """Give the token to programs in the body, and to web pages as a cookie no script can read."""
    answer.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        expires=signed_in.expires_at,
        path="/",
        secure=_cookie_is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return SignedInAnswer(
        user=signed_in.identity.person,
        is_guest=signed_in.identity.is_guest,
        token=signed_in.token,
        expires_at=signed_in.expires_at,
    )


def _cookie_is_secure(request: Request) -> bool:
    """Whether the cookie may travel by TLS only: always, but on this very machine.

    Behind a proxy that ends TLS the request looks like plain HTTP, under a
    public name; the browser knows better.
    """
    return request.url.scheme != "http" or not _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

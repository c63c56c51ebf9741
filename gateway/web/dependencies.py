"""What routes ask for by type: the services, who is asking, from where."""

from typing import Annotated, Final, cast

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from gateway.core.errors import OriginNotAllowed, Unauthenticated
from gateway.core.identity import Identity
from gateway.web.origin import origin_allowed
from gateway.web.services import Services

SESSION_COOKIE: Final = "parley_session"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# RFC 9110, section 9.2.1: they change nothing.

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="The token from signing in."
)
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="cookie",
    description="Set by signing in, for web pages.",
)


async def get_services(request: Request) -> Services:
    """Return the parts that ``create_api`` was given."""
    return cast("Services", request.app.state.services)


ServicesDep = Annotated[Services, Depends(get_services)]


async def identify(
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Identity:
    """Return who is asking. A header counts before a cookie: it was set on purpose."""
    token = bearer.credentials if bearer else cookie
    if not token:
        raise Unauthenticated("Sign in first: send a bearer token or the session cookie.")
    return await services.accounts.identify(token)


Actor = Annotated[Identity, Depends(identify)]


async def client_address(request: Request) -> str:
    """Return the address that asks, for the throttle; over a Unix socket they are all one."""
    return request.client.host if request.client else "local"


Address = Annotated[str, Depends(client_address)]


async def user_agent(request: Request) -> str | None:
    """Return what the program that asks calls itself."""
    return request.headers.get("user-agent")


UserAgent = Annotated[str | None, Depends(user_agent)]


async def refuse_foreign_pages(request: Request, services: ServicesDep) -> None:
    """Stop other sites' pages from acting, or signing in, in their visitor's name.

    A request with an ``Authorization`` header is not in danger: no page can
    send one to another site unless that site allows it (CORS).
    """
    headers = request.headers
    if request.method in _SAFE_METHODS or "authorization" in headers:
        return
    allowed = services.settings.allowed_origins
    if not origin_allowed(headers.get("origin"), headers.get("host"), allowed):
        raise OriginNotAllowed("Pages of this site may not use this gateway.")

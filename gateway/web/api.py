"""The HTTP API, put together."""

from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from gateway.web import auth, health, history, metrics, people, rooms, site, talk
from gateway.web.dependencies import refuse_foreign_pages
from gateway.web.errors import ErrorAnswer, install_error_handlers
from gateway.web.middleware import BodyLimit, ErrorBoundary, HeaderGuard
from gateway.web.services import Services

_DESCRIPTION: Final = """\
Sign in, find rooms, and then talk over the WebSocket at `/ws` (subprotocol `parley.v1`).

Every error has the shape `{"error": {"code", "message", "retryable"}}`; programs go by `code`,
and may send the same request again when it is `retryable`.
"""

_TAGS: Final = [
    {"name": "sign-in", "description": "Accounts, guests, sessions."},
    {"name": "rooms", "description": "Finding, creating, joining and inviting into rooms."},
    {"name": "talk", "description": "What changes a room: each an event of its log."},
    {"name": "people", "description": "Who is connected, and when they were last."},
    {"name": "reading", "description": "What has been said in a room, and who is in it."},
    {"name": "health", "description": "For load balancers and people on call."},
]


def create_api(services: Services) -> FastAPI:
    """Return the ASGI application; the WebSocket shares its port, not its stack."""
    app = FastAPI(
        title="Parley",
        summary="A self-hosted realtime room gateway.",
        description=_DESCRIPTION,
        version=version("parley-gateway"),
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_name,
    )
    app.state.services = services
    _add_middleware(app, services)
    install_error_handlers(app)
    v1 = APIRouter(
        prefix="/v1",
        dependencies=[Depends(refuse_foreign_pages)],
        # Named, or FastAPI documents errors of its own shape, which no route here has.
        responses={"default": {"model": ErrorAnswer, "description": "Any other failure"}},
    )
    v1.include_router(auth.router)
    v1.include_router(rooms.router)
    v1.include_router(talk.router)
    v1.include_router(people.router)
    v1.include_router(history.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(site.router)
    site.mount_assets(app)
    return app


def _add_middleware(app: FastAPI, services: Services) -> None:
    """The last one added is the outermost: it sees the request first and the answer last."""
    settings = services.settings
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(ErrorBoundary)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            allow_credentials=True,
            expose_headers=["Retry-After"],
        )
    app.add_middleware(HeaderGuard)


def _operation_name(route: APIRoute) -> str:
    """Name an operation like its function: generated clients get good method names."""
    return route.name

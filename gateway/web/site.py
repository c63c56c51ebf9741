"""The few pages for people: what this is, and the API's docs. Nothing comes from another site."""

from importlib.resources import files

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

_PAGES = files("gateway.web") / "pages"

router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
async def home() -> str:
    """Say what this is."""
    return (_PAGES / "home.html").read_text(encoding="utf-8")


@router.get("/docs", response_class=HTMLResponse)
async def docs() -> str:
    """Show the API's docs, to read and to try."""
    return (_PAGES / "docs.html").read_text(encoding="utf-8")


@router.get("/docs/start.js")
async def docs_start() -> Response:
    """Start Swagger UI on that page."""
    script = (_PAGES / "docs.js").read_text(encoding="utf-8")
    return Response(script, media_type="text/javascript")


@router.get("/docs/openapi.json")
async def docs_openapi(request: Request) -> JSONResponse:
    """Return the API's description, under a number that the installed Swagger UI accepts.

    It refuses OpenAPI 3.1 for its number alone; what this API uses of it, it shows right.
    """
    app: FastAPI = request.app
    return JSONResponse(app.openapi() | {"openapi": "3.0.3"})


def mount_assets(app: FastAPI) -> None:
    """Serve Swagger UI from the installed package."""
    app.mount("/docs/assets", StaticFiles(directory=swagger_ui_path), name="docs-assets")

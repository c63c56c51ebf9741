"""The route that Prometheus asks."""

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from gateway.web.dependencies import ServicesDep

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request, services: ServicesDep) -> Response:
    """Tell every metric of this gateway, in the newest form that the reader accepts."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    content = encode(await services.metrics())
    return Response(content, media_type=content_type, headers={"Cache-Control": "no-store"})

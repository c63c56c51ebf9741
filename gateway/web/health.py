"""Routes for who watches over the gateway: is it alive, should it get traffic, what time is it."""

import time

from fastapi import APIRouter, Response

from gateway.web.dependencies import ServicesDep
from gateway.web.models import Answer

router = APIRouter(tags=["health"])


class LiveAnswer(Answer):
    """The process runs and its event loop turns."""

    ok: bool = True


class PartAnswer(Answer):
    """One part of the gateway, and how many milliseconds looking at it took."""

    ok: bool
    detail: str
    ms: float


class ReadyAnswer(Answer):
    """Every part by name; `ok` when all of them are."""

    ok: bool
    parts: dict[str, PartAnswer]


class TimeAnswer(Answer):
    """Unix time in milliseconds, for estimating the offset of the client's clock."""

    server_time_ms: float


@router.get("/health/live")
async def live() -> LiveAnswer:
    """Tell that the process is alive; restart it when this fails."""
    return LiveAnswer()


@router.get("/health/ready", responses={503: {"model": ReadyAnswer, "description": "Not ready"}})
async def ready(services: ServicesDep, answer: Response) -> ReadyAnswer:
    """Tell whether this instance should get traffic, and what keeps it from it."""
    report = await services.health()
    answer.status_code = 200 if report.ok else 503
    answer.headers["Cache-Control"] = "no-store"
    parts = {
        name: PartAnswer(ok=part.ok, detail=part.detail, ms=round(part.milliseconds, 2))
        for name, part in report.parts.items()
    }
    return ReadyAnswer(ok=report.ok, parts=parts)


@router.get("/v1/time")
async def read_time() -> TimeAnswer:
    """Tell the server's time."""
    return TimeAnswer(server_time_ms=time.time() * 1000)

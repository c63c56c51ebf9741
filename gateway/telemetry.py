"""The log: readable lines in development, JSON in production, no secret in either."""

import logging
import sys
from typing import Literal

import structlog

LogLevel = Literal["debug", "info", "warning", "error"]

_SECRET_FIELDS = frozenset({"password", "token", "authorization", "cookie", "card", "value"})


def configure_logging(level: LogLevel, *, as_json: bool) -> None:
    """Send everything, libraries' messages included, to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        # A plain traceback: the pretty one prints local variables, and with them secrets.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    finish: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        *([structlog.processors.format_exc_info] if as_json else []),
        renderer,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=finish)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(_number(level), logging.INFO))
    # uvicorn tells of every request and connection; ours tell what matters of them.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _number(level: LogLevel) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _hide_secrets(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for field in _SECRET_FIELDS & event.keys():
        event[field] = "***"
    return event

"""Logs: one JSON object per line on stderr, event name first, without secrets and messages.

Of libraries only errors are logged: Bolt also logs the whole body of a request with a wrong
signature (https://github.com/slackapi/bolt-python/issues/1158), and of one without a listener.
"""

from __future__ import annotations

import logging
import sys

import structlog
import structlog.tracebacks
from structlog.typing import EventDict

_OURS = {"purgebot", "bot", "handlers"}
_TOLD = "slack_sdk.web.base_client"
"""It logs each call that fails.  What fails is told once, by `bot.telemetry.troubles`."""


def set_up_logs(level: str = "INFO") -> None:
    """Send all log records to stderr as JSON lines."""
    # Nothing of this is in a line: https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _event_first,
                # Without the values of variables, which hold tokens and what people wrote.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    handler.addFilter(_ours_or_an_error)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def _ours_or_an_error(record: logging.LogRecord) -> bool:
    # A filter of the handler, because Bolt sets the levels of its own loggers.
    is_ours = record.name.partition(".")[0] in _OURS
    return is_ours or (record.levelno >= logging.ERROR and record.name != _TOLD)


def _event_first(_logger: object, _method: str, line: EventDict) -> EventDict:
    return {"event": line.pop("event"), **line}

"""Logs: one JSON object per line on stderr, event name first, without secrets and messages.

Of libraries only errors are logged: Bolt also logs the whole body of a request with a wrong
signature (https://github.com/slackapi/bolt-python/issues/1158), and of one without a listener.

Our own records do not pass through `logging`, which takes three times as long for each:
https://www.structlog.org/en/stable/performance.html
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from typing import Any, TextIO

import structlog
import structlog.tracebacks
from structlog.typing import EventDict

_TOLD = "slack_sdk.web.base_client"
"""It logs each call that fails.  What fails is told once, by `bot.telemetry.troubles`."""
_to_json = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def set_up_logs(level: str = "INFO") -> None:
    """Send all log records to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[structlog.typing.Processor] = [
        # Without the values of variables, which hold tokens and what people wrote.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        _as_line,
    ]
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=lambda name="": _Lines(name, handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    handler.addFilter(_is_an_error)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


class _Lines:
    """Writes lines to the stream of a handler, in turn with it.

    A stream that takes nothing any more must not end a purge.
    """

    def __init__(self, name: str, handler: logging.StreamHandler[TextIO]) -> None:
        self.name = name
        self._handler = handler

    def write(self, line: str) -> None:
        stream, lock = self._handler.stream, self._handler.lock
        assert lock is not None, "every handler makes one"
        with lock, suppress(OSError, ValueError):  # ValueError: it was closed
            stream.write(line + "\n")
            stream.flush()

    debug = info = warning = error = critical = write


def _is_an_error(record: logging.LogRecord) -> bool:
    # A filter of the handler, because Bolt sets the levels of its own loggers.
    return record.levelno >= logging.ERROR and record.name != _TOLD


def _as_line(_logger: Any, _method: str, line: EventDict) -> str:
    return _to_json({"event": line.pop("event"), **line})

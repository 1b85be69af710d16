"""One trace per purge, from the command to the card, if OpenTelemetry's variables enable it.

    step      a press, or a step of the worker: a span of the purge's trace
    call      within a step: one call to the CDN or to Slack
    recorded  entries of the audit trail: the first span of a new purge, events of other spans

While it is off, OpenTelemetry is not imported (bot/telemetry/otel.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from bot.core.audit import AuditEntry
from bot.core.errors import BotError
from bot.core.purge.purge import Purge
from bot.core.setup_errors import TRACING_EXTRA_MISSING

if TYPE_CHECKING:
    from bot.telemetry.otel import Spans

_ASKED_FOR_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


_spans: Spans | None = None


def start() -> None:
    """Start tracing if the environment enables it, and it was not started before.

    Raises: BotError if it does and the extra is not installed.
    """
    global _spans  # noqa: PLW0603  (there is one environment)
    if _spans is not None:
        return
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    nowhere = os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    if off or nowhere or not any(os.environ.get(name) for name in _ASKED_FOR_BY):
        return
    try:
        from bot.telemetry.otel import Spans
    except ImportError:
        raise BotError(TRACING_EXTRA_MISSING) from None
    _spans = Spans()


def stop() -> None:
    """Send the remaining spans, within CLOSE_WITHIN_S, and stop tracing."""
    global _spans  # noqa: PLW0603
    if _spans is not None:
        _spans.close()
        _spans = None


def step(name: str, purge_ids: Sequence[str | None]) -> AbstractContextManager[object]:
    """Make the block a span in the traces of these purges."""
    known = [purge_id for purge_id in purge_ids if purge_id]
    return _spans.step(name, known) if _spans is not None and known else nullcontext()


def call(name: str, outcome: Callable[[], str]) -> AbstractContextManager[object]:
    """Make the block a span of the current step, if any.  `outcome` is called at its end."""
    return nullcontext() if _spans is None else _spans.call(name, outcome)


def recorded(new: Purge | None, entries: Iterable[AuditEntry]) -> None:
    """Report committed entries.  `new` is a purge that was just created."""
    if _spans is not None:
        _spans.recorded(new, entries)

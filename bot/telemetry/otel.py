"""The spans of purges in OpenTelemetry's form, sent by OTLP over HTTP.

The steps of a purge run later, on other threads or replicas, or after a restart.  So no context is
passed on: the IDs of its trace and of its first span are derived from the purge's ID, and every
replica derives the same.

    purge P1…                     from the command until it was saved
      ├─ press approve            a press, on whichever replica took it
      ├─ step send                a step of the worker
      │    └─ cdn Refresh…        a call within it
      └─ step post card
           └─ slack chat.update

Besides names and times, spans have IDs of purges and of the CDN's requests, states, error codes.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
)

from bot.core.audit import AuditEntry
from bot.core.purge.purge import Purge

CLOSE_WITHIN_S = 0.8
"""How long a stopping bot waits for the collector, in seconds."""
_OK = "ok"
_TOLD = {
    "state": "purgebot.state",
    "refusal": "purgebot.reason",
    "failure": "purgebot.reason",
    "request_id": "purgebot.request_id",
    "press": "purgebot.press",
}
"""The details of an audit entry that may leave the bot.  The others are written by people."""

_first: ContextVar[tuple[int, int] | None] = ContextVar("first", default=None)
_steps: ContextVar[dict[str, Span] | None] = ContextVar("steps", default=None)


def ids_of(purge_id: str) -> tuple[int, int]:
    """Return the IDs of a purge's trace and of its first span."""
    digest = hashlib.sha256(f"purgebot/{purge_id}".encode()).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])


class _Ids(RandomIdGenerator):
    """Random IDs, except for the first span of a purge."""

    def generate_trace_id(self) -> int:
        first = _first.get()
        return first[0] if first else super().generate_trace_id()

    def generate_span_id(self) -> int:
        first = _first.get()
        return first[1] if first else super().generate_span_id()


class Spans:
    """Creates and sends spans.  The exporter is configured by the environment (OTEL_…)."""

    def __init__(self) -> None:
        # Settings in the environment override the name.
        ours = Resource.create({SERVICE_NAME: "purgebot"})
        resource = ours.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(
            resource=resource, id_generator=_Ids(), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("purgebot")

    def close(self) -> None:
        # Without the collector's answer the SDK waits for half a minute:
        # https://github.com/open-telemetry/opentelemetry-python/issues/3309
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_WITHIN_S)

    @contextmanager
    def step(self, name: str, purge_ids: Sequence[str]) -> Iterator[None]:
        """Make the block a span in each of these traces.  Its calls belong to the first."""
        spans: dict[str, Span] = {}
        for purge_id in purge_ids:
            links = [Link(span.get_span_context()) for span in list(spans.values())[:1]]
            spans[purge_id] = self._tracer.start_span(
                name,
                context=self._within(purge_id),
                links=links,
                attributes={"purgebot.purge": purge_id},
            )
        first = next(iter(spans.values()))
        token = _steps.set(spans)
        try:
            with trace.use_span(first, record_exception=False, set_status_on_exception=False):
                yield
        except BaseException as error:
            for span in spans.values():
                span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            _steps.reset(token)
            for span in spans.values():
                span.end()

    @contextmanager
    def call(self, name: str, outcome: Callable[[], str]) -> Iterator[None]:
        if _steps.get() is None:  # it is not about a purge
            yield
            return
        with self._tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            finally:
                span.set_attribute("purgebot.outcome", outcome())
                if outcome() != _OK:
                    span.set_status(StatusCode.ERROR, outcome())

    def recorded(self, new: Purge | None, entries: Iterable[AuditEntry]) -> None:
        spans = dict(_steps.get() or {})
        began = self._begin(new, list(spans.values())) if new is not None else None
        if new is not None and began is not None:
            spans[new.id] = began
        for entry in entries:
            if entry.purge_id in spans:
                told = {_TOLD[name]: value for name, value in entry.detail.items() if name in _TOLD}
                spans[entry.purge_id].add_event(entry.event, told)
        if began is not None:
            began.end()

    def _begin(self, purge: Purge, asked_in: Sequence[Span]) -> Span:
        """Return the first span of a purge, linked to the spans of the press that requested it."""
        token = _first.set(ids_of(purge.id))
        try:
            return self._tracer.start_span(
                "purge",
                context=Context(),
                start_time=min(int(purge.requested_at.timestamp() * 1e9), time.time_ns()),
                links=[Link(span.get_span_context()) for span in asked_in],
                attributes={"purgebot.purge": purge.id, "purgebot.force": purge.force},
            )
        finally:
            _first.reset(token)

    def _within(self, purge_id: str) -> Context:
        """Return the context of a purge's first span, wherever that was created.

        The trace ID decides whether the trace is sampled, so all replicas agree.
        """
        trace_id, span_id = ids_of(purge_id)
        sampled = self._provider.sampler.should_sample(Context(), trace_id, "purge").decision
        flags = TraceFlags.SAMPLED if sampled is not Decision.DROP else TraceFlags.DEFAULT
        began = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
        return trace.set_span_in_context(NonRecordingSpan(began), Context())

"""The spans of bots in this process, kept in memory as they end: for whoever looks through them.

with keeping_spans() as spans:
    …                                bots that are built here make traces, as if they were asked for
    spans.text                       all that a collector would have been sent
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from bot.telemetry import otel

ASKED_FOR_BY = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass
class KeptSpans(SpanExporter):
    """Keeps what other exporters send.  It outlives restarts of the bot."""

    all: list[ReadableSpan] = field(default_factory=list)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.all += spans
        return SpanExportResult.SUCCESS

    @property
    def names(self) -> set[str]:
        return {span.name for span in self.all}

    @property
    def text(self) -> str:
        """Names, attributes, events, exceptions, links and states of all spans."""
        return "\n".join(span.to_json() for span in self.all)


@contextmanager
def keeping_spans() -> Iterator[KeptSpans]:
    kept = KeptSpans()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ASKED_FOR_BY, "http://127.0.0.1:9")
        patch.setattr(otel, "OTLPSpanExporter", lambda: kept)
        patch.setattr(otel, "BatchSpanProcessor", SimpleSpanProcessor)
        yield kept

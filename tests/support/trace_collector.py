"""A collector of traces on loopback, which takes OTLP over HTTP and keeps what it was sent.

with collecting() as collector:
    …                                 a bot with collector.variables
    collector.spans("P1…")            what it was told of a purge
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.simulators.serving import serving

PATIENCE_S = 90.0


@dataclass
class Collector:
    url: str = ""
    sent: list[ExportTraceServiceRequest] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    @property
    def variables(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    @property
    def all(self) -> list[Span]:
        return [
            span
            for request in self.sent
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def until(self, holds: Callable[[], bool]) -> None:
        """Return when what was sent is so."""
        with self._more:
            if not self._more.wait_for(holds, PATIENCE_S):
                pytest.fail(f"only these were sent: {[span.name for span in self.all]}")

    async def take(self, request: Request) -> Response:
        body = await request.body()
        with self._more:
            self.sent.append(ExportTraceServiceRequest.FromString(body))
            self._more.notify_all()
        taken = ExportTraceServiceResponse().SerializeToString()
        return Response(taken, media_type="application/x-protobuf")


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    with serving({"collector": app}) as urls:
        collector.url = urls["collector"]
        yield collector


def purge_of(span: Span) -> str | None:
    """Give the purge that a span is about, where it says so."""
    said = {each.key: each.value.string_value for each in span.attributes}
    return said.get("purgebot.purge")

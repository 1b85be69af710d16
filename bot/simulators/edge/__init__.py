"""A pretend server of the CDN's edge, in front of a pretend origin, with controls.

copies       what the origin has, and what the edge keeps of it
faults       troubles on demand
control      the page's and tests' side

It answers HEAD and GET on every path, for the domains of the CDN's account; which one is meant,
Host says.  It has no TLS: whoever asks comes by plain http, and both schemes are the same page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.simulators.edge.control import Control
from bot.simulators.edge.copies import Copies, Purged, Served
from bot.simulators.edge.faults import Faults

__all__ = ["EdgeSim", "Purged"]

REQUESTS_KEPT = 1000


class EdgeSim:
    """The edge (`api`) and its controls (`control`).

    `now` gives UTC epoch seconds; `purges` those that the CDN has completed, in any order;
    `domains` those that it serves.
    """

    def __init__(
        self,
        now: Callable[[], float],
        purges: Callable[[], Iterable[Purged]],
        domains: Callable[[], Collection[str]],
    ) -> None:
        self.copies = Copies(now, purges)
        self.faults = Faults()
        self.requests: deque[dict[str, str]] = deque(maxlen=REQUESTS_KEPT)
        self._domains = domains
        self.api = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET"])])
        self.control: Starlette = Control(self.copies, self.faults, self.requests).app

    async def _answer(self, request: Request) -> Response:
        host = (request.url.hostname or "").lower()
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.requests.append({"method": request.method, "host": host, "target": target})
        if host not in self._domains():
            return PlainTextResponse(f"No such domain here: {host}\n", 404)
        fault = self.faults.take(host, target)
        if fault is not None and (answer := await fault.disturb(request)) is not None:
            return answer
        served = self.copies.serve(host, target)
        return PlainTextResponse(
            f"{host}{target}, version {served.page.version}\n",
            headers={} if fault is not None and fault.kind == "bare" else _headers(served),
        )


def _headers(served: Served) -> dict[str, str]:
    return {
        "Last-Modified": formatdate(served.page.modified, usegmt=True),
        "ETag": f'"v{served.page.version}"',
        "Age": str(int(max(served.age_s, 0))),  # the town's time may be set back
        "X-Cache": "HIT" if served.hit else "MISS",
    }

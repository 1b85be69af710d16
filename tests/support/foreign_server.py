"""A server that is not Slack's, for tests that nothing is sent there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.simulators.serving import serving


@contextmanager
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Give its URL, of another host than the simulators', and the paths that were called."""
    calls: list[str] = []

    async def take(request: Request) -> Response:
        calls.append(request.url.path)
        return Response()

    route = Route("/{path:path}", take, methods=["GET", "POST"])
    with serving({"elsewhere": Starlette(routes=[route])}) as urls:
        yield urls["elsewhere"].replace("127.0.0.1", "localhost"), calls

"""Ends a connection without an answer, as a broken network does.

ASGI has no word for that, so the server offers it as an extension of the scope (serving.py).  On a
server that does not, the answer is an empty page with status 500.
"""

from __future__ import annotations

import asyncio

from starlette.types import Scope

EXTENSION = "playground.abort"


async def drop_connection(scope: Scope) -> None:
    abort = scope.get("extensions", {}).get(EXTENSION)
    if abort is not None:
        abort()
        # The server notices in the loop's next rounds that nobody waits for an answer any more.
        await asyncio.sleep(0.01)

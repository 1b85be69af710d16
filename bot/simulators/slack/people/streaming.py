"""Server-Sent Events: one `change` for each burst of changes, a heartbeat when it is quiet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from bot.simulators.slack.workspace.state import Workspace

HEARTBEAT_S = 15
# Changes within this time are told as one.
COALESCE_S = 0.02


def change_stream(workspace: Workspace) -> StreamingResponse:
    """An endless stream; it starts with the present number of changes."""
    return StreamingResponse(
        _changes(workspace), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _changes(workspace: Workspace) -> AsyncIterator[str]:
    watcher = workspace.watch()
    watcher.set()
    try:
        while True:
            try:
                await asyncio.wait_for(watcher.wait(), timeout=HEARTBEAT_S)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            await asyncio.sleep(COALESCE_S)
            watcher.clear()
            yield f"event: change\ndata: {json.dumps({'n': workspace.changes})}\n\n"
    finally:
        workspace.unwatch(watcher)

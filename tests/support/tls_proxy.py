"""TLS before a server that speaks none, as a company's proxy or load balancer brings it.

with tls_front(place.urls["slack"], certificate) as url:    "https://localhost:41001"
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def tls_front(url: str, certificate: Path) -> Iterator[str]:
    """Give the https address of what is at an http address, until the block ends."""
    behind = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(behind.hostname, behind.port)
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)

    async def end() -> None:
        server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    # All of it on that thread: on this one a browser's loop may be running, for as long as it is open.
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()
    with suppress(OSError):
        target.close()

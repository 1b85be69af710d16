"""Apps are served on loopback while the block lasts, and let go of at its end."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bot.playground.serving import serving


async def thread_name(_: Request) -> PlainTextResponse:
    return PlainTextResponse(str(threading.get_ident()))


async def stream(_: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        yield "first\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines())


async def more_than_fits(_: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * 20_000_000)


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


LEFT = threading.Event()


async def flood(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_bytes(b"x" * 20_000_000)
    assert (await websocket.receive())["type"] == "websocket.disconnect"
    LEFT.set()


UPGRADE = b"".join(
    line + b"\r\n"
    for line in (
        b"GET /flood HTTP/1.1",
        b"Host: here",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"",
    )
)
GOODBYE = bytes([0x88, 0x80, 0, 0, 0, 0])


async def abort(request: Request) -> PlainTextResponse:
    request.scope["extensions"]["playground.abort"]()
    await asyncio.sleep(0.01)
    return PlainTextResponse("never read")


def app() -> Starlette:
    return Starlette(
        routes=[
            Route("/", thread_name),
            Route("/stream", stream),
            Route("/abort", abort),
            Route("/more", more_than_fits),
            WebSocketRoute("/talk", talk),
            WebSocketRoute("/flood", flood),
        ]
    )


def test_several_apps_share_one_thread() -> None:
    with serving({"one": app(), "two": app()}) as urls:
        threads = {requests.get(url, timeout=5).text for url in urls.values()}
        assert urls["one"] != urls["two"]
    assert len(threads) == 1


def test_open_streams_and_sockets_do_not_hold_up_the_end() -> None:
    with ExitStack() as opened:
        with serving({"app": app()}) as urls:
            response = opened.enter_context(
                requests.get(f"{urls['app']}/stream", stream=True, timeout=5)
            )
            assert next(response.iter_lines()) == b"first"
            talking = opened.enter_context(connect(urls["app"].replace("http", "ws") + "/talk"))
            talking.send("hello")
            assert talking.recv(timeout=5) == "hello"
        assert not any(thread.name == "playground" for thread in threading.enumerate())
        with pytest.raises(ConnectionClosed):
            talking.recv(timeout=5)
        with pytest.raises(requests.ConnectionError):
            requests.get(urls["app"], timeout=5)


def test_a_caller_who_does_not_read_is_cut_off_at_the_end() -> None:
    with warnings.catch_warnings(record=True) as complaints, ExitStack() as opened:
        warnings.simplefilter("always")
        with serving({"app": app()}) as urls:
            caller = opened.enter_context(
                requests.get(f"{urls['app']}/more", stream=True, timeout=5)
            )
            assert caller.ok
        gc.collect()  # what was left open complains when it is thrown away
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            assert caller.content
    assert [str(each.message) for each in complaints] == []


def test_a_websocket_that_cannot_be_closed_leaves_no_other_caller_open() -> None:
    """Uvicorn fails to stop where somebody has said goodbye and has not taken all that was sent."""
    with warnings.catch_warnings(record=True) as complaints, ExitStack() as opened:
        warnings.simplefilter("always")
        with serving({"one": app(), "two": app()}) as urls:
            listens = requests.get(f"{urls['two']}/stream", stream=True, timeout=5)
            assert next(opened.enter_context(listens).iter_lines()) == b"first"
            port = int(urls["one"].rpartition(":")[2])
            leaves = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            leaves.sendall(UPGRADE)
            leaves.recv(1)
            leaves.sendall(GOODBYE)
            assert LEFT.wait(timeout=5)
        gc.collect()
    assert [str(each.message) for each in complaints] == []


def test_a_port_can_be_asked_for_and_a_taken_one_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(OSError), serving({"app": app()}, ports={"app": port}):
            pass
    with serving({"app": app()}, ports={"app": port}) as urls:
        assert urls["app"] == f"http://127.0.0.1:{port}"


def test_an_app_can_break_off_a_connection() -> None:
    with serving({"app": app()}) as urls, pytest.raises(requests.ConnectionError):
        requests.get(f"{urls['app']}/abort", timeout=5)

"""Apps are served on loopback while the block lasts, and let go of at its end."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bot.simulators.serving import serving


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


async def an_hour_later(_: Request) -> PlainTextResponse:
    """Set the servers' clock an hour on, and answer when all timers have run out that then do."""
    loop = asyncio.get_running_loop()
    real = loop.time
    loop.time = lambda: real() + 3600  # type: ignore[method-assign]
    for _turn in range(3):
        await asyncio.sleep(0)
    return PlainTextResponse("an hour later")


def app() -> Starlette:
    return Starlette(
        routes=[
            Route("/", thread_name),
            Route("/an-hour-later", an_hour_later),
            Route("/stream", stream),
            Route("/abort", abort),
            Route("/more", more_than_fits),
            WebSocketRoute("/talk", talk),
            WebSocketRoute("/flood", flood),
        ]
    )


def test_several_apps_share_one_thread() -> None:
    with serving({"one": app(), "two": app()}) as urls:
        threads = {requests.get(url, timeout=60).text for url in urls.values()}
        assert urls["one"] != urls["two"]
    assert len(threads) == 1


def test_a_caller_who_was_silent_for_an_hour_is_still_connected() -> None:
    """Else a server could hang up at the moment at which somebody speaks again."""
    with serving({"app": app()}) as urls:
        caller = HTTPConnection(urlsplit(urls["app"]).netloc, timeout=60)
        with closing(caller):
            caller.request("GET", "/")
            first = caller.getresponse().read()
            connected = caller.sock
            assert requests.get(f"{urls['app']}/an-hour-later", timeout=60).ok
            caller.request("GET", "/")
            assert caller.getresponse().read() == first
            assert caller.sock is connected


def test_open_streams_and_sockets_do_not_hold_up_the_end() -> None:
    with ExitStack() as opened:
        with serving({"app": app()}) as urls:
            response = opened.enter_context(
                requests.get(f"{urls['app']}/stream", stream=True, timeout=60)
            )
            assert next(response.iter_lines()) == b"first"
            talking = opened.enter_context(connect(urls["app"].replace("http", "ws") + "/talk"))
            talking.send("hello")
            assert talking.recv(timeout=60) == "hello"
        assert not any(thread.name == "playground" for thread in threading.enumerate())
        with pytest.raises(ConnectionClosed):
            talking.recv(timeout=60)
        with pytest.raises(requests.ConnectionError):
            requests.get(urls["app"], timeout=60)


def test_a_caller_who_does_not_read_is_cut_off_at_the_end() -> None:
    with warnings.catch_warnings(record=True) as complaints, ExitStack() as opened:
        warnings.simplefilter("always")
        with serving({"app": app()}) as urls:
            caller = opened.enter_context(
                requests.get(f"{urls['app']}/more", stream=True, timeout=60)
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
            listens = requests.get(f"{urls['two']}/stream", stream=True, timeout=60)
            assert next(opened.enter_context(listens).iter_lines()) == b"first"
            port = int(urls["one"].rpartition(":")[2])
            leaves = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            leaves.sendall(UPGRADE)
            leaves.recv(1)
            leaves.sendall(GOODBYE)
            assert LEFT.wait(timeout=60)
        gc.collect()
    assert [str(each.message) for each in complaints] == []


def test_who_is_let_in_just_before_the_end_is_not_left_open() -> None:
    """Callers knock until nobody is let in, or there are many, so that some come at the very end."""

    def knock(address: tuple[str, int], callers: ExitStack) -> None:
        with suppress(OSError):
            for _ in range(150):
                callers.enter_context(socket.create_connection(address))

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(5):
            with ExitStack() as callers:
                with serving({"app": app()}) as urls:
                    where = urlsplit(urls["app"])
                    address = (str(where.hostname), int(where.port or 0))
                    threads = [
                        threading.Thread(target=knock, args=(address, callers)) for _ in range(2)
                    ]
                    for thread in threads:
                        thread.start()
                    assert requests.get(urls["app"], timeout=60).ok
                for thread in threads:
                    thread.join()
            gc.collect()
    assert [str(each.message) for each in warned] == []


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
        requests.get(f"{urls['app']}/abort", timeout=60)

"""A bare Bolt app to be measured beside: what a program costs that keeps nothing.

    python -m bench.bare '{"mode": "http", "before_response": true, "full": false, …}'

ack        the handler acknowledges, and that is all
full       it acknowledges, asks the CDN once, and posts the answer to the response URL

Over HTTP it runs on Purgebot's server; the default way of Bolt, and `process_before_response`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from slack_bolt import App, BoltRequest


def bare_app(wish: dict[str, Any]) -> App:
    from slack_sdk import WebClient

    app = App(
        client=WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
        signing_secret=os.environ.get("SLACK_SIGNING_SECRET"),
        process_before_response=wish["before_response"],
    )
    session = requests.Session()

    def acknowledge(ack: Callable[[], None]) -> None:
        ack()

    def purge(
        ack: Callable[[], None], respond: Callable[..., Any], command: dict[str, str]
    ) -> None:
        ack()
        task = session.post(os.environ["BARE_CDN"], data=command["text"]).json()["task"]
        respond(text=f"{command['text']}: task {task}", response_type="in_channel")

    app.command("/purge")(purge if wish["full"] else acknowledge)
    return app


def serve_http(app: App) -> None:
    """Serve as bot/web/server.py does, with Bolt's own way from a request to its answer."""
    import uvicorn

    from bot.health.ingress import Ingress
    from bot.web.limits import protocol_of

    threads = ThreadPoolExecutor(64)

    def receive(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        answer = app.dispatch(BoltRequest(body=body.decode(), headers=dict(headers)))
        named = {name: values[0] for name, values in answer.headers.items()}
        return answer.status, named, (answer.body or "").encode()

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def slack(request: Request) -> Response:
        body = await request.body()
        loop = asyncio.get_running_loop()
        status, headers, text = await loop.run_in_executor(
            threads, receive, body, dict(request.headers)
        )
        return Response(text, status, headers)

    web = Starlette(routes=[Route("/slack/events", slack, methods=["POST"])])
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    _say("listening", address=f"127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(
        web,
        http=protocol_of(Ingress("")),
        loop="asyncio",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


def serve_socket(app: App) -> None:
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    handler = SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    handler.connect()  # type: ignore[no-untyped-call]  # slack_bolt has no types here
    _say("started")
    stopping.wait()
    os._exit(0)


def _say(event: str, **more: str) -> None:
    print(json.dumps({"event": event, **more}), file=sys.stderr, flush=True)


def main() -> None:
    wish = json.loads(sys.argv[1])
    app = bare_app(wish)
    if wish["mode"] == "http":
        serve_http(app)
    else:
        serve_socket(app)


if __name__ == "__main__":
    main()

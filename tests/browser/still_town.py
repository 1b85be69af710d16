"""A town that stands still: both control APIs with a state that only the test changes.

Everything the page posts is written down in `posts` and answered well: with what `answers` holds
for its path, or by a refusal when the path is in `failing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.browser import still_messages

Json = dict[str, Any]

NOW = 1_763_800_200.0
"""A Saturday, 9:30 in Paris."""
_NAMES = ("ana", "sam", "kim", "ada")
_PEOPLE: list[Json] = [
    {"id": "U0ANA", "real_name": "Ana Ortiz", "title": "Web editor", "color": "9f69e7"},
    {"id": "U0SAM", "real_name": "Sam Reed", "title": "SRE", "color": "4bbe2e"},
    {"id": "U0KIM", "real_name": "Kim Park", "title": "SRE", "color": "e7392d"},
    {
        "id": "U0ADA",
        "real_name": "Ada Okafor",
        "title": "Owner",
        "color": "3c989f",
        "kind": "admin",
    },
    {"id": "U0GUS", "real_name": "Gus Hall", "title": "Agency", "color": "e96699", "kind": "guest"},
    {"id": "U0EVE", "real_name": "Eve Stone", "title": "Partner Ltd", "kind": "outsider"},
    {"id": "U0DEL", "real_name": "Dan Lee", "title": "Left", "kind": "deleted"},
    {"id": "U0BOT", "real_name": "Purgebot", "kind": "bot"},
    {"id": "USLACKBOT", "real_name": "Slackbot"},
]
_EVERYBODY = ["U0ANA", "U0SAM", "U0KIM", "U0ADA", "U0GUS", "U0EVE"]
_CHANNELS: list[Json] = [
    {"id": "C0WEB", "name": "web-publishing", "topic": "What goes live, and when"}
    | {"kind": "public", "members": [*_EVERYBODY, "U0BOT"]},
    {"id": "C0RANDOM", "name": "random", "topic": "Cats", "kind": "public", "members": _EVERYBODY},
    {"id": "C0LAUNCH", "name": "launch-secret", "topic": "Friday", "kind": "private"}
    | {"members": ["U0ANA", "U0SAM"]},
    {"id": "C0OPS", "name": "cdn-ops", "topic": "Caches and moods", "kind": "public"}
    | {"members": ["U0SAM", "U0KIM", "U0ADA", "U0BOT"]},
    {"id": "D0ANASAM", "name": "", "topic": "", "kind": "im", "members": ["U0ANA", "U0SAM"]},
    *(
        {"id": f"D0{name.upper()}BOT", "name": "", "topic": "", "kind": "im"}
        | {"members": [f"U0{name.upper()}", "U0BOT"]}
        for name in _NAMES
    ),
]


class StillTown:
    """The state of both simulators, free to be changed; `change()` tells the page."""

    def __init__(self) -> None:
        self.changes = 0
        self.posts: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {}
        self.failing: set[str] = set()
        self.messages: dict[str, list[Json]] = {"C0WEB": still_messages.everyday(NOW)}
        self.views: list[Json] = []
        self.home: Json | None = None
        self.unread: dict[str, int] = {}
        self.cdn: Json = {
            "now": NOW,
            "tasks": still_messages.tasks(),
            "quota": {"per_day": 1000, "used_today": 840, "per_minute": 200, "used_minute": 3}
            | {"resets_at": NOW + 7.5 * 3600},
            "faults": [],
            "requests": 3,
            "resets": 0,
            "settings": {"domains": ["www.example.com"]},
        }
        self.slack_control = _app(
            {"state": self._slack_state, "events": self._events, "{path:path}": self._post}
        )
        self.town_control = _app({"{path:path}": self._post})
        self.cdn_control = _app(
            {
                "state": self._cdn_state,
                "events": self._events,
                "catalogue": self._catalogue,
                "{path:path}": self._post,
            }
        )

    def change(self) -> None:
        self.changes += 1

    def posted(self, path: str) -> list[Json]:
        return [body for seen, body in self.posts if seen == path]

    def say_to_web(self, *messages: Json) -> None:
        """Put messages at the end of #web-publishing."""
        for message in messages:
            ts = f"{NOW - 60 + len(self.messages['C0WEB']):.6f}"
            self.messages["C0WEB"].append(still_messages.message(ts, **message))
        self.change()

    async def _slack_state(self, request: Request) -> Response:
        me = request.query_params["as"]
        rooms = [room for room in _CHANNELS if me in room["members"] or room["kind"] == "public"]
        return JSONResponse(
            {
                "now": NOW,
                "me": me,
                "team": {"id": "T0TOWN", "name": "Acme Web"},
                "people": [{"kind": "member", "color": "", "title": ""} | row for row in _PEOPLE],
                "groups": [{"id": "S0SRE", "handle": "sre", "name": "SRE", "users": ["U0SAM"]}],
                "channels": [
                    room
                    | {"bot_in": "U0BOT" in room["members"]}
                    | {"unread": self.unread.get(room["id"], 0)}
                    for room in rooms
                ],
                "messages": {
                    room["id"]: [
                        message
                        for message in self.messages.get(room["id"], [])
                        if message["reader"] in {None, me}
                    ]
                    for room in rooms
                },
                "views": self.views,
                "home": self.home,
                "commands": [
                    {
                        "command": "/purge",
                        "description": "Clear a cache tag from the CDN",
                        "usage_hint": "domain tag[,tag…] [--force]",
                    },
                    {"command": "/pulse", "description": "Is everybody well?", "usage_hint": ""},
                ],
                "connections": 1,
                "resets": 0,
                "faults": {"web_api": [], "lose_reply_of": [], "deliver_twice": False},
            }
        )

    async def _cdn_state(self, _: Request) -> Response:
        return JSONResponse(self.cdn)

    async def _catalogue(self, _: Request) -> Response:
        return JSONResponse([{"code": "PreloadQueueFull", "status": 400, "texts": ["Full."]}])

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        told = -1
        while True:
            if told != self.changes:
                told = self.changes
                yield f"event: change\ndata: {told}\n\n"
            await asyncio.sleep(0.01)

    async def _post(self, request: Request) -> Response:
        path = f"{request.scope['root_path'].strip('/')}/{request.path_params['path']}"
        body = await request.json() if await request.body() else {}
        self.posts.append((path, body))
        if path in self.failing:
            return JSONResponse({"error": "The town is closed."}, 400)
        return JSONResponse(
            {"ok": True, "outcome": "acked", "shown": None} | self.answers.get(path, {})
        )


def _app(routes: dict[str, Any]) -> Starlette:
    return Starlette(
        routes=[
            Route(f"/{path}", run, methods=["POST", "DELETE"] if "{" in path else ["GET"])
            for path, run in routes.items()
        ]
    )

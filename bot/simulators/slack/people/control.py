"""The playground's own door to the workspace: what a person sees, what people do, what goes wrong.

    GET  state?as=  events?as=  calls  deliveries  violations
    POST say  press  submit  close  open_home  read
    POST wait  faults  settings  sockets  join  leave  person  reset      DELETE faults

Every answer is JSON; a request that makes no sense is answered 400 with a sentence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.simulators.request_bodies import json_of
from bot.simulators.same_origin import OwnPageOnly
from bot.simulators.slack.events.events import Events
from bot.simulators.slack.events.sockets import MOST_SOCKETS, Sockets
from bot.simulators.slack.people.acting import Acting, Impossible
from bot.simulators.slack.people.seeing import state_for
from bot.simulators.slack.people.streaming import change_stream
from bot.simulators.slack.workspace.grid import change_grid, checked_enterprise
from bot.simulators.slack.workspace.model import Channel, Json
from bot.simulators.slack.workspace.state import Workspace

Handler = Callable[[Request], Awaitable[Response]]
Fields = dict[str, type | tuple[type, ...]]
_REASONS = {"warning", "refresh_requested", "link_disabled"}
_SETTINGS = {"scopes", "commands", "events", "request_url", "limits"}
_SETTINGS |= {"enterprise", "is_enterprise_install"}


class Control:
    def __init__(
        self, workspace: Workspace, sockets: Sockets, acting: Acting, events: Events
    ) -> None:
        self._workspace = workspace
        self._sockets = sockets
        self._acting = acting
        self._events = events

    def app(self) -> Starlette:
        who: Fields = {"as": str}
        posts: list[tuple[Callable[[Json], Awaitable[Json]], Fields]] = [
            (self.say, {**who, "channel": str, "text": str}),
            (self.press, {**who, "action_id": str}),
            (self.submit, {**who, "view_id": str}),
            (self.close, {**who, "view_id": str}),
            (self.open_home, who),
            (self.read, {**who, "channel": str}),
            (self.wait, {"seconds": (int, float)}),
            (self.faults, {}),
            (self.settings, {}),
            (self.sockets, {"action": str}),
            (self.join, {"channel": str, "user": str}),
            (self.leave, {"channel": str, "user": str}),
            (self.person, {"id": str}),
            (self.reset, {}),
        ]
        routes = [
            Route("/state", _asked(self.state)),
            Route("/events", self.events),
            *(
                Route(f"/{name}", _asked(self.log_of(name)), name=name)
                for name in ("calls", "deliveries", "violations")
            ),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            *(
                Route(f"/{run.__name__}", _posted(run, fields), methods=["POST"])
                for run, fields in posts
            ),
        ]
        return Starlette(routes=routes, middleware=[Middleware(OwnPageOnly)])

    # What there is to see

    def state(self, query: QueryParams) -> Json:
        who = query.get("as", "")
        if who not in self._workspace.people:
            raise Impossible(
                f"Nobody with the ID {who} is in this workspace." if who else "As whom?"
            )
        return state_for(self._workspace, who, self._sockets.count)

    async def events(self, _: Request) -> Response:
        return change_stream(self._workspace)

    def log_of(self, name: str) -> Callable[[QueryParams], Json]:
        def rows(query: QueryParams) -> Json:
            since, method = int(query.get("since", "0")), query.get("method")
            found = [
                row
                for row in getattr(self._workspace, name)
                if row["n"] > since and method in {None, row.get("method")}
            ]
            return {name: found}

        return rows

    # What people do

    async def say(self, body: Json) -> Json:
        return await self._acting.say(body["as"], body["channel"], body["text"])

    async def press(self, body: Json) -> Json:
        rest: tuple[str, str | None, Any] = (
            body["action_id"],
            body.get("block_id"),
            body.get("selected"),
        )
        if "view_id" in body:
            return await self._acting.press_in_view(body["as"], str(body["view_id"]), *rest)
        place = (str(body.get("channel")), str(body.get("ts")))
        return await self._acting.press(body["as"], *place, *rest)

    async def submit(self, body: Json) -> Json:
        return await self._acting.submit(body["as"], body["view_id"], body.get("values", {}))

    async def close(self, body: Json) -> Json:
        return await self._acting.close(body["as"], body["view_id"])

    async def open_home(self, body: Json) -> Json:
        return await self._acting.open_home(body["as"])

    async def read(self, body: Json) -> Json:
        channel = self._channel(body)
        channel.last_read[body["as"]] = self._workspace.next_ts()
        self._workspace.changed()
        return {"ok": True}

    # What the world does

    async def wait(self, body: Json) -> Json:
        seconds = float(body["seconds"])
        if seconds < 0:
            raise Impossible("time only moves forward")
        self._workspace.wait(seconds)
        return {"ok": True, "now": self._workspace.now()}

    async def faults(self, body: Json) -> Json:
        self._workspace.faults.update(body)
        self._workspace.changed()
        return {"ok": True, "faults": self._workspace.faults.as_json()}

    async def clear_faults(self, _: Request) -> Response:
        self._workspace.clear_faults()
        return JSONResponse({"ok": True})

    async def settings(self, body: Json) -> Json:
        """Change what the app was granted and how Slack is set up, as in the app's settings."""
        if unknown := body.keys() - _SETTINGS:
            raise Impossible(f"unknown setting: {', '.join(sorted(unknown))}")
        workspace = self._workspace
        for name, value in body.items():
            if name == "limits":
                for key in value.keys() & {"on", "burst", "per_minute"}:
                    setattr(workspace.limits, key, value[key])
                workspace.limits.clear()
            elif name == "enterprise":
                workspace.enterprise = checked_enterprise(value)
            else:
                setattr(workspace, name, value)
        workspace.changed()
        return {"ok": True}

    async def sockets(self, body: Json) -> Json:
        """Tell connections to leave, or break up to `most` of them: `cut`, or `freeze`."""
        action, reason = body["action"], body.get("reason")
        if action == "disconnect" and reason in _REASONS:
            await self._sockets.disconnect(reason, drop=bool(body.get("drop")))
        elif action in {"cut", "freeze"}:
            self._sockets.break_off(action, int(body.get("most", MOST_SOCKETS)))
        else:
            reasons = ", ".join(sorted(_REASONS))
            raise Impossible(f"action is cut, freeze or disconnect, with a reason of {reasons}")
        return {"ok": True}

    async def join(self, body: Json) -> Json:
        channel = self._channel(body)
        if body["user"] not in self._workspace.people:
            raise Impossible(f"there is no person {body['user']}")
        if body["user"] not in channel.members:
            channel.members.append(body["user"])
            self._events.member_moved(channel, body["user"], joined=True)
        self._workspace.changed()
        return {"ok": True}

    async def leave(self, body: Json) -> Json:
        channel = self._channel(body)
        if body["user"] in channel.members:
            channel.members.remove(body["user"])
            self._events.member_moved(channel, body["user"], joined=False)
        self._workspace.changed()
        return {"ok": True}

    async def person(self, body: Json) -> Json:
        if body["id"] not in self._workspace.people:
            raise Impossible(f"there is no person {body['id']}")
        before = {group.id: group.users for group in self._workspace.groups.values()}
        person = self._workspace.people[body["id"]]
        self._workspace.change_person(change_grid(self._workspace, person, body))
        for group in self._workspace.groups.values():
            self._events.group_changed(group, before[group.id])
        return {"ok": True}

    async def reset(self, _: Json) -> Json:
        self._workspace.reset()
        return {"ok": True}

    def _channel(self, body: Json) -> Channel:
        found = self._workspace.channels.get(body["channel"])
        if found is None:
            raise Impossible(f"there is no channel {body['channel']}")
        return found


def _asked(run: Callable[[QueryParams], Json]) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(run(request.query_params))
        except ValueError as error:
            return _bad(str(error))

    return answer


def _posted(run: Callable[[Json], Awaitable[Json]], fields: Fields) -> Handler:
    """A route for a function from JSON to JSON that needs these fields in the body."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await run(_body(request, await request.body(), fields)))
        except ValueError as error:
            return _bad(str(error))

    return answer


def _body(request: Request, raw: bytes, fields: Fields) -> Json:
    # A page elsewhere can post a form without asking; JSON it cannot.
    kind = request.headers.get("content-type", "").partition(";")[0]
    if raw and kind != "application/json":
        raise Impossible("the body must be application/json")
    body: Any = json_of(raw or b"{}")
    if not isinstance(body, dict):
        raise Impossible("the body must be a JSON object")
    for name, kinds in fields.items():
        if not isinstance(body.get(name), kinds):
            raise Impossible(f"{name} is missing or of the wrong kind")
    return body


def _bad(sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=400)

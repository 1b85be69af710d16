"""The workspace: everything the pretend Slack knows, in one place, touched from one loop.

Workspace ─┬─ people, groups, channels      as the world describes them
           ├─ messages by channel           ephemeral ones among them, with their reader
           ├─ views                         open modals, newest last, and one Home per person
           ├─ triggers, response_urls       tickets handed out with commands and clicks
           ├─ settings                      scopes, commands, limits, faults
           └─ calls, deliveries, violations what went over the wire, for tests and the page
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any, get_args

from bot.simulators.slack.workspace.faults import Faults
from bot.simulators.slack.workspace.limits import POSTS_PER_MINUTE, Limits
from bot.simulators.slack.workspace.model import (
    Channel,
    Group,
    Json,
    Kind,
    Message,
    Person,
    ResponseUrl,
    Trigger,
    View,
)
from bot.simulators.slack.workspace.world import SLACKBOT

TRIGGER_LIFE_S = 3
RESPONSE_URL_LIFE_S = 30 * 60
RESPONSE_URL_USES = 5
_LOG_LENGTH = 10_000
_COLORS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "e0a729", "5b89d5")


class Workspace:
    """The one truth; what leaves it as JSON is made in objects.py and payloads.py."""

    def __init__(self, world: Json, now: Callable[[], float]) -> None:
        self._world = world
        self._now = now
        self._moved_s = 0.0
        self._clock_moved = asyncio.Event()
        self._last_ts = 0
        self._watchers: set[asyncio.Event] = set()
        self.changes = 0
        self.base_url = ""
        self.request_url: str | None = None
        team = world["team"]["id"]
        self.bot_token = f"xoxb-{_constant(team, 'bot')[:36]}"
        self.app_token = f"xapp-1-{world['app']['id']}-{_constant(team, 'app')[:36]}"
        self.config_token = f"xoxe.xoxp-1-{_constant(team, 'config')[:36]}"
        self.signing_secret = _constant(team, "signing")[:32]
        self.verification_token = _constant(team, "verification")[:24]
        self.tickets: set[str] = set()
        self.resets = -1
        self.reset()

    def reset(self) -> None:
        """The world as it was at the start.  The clock and the open sockets stay as they are."""
        world = copy.deepcopy(self._world)
        self.team: Json = world["team"]
        self.app: Json = world["app"]
        self.scopes: list[str] = world["scopes"]
        self.commands: list[Json] = world["commands"]
        self.events: list[str] = world["events"]
        self.people = {
            row["id"]: Person(
                **{"team_id": self.team["id"], "color": _COLORS[n % len(_COLORS)], **row}
            )
            for n, row in enumerate(world["people"])
        }
        self.enterprise: Json | None = world.get("enterprise")
        self.is_enterprise_install = bool(world.get("is_enterprise_install"))
        self.groups = {
            row["id"]: Group(**{"team_id": self.team["id"], **row}) for row in world["groups"]
        }
        created = int(self.now())
        self.channels = {
            row["id"]: Channel(**{"created": created, **row}) for row in world["channels"]
        }
        self.messages: dict[str, list[Message]] = {channel: [] for channel in self.channels}
        self.modals: list[View] = []
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.limits = Limits()
        self.faults = Faults()
        self.calls: list[Json] = []
        self.deliveries: list[Json] = []
        self.violations: list[Json] = []
        self.resets += 1
        self.changed()

    # The clock

    def now(self) -> float:
        return self._now() + self._moved_s

    def wait(self, seconds: float) -> None:
        """Move the clock forward."""
        self._moved_s += seconds
        self._clock_moved.set()
        self._clock_moved = asyncio.Event()
        self.changed()

    async def sleep_until(self, at: float) -> None:
        """Return when the clock shows `at`, by itself or because it was moved."""
        while (left := at - self.now()) > 0:
            try:
                await asyncio.wait_for(self._clock_moved.wait(), timeout=left)
            except TimeoutError:
                continue

    def next_ts(self) -> str:
        """A message id: the time in microseconds, never given out twice."""
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    # Who is told of changes

    def changed(self) -> None:
        self.changes += 1
        for watcher in self._watchers:
            watcher.set()

    def watch(self) -> asyncio.Event:
        """An event that is set at each change; give it back with `unwatch`."""
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: asyncio.Event) -> None:
        self._watchers.discard(watcher)

    # Changes from outside

    def clear_faults(self) -> None:
        self.faults = Faults()
        self.changed()

    def change_person(self, changes: Json) -> None:
        """Make somebody a guest, a member of other groups, gone…  Raises: KeyError, ValueError."""
        person = self.people[changes["id"]]
        for name, value in changes.items():
            if name == "groups":
                for group in self.groups.values():
                    others = [user for user in group.users if user not in person.ids]
                    listed = person.listed_as or person.id
                    group.users = [*others, listed] if group.id in value else others
            elif name == "kind" and value not in get_args(Kind):
                raise ValueError(f"nobody is {value}")
            elif name in {"name", "real_name", "kind", "title", "color", "team_id"}:
                setattr(person, name, value)
            elif name != "id":
                raise ValueError(f"a person has no {name}")
        self.changed()

    # Logs

    def log(self, rows: list[Json], **row: Any) -> Json:
        """Add a numbered, timed row to one of the logs."""
        number = rows[-1]["n"] + 1 if rows else 1
        entry: Json = {"n": number, "at": self.now(), **row}
        rows.append(entry)
        del rows[:-_LOG_LENGTH]
        return entry

    # People and places

    @property
    def bot_user(self) -> str:
        return str(self.app["bot_user"])

    def person_by(self, any_id: str) -> Person | None:
        """The person with this ID, be it of the workspace or of the organisation."""
        if any_id in self.people:
            return self.people[any_id]
        return next((person for person in self.people.values() if any_id in person.ids), None)

    def groups_of(self, person: Person) -> list[str]:
        return [
            group.id for group in self.groups.values() if not person.ids.isdisjoint(group.users)
        ]

    def can_see(self, person: str, channel: Channel) -> bool:
        """Members see their channels; members of the team also see every public one."""
        if person in channel.members:
            return True
        kind = self.people[person].kind
        return channel.kind == "public" and kind in {"member", "admin", "bot"}

    def open_dm(self, person: str) -> Channel:
        """The direct conversation of this person and the bot, made on first use."""
        for channel in self.channels.values():
            if channel.kind == "im" and set(channel.members) == {person, self.bot_user}:
                return channel
        channel = Channel(
            id=f"D{_constant(person, 'dm')[:10].upper()}",
            kind="im",
            members=[person, self.bot_user],
            created=int(self.now()),
        )
        self.channels[channel.id] = channel
        self.messages[channel.id] = []
        return channel

    # Messages

    def post(self, channel: str, user: str, **content: Any) -> Message:
        message = Message(ts=self.next_ts(), channel=channel, user=user, **content)
        self.messages[channel].append(message)
        self.changed()
        return message

    def post_wait_s(self, channel: str) -> int:
        """Count one post in a channel: 0, or the seconds to wait when there were too many."""
        return self.limits.wait_s("post", POSTS_PER_MINUTE, self.now(), channel=channel)

    def whisper(self, channel: str, reader: str, text: str) -> Message:
        """What Slack itself tells one person, as Slackbot, where they are."""
        return self.post(channel, SLACKBOT, text=text, reader=reader)

    def find_message(self, channel: str, ts: str) -> Message | None:
        return next((m for m in self.messages.get(channel, []) if m.ts == ts), None)

    def visible_messages(self, person: str, channel: str) -> Iterator[Message]:
        return (m for m in self.messages[channel] if m.reader in {None, person})

    def edit(self, message: Message, **content: Any) -> None:
        """Replace what a message says; the earlier version stays in its history."""
        message.history.append(
            {
                "at": float(message.edited_ts or message.ts),
                "text": message.text,
                "blocks": message.blocks,
            }
        )
        for name, value in content.items():
            setattr(message, name, value)
        message.edited_ts = self.next_ts()
        self.changed()

    def delete(self, message: Message) -> None:
        self.messages[message.channel].remove(message)
        self.changed()

    # Tickets

    def mint_trigger(self, user: str) -> str:
        trigger = f"{int(self.now() * 1000)}.{int.from_bytes(self.team['id'].encode()) % 10**11}"
        trigger = f"{trigger}.{secrets.token_hex(16)}"
        self.triggers[trigger] = Trigger(user=user, at=self.now())
        return trigger

    def mint_response_url(
        self, user: str, channel: str, *, source: Message | None = None, command: str | None = None
    ) -> str:
        name = secrets.token_hex(12)
        self.response_urls[name] = ResponseUrl(
            user=user, channel=channel, at=self.now(), source=source, command=command
        )
        return f"{self.base_url}/response/{name}"


def _constant(*words: str) -> str:
    """Hex that looks random and is the same in every run."""
    return hashlib.sha256(" ".join(("playground", *words)).encode()).hexdigest()

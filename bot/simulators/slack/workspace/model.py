"""What the workspace holds: people, groups, channels, messages, views, and tickets handed out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["member", "admin", "guest", "bot", "deleted", "outsider"]


@dataclass(slots=True)
class Person:
    id: str
    name: str
    real_name: str
    team_id: str
    kind: Kind = "member"
    title: str = ""
    color: str = ""
    enterprise_user: Json | None = None  # in an organisation: their other ID, and their workspaces
    listed_as: str = ""  # the ID that groups list them by, if not `id`
    clicks: Json = field(default_factory=dict)  # what their requests name instead: see grid.py

    @property
    def ids(self) -> set[str]:
        """The ID in the workspace, and that in the organisation."""
        return {self.id, (self.enterprise_user or {}).get("id") or self.id}


@dataclass(slots=True)
class Group:
    id: str
    handle: str
    name: str
    users: list[str]
    team_id: str = ""


@dataclass(slots=True)
class Channel:
    id: str
    name: str = ""
    kind: Literal["public", "private", "im"] = "public"
    members: list[str] = field(default_factory=list)
    topic: str = ""
    is_archived: bool = False
    created: int = 0
    last_read: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    broadcast: bool = False  # a reply that the channel sees as well
    by_app: bool = False
    reader: str | None = None  # set: ephemeral, and only this person sees it
    command: str | None = None  # what was typed, when Slack shows it above the answer
    edited_ts: str | None = None
    history: list[Json] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class View:
    id: str
    user: str
    content: Json
    hash: str
    root: str
    previous: str | None = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Trigger:
    user: str
    at: float
    is_used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    user: str
    channel: str
    at: float
    source: Message | None = None
    command: str | None = None  # still to be shown with the first answer in the channel
    uses: int = 0

"""One Web API call as its method sees it: the arguments, the workspace, and how to refuse.

A method is a plain function from a `Call` to the answer without `ok`; it refuses by raising
`Refusal`, which becomes `{"ok": false, "error": …}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.simulators.request_bodies import json_of
from bot.simulators.slack.block_kit.blocks import violations
from bot.simulators.slack.block_kit.contents import (
    attachment_violations,
    number_attachments,
    with_ids,
)
from bot.simulators.slack.workspace.model import Channel, Json, Message
from bot.simulators.slack.workspace.state import Workspace
from bot.simulators.slack.workspace.world import SLACKBOT


class Refusal(Exception):
    """The error word of an answer, and what else it carries."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass(slots=True)
class Call:
    workspace: Workspace
    method: str
    arguments: Json
    accepted_scopes: set[str] = field(default_factory=set)

    # Arguments.  Forms carry everything as text, JSON bodies as it is; both must work.

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name, default)
        return default if value is None else str(value)

    def required(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if not value:
            raise Refusal(
                error,
                response_metadata={"messages": [f"[ERROR] missing required field: {name}"]},
            )
        return value

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "1"}

    def moment(self, name: str, default: float) -> float:
        try:
            return float(self.text(name) or default)
        except ValueError:
            raise Refusal(f"invalid_ts_{name}") from None

    def count(self, name: str, default: int, most: int) -> int:
        try:
            value = int(self.text(name) or default)
        except ValueError:
            raise Refusal("invalid_arguments") from None
        return max(1, min(value, most))

    def structure(self, name: str, error: str) -> Any:
        """A JSON argument, sent as JSON or as text that holds JSON; None when absent."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json_of(value)
        except ValueError:
            raise Refusal(error) from None

    # Rights

    def needs(self, *scopes: str) -> None:
        """Refuse unless the app was granted one of these scopes."""
        self.accepted_scopes.update(scopes)
        granted = self.workspace.scopes
        if not any(scope in granted for scope in scopes):
            raise Refusal("missing_scope", needed=",".join(scopes), provided=",".join(granted))

    def channel(self, name: str = "channel") -> Channel:
        """The conversation of this id, as far as the bot may know of it."""
        found = self.workspace.channels.get(self.required(name, "channel_not_found"))
        if found is None or (found.kind != "public" and self.is_outside(found)):
            raise Refusal("channel_not_found")
        return found

    def channel_to_post(self) -> Channel:
        """The conversation to post to: an id, a #name, or a user id for the direct one."""
        wanted = self.required("channel", "channel_not_found")
        if person := self.workspace.person_by(wanted):
            if person.id == SLACKBOT or person.kind in {"bot", "deleted"}:
                raise Refusal("channel_not_found")
            if not self.workspace.app.get("messages_tab", True):
                raise Refusal("messages_tab_disabled")
            return self.workspace.open_dm(person.id)
        by_name = {c.name: c for c in self.workspace.channels.values() if c.kind == "public"}
        named = by_name.get(wanted.removeprefix("#"))
        return self.may_post(named or self.channel())

    def may_post(self, found: Channel) -> Channel:
        """The same conversation.  Raises: Refusal where the app may not write."""
        if self.is_outside(found) and "chat:write.public" not in self.workspace.scopes:
            raise Refusal("not_in_channel")
        if found.is_archived:
            raise Refusal("is_archived")
        return found

    def is_outside(self, channel: Channel) -> bool:
        return self.workspace.bot_user not in channel.members

    def take_turn(self, channel: Channel) -> None:
        """Count one post in this channel against Slack's one a second."""
        wait_s = self.workspace.post_wait_s(channel.id)
        if wait_s:
            raise Refusal("ratelimited", retry_after=wait_s)

    # Contents

    def blocks(self) -> list[Json] | None:
        """Checked blocks with the ids Slack adds; None when the call does not name any."""
        found = self.structure("blocks", "invalid_blocks_format")
        if found is None:
            return None
        self.refuse(violations(found, surface="message"), "invalid_blocks")
        if self.workspace.faults.refuses(found):
            raise Refusal("invalid_blocks")
        return with_ids(found)

    def attachments(self) -> list[Json] | None:
        """Attachments numbered as Slack does, blocks in them checked; None when not named."""
        found = self.structure("attachments", "invalid_attachments")
        if found is None:
            return None
        self.refuse(attachment_violations(found), "invalid_attachments")
        return number_attachments(found)

    def refuse(self, wrong: list[str], error: str) -> None:
        """Refuse with Slack's list of what is wrong, if anything is."""
        if not wrong:
            return
        workspace = self.workspace
        workspace.log(workspace.violations, method=self.method, violations=wrong)
        messages = [f"[ERROR] {line}" for line in wrong]
        raise Refusal(error, errors=wrong, response_metadata={"messages": messages})

    def own_message(self, error: str) -> Message:
        """The app's message with this channel and ts; ephemeral ones cannot be found again."""
        channel = self.may_post(self.channel())
        found = self.workspace.find_message(channel.id, self.text("ts"))
        if found is None or found.reader is not None:
            raise Refusal("message_not_found")
        if not found.by_app:
            raise Refusal(error)
        return found

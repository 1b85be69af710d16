"""What people do: type, press, fill in and send, close, open Home.  Slack's side of it all.

say "/purge …"   → slash_commands   → ack payload shown  | error whispered by Slackbot
say "hello"      → a message
press            → interactive      → nothing to show    | error whispered by Slackbot
submit           → interactive      → errors, update, push, clear | modal stays open
close, open_home → interactive, events_api
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.simulators.slack.block_kit.inputs import action_of, input_value
from bot.simulators.slack.block_kit.viewing import close_view, fill_in, follow_ack
from bot.simulators.slack.events import payloads
from bot.simulators.slack.events.delivery import Courier
from bot.simulators.slack.events.events import Events
from bot.simulators.slack.events.http_mode import Answer
from bot.simulators.slack.events.responses import give_answer
from bot.simulators.slack.workspace.model import Channel, Json, Message, Person, View
from bot.simulators.slack.workspace.state import Workspace
from bot.simulators.slack.workspace.world import SLACKBOT

_NOT_A_COMMAND = (
    "{command} is not a valid command. In Slack, all messages that start with the "
    '"/" character are interpreted as commands. If you are trying to send a message and '
    'not run a command, try preceding the "/" with an empty space.'
)


class Impossible(ValueError):
    """Nobody could do that in Slack: the message or the button is not there for this person."""


class Acting:
    def __init__(self, workspace: Workspace, courier: Courier, events: Events) -> None:
        self._workspace = workspace
        self._courier = courier
        self._events = events

    async def say(self, who: str, where: str, text: str) -> Json:
        """Send a message or run a command."""
        person, channel = self._person(who), self._channel(who, where)
        if not text.strip():
            raise Impossible("there is nothing to send")
        if not text.startswith("/"):
            message = self._workspace.post(channel.id, person.id, text=text)
            channel.last_read[person.id] = message.ts
            self._events.message_posted(channel, message)
            return _outcome("sent", ts=message.ts)
        command, *rest = text.strip().split(maxsplit=1)
        known = {row["command"] for row in self._workspace.commands}
        # Members of other workspaces are told the same as if the command did not exist.
        if command not in known or person.kind == "outsider":
            explanation = _NOT_A_COMMAND.format(command=command)
            self._workspace.whisper(channel.id, person.id, explanation)
            return _outcome("unknown_command", shown=explanation)
        payload = payloads.slash_command(
            self._workspace, person, channel, command=command, text="".join(rest)
        )
        answer = await self._courier.deliver("slash_commands", payload)
        error = self._command_error(payload, answer)
        shown = f'{command} failed with the error "{error}"' if error else None
        if shown:
            self._workspace.whisper(channel.id, person.id, shown)
        return _outcome(answer.outcome, trigger_id=payload["trigger_id"], shown=shown)

    async def press(
        self,
        who: str,
        where: str,
        ts: str,
        action_id: str,
        block_id: str | None = None,
        selected: Any = None,
    ) -> Json:
        """Press a button, or change a choice, in a message."""
        person, channel = self._person(who), self._channel(who, where)
        message = self._workspace.find_message(channel.id, ts)
        if message is None or message.reader not in {None, person.id}:
            raise Impossible("this person sees no message with this ts")
        attachment, (block, element) = _find_in_message(message, action_id, block_id)
        action = action_of(element, block["block_id"], self._workspace.next_ts(), selected)
        chosen, _ = input_value(element, selected)
        state = {} if element["type"] == "button" else {block["block_id"]: {action_id: chosen}}
        payload = payloads.message_action(self._workspace, person, message, action, state)
        if attachment is not None:
            payload["container"] |= {"type": "message_attachment", "attachment_id": attachment}
        answer = await self._courier.deliver("interactive", payload)
        shown = self._press_error(answer)
        if shown:
            self._workspace.whisper(channel.id, person.id, shown)
        return _outcome(answer.outcome, trigger_id=payload["trigger_id"], shown=shown)

    async def press_in_view(
        self,
        who: str,
        view_id: str,
        action_id: str,
        block_id: str | None = None,
        selected: Any = None,
    ) -> Json:
        person, view = self._person(who), self._view(who, view_id)
        found = _find_element(view.content["blocks"], action_id, block_id)
        if found is None:
            raise Impossible(f"there is no {action_id} to press")
        block, element = found
        action = action_of(element, block["block_id"], self._workspace.next_ts(), selected)
        payload = payloads.view_action(self._workspace, person, view, action)
        answer = await self._courier.deliver("interactive", payload)
        shown = self._press_error(answer)
        return _outcome(answer.outcome, trigger_id=payload["trigger_id"], shown=shown)

    async def submit(self, who: str, view_id: str, values: dict[str, Any]) -> Json:
        """Send a modal; what the ack asks for happens to the view."""
        person, view = self._person(who), self._view(who, view_id)
        if view.content["type"] != "modal":
            raise Impossible("only modals are submitted")
        if missing := fill_in(view, values):
            raise Impossible(f"please complete: {', '.join(missing)}")
        payload = payloads.view_submission(self._workspace, person, view)
        answer = await self._courier.deliver("interactive", payload)
        shown = None
        if answer.outcome == "acked":
            shown = follow_ack(self._workspace, view, answer.payload)
        if answer.outcome != "acked" or shown:
            shown = "We had some trouble connecting. Try again?"
        return _outcome(answer.outcome, trigger_id=payload["trigger_id"], shown=shown)

    async def close(self, who: str, view_id: str) -> Json:
        """Close a modal; the app hears of it only when it asked to."""
        person, view = self._person(who), self._view(who, view_id)
        close_view(self._workspace, view)
        if not view.content.get("notify_on_close"):
            return _outcome("sent")
        payload = payloads.view_closed(self._workspace, person, view, is_cleared=False)
        return _outcome((await self._courier.deliver("interactive", payload)).outcome)

    async def open_home(self, who: str) -> Json:
        person = self._person(who)
        self._events.home_opened(person)
        return _outcome("sent")

    def _command_error(self, payload: dict[str, str], answer: Answer) -> str | None:
        if answer.outcome != "acked":
            return answer.outcome
        url = self._workspace.response_urls.get(payload["response_url"].rpartition("/")[2])
        is_empty = isinstance(answer.payload, dict) and not any(answer.payload.values())
        if answer.payload is None or is_empty or url is None:
            return None
        return give_answer(self._workspace, url, answer.payload) and "invalid_command_response"

    def _press_error(self, answer: Answer) -> str | None:
        if answer.outcome == "acked":
            return None
        name = self._workspace.app["name"]
        return f'{name} did not respond: the button failed with the error "{answer.outcome}"'

    def _person(self, who: str) -> Person:
        person = self._workspace.people.get(who)
        if person is None or who == SLACKBOT or person.kind in {"deleted", "bot"}:
            raise Impossible(f"{who} cannot act here")
        return person

    def _channel(self, who: str, where: str) -> Channel:
        channel = self._workspace.channels.get(where)
        if channel is None or not self._workspace.can_see(who, channel):
            raise Impossible(f"{who} sees no conversation {where}")
        return channel

    def _view(self, who: str, view_id: str) -> View:
        views = [*self._workspace.modals, *self._workspace.homes.values()]
        for view in views:
            if view.id == view_id and view.user == who:
                return view
        raise Impossible(f"{who} has no open view {view_id}")


def _find_in_message(
    message: Message, action_id: str, block_id: str | None
) -> tuple[int | None, tuple[Json, Json]]:
    """The block and element, and the id of the attachment they are in, if they are in one."""
    for attachment in message.attachments:
        if found := _find_element(attachment.get("blocks"), action_id, block_id):
            return attachment["id"], found
    if found := _find_element(message.blocks, action_id, block_id):
        return None, found
    raise Impossible(f"there is no {action_id} to press")


def _find_element(blocks: Any, action_id: str, block_id: str | None) -> tuple[Json, Json] | None:
    """The block and the element that carries this action_id."""
    for block, element in _elements(blocks, {}):
        if element["action_id"] == action_id and block_id in {None, block["block_id"]}:
            return block, element
    return None


def _elements(node: Any, block: Json) -> Iterator[tuple[Json, Json]]:
    """Every interactive element, however deep, with the innermost block around it."""
    if isinstance(node, list):
        for entry in node:
            yield from _elements(entry, block)
    elif isinstance(node, dict):
        block = node if "block_id" in node else block
        if "action_id" in node:
            yield block, node
        for value in node.values():
            yield from _elements(value, block)


def _outcome(outcome: str, **more: Any) -> Json:
    return {"ok": True, "outcome": outcome, "trigger_id": None, "shown": None, **more}

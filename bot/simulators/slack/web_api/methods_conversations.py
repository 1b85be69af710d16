"""conversations.*: channels, their members, their past, and direct conversations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.web_api.pages import page_of
from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.model import Channel, Json, Message

_SCOPE_STEM = {"public": "channels", "private": "groups", "im": "im"}


def info(call: Call) -> Json:
    channel = call.channel()
    call.needs(f"{_SCOPE_STEM[channel.kind]}:read")
    shown = objects.channel(call.workspace, channel)
    if not call.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


def members(call: Call) -> Json:
    channel = call.channel()
    call.needs(f"{_SCOPE_STEM[channel.kind]}:read")
    return page_of(call, "members", list(channel.members), default=100)


def list_all(call: Call) -> Json:
    """Public channels and those the bot is in, of the asked types."""
    kinds = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
    asked = (call.text("types") or "public_channel").split(",")
    if unknown := set(asked) - set(kinds):
        raise Refusal("invalid_types", types=sorted(unknown))
    for kind in asked:
        call.needs(f"{_SCOPE_STEM.get(kinds[kind], 'mpim')}:read")
    wanted = {kinds[kind] for kind in asked}
    rows = [
        objects.channel(call.workspace, channel)
        for channel in call.workspace.channels.values()
        if channel.kind in wanted
        and (channel.kind == "public" or not call.is_outside(channel))
        and not (call.flag("exclude_archived") and channel.is_archived)
    ]
    return page_of(call, "channels", rows, default=100)


def history(call: Call) -> Json:
    """Messages of a channel, newest first; ephemeral ones were never part of it, replies are only
    if they were sent to the channel as well.
    """
    kept = [seen for seen in _kept(call) if seen.thread_ts is None or seen.broadcast]
    return {**_past(call, reversed(kept), default=100), "pin_count": 0}


def replies(call: Call) -> Json:
    """A message and the replies to it, oldest first; `ts` may also be that of a reply."""
    kept = list(_kept(call))
    ts = call.required("ts", "thread_not_found")
    found = next((seen for seen in kept if seen.ts == ts), None)
    if found is None:
        raise Refusal("thread_not_found")
    root = found.thread_ts or found.ts
    return _past(call, (seen for seen in kept if root in {seen.ts, seen.thread_ts}), default=1000)


def _kept(call: Call) -> Iterator[Message]:
    """What the conversation keeps, oldest first."""
    channel = call.channel()
    call.needs(f"{_SCOPE_STEM[channel.kind]}:history")
    if call.is_outside(channel):
        raise Refusal("not_in_channel")
    return (seen for seen in call.workspace.messages[channel.id] if seen.reader is None)


def _past(call: Call, messages: Iterable[Message], *, default: int) -> Json:
    oldest, latest = call.moment("oldest", 0), call.moment("latest", math.inf)
    inclusive = call.flag("inclusive")
    with_metadata = call.flag("include_all_metadata")
    rows = [
        objects.message(call.workspace, message, with_metadata=with_metadata)
        for message in messages
        if _is_within(message.ts, oldest, latest, inclusive=inclusive)
    ]
    page = page_of(call, "messages", rows, default=default)
    return {**page, "has_more": bool(page["response_metadata"]["next_cursor"])}


def open_direct(call: Call) -> Json:
    """The direct conversation with one person; several at once are not simulated."""
    if call.text("channel"):
        channel = call.channel()
        return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
    users = [user for user in call.text("users").split(",") if user]
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > 1:
        raise Refusal("method_not_supported_for_channel_type")
    person = call.workspace.person_by(users[0])
    if person is None:
        raise Refusal("user_not_found")
    if person.kind == "deleted":
        raise Refusal("user_disabled")
    channel = call.workspace.open_dm(person.id)
    shown = objects.channel(call.workspace, channel)
    return {"channel": shown if call.flag("return_im") else {"id": channel.id}}


def join(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "public":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refusal("is_archived")
    more: Json = {}
    if call.is_outside(channel):
        channel.members.append(call.workspace.bot_user)
        call.workspace.changed()
    else:
        more["warning"] = "already_in_channel"
        more["response_metadata"] = {"warnings": ["already_in_channel"]}
    shown = objects.channel(call.workspace, channel)
    shown.pop("num_members")
    return {"channel": shown, **more}


def add_reaction(call: Call) -> Json:
    channel: Channel = call.channel()
    found = call.workspace.find_message(channel.id, call.text("timestamp"))
    if found is None or found.reader is not None:
        raise Refusal("message_not_found")
    name = call.required("name", "invalid_name")
    if name in found.reactions:
        raise Refusal("already_reacted")
    found.reactions.append(name)
    call.workspace.changed()
    return {}


def _is_within(ts: str, oldest: float, latest: float, *, inclusive: bool) -> bool:
    at = float(ts)
    return oldest <= at <= latest if inclusive else oldest < at < latest

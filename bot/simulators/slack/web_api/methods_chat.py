"""chat.*: posting, updating, deleting, whispering, linking."""

from __future__ import annotations

from typing import Any

from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.model import Json

# Source: chat.postMessage and chat.update reference pages.
POST_TEXT_CUT = 40_000
UPDATE_TEXT_MOST = 4_000


def post_message(call: Call) -> Json:
    channel = call.channel_to_post()
    content = _content(call)
    call.take_turn(channel)
    workspace = call.workspace
    message = workspace.post(
        channel.id,
        workspace.bot_user,
        **content,
        metadata=_metadata(call),
        thread_ts=call.text("thread_ts") or None,
        broadcast=bool(call.text("thread_ts")) and call.flag("reply_broadcast"),
        by_app=True,
    )
    shown = objects.message(workspace, message, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def post_ephemeral(call: Call) -> Json:
    channel = call.channel_to_post()
    person = call.workspace.person_by(call.required("user", "user_not_in_channel"))
    if person is None or person.id not in channel.members:
        raise Refusal("user_not_in_channel")
    content = _content(call)
    call.take_turn(channel)
    workspace = call.workspace
    message = workspace.post(
        channel.id,
        workspace.bot_user,
        **content,
        thread_ts=call.text("thread_ts") or None,
        by_app=True,
        reader=person.id,
    )
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    """Replace a message's text and blocks; text without blocks takes the blocks away."""
    message = call.own_message("cant_update_message")
    text = call.text("text")
    blocks = call.blocks()
    attachments = call.attachments()
    if not text and blocks is None and attachments is None:
        raise Refusal("no_text")
    if len(text) > UPDATE_TEXT_MOST:
        raise Refusal("msg_too_long")
    changes: dict[str, Any] = {"blocks": blocks or []}
    if text or "text" in call.arguments:
        changes["text"] = text
    if attachments is not None:
        changes["attachments"] = attachments
    if (metadata := _metadata(call)) is not None:
        changes["metadata"] = metadata
    workspace = call.workspace
    workspace.edit(message, **changes)
    shown = objects.message(workspace, message, with_metadata=True)
    del shown["ts"]  # Slack tells it beside the message only, unlike chat.postMessage.
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


def delete(call: Call) -> Json:
    message = call.own_message("cant_delete_message")
    call.workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    channel = call.channel()
    ts = call.text("message_ts")
    found = call.workspace.find_message(channel.id, ts)
    if found is None or found.reader is not None:
        raise Refusal("message_not_found")
    domain = call.workspace.team["domain"]
    link = f"https://{domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def _content(call: Call) -> dict[str, Any]:
    text = call.text("text") or call.text("markdown_text")
    blocks = call.blocks() or []
    attachments = call.attachments() or []
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    return {"text": text[:POST_TEXT_CUT], "blocks": blocks, "attachments": attachments}


def _metadata(call: Call) -> Json | None:
    found = call.structure("metadata", "invalid_metadata_format")
    if not found:
        return None
    if not isinstance(found, dict) or set(found) - {"event_type", "event_payload", "entities"}:
        raise Refusal("invalid_metadata_format")
    if "event_type" in found and not isinstance(found.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    return found

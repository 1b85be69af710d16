"""What Slack delivers to the app.

    slash_command   a form        block_actions, view_submission, view_closed   JSON in `payload`
    event_callback  JSON          all of them also travel in Socket Mode envelopes, see sockets.py

The field lists follow Slack's reference pages and the samples of its Java SDK.
"""

from __future__ import annotations

import secrets
from typing import Any

from bot.simulators.slack.workspace import grid, objects
from bot.simulators.slack.workspace.model import Channel, Json, Message, Person, View
from bot.simulators.slack.workspace.state import Workspace


def slash_command(
    workspace: Workspace, person: Person, where: Channel, *, command: str, text: str
) -> dict[str, str]:
    """The form of a command, with its text as typed (`should_escape: false`)."""
    team = grid.team_of(workspace, person) or workspace.team
    form = {
        "token": workspace.verification_token,
        "team_id": team["id"],
        "team_domain": team["domain"],
        "channel_id": where.id,
        "channel_name": _channel_name(where),
        "user_id": grid.user_id(person),
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app["id"],
        "is_enterprise_install": str(workspace.is_enterprise_install).lower(),
        "response_url": workspace.mint_response_url(
            person.id, where.id, command=f"{command} {text}".rstrip()
        ),
        "trigger_id": workspace.mint_trigger(person.id),
    }
    if enterprise := grid.enterprise_of(workspace, person):
        form |= {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]}
    return form


def _interaction(workspace: Workspace, kind: str, person: Person) -> Json:
    # A Slack Connect member keeps the team_id of their own workspace; `team` is the app's.
    user = {"id": grid.user_id(person), "username": person.name, "name": person.name}
    user_team_id = person.clicks.get("user_team_id", person.team_id)
    if user_team_id is not None:
        user["team_id"] = user_team_id
    return {
        "type": kind,
        "user": user,
        "api_app_id": workspace.app["id"],
        "token": workspace.verification_token,
        "trigger_id": workspace.mint_trigger(person.id),
        "team": grid.team_of(workspace, person),
        "enterprise": grid.enterprise_of(workspace, person),
        "is_enterprise_install": workspace.is_enterprise_install,
    }


def message_action(
    workspace: Workspace, person: Person, source: Message, action: Json, state: Json
) -> Json:
    """block_actions for a press in a message; an ephemeral message itself is not included."""
    where = workspace.channels[source.channel]
    payload: Json = {
        **_interaction(workspace, "block_actions", person),
        "container": {
            "type": "message",
            "message_ts": source.ts,
            "channel_id": where.id,
            "is_ephemeral": source.reader is not None,
        },
        "channel": {"id": where.id, "name": _channel_name(where)},
        "state": {"values": state},
        "response_url": workspace.mint_response_url(person.id, where.id, source=source),
        "actions": [action],
    }
    if source.thread_ts:
        payload["container"]["thread_ts"] = source.thread_ts
    if source.reader is None:
        payload["message"] = objects.message(workspace, source)
    return payload


def view_action(workspace: Workspace, person: Person, source: View, action: Json) -> Json:
    return {
        **_interaction(workspace, "block_actions", person),
        "container": {"type": "view", "view_id": source.id},
        "view": objects.view(workspace, source),
        "actions": [action],
    }


def view_submission(workspace: Workspace, person: Person, source: View) -> Json:
    return {
        **_interaction(workspace, "view_submission", person),
        "view": objects.view(workspace, source),
        "response_urls": [],
    }


def view_closed(workspace: Workspace, person: Person, source: View, *, is_cleared: bool) -> Json:
    payload = _interaction(workspace, "view_closed", person)
    del payload["trigger_id"]
    return {**payload, "view": objects.view(workspace, source), "is_cleared": is_cleared}


def event_callback(workspace: Workspace, event: dict[str, Any]) -> Json:
    now, enterprise = workspace.now(), workspace.enterprise
    return {
        "token": workspace.verification_token,
        "team_id": workspace.team["id"],
        "api_app_id": workspace.app["id"],
        "event": {**event, "event_ts": f"{now:.6f}"},
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(now),
        "authorizations": [
            {
                "enterprise_id": enterprise["id"] if enterprise else None,
                "team_id": workspace.team["id"],
                "user_id": workspace.bot_user,
                "is_bot": True,
                "is_enterprise_install": workspace.is_enterprise_install,
            }
        ],
        "is_ext_shared_channel": False,
    }


def _channel_name(where: Channel) -> str:
    # Slack does not tell the names of private conversations to commands and clicks.
    return {"public": where.name, "private": "privategroup", "im": "directmessage"}[where.kind]

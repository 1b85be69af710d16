"""The workspace as one person sees it: their channels, their messages, their modals."""

from __future__ import annotations

from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.model import Channel, Json, Message, Person
from bot.simulators.slack.workspace.state import Workspace


def state_for(workspace: Workspace, viewer: str, connections: int) -> Json:
    """Everything the page needs to draw Slack for this person."""
    channels = [c for c in workspace.channels.values() if workspace.can_see(viewer, c)]
    home = workspace.homes.get(viewer)
    return {
        "now": workspace.now(),
        "me": viewer,
        "team": workspace.team,
        "people": [_person(workspace, person) for person in workspace.people.values()],
        "groups": [
            {"id": group.id, "handle": group.handle, "name": group.name, "users": group.users}
            for group in workspace.groups.values()
        ],
        "channels": [_channel(workspace, viewer, channel) for channel in channels],
        "messages": {
            channel.id: [
                _message(workspace, message)
                for message in workspace.visible_messages(viewer, channel.id)
            ]
            for channel in channels
        },
        "views": [
            {**objects.view(workspace, view), "errors": view.errors}
            for view in workspace.modals
            if view.user == viewer
        ],
        "home": objects.view(workspace, home) if home else None,
        "commands": workspace.commands,
        "connections": connections,
        "faults": workspace.faults.as_json(),
        "resets": workspace.resets,
    }


def _person(workspace: Workspace, person: Person) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "title": person.title,
        "color": person.color,
        "kind": person.kind,
        "team_id": person.team_id,
        "groups": workspace.groups_of(person),
    }


def _channel(workspace: Workspace, viewer: str, channel: Channel) -> Json:
    read = float(channel.last_read.get(viewer, channel.created))
    unread = [
        message
        for message in workspace.visible_messages(viewer, channel.id)
        if message.user != viewer and float(message.ts) > read
    ]
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "members": channel.members,
        "topic": channel.topic,
        "bot_in": workspace.bot_user in channel.members,
        "unread": len(unread),
    }


def _message(workspace: Workspace, message: Message) -> Json:
    person = workspace.people[message.user]
    return {
        "ts": message.ts,
        "user": message.user,
        "username": person.real_name,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "ephemeral": message.reader is not None,
        "edited": {"ts": message.edited_ts} if message.edited_ts else None,
        "metadata": message.metadata,
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "command": message.command,
        "reactions": message.reactions,
        "history": message.history,
    }

"""The objects of Slack's API: user, usergroup, conversation, bot, message, view.

The field lists follow Slack's reference pages and the samples of its Java SDK.
"""

from __future__ import annotations

from bot.simulators.slack.workspace.grid import installed_in
from bot.simulators.slack.workspace.model import Channel, Group, Json, Message, Person, View
from bot.simulators.slack.workspace.state import Workspace

_ICON_SIZES = (24, 32, 48, 72, 192, 512)


def user(workspace: Workspace, person: Person) -> Json:
    """The user object of users.info; of deleted people Slack tells little."""
    is_admin, is_bot = person.kind == "admin", person.kind == "bot"
    first_name, _, last_name = person.real_name.partition(" ")
    profile: Json = {
        "title": person.title,
        "phone": "",
        "skype": "",
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": f"g{person.id.lower()}",
        "first_name": first_name,
        "last_name": last_name,
        "team": person.team_id,
        **{f"image_{size}": f"https://example.com/{person.id}_{size}.png" for size in _ICON_SIZES},
    }
    base: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.kind == "deleted",
        "profile": profile,
        "is_bot": is_bot,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }
    if person.kind == "deleted":
        return base
    if is_bot:
        profile |= {"api_app_id": workspace.app["id"], "bot_id": workspace.app["bot_id"]}
    shown: Json = {
        **base,
        "color": person.color,
        "real_name": person.real_name,
        "tz": "Europe/Amsterdam",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "is_admin": is_admin,
        "is_owner": is_admin,
        "is_primary_owner": is_admin,
        "is_restricted": person.kind == "guest",
        "is_ultra_restricted": False,
        "is_email_confirmed": not is_bot,
        "who_can_share_contact_card": "EVERYONE",
    }
    if person.enterprise_user:
        shown["enterprise_user"] = person.enterprise_user
    # Slack tells this only of people from other workspaces.
    return {**shown, "is_stranger": True} if person.kind == "outsider" else shown


def group(entry: Group) -> Json:
    return {
        "id": entry.id,
        "team_id": entry.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": entry.name,
        "description": "",
        "handle": entry.handle,
        "is_external": False,
        "date_create": 1_700_000_000,
        "date_update": 1_700_000_000,
        "date_delete": 0,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": "U0ADA",
        "updated_by": "U0ADA",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
        "user_count": len(entry.users),
    }


def channel(workspace: Workspace, entry: Channel) -> Json:
    """The conversation object; direct ones have a `user` instead of a name."""
    base: Json = {
        "id": entry.id,
        "created": entry.created,
        "is_archived": entry.is_archived,
        "is_im": entry.kind == "im",
        "is_org_shared": False,
        "context_team_id": workspace.team["id"],
        "updated": entry.created * 1000,
    }
    if entry.kind == "im":
        other = next((m for m in entry.members if m != workspace.bot_user), workspace.bot_user)
        return {**base, "user": other, "priority": 0}
    outsiders = {workspace.people[member].team_id for member in entry.members}
    is_shared = bool(outsiders - {workspace.team["id"]})
    return {
        **base,
        "name": entry.name,
        "name_normalized": entry.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": entry.kind == "private",
        "is_general": False,
        "is_shared": is_shared,
        "is_ext_shared": is_shared,
        "is_pending_ext_shared": False,
        "is_member": workspace.bot_user in entry.members,
        "creator": "U0ADA",
        "unlinked": 0,
        "topic": {"value": entry.topic, "creator": "U0ADA", "last_set": entry.created},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
        "num_members": len(entry.members),
        "shared_team_ids": sorted(outsiders | {workspace.team["id"]}),
    }


def bot(workspace: Workspace) -> Json:
    icons = {f"image_{size}": f"https://example.com/bot_{size}.png" for size in (36, 48, 72)}
    return {
        "id": workspace.app["bot_id"],
        "app_id": workspace.app["id"],
        "user_id": workspace.bot_user,
        "name": workspace.app["name"],
        "icons": icons,
        "deleted": False,
        "updated": 1_700_000_000,
    }


def message(workspace: Workspace, entry: Message, *, with_metadata: bool = False) -> Json:
    """A message as the Web API and block_actions show it."""
    shown: Json = {"type": "message", "user": entry.user, "ts": entry.ts, "text": entry.text}
    shown["team"] = workspace.team["id"]
    if entry.by_app:
        shown["bot_id"] = workspace.app["bot_id"]
        shown["app_id"] = workspace.app["id"]
        shown["bot_profile"] = {**bot(workspace), "team_id": workspace.team["id"]}
    if entry.blocks:
        shown["blocks"] = entry.blocks
    if entry.attachments:
        shown["attachments"] = entry.attachments
    if entry.thread_ts:
        shown["thread_ts"] = entry.thread_ts
    if entry.broadcast:
        shown["subtype"] = "thread_broadcast"
    if entry.edited_ts:
        editor = workspace.app["bot_id"] if entry.by_app else entry.user
        shown["edited"] = {"user": editor, "ts": entry.edited_ts}
    if with_metadata and entry.metadata:
        shown["metadata"] = entry.metadata
    return shown


def view(workspace: Workspace, entry: View) -> Json:
    """A view with the ids that Slack adds to what the app sent."""
    return {
        "id": entry.id,
        "team_id": workspace.team["id"],
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
        **entry.content,
        "hash": entry.hash,
        "previous_view_id": entry.previous,
        "root_view_id": entry.root,
        "app_id": workspace.app["id"],
        "app_installed_team_id": installed_in(workspace),
        "bot_id": workspace.app["bot_id"],
    }

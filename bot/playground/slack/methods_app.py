"""What an app asks about itself: auth.test, apps.*, bots.info."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from . import objects
from .calls import Call, Refusal
from .model import Json


def auth_test(call: Call) -> Json:
    workspace = call.workspace
    return {
        "url": f"https://{workspace.team['domain']}.slack.com/",
        "team": workspace.team["name"],
        "user": workspace.people[workspace.bot_user].name,
        "team_id": workspace.team["id"],
        "user_id": workspace.bot_user,
        "bot_id": workspace.app["bot_id"],
        "is_enterprise_install": False,
    }


def open_connection(call: Call) -> Json:
    """A websocket address that works once."""
    workspace = call.workspace
    ticket = secrets.token_hex(16)
    workspace.tickets.add(ticket)
    query = urlencode({"app_id": workspace.app["id"]})
    base_url = workspace.base_url.replace("http", "ws", 1)
    return {"url": f"{base_url}/socket/{ticket}?{query}"}


def bots_info(call: Call) -> Json:
    wanted = call.text("bot")
    if wanted and wanted != call.workspace.app["bot_id"]:
        raise Refusal("bot_not_found")
    return {"bot": objects.bot(call.workspace)}


def validate_manifest(call: Call) -> Json:
    """The shape of a manifest, not its sense: an object with a name and whole features."""
    manifest = call.structure("manifest", "invalid_manifest")
    wrong = list(_manifest_errors(manifest)) if isinstance(manifest, dict) else [("/", "not a map")]
    if wrong:
        errors = [{"message": message, "pointer": pointer} for pointer, message in wrong]
        raise Refusal("invalid_manifest", errors=errors)
    return {"errors": []}


def _manifest_errors(manifest: Json) -> list[tuple[str, str]]:
    wrong: list[tuple[str, str]] = []
    known = {"_metadata", "display_information", "features", "oauth_config", "settings"}
    known |= {"functions", "workflows", "datastores", "outgoing_domains", "types", "event_types"}
    wrong += [(f"/{key}", "unknown property") for key in sorted(manifest.keys() - known)]
    name = (manifest.get("display_information") or {}).get("name")
    if not name:
        wrong.append(("/display_information/name", "missing required property"))
    elif len(name) > 35:
        wrong.append(("/display_information/name", "must be at most 35 characters"))
    for number, row in enumerate((manifest.get("features") or {}).get("slash_commands") or []):
        pointer = f"/features/slash_commands/{number}"
        if not str(row.get("command", "")).startswith("/"):
            wrong.append((f"{pointer}/command", "must start with a slash"))
        elif len(row["command"]) > 32:
            wrong.append((f"{pointer}/command", "must be at most 32 characters"))
        if not row.get("description"):
            wrong.append((f"{pointer}/description", "missing required property"))
    return wrong

"""What an app asks about itself and where it is: api.test, auth.test, apps.*, bots.info, team.info."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.grid import installed_in
from bot.simulators.slack.workspace.model import Json

_TEAM_ICON_SIZES = (34, 44, 68, 88, 102, 132, 230)


def api_test(call: Call) -> Json:
    """What was said comes back; an `error` is answered with that error."""
    error = call.text("error")
    answer: Json = {"ok": False, "error": error} if error else {}
    return {**answer, "args": call.arguments} if call.arguments else answer


def team_info(call: Call) -> Json:
    workspace = call.workspace
    team = workspace.team
    if call.text("team", team["id"]) != team["id"]:
        raise Refusal("team_not_found")
    url = f"https://{team['domain']}.slack.com/"
    icons = {f"image_{size}": f"https://example.com/team_{size}.png" for size in _TEAM_ICON_SIZES}
    shown: Json = {
        **{key: team[key] for key in ("id", "name", "domain")},
        "url": url,
        "email_domain": "",
        "icon": {**icons, "image_default": True},
        "avatar_base_url": "https://example.com/",
        "is_verified": False,
    }
    if enterprise := workspace.enterprise:
        shown |= {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]}
    return {"team": shown}


def auth_test(call: Call) -> Json:
    workspace = call.workspace
    shown: Json = {
        "url": f"https://{workspace.team['domain']}.slack.com/",
        "team": workspace.team["name"],
        "user": workspace.people[workspace.bot_user].name,
        "team_id": installed_in(workspace),
        "user_id": workspace.bot_user,
        "bot_id": workspace.app["bot_id"],
        "is_enterprise_install": workspace.is_enterprise_install,
    }
    if enterprise := workspace.enterprise:
        shown["enterprise_id"] = enterprise["id"]
        if workspace.is_enterprise_install:
            shown["url"] = f"https://{workspace.team['domain']}.enterprise.slack.com/"
            shown["team"] = enterprise["name"]
    return shown


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

"""Enterprise Grid: an organisation of workspaces, and what requests from within it name.

settings  enterprise              {"id": "E…", "name": …}: the organisation that the workspace is in
          is_enterprise_install   the app is installed over the organisation, not in the workspace
person    enterprise_user         {"id": "W…", "teams": ["T…", …]}: their ID in the organisation, and
                                  the workspaces that they are in
          listed_as               which of their IDs the groups list
          clicks                  what their commands, clicks and forms name:
              user_id             one of their IDs
              user_team_id        a workspace, or the organisation; null: `user` has no `team_id`
              team_id             the workspace of the click; null: `team` is null
              enterprise_id       the organisation; null: `enterprise` is null

Which of these Slack sends when is documented in part only; so each can be had.
"""

from __future__ import annotations

from bot.simulators.slack.workspace.model import Json, Person
from bot.simulators.slack.workspace.state import Workspace

_CLICKS = {"user_id", "user_team_id", "team_id", "enterprise_id"}


def checked_enterprise(value: object) -> Json | None:
    """Give an organisation as it is kept.  Raises: ValueError."""
    if value is None:
        return None
    if not isinstance(value, dict) or not str(value.get("id", "")).startswith("E"):
        raise ValueError("an enterprise has an id, E…")
    return {"name": value["id"], **value}


def change_grid(workspace: Workspace, person: Person, changes: Json) -> Json:
    """Take over what is about the organisation, and give the rest.  Raises: ValueError."""
    rest = dict(changes)
    if "enterprise_user" in rest:
        given = rest.pop("enterprise_user")
        if given is not None and not isinstance(given, dict):
            raise ValueError("enterprise_user is an object or null")
        person.enterprise_user = given and {**_whole(workspace, person), **given}
    if "listed_as" in rest:
        person.listed_as = _id_of(person, rest.pop("listed_as"))
    if "clicks" in rest:
        clicks = rest.pop("clicks") or {}
        if unknown := clicks.keys() - _CLICKS:
            raise ValueError(f"a click does not name {', '.join(sorted(unknown))}")
        if "user_id" in clicks:
            _id_of(person, clicks["user_id"])
        person.clicks = clicks
    return rest


def _id_of(person: Person, wanted: object) -> str:
    if wanted not in person.ids:
        raise ValueError(f"{person.id} has no ID {wanted}")
    return str(wanted)


def _whole(workspace: Workspace, person: Person) -> Json:
    enterprise = workspace.enterprise or {}
    is_admin = person.kind == "admin"
    return {
        "id": f"W{person.id[1:]}",
        "enterprise_id": enterprise.get("id", ""),
        "enterprise_name": enterprise.get("name", ""),
        "is_admin": is_admin,
        "is_owner": is_admin,
        "is_primary_owner": is_admin,
        "teams": [person.team_id],
    }


def installed_in(workspace: Workspace) -> str:
    """The ID of what the app is installed in."""
    if workspace.is_enterprise_install and workspace.enterprise:
        return str(workspace.enterprise["id"])
    return str(workspace.team["id"])


def user_id(person: Person) -> str:
    return str(person.clicks.get("user_id", person.id))


def enterprise_of(workspace: Workspace, person: Person) -> Json | None:
    """The organisation that a request of this person names."""
    enterprise = workspace.enterprise
    named = person.clicks.get("enterprise_id", enterprise and enterprise["id"])
    if named is None:
        return None
    known = enterprise is not None and enterprise["id"] == named
    return {"id": named, "name": enterprise["name"] if known and enterprise else named}


def team_of(workspace: Workspace, person: Person) -> Json | None:
    """The workspace that a click of this person names."""
    team = workspace.team
    named = person.clicks.get("team_id", team["id"])
    if named is None:
        return None
    shown: Json = {"id": named}
    shown["domain"] = team["domain"] if named == team["id"] else str(named).lower()
    if enterprise := enterprise_of(workspace, person):
        shown |= {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]}
    return shown

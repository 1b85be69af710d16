"""users.* and usergroups.*: who there is, and who belongs to what."""

from __future__ import annotations

from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.web_api.pages import page_of
from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.model import Json


def users_info(call: Call) -> Json:
    person = call.workspace.person_by(call.required("user", "user_not_found"))
    if person is None:
        raise Refusal("user_not_found")
    return {"user": objects.user(call.workspace, person)}


def users_list(call: Call) -> Json:
    workspace = call.workspace
    rows = [objects.user(workspace, person) for person in workspace.people.values()]
    return {**page_of(call, "members", rows, default=1000), "cache_ts": int(workspace.now())}


def usergroups_list(call: Call) -> Json:
    with_users = call.flag("include_users")
    rows = []
    team_id = _team_of_groups(call)
    for group in call.workspace.groups.values():
        if group.team_id != team_id:
            continue
        row = objects.group(group)
        rows.append({**row, "users": _members(call, group.users)} if with_users else row)
    return {"usergroups": rows}


def usergroups_users_list(call: Call) -> Json:
    group = call.workspace.groups.get(call.required("usergroup"))
    if group is None or group.team_id != _team_of_groups(call):
        raise Refusal("no_such_subteam")
    return {"users": _members(call, group.users)}


def _members(call: Call, users: list[str]) -> list[str]:
    # Whoever leaves the company leaves its groups.
    people = {user: call.workspace.person_by(user) for user in users}
    return [user for user, person in people.items() if person and person.kind != "deleted"]


def _team_of_groups(call: Call) -> str:
    """The workspace whose groups are meant: with the token of an organisation it has to be named."""
    if call.workspace.is_enterprise_install:
        return call.required("team_id", "missing_argument")
    return str(call.workspace.team["id"])

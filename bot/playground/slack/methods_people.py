"""users.* and usergroups.*: who there is, and who belongs to what."""

from __future__ import annotations

from . import objects
from .calls import Call, Refusal
from .model import Json
from .pages import page_of


def users_info(call: Call) -> Json:
    person = call.workspace.people.get(call.required("user", "user_not_found"))
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
    for group in call.workspace.groups.values():
        row = objects.group(call.workspace, group)
        rows.append({**row, "users": _members(call, group.users)} if with_users else row)
    return {"usergroups": rows}


def usergroups_users_list(call: Call) -> Json:
    group = call.workspace.groups.get(call.required("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": _members(call, group.users)}


def _members(call: Call, users: list[str]) -> list[str]:
    # Whoever leaves the company leaves its groups.
    people = call.workspace.people
    return [user for user in users if user in people and people[user].kind != "deleted"]

"""views.*: modals are opened with a trigger and live on a stack of three; Home is one per person."""

from __future__ import annotations

from bot.simulators.slack.block_kit.blocks import Surface, view_violations
from bot.simulators.slack.block_kit.contents import with_ids
from bot.simulators.slack.block_kit.viewing import (
    STACK_MOST,
    close_all,
    open_modal,
    publish_home,
    replace_content,
)
from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.model import Json, View
from bot.simulators.slack.workspace.state import TRIGGER_LIFE_S


def open_view(call: Call) -> Json:
    user = _exchange_trigger(call)
    content = _content(call)
    # There is one modal window: opening another modal takes the place of what it showed.
    close_all(call.workspace, user)
    view = open_modal(call.workspace, user, content)
    return {"view": objects.view(call.workspace, view)}


def push_view(call: Call) -> Json:
    user = _exchange_trigger(call)
    content = _content(call)
    stack = [view for view in call.workspace.modals if view.user == user]
    if not stack:
        raise Refusal("not_found")
    if len(stack) >= STACK_MOST:
        raise Refusal("push_limit_reached")
    view = open_modal(call.workspace, user, content, onto=stack[-1])
    return {"view": objects.view(call.workspace, view)}


def update_view(call: Call) -> Json:
    view = _find(call)
    content = _content(call, surface=view.content["type"], replacing=view)
    if call.text("hash") and call.text("hash") != view.hash:
        raise Refusal("hash_conflict")
    replace_content(call.workspace, view, content)
    return {"view": objects.view(call.workspace, view)}


def publish_view(call: Call) -> Json:
    person = call.workspace.person_by(call.required("user_id"))
    if person is None:
        raise Refusal("user_not_found")
    user = person.id
    current = call.workspace.homes.get(user)
    if call.text("hash") and current is not None and call.text("hash") != current.hash:
        raise Refusal("hash_conflict")
    view = publish_home(call.workspace, user, _content(call, surface="home"))
    return {"view": objects.view(call.workspace, view)}


def _exchange_trigger(call: Call) -> str:
    trigger = call.workspace.triggers.get(call.required("trigger_id"))
    if trigger is None:
        raise Refusal("invalid_trigger_id")
    if trigger.is_used:
        raise Refusal("exchanged_trigger_id")
    if call.workspace.now() - trigger.at > TRIGGER_LIFE_S:
        raise Refusal("expired_trigger_id")
    trigger.is_used = True
    return trigger.user


def _content(call: Call, *, surface: Surface = "modal", replacing: View | None = None) -> Json:
    content: Json = call.structure("view", "invalid_arguments")
    wrong = view_violations(content, surface=surface)
    too_large = [line for line in wrong if "view_too_large" in line]
    call.refuse(wrong, "view_too_large" if too_large else "invalid_arguments")
    external_id = content.get("external_id")
    others = [view for view in call.workspace.modals if view is not replacing]
    if external_id and any(view.content.get("external_id") == external_id for view in others):
        raise Refusal("duplicate_external_id")
    return {**content, "blocks": with_ids(content["blocks"])}


def _find(call: Call) -> View:
    wanted, external_id = call.text("view_id"), call.text("external_id")
    if not wanted and not external_id:
        raise Refusal("invalid_arguments")
    views = [*call.workspace.modals, *call.workspace.homes.values()]
    for view in views:
        if view.id == wanted or (external_id and view.content.get("external_id") == external_id):
            return view
    raise Refusal("not_found")

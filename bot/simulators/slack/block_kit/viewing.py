"""Views while they live: the stack of a modal, what was filled in, and how an ack changes it."""

from __future__ import annotations

import secrets
from typing import Any

from bot.simulators.slack.block_kit.blocks import view_violations
from bot.simulators.slack.block_kit.contents import with_ids
from bot.simulators.slack.block_kit.inputs import input_value
from bot.simulators.slack.workspace.model import Json, View
from bot.simulators.slack.workspace.state import Workspace

STACK_MOST = 3


def publish_home(workspace: Workspace, user: str, content: Json) -> View:
    """Show this on somebody's Home tab, in place of what was there."""
    home = workspace.homes.get(user)
    if home is None:
        home = workspace.homes[user] = _new_view(workspace, user, content)
    replace_content(workspace, home, content)
    return home


def open_modal(workspace: Workspace, user: str, content: Json, onto: View | None = None) -> View:
    """Open a modal, or push one `onto` another."""
    view = _new_view(workspace, user, content, onto)
    workspace.modals.append(view)
    workspace.changed()
    return view


def _new_view(workspace: Workspace, user: str, content: Json, onto: View | None = None) -> View:
    view_id = f"V{secrets.token_hex(5).upper()}"
    return View(
        id=view_id,
        user=user,
        content=content,
        hash=_new_hash(workspace),
        root=onto.root if onto else view_id,
        previous=onto.id if onto else None,
    )


def replace_content(workspace: Workspace, view: View, content: Json) -> None:
    view.content, view.errors = content, {}
    view.hash = _new_hash(workspace)
    workspace.changed()


def _new_hash(workspace: Workspace) -> str:
    return f"{int(workspace.now())}.{secrets.token_hex(4)}"


def close_view(workspace: Workspace, view: View) -> None:
    """Close one view; the one below it, if any, shows again."""
    workspace.modals = [entry for entry in workspace.modals if entry is not view]
    workspace.changed()


def close_all(workspace: Workspace, user: str) -> None:
    workspace.modals = [entry for entry in workspace.modals if entry.user != user]
    workspace.changed()


def fill_in(view: View, values: dict[str, Any]) -> list[str]:
    """Put what a person entered into the view's state; the block_ids still missing are given back.

    Form: `values` is {block_id: {action_id: value}}; a plain value is enough for texts and
    options, Slack's own state object is taken as it is.
    """
    state: Json = {}
    missing: list[str] = []
    for block in view.content["blocks"]:
        if block["type"] != "input":
            continue
        block_id, element = block.get("block_id", ""), block["element"]
        given = values.get(block_id, {}).get(element["action_id"])
        entry, is_empty = input_value(element, given)
        state[block_id] = {element["action_id"]: entry}
        if is_empty and not block.get("optional"):
            missing.append(block_id)
    view.content = {**view.content, "state": {"values": state}}
    return missing


def follow_ack(workspace: Workspace, view: View, payload: Any) -> str | None:
    """Do what the ack of a submission asks for: None, or what is wrong with it."""
    answer = payload if isinstance(payload, dict) else {}
    match answer.get("response_action"):
        case None:
            close_view(workspace, view)
        case "clear":
            close_all(workspace, view.user)
        case "errors":
            block_ids = {block.get("block_id") for block in view.content["blocks"]}
            errors = answer.get("errors") or {}
            if not errors or set(errors) - block_ids:
                return "response_action errors must name blocks of the view"
            view.errors = errors
            workspace.changed()
        case "update" | "push" as action:
            content: Json = answer.get("view") or {}
            if wrong := view_violations(content, surface="modal"):
                workspace.log(workspace.violations, method=f"ack {action}", violations=wrong)
                return wrong[0]
            content = {**content, "blocks": with_ids(content["blocks"])}
            if action == "update":
                replace_content(workspace, view, content)
            else:
                open_modal(workspace, view.user, content, onto=view)
        case other:
            return f"unknown response_action {other}"
    return None

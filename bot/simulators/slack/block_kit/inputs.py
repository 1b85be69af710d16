"""What a person enters or picks, as Slack reports it in states and actions.

element                                          key of the value
plain_text_input, number_input, …                value
static_select, radio_buttons, overflow, …        selected_option
multi_static_select, checkboxes, …               selected_options
users_select, conversations_select, …            selected_user, selected_conversation, …
datepicker, timepicker, datetimepicker           selected_date, selected_time, …
"""

from __future__ import annotations

from typing import Any

from bot.simulators.slack.workspace.model import Json

_KEYS = {
    "checkboxes": "selected_options",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "external_select": "selected_option",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "multi_external_select": "selected_options",
    "multi_static_select": "selected_options",
    "multi_users_select": "selected_users",
    "overflow": "selected_option",
    "radio_buttons": "selected_option",
    "static_select": "selected_option",
    "timepicker": "selected_time",
    "users_select": "selected_user",
}


def input_value(element: Json, given: Any) -> tuple[Json, bool]:
    """The state entry of an element, and whether it is still empty."""
    kind = element["type"]
    key = _KEYS.get(kind, "value")
    if isinstance(given, dict) and key in given:
        given = given[key]
    if given is None:
        initial = "initial_value" if key == "value" else key.replace("selected", "initial")
        given = element.get(initial)
    elif key == "selected_option":
        given = _option(element, given)
    elif key == "selected_options":
        given = [_option(element, entry) for entry in given]
    if given in (None, "", []):
        return {"type": kind, key: [] if key.endswith("s") else None}, True
    return {"type": kind, key: given}, False


def action_of(element: Json, block_id: str, action_ts: str, selected: Json | None) -> Json:
    """The entry of `actions` for a pressed button or a changed choice."""
    action: Json = {
        "action_id": element["action_id"],
        "block_id": block_id,
        "type": element["type"],
        "action_ts": action_ts,
    }
    if element["type"] == "button":
        shown = {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        return action | shown
    entry, _ = input_value(element, selected)
    return action | entry


def _option(element: Json, given: Any) -> Any:
    """The whole option for a value, from the element's list; anything else as it is."""
    options = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options += group["options"]
    return next((option for option in options if option["value"] == given), given)

"""Block elements and composition objects: their keys and limits.

Source: Slack's Block Kit reference, "Block elements" and "Composition objects".
"""

from __future__ import annotations

from typing import Any

from bot.simulators.slack.block_kit.checks import (
    Check,
    anything,
    array,
    boolean,
    both,
    integer,
    one_of,
    only,
    string,
    thing,
    typed,
    wrong,
)

ID = string(255)
URL = string(3000)
_STYLE = one_of("primary", "danger")
_TYPE: dict[str, Check] = {"type": anything}


def plain(most: int | None) -> Check:
    return typed(
        {"plain_text": thing({**_TYPE, "text": string(most)}, {"emoji": boolean})},
    )


def any_text(most: int | None) -> Check:
    return typed(
        {
            "plain_text": thing({**_TYPE, "text": string(most)}, {"emoji": boolean}),
            "mrkdwn": thing({**_TYPE, "text": string(most)}, {"verbatim": boolean}),
        }
    )


CONFIRM = thing(
    {"title": plain(100), "text": any_text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": _STYLE},
)
_SLACK_FILE = thing({}, {"id": string(), "url": URL})


def _option(text: Check, more: dict[str, Check] | None = None) -> Check:
    return thing({"text": text, "value": string(150)}, {"description": plain(75), **(more or {})})


def _rich_option(most: int) -> Check:
    return array(
        thing({"text": any_text(75), "value": string(150)}, {"description": any_text(75)}), most
    )


_OPTION = _option(plain(75))
_GROUPS = array(thing({"label": plain(75), "options": array(_OPTION, 100)}), 100)
_FILTER = thing(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_DISPATCH = thing(
    {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)}
)


def _initial_is_an_option(value: Any, pointer: str, found: list[str]) -> None:
    """A choice made beforehand must be one of the choices."""
    options = [*(value.get("options") or [])]
    for group in value.get("option_groups") or []:
        options += group.get("options", []) if isinstance(group, dict) else []
    chosen = value.get("initial_options") or [value.get("initial_option")]
    for entry in chosen:
        if entry is not None and options and entry not in options:
            wrong(found, pointer, "initial option must be one of the options")


def _options_or_groups(value: Any, pointer: str, found: list[str]) -> None:
    if ("options" in value) == ("option_groups" in value):
        wrong(found, pointer, "must provide either options or option_groups")


def _element(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return thing({**_TYPE, **required}, {"action_id": ID, **(optional or {})})


def _input(optional: dict[str, Check], required: dict[str, Check] | None = None) -> Check:
    base = {"placeholder": plain(150), "focus_on_load": boolean, "confirm": CONFIRM}
    return _element(required or {}, {**base, **optional})


def _choice(optional: dict[str, Check]) -> Check:
    """A menu with its own options."""
    own = {"options": array(_OPTION, 100), "option_groups": _GROUPS}
    return both(_input({**own, **optional}), _options_or_groups, _initial_is_an_option)


_MANY: dict[str, Check] = {"max_selected_items": integer(1)}
_TEXT_INPUT: dict[str, Check] = {
    "initial_value": string(least=0),
    "dispatch_action_config": _DISPATCH,
}

ELEMENTS: dict[str, Check] = {
    "button": _element(
        {"text": plain(75)},
        {
            "value": string(2000, least=0),
            "url": URL,
            "style": _STYLE,
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "workflow_button": _element(
        {"text": plain(75), "workflow": anything},
        {"style": _STYLE, "accessibility_label": string(75)},
    ),
    "image": thing(
        {**_TYPE, "alt_text": string(2000)}, {"image_url": URL, "slack_file": _SLACK_FILE}
    ),
    "overflow": _element(
        {"options": array(_option(plain(75), {"url": URL}), 5)}, {"confirm": CONFIRM}
    ),
    "checkboxes": both(
        _input({"initial_options": array(anything)}, {"options": _rich_option(10)}),
        _initial_is_an_option,
    ),
    "radio_buttons": both(
        _input({"initial_option": anything}, {"options": _rich_option(10)}), _initial_is_an_option
    ),
    "static_select": _choice({"initial_option": _OPTION}),
    "multi_static_select": _choice({"initial_options": array(_OPTION, 100), **_MANY}),
    "external_select": _input({"initial_option": _OPTION, "min_query_length": integer(0)}),
    "multi_external_select": _input(
        {"initial_options": array(_OPTION, 100), "min_query_length": integer(0), **_MANY}
    ),
    "users_select": _input({"initial_user": string()}),
    "multi_users_select": _input({"initial_users": array(string()), **_MANY}),
    "channels_select": _input({"initial_channel": string(), "response_url_enabled": boolean}),
    "multi_channels_select": _input({"initial_channels": array(string()), **_MANY}),
    "conversations_select": _input(
        {
            "initial_conversation": string(),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": _FILTER,
        }
    ),
    "multi_conversations_select": _input(
        {
            "initial_conversations": array(string()),
            "default_to_current_conversation": boolean,
            "filter": _FILTER,
            **_MANY,
        }
    ),
    "datepicker": _input({"initial_date": string(10)}),
    "timepicker": _input({"initial_time": string(5), "timezone": string()}),
    "datetimepicker": _input({"initial_date_time": integer()}),
    "plain_text_input": _input(
        {
            **_TEXT_INPUT,
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        }
    ),
    "rich_text_input": _input({**_TEXT_INPUT, "initial_value": anything}),
    "email_text_input": _input(_TEXT_INPUT),
    "url_text_input": _input(_TEXT_INPUT),
    "number_input": _input(
        {**_TEXT_INPUT, "min_value": string(), "max_value": string()},
        {"is_decimal_allowed": boolean},
    ),
    "file_input": _input({"filetypes": array(string()), "max_files": integer(1, 10)}),
    "feedback_buttons": _element({"positive_button": anything, "negative_button": anything}),
    "icon_button": _element(
        {"icon": string(), "text": plain(None)},
        {
            "accessibility_label": string(75),
            "value": string(2000),
            "visible_to_user_ids": array(string()),
            "confirm": CONFIRM,
        },
    ),
}

_MENUS = (
    "static_select",
    "external_select",
    "users_select",
    "channels_select",
    "conversations_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_channels_select",
    "multi_conversations_select",
)
_PICKERS = ("checkboxes", "radio_buttons", "datepicker", "timepicker")

BUTTON = only(["button"], ELEMENTS)
IMAGE = only(["image"], ELEMENTS)
IN_ACTIONS = only(
    ["button", "workflow_button", "overflow", "datetimepicker", *_PICKERS, *_MENUS], ELEMENTS
)
IN_SECTION = only(["button", "workflow_button", "image", "overflow", *_PICKERS, *_MENUS], ELEMENTS)
IN_CONTEXT_ACTIONS = only(["feedback_buttons", "icon_button"], ELEMENTS)
IN_INPUT = only(
    [
        "plain_text_input",
        "rich_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "file_input",
        "datetimepicker",
        *_PICKERS,
        *_MENUS,
    ],
    ELEMENTS,
)

"""What Slack is known to send, whole: commands, presses and forms with every field, and what varies.

The field names and types are those that public SDKs record: json-logs/samples/app-backend of
slackapi/java-slack-sdk, tests/scenario_tests of slackapi/bolt-python, src/types of slackapi/bolt-js.
What varies is from there too, and from slackapi/bolt-python#23 (an app over an organisation: `team`
is null) and slackapi/java-slack-sdk#1041 (a shared channel).  The values are made up.

    COMMANDS, PRESSES, SHARED, FORMS    name → Shape
    USERS                               name → the user object of users.info, and who that is
    command(shape, …), press(shape, …), form(shape, …)   → the payload
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

ABSENT = object()
"""In `changes`: the field is not there at all."""
HOME, SECOND, ORG = "T0TOWN", "T0TWO", "E0ORG"
WORKSPACE, IN_ORG, OVER_ORG = "in a workspace", "in a workspace of an organisation", "over it"
_ENTERPRISE = {"id": ORG, "name": "Acme"}
_TEAM_IN_ORG = {"id": HOME, "domain": "acme", "enterprise_id": ORG, "enterprise_name": "Acme"}


@dataclass(frozen=True, slots=True)
class Shape:
    """`changes` are laid over a payload of one workspace, level by level.  `channel` and `user`: who
    sends it, and where; `installed`: where the app is.
    """

    changes: Json = field(default_factory=dict)
    channel: str = "C0WEB"
    user: str = "U0SAM"
    installed: str = WORKSPACE


COMMANDS = {
    "a workspace": Shape(),
    "a private channel": Shape({"channel_name": "privategroup"}, channel="C0LAUNCH"),
    "a direct message": Shape({"channel_name": "directmessage"}, channel="D0SAMBOT"),
    "as older apps get it": Shape({"api_app_id": ABSENT, "is_enterprise_install": ABSENT}),
    "with empty organisation": Shape({"enterprise_id": "", "enterprise_name": ""}),
    "a workspace of an organisation": Shape(
        {"enterprise_id": ORG, "enterprise_name": "Acme"}, installed=IN_ORG
    ),
    "by the ID in the organisation": Shape(
        {"enterprise_id": ORG, "user_id": "W0SAM"}, installed=IN_ORG
    ),
    "an app over the organisation": Shape(
        {"enterprise_id": ORG, "enterprise_name": "Acme", "is_enterprise_install": "true"},
        installed=OVER_ORG,
    ),
    "another workspace of it": Shape(
        {"enterprise_id": ORG, "team_id": SECOND, "is_enterprise_install": "true"},
        installed=OVER_ORG,
    ),
}

_OVER_ORG: Json = {"team": None, "enterprise": _ENTERPRISE, "is_enterprise_install": True}
_IN_ORG: Json = {"team": _TEAM_IN_ORG, "enterprise": _ENTERPRISE}
_OLDER: Json = {"enterprise": ABSENT, "is_enterprise_install": ABSENT}

PRESSES = {
    "a message": Shape(),
    "as older apps get it": Shape({**_OLDER, "state": ABSENT, "user": {"username": ABSENT}}),
    "a private channel": Shape({"channel": {"name": "privategroup"}}, channel="C0LAUNCH"),
    "a direct message": Shape({"channel": {"name": "directmessage"}}, channel="D0SAMBOT"),
    "a thread": Shape(
        {
            "container": {"thread_ts": "1700000000.000100"},
            "message": {"thread_ts": "1700000000.000100"},
        }
    ),
    "a card that only one sees": Shape({"container": {"is_ephemeral": True}, "message": ABSENT}),
    "a message that was edited": Shape(
        {
            "message": {
                "edited": {"user": "B0BOT", "ts": "1700000001.000000"},
                "subtype": "bot_message",
            }
        }
    ),
    "without its message": Shape({"message": ABSENT, "channel": None}),
    "a workspace of an organisation": Shape(_IN_ORG, installed=IN_ORG),
    "by the ID in the organisation": Shape({**_IN_ORG, "user": {"id": "W0SAM"}}, installed=IN_ORG),
    "a person of the organisation": Shape({**_IN_ORG, "user": {"team_id": ORG}}, installed=IN_ORG),
    "an app over the organisation": Shape(_OVER_ORG, installed=OVER_ORG),
    "by the ID in it, from another workspace": Shape(
        {**_OVER_ORG, "user": {"id": "W0SAM", "team_id": SECOND}}, installed=OVER_ORG
    ),
}
SHARED = {
    "a shared channel": Shape({"user": {"team_id": "T0OTHER"}}, user="U0EVE"),
    "a shared channel of two organisations": Shape(
        {**_IN_ORG, "user": {"team_id": "T0OTHER"}}, user="U0EVE", installed=IN_ORG
    ),
    "a shared channel, the app over the organisation": Shape(
        {**_OVER_ORG, "user": {"team_id": "E0OTHER"}}, user="U0EVE", installed=OVER_ORG
    ),
}
"""Presses by somebody of another company: they may see the card, and decide nothing."""

FORMS = {
    "a workspace": Shape(),
    "as older apps get it": Shape({**_OLDER, "response_urls": ABSENT, "user": {"name": ABSENT}}),
    "a form on another one": Shape({"view": {"previous_view_id": "V0FIRST"}}),
    "a workspace of an organisation": Shape(_IN_ORG, installed=IN_ORG),
    "another workspace of it": Shape(
        {**_IN_ORG, "team": {"id": SECOND}, "view": {"app_installed_team_id": HOME}},
        installed=IN_ORG,
    ),
    "by the ID in the organisation": Shape({**_IN_ORG, "user": {"id": "W0SAM"}}, installed=IN_ORG),
    "an app over the organisation": Shape(
        {**_OVER_ORG, "view": {"app_installed_team_id": ORG}}, installed=OVER_ORG
    ),
}


_PROFILE: Json = {
    "title": "", "phone": "", "skype": "", "real_name": "Ana Ortiz",
    "real_name_normalized": "Ana Ortiz", "display_name": "ana", "display_name_normalized": "ana",
    "status_text": "", "status_emoji": "", "status_expiration": 0, "avatar_hash": "g0123",
    "image_24": "https://example.com/24.png", "first_name": "Ana", "last_name": "Ortiz",
    "team": HOME,
}  # fmt: skip
_PERSON: Json = {
    "id": "U0ANA", "team_id": HOME, "name": "ana", "deleted": False, "color": "9f69e7",
    "real_name": "Ana Ortiz", "tz": "Europe/Amsterdam", "tz_label": "Central European Time",
    "tz_offset": 3600, "profile": _PROFILE, "is_admin": False, "is_owner": False,
    "is_primary_owner": False, "is_restricted": False, "is_ultra_restricted": False,
    "is_bot": False, "is_app_user": False, "updated": 1700000000, "is_email_confirmed": True,
    "has_2fa": False, "locale": "en-US", "who_can_share_contact_card": "EVERYONE",
}  # fmt: skip
_LITTLE: Json = {key: _PERSON[key] for key in ("id", "team_id", "name", "profile", "is_bot")}
_GRID: Json = {
    "id": "W0ANA", "enterprise_id": ORG, "enterprise_name": "Acme", "is_admin": False,
    "is_owner": False, "is_primary_owner": False, "teams": [HOME, SECOND],
}  # fmt: skip
_ONLY_THERE: Json = {"team_id": SECOND, "enterprise_user": _GRID | {"teams": [SECOND]}}
_FOREIGN: Json = {"team_id": "T0OTHER", "is_stranger": True}

# In a workspace without an organisation nobody of one belongs to the app's installation over it.
_AT_HOME = {"else": "member", OVER_ORG: "outsider"}
USERS: dict[str, tuple[Json, dict[str, str]]] = {
    "a member": (_PERSON, _AT_HOME),
    "an admin": (_PERSON | {"is_admin": True}, _AT_HOME),
    "an owner": (_PERSON | {"is_owner": True, "is_primary_owner": True}, _AT_HOME),
    "without what is new": (
        {key: _PERSON[key] for key in _PERSON.keys() - {"locale", "who_can_share_contact_card"}},
        _AT_HOME,
    ),
    "a guest": (_PERSON | {"is_restricted": True}, {"else": "guest", OVER_ORG: "outsider"}),
    "a guest of one channel": (
        _PERSON | {"is_restricted": True, "is_ultra_restricted": True},
        {"else": "guest", OVER_ORG: "outsider"},
    ),
    "invited": (_PERSON | {"is_invited_user": True}, {"else": "unknown", OVER_ORG: "outsider"}),
    "somebody who left": (_LITTLE | {"deleted": True}, {"else": "deleted"}),
    "an app": (_PERSON | {"is_bot": True}, {"else": "bot"}),
    "a workflow": (_PERSON | {"is_bot": True, "is_workflow_bot": True}, {"else": "bot"}),
    "of another company": (_PERSON | _FOREIGN, {"else": "outsider"}),
    "of another company, told little": (_LITTLE | _FOREIGN, {"else": "outsider"}),
    "of the organisation": (_PERSON | {"enterprise_user": _GRID}, {"else": "member"}),
    "of the organisation, by the ID in it": (
        _PERSON | {"id": "W0ANA", "enterprise_user": _GRID},
        {"else": "member"},
    ),
    "of another workspace of it": (
        _PERSON | _ONLY_THERE,
        {"else": "outsider", OVER_ORG: "member"},
    ),
    "a guest of the organisation": (
        _PERSON | {"enterprise_user": _GRID, "is_restricted": True},
        {"else": "guest"},
    ),
    "of another organisation": (
        _PERSON | _FOREIGN | {"enterprise_user": _GRID | {"enterprise_id": "E0OTHER"}},
        {"else": "outsider"},
    ),
}
"""What `users.info` says of somebody → their standing, where the app is installed."""


def command(shape: Shape, *, text: str, response_url: str, trigger_id: str) -> Json:
    whole: Json = {
        "token": "a-verification-token",
        "team_id": HOME,
        "team_domain": "acme",
        "channel_id": shape.channel,
        "channel_name": "web-publishing",
        "user_id": shape.user,
        "user_name": "sam",
        "command": "/purge",
        "text": text,
        "api_app_id": "A0PURGE",
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }
    return _laid_over(whole, shape.changes)


def press(shape: Shape, card: Json, *, action_id: str, response_url: str, trigger_id: str) -> Json:
    """Give the press on a button of a card."""
    (button,) = (
        {key: element[key] for key in element if key != "confirm"} | {"block_id": block["block_id"]}
        for block in card["blocks"]
        for element in block.get("elements", ())
        if element.get("action_id") == action_id
    )
    whole: Json = {
        "type": "block_actions",
        "user": _user(shape),
        "api_app_id": "A0PURGE",
        "token": "a-verification-token",
        "container": {
            "type": "message",
            "message_ts": card["ts"],
            "channel_id": shape.channel,
            "is_ephemeral": False,
        },
        "trigger_id": trigger_id,
        "team": {"id": HOME, "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": shape.channel, "name": "web-publishing"},
        "message": {
            "type": "message",
            "user": "U0BOT",
            "bot_id": "B0BOT",
            "app_id": "A0PURGE",
            "team": HOME,
            "ts": card["ts"],
            "text": card["text"],
            "blocks": card["blocks"],
        },
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{**button, "action_ts": "1700000002.000300"}],
    }
    return _laid_over(whole, shape.changes)


def form(shape: Shape, view: Json, *, reason: str, trigger_id: str) -> Json:
    """Give the form of a denial as it is sent."""
    written = {"type": "plain_text_input", "value": reason}
    whole: Json = {
        "type": "view_submission",
        "team": {"id": HOME, "domain": "acme"},
        "user": _user(shape),
        "api_app_id": "A0PURGE",
        "token": "a-verification-token",
        "trigger_id": trigger_id,
        "view": {
            **{key: view[key] for key in ("type", "title", "submit", "close", "blocks")},
            **{key: view[key] for key in ("id", "callback_id", "private_metadata")},
            "team_id": HOME,
            "state": {"values": {"reason": {"reason": written}}},
            "hash": "1700000002.aBcDeF",
            "clear_on_close": False,
            "notify_on_close": False,
            "previous_view_id": None,
            "root_view_id": view["id"],
            "app_id": "A0PURGE",
            "external_id": "",
            "app_installed_team_id": HOME,
            "bot_id": "B0BOT",
        },
        "response_urls": [],
        "enterprise": None,
        "is_enterprise_install": False,
    }
    return _laid_over(whole, shape.changes)


def _user(shape: Shape) -> Json:
    name = shape.user.removeprefix("U0").lower()
    return {"id": shape.user, "username": name, "name": name, "team_id": HOME}


def _laid_over(whole: Json, changes: Json) -> Json:
    made = copy.deepcopy(whole)
    for key, change in changes.items():
        if change is ABSENT:
            del made[key]
        elif isinstance(change, dict) and isinstance(made.get(key), dict):
            made[key] = _laid_over(made[key], change)
        else:
            made[key] = change
    return made

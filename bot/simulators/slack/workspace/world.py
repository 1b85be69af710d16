"""The default workspace: who works at Acme Web, where they talk, and what the app may do there.

Everything here is JSON-able, so that another world can be written the same way and handed to
`SlackSim(world)`.  People without a `kind` are members.
"""

from __future__ import annotations

import copy
from typing import Any

BOT_USER = "U0BOT"
SLACKBOT = "USLACKBOT"

_EVERYONE = ["U0ANA", "U0SAM", "U0KIM", "U0ADA", "U0LEO", "U0GUS"]

_WORLD: dict[str, Any] = {
    "team": {"id": "T0TOWN", "name": "Acme Web", "domain": "acme"},
    "app": {"id": "A0PURGE", "name": "Purgebot", "bot_id": "B0BOT", "bot_user": BOT_USER},
    "scopes": [
        "commands",
        "chat:write",
        "users:read",
        "usergroups:read",
        "channels:history",
        "groups:history",
        "im:history",
        "im:write",
    ],
    "commands": [
        {
            "command": "/purge",
            "description": "Clear a cache tag from the CDN",
            "usage_hint": "domain tag[,tag…] [--force]",
        }
    ],
    # Events the app has subscribed to; others are not sent.
    "events": ["app_home_opened"],
    "people": [
        {"id": "U0ANA", "name": "ana", "real_name": "Ana Ortiz", "title": "Web editor"},
        {"id": "U0SAM", "name": "sam", "real_name": "Sam Reed", "title": "SRE"},
        {"id": "U0KIM", "name": "kim", "real_name": "Kim Park", "title": "SRE"},
        {
            "id": "U0ADA",
            "name": "ada",
            "real_name": "Ada Okafor",
            "title": "Owner",
            "kind": "admin",
        },
        {"id": "U0LEO", "name": "leo", "real_name": "Leo Blanc", "title": "Marketing"},
        {"id": "U0GUS", "name": "gus", "real_name": "Gus Hall", "title": "Agency", "kind": "guest"},
        {
            "id": "U0EVE",
            "name": "eve",
            "real_name": "Eve Stone",
            "title": "Partner Ltd",
            "kind": "outsider",
            "team_id": "T0OTHER",
        },
        {"id": "U0DEL", "name": "dan", "real_name": "Dan Lee", "title": "Left", "kind": "deleted"},
        {"id": BOT_USER, "name": "purgebot", "real_name": "Purgebot", "kind": "bot"},
        # Slack's own account says is_bot: false of itself.
        {"id": SLACKBOT, "name": "slackbot", "real_name": "Slackbot"},
    ],
    "groups": [
        {"id": "S0EDITORS", "handle": "editors", "name": "Editors", "users": ["U0ANA"]},
        {"id": "S0SRE", "handle": "sre", "name": "SRE", "users": ["U0SAM", "U0KIM"]},
        {"id": "S0MARKETING", "handle": "marketing", "name": "Marketing", "users": ["U0LEO"]},
    ],
    "channels": [
        {
            "id": "C0WEB",
            "name": "web-publishing",
            "topic": "What goes live, and when",
            "members": [*_EVERYONE, "U0EVE", BOT_USER],
        },
        {
            "id": "C0OPS",
            "name": "cdn-ops",
            "topic": "The CDN, its caches and its moods",
            "members": ["U0SAM", "U0KIM", "U0ADA", BOT_USER],
        },
        {"id": "C0RANDOM", "name": "random", "topic": "Cats", "members": [*_EVERYONE, "U0EVE"]},
        {
            "id": "C0LAUNCH",
            "name": "launch-secret",
            "kind": "private",
            "topic": "Friday",
            "members": ["U0ANA", "U0SAM"],
        },
        {"id": "D0ANASAM", "kind": "im", "members": ["U0ANA", "U0SAM"]},
        *(
            {"id": f"D0{name}BOT", "kind": "im", "members": [f"U0{name}", BOT_USER]}
            for name in ("ANA", "SAM", "KIM", "ADA", "LEO", "GUS")
        ),
    ],
}


def default_world() -> dict[str, Any]:
    """A fresh copy, free to change before it is handed over."""
    return copy.deepcopy(_WORLD)

"""What forged payloads are made of: words that mean something elsewhere, values of every type, and
the stage on which they appear.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bot.simulators.slack.events.http_mode import FORM

Payload = dict[str, Any]

INJECTIONS = (
    "' OR '1'='1' --",
    "P'); DROP TABLE purges; --",
    "{0.__class__} {holders} %s %(id)s",
    '{"purge_id": "P"}',
    '"}, {"yeses": ["U0SAM"]',
    "../../etc/passwd",
    "P\u0000",
    "\u202eP\u200b",
    "🦆" * 40,
    "Ｐ０００",
    "x" * 200_000,
    "x" * 2_001,
    "<!channel> <@U0SAM>",
    "",
    " ",
    "\n",
)
JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    float("nan"),
    float("inf"),
    2**70,
    "x",
    "",
    [],
    [1],
    [None],
    [[]],
    {},
    {"id": None},
    {"id": {"id": "U0SAM"}},
    {"id": ["U0SAM"]},
    {"0": {}},
    "x" * 10_000,
    "\ud800",
    "\u0000",
)
TRIGGERS = ("", " ", "x" * 10_000, "x" * 256, "1.2\u0000", "'; --", "\ud800")


@dataclass(frozen=True, slots=True)
class Forged:
    """One request to the door.  `age_s`: how old its signature says that it is."""

    name: str
    body: str
    content_type: str = FORM
    age_s: float = 0.0


@dataclass
class Stage:
    """What the attacker knows: real payloads that were seen, what stands, and a place of their own."""

    command: Payload
    press: Payload
    denial: Payload
    tags: Payload
    counted: list[Payload]
    """Presses and forms that have counted, as they were sent."""
    own: dict[str, str]
    """The requests that wait, and who asked."""
    ended: list[str]
    foreign: str
    """A URL that is not Slack's."""
    cursor: str


def form(payload: Payload) -> str:
    plain = {
        name: each if isinstance(each, str) else json.dumps(each) for name, each in payload.items()
    }
    return urlencode(plain, errors="replace")


def interaction(payload: Payload) -> str:
    return urlencode({"payload": json.dumps(payload)})


def sent(payload: Payload) -> str:
    return form(payload) if "command" in payload else interaction(payload)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Give every place of a payload where something stands, as its holder and its name there."""
    names = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    found = []
    for name in names:
        found += [(node, name), *places(node[name])]
    return found

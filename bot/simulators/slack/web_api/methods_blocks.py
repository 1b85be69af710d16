"""blocks.validate: what Slack would say to blocks, a message or a view, with nothing posted.

Source: https://docs.slack.dev/reference/methods/blocks.validate
"""

from __future__ import annotations

import re
from typing import Any

from bot.simulators.slack.block_kit.blocks import view_violations, violations
from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.workspace.model import Json

_KINDS = ("blocks", "message", "view")
_POINTER = re.compile(r" \[json-pointer:(?:/view)?(.*)\]$")


def validate(call: Call) -> Json:
    """Say what is wrong, each with its JSON pointer; nothing is told of where it is well."""
    given = [kind for kind in _KINDS if call.arguments.get(kind) is not None]
    if len(given) != 1:
        told = "must provide exactly one of `blocks`, `view`, or `message`"
        raise Refusal("invalid_arguments", response_metadata={"messages": [told]})
    [kind] = given
    found = call.structure(kind, "invalid_blocks")
    wrong = _wrong_in(kind, found)
    blocks = found if kind == "blocks" else _part(found, "blocks")
    if not wrong and call.workspace.faults.refuses(blocks):
        wrong = ["unsupported type [json-pointer:/blocks]"]
    if wrong:
        raise Refusal("invalid_blocks", errors=[_told(line) for line in wrong])
    return {}


def _wrong_in(kind: str, found: Any) -> list[str]:
    match kind:
        case "blocks":
            return violations(found, surface="message", pointer="")
        case "message":
            return violations(_part(found, "blocks"), surface="message")
        case _:
            home = _part(found, "type") == "home"
            return view_violations(found, surface="home" if home else "modal")


def _part(found: Any, name: str) -> Any:
    return found.get(name) if isinstance(found, dict) else None


def _told(line: str) -> Json:
    pointer = _POINTER.search(line)
    return {
        "code": "failed_constraint",
        "message": _POINTER.sub("", line),
        "pointer": pointer[1] if pointer else "",
    }

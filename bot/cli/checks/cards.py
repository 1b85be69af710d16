"""Every kind of card before Slack's own eyes: `blocks.validate`, which posts nothing.

https://docs.slack.dev/reference/methods/blocks.validate
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from bot.cli.checks import samples
from bot.cli.checks.results import CheckResult, Page, Setup, fail, ok, skip
from bot.slack.client import SlackClient
from bot.slack.errors import NO_ANSWER, SAID_NO, read_no

_METHOD = "blocks.validate"
_LONGEST_WAIT_S = 60.0
_REMEDY = (
    "Report this to whoever makes Purgebot, with the output of purgebot check --cards --json. "
    "Until it is mended, Slack may refuse that message."
)


class _NotTold(Exception):
    """Slack did not look.  The argument says why."""


def check_cards(setup: Setup) -> Iterator[CheckResult]:
    if setup.slack is None:
        yield skip("cards", "Slack cannot be used")
        return
    shown = [(name, "message", message.body) for name, message in samples.messages()]
    shown += [(name, "view", form) for name, form in samples.forms()]
    refused = False
    try:
        for name, kind, content in shown:
            if wrong := _look(setup.slack, kind, content):
                refused = True
                yield fail("cards", f"Slack refuses the {name}: {wrong}", _REMEDY, Page.CHECK)
    except _NotTold as why:
        yield skip("cards", str(why))
        return
    if not refused:
        yield ok("cards", f"Slack takes all {len(shown)} kinds of messages and forms")


def _look(client: SlackClient, kind: str, content: dict[str, Any]) -> str:
    """Return what Slack finds wrong with a message or a view; "" if nothing.  Raises: _NotTold."""
    given = {kind: json.dumps(content)}
    for _ in range(2):
        try:
            client.api_call(_METHOD, params=given)
        except SAID_NO as error:
            no = read_no(error)
            if no.is_limit and no.retry_after_s and no.retry_after_s <= _LONGEST_WAIT_S:
                time.sleep(no.retry_after_s)
                continue
            found = error.response.get("errors")
            if found:
                return "; ".join(_told(each) for each in found)
            raise _NotTold(f"Slack answers {no.code} to {_METHOD}") from None
        except NO_ANSWER:
            raise _NotTold(f"Slack does not answer to {_METHOD}") from None
        return ""
    raise _NotTold("Slack's rate limit")


def _told(wrong: Any) -> str:
    if not isinstance(wrong, dict):
        return str(wrong)[:200]
    return f"{wrong.get('message', '')} at {wrong.get('pointer', '')}"[:200]

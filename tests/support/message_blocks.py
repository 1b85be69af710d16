"""Purges of every state, and a measure of messages: what Slack, or a reader, would take amiss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.edge_check import EdgeFinding, EdgeSnapshot, Verdict
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Choice, Evidence, Failure, Purge, Refusal, State
from bot.simulators.slack.block_kit.blocks import text_violations, violations
from bot.slack.message import Message
from tests.support.messages import words

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MARKUP = re.compile(
    r"<(@[UW]\w+|!subteam\^S\w+|#[CGD]\w+|!date\^\d+\^\{time(_secs)?\}\|\d\d:\d\d UTC"
    r"|!date\^\d+\^\{date_short_pretty\} at \{time\}\|[\d-]+ \d\d:\d\d UTC)>"
)
LONGEST_DOMAIN = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
MANY = tuple(f"U{n:010}" for n in range(2000))


def a_purge(state: State = State.WAITING, **facts: Any) -> Purge:
    plain: dict[str, Any] = {
        "id": "P1M82J8FAHK949",
        "trigger_id": "1.2.3",
        "team_id": "T0TOWN",
        "channel_id": "C0WEB",
        "user_id": "U0ANA",
        "domain": "www.example.com",
        "tags": ("hero",),
        "force": state in {State.WAITING, State.DENIED, State.EXPIRED},
        "requested_at": AT,
        "state": state,
        **FACTS.get(state, {}),
    }
    return Purge(**(plain | facts))


SENT = {"task_id": "9524312", "request_id": "D61E4801", "sent_at": AT}
DECIDED = {"decided_by": "U0SAM", "decided_at": AT}
FACTS: dict[State, dict[str, Any]] = {
    State.REFUSED: {
        "refusal": Refusal("policy-no-rule", "No rule lets you.", ("sre",), ("S0SRE",))
    },
    State.WAITING: {"expires_at": AT + timedelta(minutes=30), "approvers": ("S0SRE", "U0KIM")},
    State.DENIED: DECIDED,
    State.EXPIRED: {"expires_at": AT + timedelta(minutes=30)},
    State.CANCELLED: DECIDED,
    State.HELD: {
        "failure": Failure("cdn-queue-full"),
        "held_until": AT + timedelta(seconds=60),
        "attempt": 1,
    },
    State.OFFERED: {
        "failure": Failure("cdn-daily-quota"),
        "held_until": AT + timedelta(hours=4),
        "attempt": 1,
    },
    State.JOINED: {"joined_to": "P1M82J8FAHK000"},
    State.QUEUED: {"joined_to": "P1M82J8FAHK000", "held_until": AT + timedelta(minutes=9)},
    State.SUBMITTED: SENT,
    State.RUNNING: {**SENT, "percent": 42},
    State.COMPLETE: {**SENT, "percent": 100, "settled_at": AT + timedelta(minutes=5)},
    State.UNREPORTED: {**SENT, "failure": Failure("cdn-task-unreported")},
    State.FAILED: {"failure": Failure("cdn-quota-day"), "request_id": "D61E4801"},
    State.UNKNOWN: {"failure": Failure("send-interrupted")},
}


def wrong(shown: Message) -> list[str]:
    """Give what is wrong with a message: for Slack, or for whoever reads it."""
    found = violations(list(shown.blocks), surface="message") + text_violations(shown.text)
    for text in [shown.text, *texts(shown.blocks)]:
        left = MARKUP.sub("", text)
        if "<" in left or ">" in left:
            found.append(f"something that Slack would take for markup: {text[:200]}")
        if re.search("&(?!amp;|lt;|gt;)", text):
            found.append(f"a character cut in two: …{text[-200:]}")
        if text.count("`") % 2:
            found.append(f"a code span without its end: …{text[-200:]}")
        if len(text) > 3000:
            found.append(f"{len(text)} characters")
    found += [
        f"mentions made of plain words: {node}"
        for node in mrkdwn(shown.blocks)
        if not node.get("verbatim")
    ]
    return found + [
        f"markup in a question, which Slack shows as it is: {asked['text']}"
        for block in shown.blocks
        for element in block.get("elements", ())
        if (asked := element.get("confirm")) and asked["text"]["type"] != "plain_text"
    ]


def mrkdwn(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield node
        for value in node.values():
            yield from mrkdwn(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from mrkdwn(value)


def texts(node: Any) -> list[str]:
    return [found["text"] for found in mrkdwn(node)]


def said(shown: Message) -> str:
    return words({"blocks": list(shown.blocks), "text": shown.text})


def _proved(finding: EdgeFinding) -> tuple[Evidence, ...]:
    seen = EdgeSnapshot("https://www.example.com/", AT, status=200)
    return (Evidence(seen, seen, Verdict(finding, "")),)


APPROVED = {"approvals": (Approval("U0SAM", AT),), "approvals_counted": 1, "quorum": 2}
DOUBT = {"doubt": Failure("cdn-server-error", {"http_status": "503"})}
UNCHANGED = _proved(EdgeFinding.UNCHANGED)
VARIANTS: dict[str, Purge] = {
    **{state.value: a_purge(state) for state in State},
    "refused-doubt": a_purge(State.REFUSED, **DOUBT),
    "expired-partly": a_purge(State.EXPIRED, needs="2 approvals", **APPROVED),
    "stopped": a_purge(State.CANCELLED, send_at=AT, **APPROVED),
    "cancelled-doubt": a_purge(State.CANCELLED, **DOUBT),
    "undo": a_purge(State.READY, force=True, send_at=AT, **APPROVED),
    "held-doubt": a_purge(State.HELD, failure=DOUBT["doubt"], attempt=1),
    "held-new-day": a_purge(State.HELD, failure=Failure("cdn-daily-quota"), **DECIDED),
    "joined-sent": a_purge(State.JOINED, sent_at=AT),
    "submitted-silent": a_purge(State.SUBMITTED, notified_at=AT),
    "complete-forced": a_purge(State.COMPLETE, force=True),
    "complete-unchanged": a_purge(State.COMPLETE, evidence=UNCHANGED),
    "complete-unchanged-forced": a_purge(State.COMPLETE, force=True, evidence=UNCHANGED),
    "failed-task": a_purge(State.FAILED, task_id="9524312", failure=Failure("cdn-task-failed")),
    "failed-held": a_purge(State.FAILED, failure=Failure("cdn-queue-full"), held_since=AT),
    "lapsed": a_purge(State.FAILED, failure=Failure("cdn-daily-quota"), held_until=AT),
    "unknown-forced": a_purge(State.UNKNOWN, force=True),
    "unknown-joined": a_purge(State.UNKNOWN, joined_to="P1M82J8FAHK000"),
    "unknown-decided": a_purge(State.UNKNOWN, choice=Choice("leave", "U0SAM", AT)),
}
"""A purge for every way in which a card can read (`handlers.blocks.naming.WORDING`)."""

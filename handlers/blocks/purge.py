"""The card of a purge: what happened, to what, by whom; true at every version of the purge.

title        one line that a hurried reader needs
what         domain and tags, and what the kind of purge means
(why)        the reason, or the error and what to do
small print  who asked, who decided, the IDs to quote to the CDN's support
(buttons)    while somebody has to decide
"""

from __future__ import annotations

from datetime import datetime

from bot.core import catalogue
from bot.core.domains import display_domain
from bot.core.errors import Problem
from bot.core.purge import Purge, State
from handlers.blocks import kit
from handlers.blocks.error import problem_text, refusal
from handlers.blocks.kit import Block, Message, code, codes, escape, mention, moment

APPROVE = "purge:approve"
DENY = "purge:deny"
CANCEL = "purge:cancel"

PLAIN_MEANS = "The edge asks the origin, and keeps what has not changed."
FORCE_MEANS = "Every edge fetches these objects from the origin again, changed or not."
FORCE_RISK = "That can overload the origin."
_TITLES = {
    State.REQUESTED: (":hourglass_flowing_sand:", "Checking your rights…"),
    State.WAITING: (":raised_hand:", "{Kind} waits for approval"),
    State.DENIED: (":no_entry:", "{Kind} denied: nothing was purged"),
    State.EXPIRED: (":alarm_clock:", "{Kind} expired: nobody decided in time, nothing was purged"),
    State.CANCELLED: (":wastebasket:", "{Kind} cancelled by its requester: nothing was purged"),
    State.READY: (":hourglass_flowing_sand:", "{Kind}: sending to the CDN…"),
    State.SENDING: (":hourglass_flowing_sand:", "{Kind}: sending to the CDN…"),
    State.SUBMITTED: (":white_check_mark:", "{Kind} submitted: the CDN has taken it"),
    State.FAILED: (":x:", "{Kind} failed: nothing was purged"),
    State.UNKNOWN: (":warning:", "{Kind}: outcome unknown"),
}


def card(purge: Purge) -> Message:
    """Give the card as it should read now; a refusal is for its requester alone."""
    if purge.state is State.REFUSED:
        return refusal(purge)
    emoji, title = _TITLES[purge.state]
    kind = "Forced purge" if purge.force else "Purge"
    title = title.format(Kind=kind)
    domain = display_domain(purge.domain)
    shown_domain = code(purge.domain) + (f" ({escape(domain)})" if domain != purge.domain else "")
    lines = [f"{emoji} *{title}*", f"{shown_domain} · tags {codes(purge.tags)}"]
    if purge.task_id:
        lines.append(f"Task {code(purge.task_id)}")
    blocks = [
        kit.section("\n".join(lines)),
        *_explanation(purge),
        kit.context(*_small_print(purge)),
    ]
    if purge.state is State.WAITING:
        blocks.append(_buttons(purge))
    fallback = f"{title}: {escape(purge.domain)}, tags {escape(', '.join(purge.tags), 300)}"
    if purge.task_id:
        fallback += f", task {escape(purge.task_id)}"
    return kit.message(fallback, *blocks)


def _explanation(purge: Purge) -> list[Block]:
    parts = []
    if purge.failure is not None:
        problem = Problem(catalogue.kind(purge.failure.code), purge.failure.facts)
        parts.append(problem_text(problem))
    elif purge.state is State.WAITING and purge.force:
        parts.append(f"{FORCE_MEANS} {FORCE_RISK}")
    elif purge.state in {State.WAITING, State.SUBMITTED}:
        parts.append(FORCE_MEANS if purge.force else PLAIN_MEANS)
    elif purge.state is State.EXPIRED:
        parts.append("If it is still wanted, ask for it again with /purge.")
    blocks = [kit.section("\n".join(parts))] if parts else []
    if purge.reason:  # in a block of its own: escaped it may be five times as long as it was
        blocks.append(kit.section(f"*Reason:* {escape(purge.reason)}"))
    return blocks


def _small_print(purge: Purge) -> list[str]:
    """Give up to ten short facts, the most a context block holds."""
    facts = [f"Asked by {mention(purge.user_id)}"]
    if purge.state is State.WAITING and purge.expires_at:
        facts.append(f"Can decide: {kit.listing(purge.approvers)}, but not the requester")
        if purge.quorum > 1:
            needs = escape(purge.needs or "", 300)
            facts.append(f"Approved {purge.counted} of {purge.quorum}: it takes {needs}")
        facts.append(f"Expires at {moment(purge.expires_at)}")
    if purge.yeses:
        given = ", ".join(_who_when(yes.user_id, yes.at) for yes in purge.yeses[:8])
        facts.append(f"Approved by {given}")
    if purge.state is State.DENIED and purge.decided_by and purge.decided_at:
        facts.append(f"Denied by {_who_when(purge.decided_by, purge.decided_at)}")
    if purge.state is State.SUBMITTED:
        facts.append("Usually takes 5 to 6 minutes")
    if purge.request_id:
        facts.append(f"CDN request {code(purge.request_id)}")
    facts.append(f"Purge {code(purge.id)}")
    return facts


def _who_when(user_id: str, at: datetime) -> str:
    return f"{mention(user_id)} at {moment(at)}"


def _buttons(purge: Purge) -> Block:
    """Give Approve, Deny and Cancel; they carry the purge's ID and nothing else.

    Everybody sees all three, for a message is the same for all its readers; who may press which
    is decided at the press.
    """
    confirm = {
        "title": kit.plain(f"Approve this {'forced purge' if purge.force else 'purge'}?"),
        "text": kit.mrkdwn(
            f"{code(purge.domain, 90)}: {codes(purge.tags, 90)}\nAsked by {mention(purge.user_id)}"
        ),
        "confirm": kit.plain("Approve"),
        "deny": kit.plain("Go back"),
    }
    return {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": APPROVE,
                "text": kit.plain("Approve"),
                "style": "primary",
                "value": purge.id,
                "confirm": confirm,
            },
            {
                "type": "button",
                "action_id": DENY,
                "text": kit.plain("Deny"),
                "style": "danger",
                "value": purge.id,
            },
            {
                "type": "button",
                "action_id": CANCEL,
                "text": kit.plain("Cancel request"),
                "value": purge.id,
                "confirm": {
                    "title": kit.plain("Cancel this request?"),
                    "text": kit.mrkdwn("Only its requester can. Nothing will be purged."),
                    "confirm": kit.plain("Cancel request"),
                    "deny": kit.plain("Go back"),
                },
            },
        ],
    }

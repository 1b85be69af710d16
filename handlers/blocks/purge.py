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
from handlers.blocks.briefing import origin_risk, who_can_decide
from handlers.blocks.buttons import buttons
from handlers.blocks.error import problem_text, refusal
from handlers.blocks.kit import Block, Message, code, codes, escape, mention, moment
from handlers.blocks.progress import (
    FORCE_MEANS,
    PLAIN_MEANS,
    after_submission,
    took,
    waits_for_new_day,
)
from handlers.blocks.quota_warning import low_quota_line

FORCE_RISK = "That can overload the origin."
_TITLES = {
    State.REQUESTED: (":hourglass_flowing_sand:", "Checking your rights…"),
    State.WAITING: (":raised_hand:", "{Kind} waits for approval"),
    State.DENIED: (":no_entry:", "{Kind} denied: nothing was purged"),
    State.EXPIRED: (":alarm_clock:", "{Kind} expired: nobody decided in time, nothing was purged"),
    State.CANCELLED: (":wastebasket:", "{Kind} cancelled: nothing was purged"),
    State.READY: (":hourglass_flowing_sand:", "{Kind}: sending to the CDN…"),
    State.SENDING: (":hourglass_flowing_sand:", "{Kind}: sending to the CDN…"),
    State.HELD: (":double_vertical_bar:", "{Kind} held: the CDN does not take it now"),
    State.OFFERED: (":no_entry_sign:", "{Kind} not sent: the CDN's quota is used up"),
    State.JOINED: (":link:", "{Kind} joined to one of the same"),
    State.SUBMITTED: (":white_check_mark:", "{Kind} submitted: the CDN has taken it"),
    State.RUNNING: (":arrows_counterclockwise:", "{Kind} running"),
    State.COMPLETE: (":white_check_mark:", "{Kind} complete"),
    State.UNREPORTED: (":grey_question:", "{Kind} submitted: the CDN reported no end"),
    State.FAILED: (":x:", "{Kind} failed: nothing was purged"),
    State.UNKNOWN: (":warning:", "{Kind}: outcome unknown"),
}


def card(purge: Purge, *, calls: bool = False) -> Message:
    """Give the card as it should read now; a refusal is for its requester alone.

    `calls`: it stands in the channel where people are called to decide, and so it calls them.
    """
    if purge.state is State.REFUSED:
        return refusal(purge)
    emoji, title = _title(purge)
    domain = display_domain(purge.domain)
    shown_domain = code(purge.domain) + (f" ({escape(domain)})" if domain != purge.domain else "")
    lines = [f"{emoji} *{title}*", f"{shown_domain} · tags {codes(purge.tags)}"]
    if purge.break_glass:
        lines.append(":rotating_light: *Break-glass:* it did not wait for the approval of others.")
    if purge.task_id:
        lines.append(f"Task {code(purge.task_id)}")
    blocks = [
        kit.section("\n".join(lines)),
        *_explanation(purge),
        kit.context(*_small_print(purge, calls=calls)),
        *buttons(purge),
    ]
    fallback = f"{title}: {escape(purge.domain)}, tags {escape(', '.join(purge.tags), 300)}"
    if purge.task_id:
        fallback += f", task {escape(purge.task_id)}"
    return kit.message(fallback, *blocks)


def _title(purge: Purge) -> tuple[str, str]:
    emoji, title = _TITLES[purge.state]
    kind = "Forced purge" if purge.force else "Purge"
    if purge.state is State.READY and purge.send_at is not None:
        return emoji, f"{kind} approved: it goes out at {moment(purge.send_at, '{time_secs}')}"
    if waits_for_new_day(purge):
        return emoji, f"{kind} waits for the CDN's new day"
    if purge.state is State.CANCELLED and purge.doubt:
        return emoji, f"{kind} cancelled: it is not tried again"
    if purge.state is State.FAILED and purge.task_id:
        return emoji, f"{kind} failed: the CDN did not complete it"
    return emoji, title.format(Kind=kind)


def _explanation(purge: Purge) -> list[Block]:
    parts: list[str] = []
    if purge.failure is not None:
        problem = Problem(catalogue.kind(purge.failure.code), purge.failure.facts)
        # What is to be done about it is said by the card itself, where the bot goes on by itself.
        goes_on = purge.state in {State.HELD, State.OFFERED}
        parts.append(problem_text(problem).partition("\n")[0] if goes_on else problem_text(problem))
    elif purge.state is State.WAITING and purge.force:
        parts.append(f"{FORCE_MEANS} {FORCE_RISK}")
    elif purge.state is State.WAITING:
        parts.append(PLAIN_MEANS)
    elif purge.state is State.EXPIRED:
        parts.append("If it is still wanted, ask for it again with /purge.")
    elif purge.state is State.READY and purge.send_at is not None:
        parts.append("Until then it can be cancelled.")
    if purge.state is State.WAITING and purge.briefing is not None:
        parts += origin_risk(purge.briefing)
    parts += after_submission(purge)
    if purge.low_quota is not None:
        parts.append(low_quota_line(purge.low_quota))
    blocks = [kit.section("\n".join(parts))] if parts else []
    if purge.reason:  # in a block of its own: escaped it may be five times as long as it was
        blocks.append(kit.section(f"*Reason:* {escape(purge.reason)}"))
    if purge.denial:
        blocks.append(kit.section(f"*Why it was denied:* {escape(purge.denial)}"))
    return blocks


def _small_print(purge: Purge, *, calls: bool) -> list[str]:
    """Give up to ten short facts, the most a context block holds."""
    where = f" in <#{purge.channel_id}>" if calls else ""
    facts = [f"Asked by {mention(purge.user_id)}{where}"]
    if purge.state is State.WAITING and purge.expires_at:
        facts.append(who_can_decide(purge, calls=calls))
        if purge.quorum > 1:
            needs = escape(purge.needs or "", 300)
            facts.append(f"Approved {purge.counted} of {purge.quorum}: it takes {needs}")
        facts.append(f"Expires at {moment(purge.expires_at)}")
    if purge.yeses:
        given = ", ".join(_who_when(yes.user_id, yes.at) for yes in purge.yeses[:8])
        facts.append(f"Approved by {given}")
    if purge.state is State.DENIED and purge.decided_by and purge.decided_at:
        facts.append(f"Denied by {_who_when(purge.decided_by, purge.decided_at)}")
    if purge.state is State.CANCELLED and purge.decided_by and purge.decided_at:
        facts.append(f"Cancelled by {_who_when(purge.decided_by, purge.decided_at)}")
    if purge.found_at:
        facts.append(f"The CDN's answer was lost; its task was found at {moment(purge.found_at)}")
    if how_long := took(purge):
        facts.append(how_long)
    if purge.follows:
        facts.append(f"After purge {code(purge.follows)}")
    if purge.request_id:
        facts.append(f"CDN request {code(purge.request_id)}")
    facts.append(f"Purge {code(purge.id)}")
    return facts


def _who_when(user_id: str, at: datetime) -> str:
    return f"{mention(user_id)} at {moment(at)}"

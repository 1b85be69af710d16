"""The card of a purge: what is asked, by whom, why, how risky; then the rest; the IDs at the end.

title        one line with the most important fact
what         domain and tags
by whom      and whether they broke the glass
(all tags)   a button, if not all tags fit
(why)        the requester's reason, and that of a denial
what is so   and what comes next, with the risk and the load of the web server while it waits
small print  who can decide, who decided, how long it took
(buttons)    while somebody has to decide
IDs          for the CDN's support and for /purge status
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.message import Route
from bot.core.purge.milestones import waits_for_people
from bot.core.purge.purge import Purge, State
from bot.core.text.domain_name import display_domain
from bot.slack.message import Block, Message
from handlers.blocks import kit
from handlers.blocks.briefing import origin_risk, who_can_decide
from handlers.blocks.buttons import buttons
from handlers.blocks.doubt import new_tags_lines
from handlers.blocks.kit import code, escape, mention, moment, prose
from handlers.blocks.naming import FORCE_MEANS, Called, wording
from handlers.blocks.progress import body, took
from handlers.blocks.quota import low_quota_line
from handlers.blocks.refusal import refusal
from handlers.blocks.tags import aloud, show_all, shown_tags

IDS = "ids"
"""The block of the IDs."""


def card(purge: Purge, *, calls: bool = False) -> Message:
    """Return the card in its current state.  A refusal is shown only to the requester.

    `calls`: the card is in the channel where people are called to decide, so it calls them.
    """
    if purge.state is State.REFUSED:
        return refusal(purge)
    called = wording(purge)
    domain = display_domain(purge.domain)
    shown_domain = code(purge.domain) + (f" ({prose(domain)})" if domain != purge.domain else "")
    tags = shown_tags(purge)
    where = f" in <#{purge.channel_id}>" if calls else ""
    lines = [
        f":{called.emoji}: *{called.title}*",
        f"{shown_domain} · {tags.head}",
        *tags.lines,
        f"Asked by {mention(purge.user_id)}{where}",
    ]
    if purge.break_glass:
        lines.append(":rotating_light: *Break-glass:* it did not wait for the approval of others.")
    small = _small_print(purge, calls=calls)
    return kit.message(
        _fallback(purge, called.title),
        kit.section("\n".join(lines)),
        *show_all(purge),
        *_reasons(purge),
        kit.section("\n".join(_body(purge, called))),
        *([kit.context(*small)] if small else []),
        *buttons(purge, calls=calls),
        {**kit.context(_ids(purge)), "block_id": IDS},
    )


def _fallback(purge: Purge, title: str) -> str:
    """Return the text for notifications and screen readers: who, what, why, and how risky."""
    who, what = mention(purge.user_id), f"{prose(purge.domain)}, {aloud(purge)}"
    if purge.state is State.WAITING:
        why = f"Reason: {code(purge.reason)}" if purge.reason else "No reason was given"
        return (
            f"{title}: {who} asks for {what}. {why}. {FORCE_MEANS if purge.force else ''}".strip()
        )
    task = f", task {prose(purge.task_id)}" if purge.task_id else ""
    return f"{title}: {what}, asked by {who}{task}"


def unedited(message: Message, purge: Purge, route: Route, until: datetime) -> Message:
    """Return a card from a response URL with a note that it cannot be edited, and where news is
    posted until `until` by this `route`.  A card that shows an end needs no note.
    """
    if purge.settled and not waits_for_people(purge):
        return message
    stays = "shows no progress" if route is Route.REPLACE else "stays as it is"
    told = (
        f":information_source: I am no member here, so this message {stays}. I post the outcome here "
        f"until {moment(until)}; after that I send it to {mention(purge.user_id)}."
    )
    return replace(message, blocks=(*message.blocks, kit.context(told)))


def told_in_private() -> Message:
    """Return the answer to a command in a shared channel, where nothing of it is posted."""
    told = (
        ":information_source: This channel is shared, so I post nothing about your purge here. "
        "I tell you in a direct message."
    )
    return kit.message(told, kit.section(told))


def _reasons(purge: Purge) -> list[Block]:
    blocks = [kit.quoted("Reason:", purge.reason)] if purge.reason else []
    if purge.denial:
        blocks.append(kit.quoted("Why it was denied:", purge.denial))
    return blocks


def _body(purge: Purge, called: Called) -> list[str]:
    lines = body(purge, called)
    if purge.state is State.WAITING and purge.briefing is not None:
        lines[1:1] = origin_risk(purge.briefing)
    lines += new_tags_lines(purge)
    if purge.low_quota is not None:
        lines.append(low_quota_line(purge.low_quota))
    return lines


def _small_print(purge: Purge, *, calls: bool) -> list[str]:
    """Return up to ten short facts, the maximum of a context block."""
    facts = []
    if purge.state is State.WAITING and purge.expires_at:
        facts.append(who_can_decide(purge, calls=calls))
        if purge.quorum > 1:
            needs = escape(purge.needs or "", 300)
            facts.append(f"Approved {purge.approvals_counted} of {purge.quorum}: it takes {needs}")
    if purge.approvals:
        given = ", ".join(_who_when(yes.user_id, yes.at) for yes in purge.approvals[:8])
        facts.append(f"Approved by {given}")
    if purge.found_at:
        facts.append(f"The CDN's answer was lost; its task was found at {moment(purge.found_at)}")
    if how_long := took(purge):
        facts.append(how_long)
    return facts


def _ids(purge: Purge) -> str:
    """Return the IDs, each in a code span, so that it can be copied."""
    ids = {
        "Task": purge.task_id,
        "CDN request": purge.request_id,
        "After purge": purge.follows,
        "Purge": purge.id,
    }
    return " · ".join(f"{name} {code(each)}" for name, each in ids.items() if each)


def _who_when(user_id: str, at: datetime) -> str:
    return f"{mention(user_id)} at {moment(at)}"

"""The card of a purge: what happened, to what, by whom; correct for every version of the purge.

title        one line with the most important fact
what         domain and tags, and what the kind of purge means
(all tags)   a button, if not all tags fit
(why)        the reason, or the error and what to do
small print  who asked, who decided, the IDs for the CDN's support
(buttons)    while somebody has to decide
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
from handlers.blocks.error import explained, refusal
from handlers.blocks.kit import code, escape, mention, moment, prose
from handlers.blocks.naming import STATES, title_of
from handlers.blocks.progress import FORCE_MEANS, PLAIN_MEANS, after_submission, took
from handlers.blocks.quota import low_quota_line
from handlers.blocks.tags import aloud, show_all, shown_tags

FORCE_RISK = "That can overload the origin."


def card(purge: Purge, *, calls: bool = False) -> Message:
    """Return the card in its current state.  A refusal is shown only to the requester.

    `calls`: the card is in the channel where people are called to decide, so it calls them.
    """
    if purge.state is State.REFUSED:
        return refusal(purge)
    title = title_of(purge)
    domain = display_domain(purge.domain)
    shown_domain = code(purge.domain) + (f" ({prose(domain)})" if domain != purge.domain else "")
    tags = shown_tags(purge)
    lines = [
        f":{STATES[purge.state].emoji}: *{title}*",
        f"{shown_domain} · {tags.head}",
        *tags.lines,
    ]
    if purge.break_glass:
        lines.append(":rotating_light: *Break-glass:* it did not wait for the approval of others.")
    if purge.task_id:
        lines.append(f"Task {code(purge.task_id)}")
    blocks = [
        kit.section("\n".join(lines)),
        *show_all(purge),
        *_explanation(purge),
        kit.context(*_small_print(purge, calls=calls)),
        *buttons(purge),
    ]
    fallback = f"{title}: {prose(purge.domain)}, {aloud(purge)}"
    if purge.task_id:
        fallback += f", task {prose(purge.task_id)}"
    return kit.message(fallback, *blocks)


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


def _explanation(purge: Purge) -> list[Block]:
    parts: list[str] = []
    if purge.failure is not None:
        # If the bot goes on by itself, the card says what happens, so the hint is left out.
        goes_on = purge.state in {State.HELD, State.OFFERED}
        text = explained(purge.failure)
        parts.append(text.partition("\n")[0] if goes_on else text)
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
    parts += new_tags_lines(purge)
    if purge.low_quota is not None:
        parts.append(low_quota_line(purge.low_quota))
    blocks = [kit.section("\n".join(parts))] if parts else []
    if purge.reason:
        blocks.append(kit.quoted("Reason:", purge.reason))
    if purge.denial:
        blocks.append(kit.quoted("Why it was denied:", purge.denial))
    return blocks


def _small_print(purge: Purge, *, calls: bool) -> list[str]:
    """Return up to ten short facts, the maximum of a context block."""
    where = f" in <#{purge.channel_id}>" if calls else ""
    facts = [f"Asked by {mention(purge.user_id)}{where}"]
    if purge.state is State.WAITING and purge.expires_at:
        facts.append(who_can_decide(purge, calls=calls))
        if purge.quorum > 1:
            needs = escape(purge.needs or "", 300)
            facts.append(f"Approved {purge.approvals_counted} of {purge.quorum}: it takes {needs}")
        facts.append(f"Expires at {moment(purge.expires_at)}")
    if purge.approvals:
        given = ", ".join(_who_when(yes.user_id, yes.at) for yes in purge.approvals[:8])
        facts.append(f"Approved by {given}")
    if purge.state in {State.DENIED, State.CANCELLED} and purge.decided_by and purge.decided_at:
        did = purge.state.value.capitalize()
        facts.append(f"{did} by {_who_when(purge.decided_by, purge.decided_at)}")
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

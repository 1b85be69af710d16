"""What a card tells those who decide: who they are, and the load of the origin."""

from __future__ import annotations

from bot.core.policy.approvers import MEMBERSHIP_WORDS, Briefing, Traffic
from bot.core.policy.decision import Membership
from bot.core.purge.purge import ApprovalStatus, Purge
from handlers.blocks.kit import either, escape, listing, mention


def who_can_decide(purge: Purge, *, calls: bool) -> str:
    """Return who can decide, and call those whom the policy wants to be called.

    If people are called in another channel, or only some are called, the others are named by the
    titles of their roles, because a title notifies nobody.
    """
    briefing = purge.briefing
    if briefing is None:  # stored by an older version
        return f"Can decide: {listing(purge.approvers)}, but not the requester"
    out_of_reach = _out_of_reach(purge)
    elsewhere = briefing.channel_id not in {None, purge.channel_id} and not calls
    if not briefing.called:
        called = "Called a moment ago. "
    elif elsewhere:
        called = f"Called in <#{briefing.channel_id}>. "
    elif briefing.called != purge.approvers:
        called = f"{listing(briefing.called)}: please decide. "
    else:
        called = ""
    titles = either([escape(title, 200) for title in briefing.titles])
    quiet = bool(called) and bool(titles)
    who = titles if quiet else listing(purge.approvers)
    return f"{called}Can decide: {who}{_how_many(briefing.people)}, but not the requester{out_of_reach}"


def _out_of_reach(purge: ApprovalStatus) -> str:
    """Return the people whom the policy names but who can have no rights, each with the reason."""
    lost = [each.split() for each in purge.unreachable]
    named = [f"{mention(who)} ({MEMBERSHIP_WORDS[Membership(what)]})" for who, what in lost]
    return f". Cannot be reached: {either(named)}" if named else ""


def origin_risk(briefing: Briefing) -> list[str]:
    """Return the load of the origin, one line each: purges of the domain, and peak hours."""
    lines = []
    if briefing.traffic is not None:
        lines.append(_traffic(briefing.traffic))
    if briefing.peak is not None:
        lines.append(f":warning: Peak hours when it was asked: {escape(briefing.peak, 200)}")
    return lines


def _traffic(traffic: Traffic) -> str:
    if traffic == Traffic():
        return "This domain was not purged in the last 24 hours."
    flight = ""
    if traffic.in_flight:
        flight = f" *{traffic.in_flight} may be at work right now.*"
    return (
        f"Purges of this domain: {traffic.forced_hour} forced and {traffic.plain_hour} plain in the "
        f"last hour, {traffic.forced_day} forced and {traffic.plain_day} plain in the last 24 hours.{flight}"
    )


def _how_many(people: int | None) -> str:
    if people is None:
        return ""
    return f" ({people} {'person' if people == 1 else 'people'})"

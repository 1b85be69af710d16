"""Notes below a card: the outcome for the requester; what calls those who may decide."""

from __future__ import annotations

from bot.core import catalogue
from bot.core.errors import Problem
from bot.core.purge import Purge, State
from handlers.blocks import kit
from handlers.blocks.error import problem_text
from handlers.blocks.kit import Message, code, escape, listing, mention, moment
from handlers.blocks.progress import USUALLY, took


def outcome(purge: Purge) -> Message:
    """Give how a request ended on which others had a say; it calls the requester by name."""
    what = f"{mention(purge.user_id)}, your {_kind(purge)} of {code(purge.domain)} {_ending(purge)}"
    return kit.message(what, kit.section(what))


def reminder(purge: Purge) -> Message:
    """Give the one reminder that a waiting request gets."""
    assert purge.expires_at is not None, "only a waiting request is reminded of"
    return _calling(purge, f"still waits. It expires at {moment(purge.expires_at)}.")


def call_below(purge: Purge) -> Message:
    """Call those who may decide below the card, where their own channel cannot be reached."""
    return _calling(purge, "waits for your decision. (I could not post it in your channel.)")


def glass_broken(purge: Purge) -> Message:
    """Tell those who could have decided that somebody did not wait for them, and why."""
    who = listing(_called(purge))
    what = (
        f":rotating_light: {who}: {mention(purge.user_id)} broke the glass. The {_kind(purge)} of "
        f"{code(purge.domain)} runs *without your approval*.\n"
        f"*Reason:* {escape(purge.reason or '')}"
    )
    return kit.message(what, kit.section(what))


def _calling(purge: Purge, what: str) -> Message:
    said = (
        f"{listing(_called(purge))}: the {_kind(purge)} of {code(purge.domain)} that "
        f"{mention(purge.user_id)} asked for {what}"
    )
    return kit.message(said, kit.section(said))


def _called(purge: Purge) -> tuple[str, ...]:
    return purge.briefing.called if purge.briefing else purge.approvers


def _kind(purge: Purge) -> str:
    return "forced purge" if purge.force else "purge"


def _ending(purge: Purge) -> str:
    match purge.state:
        case State.DENIED:
            why = f": “{escape(purge.denial)}”" if purge.denial else ""
            return f"was denied by {mention(purge.decided_by or '')}{why}. Nothing was purged."
        case State.CANCELLED:
            sure = "It is not tried again." if purge.doubt else "Nothing was purged."
            return f"was stopped by {mention(purge.decided_by or '')}. {sure}"
        case State.EXPIRED:
            return "expired: not enough people approved it in time. Nothing was purged."
        case State.REFUSED if purge.refusal is not None:
            return f"was not sent. {escape(purge.refusal.sentence, 500)}"
        case _:
            return f"{_granted(purge)}{_outcome(purge)}"


def _outcome(purge: Purge) -> str:
    """Give what the CDN made of it."""
    task = code(purge.task_id or "")
    match purge.state:
        case State.COMPLETE:
            how_long = took(purge)
            return f"is complete. {how_long}." if how_long else "is complete."
        case State.FAILED if purge.failure is not None:
            where = " at the CDN" if purge.task_id else ""
            problem = Problem(catalogue.kind(purge.failure.code), purge.failure.facts)
            return f"failed{where}. {problem_text(problem)}"
        case State.UNREPORTED:
            return f"was submitted (task {task}), but the CDN reported no end of it."
        case State.UNKNOWN:
            sent = "was sent, but nobody" if purge.sent_at else "was not sent in time, and nobody"
            return (
                f"{sent} knows whether the CDN took it. "
                "Please decide on the card: purge again, or leave it."
            )
        case _:
            return f"was submitted (task {task}). The CDN does not report its progress; {USUALLY}."


def _granted(purge: Purge) -> str:
    people = listing(yes.user_id for yes in purge.yeses).replace(" or ", " and ")
    return f"was approved by {people}, and " if purge.yeses else ""

"""Notes below a card: the outcome for the requester, a reminder for those who may decide."""

from __future__ import annotations

from bot.core import catalogue
from bot.core.errors import Problem
from bot.core.purge import Purge, State
from handlers.blocks import kit
from handlers.blocks.error import problem_text
from handlers.blocks.kit import Message, code, escape, listing, mention, moment


def outcome(purge: Purge) -> Message:
    """Give how a request ended on which others had a say; it calls the requester by name."""
    kind = "forced purge" if purge.force else "purge"
    what = f"{mention(purge.user_id)}, your {kind} of {code(purge.domain)} {_ending(purge)}"
    return kit.message(what, kit.section(what))


def reminder(purge: Purge) -> Message:
    """Give the one reminder that a waiting request gets."""
    assert purge.expires_at is not None, "only a waiting request is reminded of"
    kind = "forced purge" if purge.force else "purge"
    what = (
        f"{listing(purge.approvers)}: the {kind} of {code(purge.domain)} that "
        f"{mention(purge.user_id)} asked for still waits. It expires at {moment(purge.expires_at)}."
    )
    return kit.message(what, kit.section(what))


def _ending(purge: Purge) -> str:
    by = listing(yes.user_id for yes in purge.yeses).replace(" or ", " and ")
    match purge.state:
        case State.DENIED:
            return f"was denied by {mention(purge.decided_by or '')}. Nothing was purged."
        case State.EXPIRED:
            return "expired: not enough people approved it in time. Nothing was purged."
        case State.SUBMITTED:
            return f"was approved by {by} and submitted: task {code(purge.task_id or '')}."
        case State.FAILED if purge.failure is not None:
            problem = Problem(catalogue.kind(purge.failure.code), purge.failure.facts)
            return f"was approved by {by}, but failed. {problem_text(problem)}"
        case State.REFUSED if purge.refusal is not None:
            return f"was not sent. {escape(purge.refusal.sentence, 500)}"
        case _:
            return f"was approved by {by} and sent, but nobody knows whether the CDN took it."

"""Errors and refusals as people read them: what happened, then what to do, then the code."""

from __future__ import annotations

from bot.core import catalogue
from bot.core.errors import STORE_SLOW, UNEXPECTED, Problem
from bot.core.post import Notice
from bot.core.purge import Purge
from bot.core.question_errors import KINDS as QUESTIONS
from handlers.blocks import kit
from handlers.blocks.kit import FACT_LIMIT, TAG_LIMIT, Message, code, codes, either, listing, speak

_LONGEST_CORRECTION = 1000
_PERHAPS_TAKEN = (STORE_SLOW, UNEXPECTED)


def problem_text(problem: Problem) -> str:
    """Give the sentence and the next step of a problem, its facts made safe to show."""
    shown = Problem(problem.kind, {name: speak(name, fact) for name, fact in problem.facts.items()})
    return f"{shown.message}\n{shown.hint}"


def error(problem: Problem, corrected: str | None = None) -> Message:
    """Give an error message; `corrected` is the command as it may have been meant."""
    shown = problem_text(problem)
    blocks = [kit.section(f":warning: {shown}")]
    # What is offered will be copied, so it must be whole and hold no look-alikes.
    meant = code(corrected or "")
    if corrected and len(meant) < _LONGEST_CORRECTION and "`" not in corrected:
        blocks.append(kit.section(f"Did you mean: {meant}"))
    sure = "" if problem.kind in (*_PERHAPS_TAKEN, *QUESTIONS) else "Nothing was purged · "
    blocks.append(kit.context(f"{sure}{code(problem.code)}"))
    return kit.message(shown, *blocks)


def notice(said: Notice) -> Message:
    """Give a whisper: the answer to a press that did not count."""
    problem = Problem(catalogue.kind(said.code), said.facts)
    shown = problem_text(problem)
    return kit.message(shown, kit.section(f":warning: {shown}"), kit.context(code(problem.code)))


def refusal(purge: Purge) -> Message:
    """Give what a refused requester is told: why, which role it takes, and who holds it."""
    refused = purge.refusal
    assert refused is not None, "only a refused purge is drawn as a refusal"
    kind = "Forced purge" if purge.force else "Purge"
    lines = [
        f":no_entry: *{kind} refused: {'it is not tried again' if purge.doubt else 'nothing was purged'}*",
        f"{code(purge.domain)} · tags {codes(purge.tags)}",
        kit.escape(refused.sentence, FACT_LIMIT),
    ]
    if refused.code in catalogue.KINDS:
        lines.append(catalogue.kind(refused.code).hint)
    if refused.roles:
        roles = [code(role, TAG_LIMIT) for role in refused.roles]
        lines.append(f"It takes the role {either(roles)}.")
    if refused.holders:
        lines.append(f"Ask {listing(refused.holders)}.")
    small = kit.context(f"Purge {code(purge.id)} · {code(refused.code)}")
    return kit.message(
        f"{kind} refused: {kit.escape(refused.sentence, FACT_LIMIT)}",
        kit.section("\n".join(lines)),
        small,
    )

"""The question about a new tag that resembles a known one: is it meant as typed?

The CDN reports success for a purge of a tag that no page has.  So the requester of such a purge is
asked before anything is sent and before anybody is called to approve it:

    command ──► doubtful? ──► asked back ──► “hero instead” ─┬─► a request like any other
                  └ no ─────────────────────► “as typed” ────┘

The doubt is saved as an interaction and signed like a press.  Only one of its two buttons leads to
a request: that request has the trigger ID of the command, which is unique among requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from bot.core.command.answers import TagDoubt
from bot.core.command.parser import PurgeCommand, format_command
from bot.core.errors import ErrorKind
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice
from bot.core.policy.decision import Actor, decide_all
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action

DOUBT = "tag-doubt"
"""The code of the notice with the question."""
CHOSEN = "tag-chosen"
"""The code of the notice that replaces the question."""
MOST_TYPED = 50
"""A command with more tags than this was pasted, not typed, so it is not checked."""
MOST_NEW = 10
"""The maximum number of new tags of a command that are checked, at some milliseconds each."""
MANY_KNOWN = 10
"""The number of known tags of a domain from which on a new tag is mentioned."""
ANSWER_WITHIN = timedelta(hours=1)

DOUBT_NOT_YOURS = ErrorKind(
    code="tag-doubt-not-yours",
    message="Somebody else was asked this. Your press changed nothing.",
    hint="Ask for the purge yourself: /purge www.example.com hero.",
)
DOUBT_ANSWERED = ErrorKind(
    code="tag-doubt-answered",
    message="You have answered this already. Your press changed nothing.",
    hint="To see what became of it: /purge status {purge}.",
)
DOUBT_LATE = ErrorKind(
    code="tag-doubt-late",
    message="You were asked this more than an hour ago. Nothing was purged.",
    hint="If the purge is still wanted, ask for it again with /purge.",
)


class Slip(NamedTuple):
    """A tag as it was typed, and the known tag that was perhaps meant."""

    written: str
    meant: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A command, and which of its tags may be mistyped."""

    command: PurgeCommand
    slips: tuple[Slip, ...]


def format_doubt(doubt: Doubt) -> str:
    """Return the doubt as text that `read_doubt` reads back."""
    return json.dumps(asdict(doubt), ensure_ascii=False)


def read_doubt(text: str | None) -> Doubt | None:
    """Parse a doubt that `format_doubt` wrote.  Return None for any other text."""
    try:
        written = json.loads(text or "")
        command = written["command"]
        command = PurgeCommand(**command | {"tags": tuple(command["tags"])})
        return Doubt(command, tuple(Slip(*slip) for slip in written["slips"]))
    except (ValueError, KeyError, TypeError):
        return None


def shown_to(doubt: Doubt, policy: Policy, actor: Actor) -> tuple[int, ...]:
    """Return the indexes of the slips that a person is asked about: they may purge the known tag.
    So they learn of no other tag.
    """
    return tuple(
        place
        for place, slip in enumerate(doubt.slips)
        if _may(policy, actor, doubt.command, (slip.meant,))
    )


def put_right(doubt: Doubt, places: Iterable[int]) -> PurgeCommand:
    """Return the command with the meant tags at these indexes, without duplicates.

    Raises: IndexError.
    """
    instead = {slip.written: slip.meant for slip in (doubt.slips[place] for place in places)}
    tags = dict.fromkeys(instead.get(tag, tag) for tag in doubt.command.tags)
    return replace(doubt.command, tags=tuple(tags))


def doubt_notice(
    interaction: Interaction, doubt: Doubt, places: tuple[int, ...], policy: Policy, actor: Actor
) -> Notice:
    """Return the question.  It offers the tags as typed only if the asker may purge those."""
    slips = [doubt.slips[place] for place in places]
    as_typed = _may(policy, actor, doubt.command, doubt.command.tags)
    answer = TagDoubt(
        domain=doubt.command.domain,
        force=doubt.command.force,
        slips=tuple((slip.written, slip.meant) for slip in slips),
        others=len(doubt.command.tags) - len(slips),
        meant=" ".join((interaction.trigger_id, ",".join(map(str, places)))),
        typed=interaction.trigger_id if as_typed else None,
    )
    return Notice(DOUBT, answer=answer)


def chosen_notice(command: PurgeCommand) -> Notice:
    """Return the notice that replaces the question after the answer."""
    return Notice(CHOSEN, {"command": format_command(command)})


@dataclass(frozen=True, slots=True)
class Answer:
    """A press on one of the two buttons: the trigger ID of the question, and the indexes shown."""

    trigger_id: str
    places: tuple[int, ...] = ()


def read_answer(value: str | None) -> Answer | None:
    """Parse the value of a button.  Return None for any other text."""
    found = _ANSWER.fullmatch(value or "")
    if found is None:
        return None
    places = tuple(map(int, found["places"].split(","))) if found["places"] else ()
    return Answer(found["trigger"], places)


def command_of(press: Interaction, answer: Answer, doubt: Doubt) -> PurgeCommand | None:
    """Return the command that a press chooses.  None if its value does not fit the question."""
    if press.kind is InteractionKind.TYPED:
        return doubt.command
    if not answer.places or max(answer.places) >= len(doubt.slips):
        return None
    return put_right(doubt, answer.places)


def is_late(question: Interaction, press: Interaction) -> bool:
    """Return whether a press came later than ANSWER_WITHIN after the question."""
    return press.at - question.at > ANSWER_WITHIN


_ANSWER = re.compile(r"(?P<trigger>[!-~]{1,255})( (?P<places>[0-9]{1,2}(,[0-9]{1,2}){0,49}))?")


def _may(policy: Policy, actor: Actor, command: PurgeCommand, tags: tuple[str, ...]) -> bool:
    action = Action.FORCE if command.force else Action.PURGE
    return decide_all(policy, actor, action, command.domain, tags).allowed

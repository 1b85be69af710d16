"""A tag that its domain was never purged of, and that is like a known one: is it meant as written?

The CDN answers success to a purge of a tag that nothing carries.  So whoever asks for such a purge
is asked back, before anything is sent and before anybody is called to approve it:

    command ──► doubtful? ──► asked back ──► “hero instead” ─┬─► a request like any other
                  └ no ─────────────────────► “as typed” ────┘

The doubt is written down as an interaction, signed like a press.  Of its buttons one makes one request:
that has the trigger ID of the command, which no two requests share.
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
"""The code of the notice that asks back."""
CHOSEN = "tag-chosen"
"""The code of the notice that takes its place."""
MOST_TYPED = 50
"""Nobody types more tags than this: they were pasted, and stand as they are."""
MOST_NEW = 10
"""So many new tags of a command are looked at: each takes some milliseconds."""
MANY_KNOWN = 10
"""From so many known tags of a domain on, it is worth a word that one is new."""
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
    """A tag as it was written, and the known one that was perhaps meant."""

    written: str
    meant: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A command, and what in it was perhaps not meant as it is written."""

    command: PurgeCommand
    slips: tuple[Slip, ...]


def format_doubt(doubt: Doubt) -> str:
    """The doubt as it is written down; `read_doubt` reads it back."""
    return json.dumps(asdict(doubt), ensure_ascii=False)


def read_doubt(text: str | None) -> Doubt | None:
    """The doubt that `format_doubt` wrote; None for any other text."""
    try:
        written = json.loads(text or "")
        command = written["command"]
        command = PurgeCommand(**command | {"tags": tuple(command["tags"])})
        return Doubt(command, tuple(Slip(*slip) for slip in written["slips"]))
    except (ValueError, KeyError, TypeError):
        return None


def shown_to(doubt: Doubt, policy: Policy, actor: Actor) -> tuple[int, ...]:
    """Give the places of the slips that a person is asked about: where they may purge what was
    perhaps meant.  They learn of no other tag.
    """
    return tuple(
        place
        for place, slip in enumerate(doubt.slips)
        if _may(policy, actor, doubt.command, (slip.meant,))
    )


def put_right(doubt: Doubt, places: Iterable[int]) -> PurgeCommand:
    """Give the command with what was perhaps meant at these places, no two tags alike.

    Raises: IndexError.
    """
    instead = {slip.written: slip.meant for slip in (doubt.slips[place] for place in places)}
    tags = dict.fromkeys(instead.get(tag, tag) for tag in doubt.command.tags)
    return replace(doubt.command, tags=tuple(tags))


def doubt_notice(
    interaction: Interaction, doubt: Doubt, places: tuple[int, ...], policy: Policy, actor: Actor
) -> Notice:
    """Give what the asker is asked; without leave to purge it as typed that is not offered."""
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
    """Give what takes the place of the question once it is answered."""
    return Notice(CHOSEN, {"command": format_command(command)})


@dataclass(frozen=True, slots=True)
class Answer:
    """A press on one of the two buttons: on which question, and what was shown to be meant."""

    trigger_id: str
    places: tuple[int, ...] = ()


def read_answer(value: str | None) -> Answer | None:
    """What a button carries; None for any other text."""
    found = _ANSWER.fullmatch(value or "")
    if found is None:
        return None
    places = tuple(map(int, found["places"].split(","))) if found["places"] else ()
    return Answer(found["trigger"], places)


def command_of(press: Interaction, answer: Answer, doubt: Doubt) -> PurgeCommand | None:
    """Give the command that a press asks for; None where the button says what was never asked."""
    if press.kind is InteractionKind.TYPED:
        return doubt.command
    if not answer.places or max(answer.places) >= len(doubt.slips):
        return None
    return put_right(doubt, answer.places)


def is_late(question: Interaction, press: Interaction) -> bool:
    return press.at - question.at > ANSWER_WITHIN


_ANSWER = re.compile(r"(?P<trigger>[!-~]{1,255})( (?P<places>[0-9]{1,2}(,[0-9]{1,2}){0,49}))?")


def _may(policy: Policy, actor: Actor, command: PurgeCommand, tags: tuple[str, ...]) -> bool:
    action = Action.FORCE if command.force else Action.PURGE
    return decide_all(policy, actor, action, command.domain, tags).allowed

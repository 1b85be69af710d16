"""The input of people besides purges: a press on a button, or a question like `/purge history`.

An interaction is saved before Slack gets its answer, so that a crash loses no click.  Its key is
Slack's trigger ID, so that a click that is delivered twice counts once.  Denying takes two
interactions: the press on Deny, which opens a form, and the form with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class InteractionKind(StrEnum):
    APPROVE = "approve"
    DENY_FORM = "deny-form"
    DENY = "deny"
    CANCEL = "cancel"
    POSTPONE = "postpone"
    AGAIN = "again"
    LEAVE = "leave"
    ESCALATE = "escalate"
    TAGS = "tags"
    DOUBT = "doubt"
    MEANT = "meant"
    TYPED = "typed"
    HELP = "help"
    STATUS = "status"
    HISTORY = "history"
    PENDING = "pending"
    QUOTA = "quota"


QUESTIONS = frozenset(
    {
        InteractionKind.STATUS,
        InteractionKind.HISTORY,
        InteractionKind.PENDING,
        InteractionKind.QUOTA,
    }
)
"""The kinds that `bot.workflow.queries` answers.  They change nothing."""
DOUBTS = frozenset({InteractionKind.DOUBT, InteractionKind.MEANT, InteractionKind.TYPED})
"""A command that may be mistyped, and the two answers to the question about it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a command or a press came from.

    `trigger_id` is Slack's ID of it.  `user_team_id` is the person's own workspace: in a shared
    channel it differs from `team_id`, the workspace in which the app is installed.  `response_url`
    can be used five times within 30 minutes:
    https://docs.slack.dev/interactivity/handling-user-interaction/#message_responses
    """

    trigger_id: str
    team_id: str
    user_team_id: str
    user_id: str
    channel_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Interaction(Origin):
    """One press or question.

    `purge_id` is the value of the button.  It is only used as a key for a lookup.  `text` is what
    the person wrote: the reason for a denial, a question (`bot.core.command.queries`), or the topic
    for which they want help.  For a press that turns a page, it is the question for that page; for
    a command that may be mistyped, the whole command (`bot.core.suggestions.confirmation`).
    `signature` proves that the bot saved it, if there is a key (`bot.core.purge.signatures`).
    `aside`: only the presser sees the message of the button; None from an older version.
    """

    kind: InteractionKind
    at: datetime
    purge_id: str | None = None
    text: str | None = None
    signature: str | None = None
    aside: bool | None = None

"""What people ask besides a purge: a press on a button, or a question like `/purge history`.

An ask is written down before Slack hears "received", so that a crash forgets no click, and
keyed by Slack's trigger ID, so that the same click delivered twice counts once.  To deny takes
two of them: the press on Deny, which opens a form, and the form with the reason in it.
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
"""What `bot.workflow.queries` answers; it changes nothing."""
DOUBTS = frozenset({InteractionKind.DOUBT, InteractionKind.MEANT, InteractionKind.TYPED})
"""A command that was perhaps mistyped, and the two answers to what is asked back about it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a command or a press came from.

    `trigger_id` is Slack's own ID of it.  `user_team_id` is the person's own workspace: in a
    shared channel it differs from `team_id`, the one that the app is installed in.
    `response_url` is Slack's way back to the person: five uses in thirty minutes.
    """

    trigger_id: str
    team_id: str
    user_team_id: str
    user_id: str
    channel_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Interaction(Origin):
    """One click or question.

    `purge_id` is what the button carried: a key to look up, trusted for nothing else.
    `said` is what the person wrote: why they deny, what they ask (`bot.core.command.queries`), or what
    they want help on; of a press that turns a page, which page of what; of a command that was
    perhaps mistyped, all of it (`bot.core.suggestions.confirmation`).  `signature` proves that the bot took it, where
    it has a key (`bot.core.purge.signatures`).  `aside`: the button stood on a message that only the
    presser sees; None where an older version wrote it down.
    """

    kind: InteractionKind
    at: datetime
    purge_id: str | None = None
    text: str | None = None
    signature: str | None = None
    aside: bool | None = None

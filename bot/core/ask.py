"""What people ask besides a purge: a press on a button, or a question like `/purge history`.

An ask is written down before Slack hears "received", so that a crash forgets no click, and
keyed by Slack's trigger ID, so that the same click delivered twice counts once.  To deny takes
two of them: the press on Deny, which opens a form, and the form with the reason in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum


class AskKind(StrEnum):
    APPROVE = "approve"
    DENY_FORM = "deny-form"
    DENY = "deny"
    CANCEL = "cancel"
    POSTPONE = "postpone"
    AGAIN = "again"
    LEAVE = "leave"
    ESCALATE = "escalate"
    HELP = "help"
    STATUS = "status"
    HISTORY = "history"
    QUOTA = "quota"


QUESTIONS = frozenset({AskKind.STATUS, AskKind.HISTORY, AskKind.QUOTA})
"""What `bot.answers` answers; it changes nothing."""


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
class Ask(Origin):
    """One click or question.

    `purge_id` is what the button carried: a key to look up, trusted for nothing else.
    `said` is what the person wrote: why they deny, or what they ask (`bot.core.questions`).
    """

    kind: AskKind
    at: datetime
    purge_id: str | None = None
    said: str | None = None

    @classmethod
    def of(
        cls,
        origin: Origin,
        kind: AskKind,
        at: datetime,
        purge_id: str | None = None,
        said: str | None = None,
    ) -> Ask:
        return cls(**asdict(origin), kind=kind, at=at, purge_id=purge_id, said=said)

"""How much one person may ask for, so that nobody drowns the requests of the others."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.errors import ErrorKind, Problem
from bot.core.purge.purge import Refusal

TOO_MANY_REQUESTS = ErrorKind(
    code="too-many-requests",
    message="You asked for {most} purges within a minute, so this one was not started.",
    hint="Try again in a minute. One command takes several tags: /purge domain tag,tag.",
    retryable=True,
)
TOO_MANY_WAITING = ErrorKind(
    code="too-many-waiting",
    message="{most} of your requests wait for approval already, so this one was not started.",
    hint="Wait until some are decided, or cancel those that are no longer wanted.",
    retryable=True,
)
TOO_MANY_JOINED = ErrorKind(
    code="too-many-joined",
    message="{most} of your requests wait for purges of the same already, so this one was not "
    "started.",
    hint="Wait until those are done.",
    retryable=True,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person may have at the same time; 0: as many as they like."""

    requests_a_minute: int = 0
    waiting: int = 0
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What one person has asked for besides the request in question.

    `requests` and `asked_others` are of the minute before it; `waiting` and `joined` of this
    moment.
    """

    requests: int = 0
    asked_others: int = 0
    waiting: int = 0
    joined: int = 0


def exceeded(kind: ErrorKind, count: int, most: int) -> Refusal | None:
    """Give the refusal where there is a limit and it is reached."""
    if not most or count < most:
        return None
    return Refusal(kind.code, Problem(kind, {"most": str(most)}).message)

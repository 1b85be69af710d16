"""A purge, from the command to its end; `advance` is the only way from one state to the next.

The states, and what leads from one to another, are drawn in `bot.core.states`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.core.approval import Yes
from bot.core.briefing import Briefing
from bot.core.errors import BotError, ErrorKind
from bot.core.proof import Look, Verdict
from bot.core.quota import LowQuota
from bot.core.states import ENDS, TRANSITIONS, UNSENT, WATCHED, Event, State

__all__ = [
    "ENDS",
    "TRANSITIONS",
    "UNSENT",
    "WATCHED",
    "Choice",
    "Event",
    "Evidence",
    "Failure",
    "Purge",
    "Refusal",
    "State",
    "advance",
    "target_of",
]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the CDN's part went wrong, in what is safe to show: never the vendor's own text."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the policy said no, and who could say yes: `holders` are Slack IDs of people and groups."""

    code: str
    sentence: str
    roles: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said should follow an end: `again`, `leave`, or `force`; when, and who.

    `purge_id` is the request that came of it.
    """

    what: str
    user_id: str
    at: datetime
    purge_id: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One URL at the edge: a look before, a look after, and what they prove together."""

    before: Look
    after: Look | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Purge:
    """One request to clear `tags` of `domain`, from the command to its end.

    `trigger_id` is Slack's own ID of the command: the same one is never taken twice.
    `version` counts the changes; a change is saved only over the version that it was made from.
    `expires_at` is when a waiting request ends by itself; `sent_at` is the intent to send.
    `yeses` are the approvals so far; `needs` says in words what it takes, and `counted` of
    `quorum` are there.
    `decided_by` denied it, took it back, or gave the yes that was still missing; `denial` is why
    it was denied.  `send_at` is when a granted purge is sent, until when it can be taken back.
    `break_glass`: its requester need not wait, and says so.
    `attempt` counts the sendings; `held_until` is when a held one is sent again, for `failure`.
    `doubt` is the failure of a try that the CDN may have carried out all the same.
    `percent` is how far the CDN says that it is, `seen_at` when it first knew the task.
    `found_at` is when a task whose answer was lost was found among the CDN's recent ones.
    `told_at` is when the requester was told how it went; that happens once.
    `joined_to` is the purge of the same that was at work already, `follows` the one after which
    this was asked for, and `choice` what was asked for after this one.
    """

    id: str
    trigger_id: str
    team_id: str
    channel_id: str
    user_id: str
    domain: str
    tags: tuple[str, ...]
    force: bool
    requested_at: datetime
    reason: str | None = None
    break_glass: bool = False
    state: State = State.REQUESTED
    version: int = 1
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    denial: str | None = None
    send_at: datetime | None = None
    briefing: Briefing | None = None
    refusal: Refusal | None = None
    approvers: tuple[str, ...] = ()
    yeses: tuple[Yes, ...] = ()
    needs: str | None = None
    counted: int = 0
    quorum: int = 0
    sent_at: datetime | None = None
    task_id: str | None = None
    request_id: str | None = None
    failure: Failure | None = None
    settled_at: datetime | None = None
    policy_hash: str | None = None
    attempt: int = 0
    held_since: datetime | None = None
    held_until: datetime | None = None
    doubt: Failure | None = None
    percent: int | None = None
    seen_at: datetime | None = None
    found_at: datetime | None = None
    told_at: datetime | None = None
    joined_to: str | None = None
    follows: str | None = None
    choice: Choice | None = None
    evidence: tuple[Evidence, ...] = ()
    low_quota: LowQuota | None = None

    @property
    def remind_at(self) -> datetime | None:
        """When those who may decide are called once more: at half of the time that there is."""
        if self.expires_at is None or self.reminded_at is not None:
            return None
        return self.requested_at + (self.expires_at - self.requested_at) / 2

    def can_be_undone(self, now: datetime) -> bool:
        """Whether it was granted, and still waits a moment in case somebody thinks better of it."""
        return self.state is State.READY and self.send_at is not None and now < self.send_at

    @property
    def settled(self) -> bool:
        """Whether the purge has come to an end."""
        return self.state in ENDS

    @property
    def target(self) -> str:
        """What is the same for two purges of the same tags, in whatever order they stand."""
        return target_of(self.domain, self.tags)


WRONG_TURN = ErrorKind(
    code="purge-wrong-turn",
    message="A purge that is {state} cannot {event}.",
    hint="Nothing was changed. If you meet this, it is a fault in Purgebot: please report it.",
)

KINDS = (WRONG_TURN,)


def target_of(domain: str, tags: Sequence[str]) -> str:
    """Give the SHA-256, in hex, of a domain and a set of tags."""
    return hashlib.sha256("\n".join((domain, *sorted(tags))).encode()).hexdigest()


def advance(purge: Purge, event: Event, at: datetime, **facts: Any) -> Purge:
    """Give the purge as it is after `event`; `facts` are the fields that come with it.

    Raises: BotError of kind `purge-wrong-turn` where the drawing has no such arrow.
    """
    state = TRANSITIONS.get((purge.state, event))
    if state is None:
        raise BotError(WRONG_TURN, state=purge.state.value, event=event.value)
    after = replace(purge, state=state, version=purge.version + 1, **facts)
    if state in _NEED_A_TASK and not after.task_id:
        # Success without a task ID is what rivals claim; here it cannot even be written down.
        raise BotError(WRONG_TURN, state=purge.state.value, event="be submitted without a task ID")
    return replace(after, settled_at=(purge.settled_at or at) if state in ENDS else None)


_NEED_A_TASK = WATCHED | {State.COMPLETE, State.UNREPORTED}

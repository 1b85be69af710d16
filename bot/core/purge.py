"""A purge and the states it can be in; `advance` is the only way from one to the next.

    requested ─a→ refused ←─l─┐
        ├──b→ waiting ──c──→ ready ─g→ sending ─h→ submitted
        │      ↻m  ├─d→ denied            ├──i→ failed
        │          ├─e→ expired           └──j→ unknown
        │          └─k→ cancelled
        └──f→ ready

    a REFUSE   the policy says no                   f ALLOW   the policy says yes, nobody to ask
    b WAIT     others must say yes                  g SEND    the intent is on disk before the wire
    c APPROVE  enough others have said yes          h ACCEPT  the CDN gave a task ID
    d DENY     somebody else says no                i REJECT  the CDN certainly did not do it
    e EXPIRE   not enough answered in time          j LOSE    nobody knows whether the CDN did it
    k CANCEL   the requester takes it back          l REFUSE  a right was lost between yes and sending
    m COUNT    one of several others says yes, or REMIND: those who may are called once more

A state without an arrow out of it is an end: nothing moves a purge out of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.core.approval import Yes
from bot.core.errors import BotError, ErrorKind


class State(StrEnum):
    REQUESTED = "requested"
    REFUSED = "refused"
    WAITING = "waiting"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    READY = "ready"
    SENDING = "sending"
    SUBMITTED = "submitted"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Event(StrEnum):
    REFUSE = "refuse"
    WAIT = "wait"
    APPROVE = "approve"
    DENY = "deny"
    EXPIRE = "expire"
    CANCEL = "cancel"
    COUNT = "count"
    REMIND = "remind"
    ALLOW = "allow"
    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"
    LOSE = "lose"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.REQUESTED, Event.REFUSE): State.REFUSED,  # a
    (State.REQUESTED, Event.WAIT): State.WAITING,  # b
    (State.WAITING, Event.APPROVE): State.READY,  # c
    (State.WAITING, Event.DENY): State.DENIED,  # d
    (State.WAITING, Event.EXPIRE): State.EXPIRED,  # e
    (State.WAITING, Event.CANCEL): State.CANCELLED,  # k
    (State.WAITING, Event.COUNT): State.WAITING,  # m
    (State.WAITING, Event.REMIND): State.WAITING,  # m
    (State.REQUESTED, Event.ALLOW): State.READY,  # f
    (State.READY, Event.REFUSE): State.REFUSED,  # l
    (State.READY, Event.SEND): State.SENDING,  # g
    (State.SENDING, Event.ACCEPT): State.SUBMITTED,  # h
    (State.SENDING, Event.REJECT): State.FAILED,  # i
    (State.SENDING, Event.LOSE): State.UNKNOWN,  # j
}

ENDS: frozenset[State] = frozenset(State) - {state for state, _ in TRANSITIONS}


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
class Purge:
    """One request to clear `tags` of `domain`, from the command to its end.

    `trigger_id` is Slack's own ID of the command: the same one is never taken twice.
    `version` counts the changes; a change is saved only over the version that it was made from.
    `expires_at` is when a waiting request ends by itself; `sent_at` is the intent to send.
    `yeses` are the approvals so far; `needs` says in words what it takes, and `counted` of
    `quorum` are there.
    `decided_by` denied it, or gave the yes that was still missing.
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
    state: State = State.REQUESTED
    version: int = 1
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
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

    @property
    def remind_at(self) -> datetime | None:
        """When those who may decide are called once more: at half of the time that there is."""
        if self.expires_at is None or self.reminded_at is not None:
            return None
        return self.requested_at + (self.expires_at - self.requested_at) / 2

    @property
    def settled(self) -> bool:
        """Whether the purge has come to an end of the drawing above."""
        return self.state in ENDS


WRONG_TURN = ErrorKind(
    code="purge-wrong-turn",
    message="A purge that is {state} cannot {event}.",
    hint="Nothing was changed. If you meet this, it is a fault in Purgebot: please report it.",
)

KINDS = (WRONG_TURN,)


def advance(purge: Purge, event: Event, at: datetime, **facts: Any) -> Purge:
    """Give the purge as it is after `event`; `facts` are the fields that come with it.

    Raises: BotError of kind `purge-wrong-turn` where the drawing has no such arrow.
    """
    state = TRANSITIONS.get((purge.state, event))
    if state is None:
        raise BotError(WRONG_TURN, state=purge.state.value, event=event.value)
    if state is State.SUBMITTED and not facts.get("task_id"):
        # Success without a task ID is what rivals claim; here it cannot even be written down.
        raise BotError(WRONG_TURN, state=purge.state.value, event="be submitted without a task ID")
    settled_at = at if state in ENDS else None
    return replace(purge, state=state, version=purge.version + 1, settled_at=settled_at, **facts)

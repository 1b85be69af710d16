"""The states of a purge, the events, and which state follows.

    requested ─a→ refused        waiting ─d→ denied   ─e→ expired   ─k→ cancelled
        ├──b→ waiting ──c──→ ready
        ├──f,n→ ready
        ├──z→ joined ──y→ requested or, with the other, an end
        └──x→ queued ──y→ ready   ─z→ joined   ─k→ cancelled
                                                        ┌──────→ failed
    ready ─g→ sending ─h→ submitted ─p→ running ─────q──┼──────→ complete
      │          ├i→ failed  └──────────────────────────┴──────→ unreported
      │          ├j→ unknown ─w→ submitted
      │          ├t→ held ─g→ sending     ─k→ cancelled   ─i→ failed   ─l→ refused
      │          └u→ offered ─v→ held     ─k→ cancelled   ─i→ failed   ─j→ unknown
      └ k→ cancelled   l→ refused   u→ offered   z→ joined   x→ queued   j→ unknown (held likewise)

    a REFUSE    the policy refuses it               n BREAK     the requester breaks the glass
    b WAIT      it needs approvals                  p PROGRESS  the CDN reports a percentage
    c APPROVE   it has all approvals                q FINISH    the CDN reports it as complete
    d DENY      somebody denies it                    FAIL      the CDN reports it as failed
    e EXPIRE    too few approvals in time             GIVE_UP   no end was reported in three days
    f ALLOW     it needs no approval                t HOLD      the CDN does not accept it now
    g SEND      the intent to send is on disk       u OFFER     the day's quota is used up
    h ACCEPT    the CDN returned a task ID          v POSTPONE  to be sent after the quota's reset
    i REJECT    the CDN certainly did not do it     w FIND      its task is among the recent ones
    j LOSE      the outcome is unknown              x QUEUE     an equal one is running
    k CANCEL    it is cancelled in time             y RELEASE   the other one is done (queued), or
    l REFUSE    the gate refuses it                             was not sent (joined)
                                                    z JOIN      one call to the CDN covers both

REQUEST creates a purge.  These events do not change the state: COUNT and REMIND while it waits,
PROGRESS, SILENT (the CDN does not know the task), SEARCHED (the task was not found), PROVE (the
edge was checked), CHOOSE (a person chose what follows).

The states in ENDS are terminal, except that `unknown` may become `submitted` (FIND).
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    REQUESTED = "requested"
    REFUSED = "refused"
    WAITING = "waiting"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    READY = "ready"
    SENDING = "sending"
    HELD = "held"
    OFFERED = "offered"
    JOINED = "joined"
    QUEUED = "queued"
    SUBMITTED = "submitted"
    RUNNING = "running"
    COMPLETE = "complete"
    UNREPORTED = "unreported"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Event(StrEnum):
    REQUEST = "request"
    REFUSE = "refuse"
    WAIT = "wait"
    APPROVE = "approve"
    DENY = "deny"
    EXPIRE = "expire"
    CANCEL = "cancel"
    COUNT = "count"
    REMIND = "remind"
    ALLOW = "allow"
    BREAK_GLASS = "break-glass"
    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"
    LOSE = "lose"
    HOLD = "hold"
    OFFER = "offer"
    POSTPONE = "postpone"
    JOIN = "join"
    QUEUE = "queue"
    RELEASE = "release"
    PROGRESS = "progress"
    SILENT = "silent"
    FINISH = "finish"
    FAIL = "fail"
    GIVE_UP = "give-up"
    SEARCHED = "searched"
    FIND = "find"
    PROVE = "prove"
    CHOOSE = "choose"


_ENDINGS = {
    Event.FINISH: State.COMPLETE,
    Event.FAIL: State.FAILED,
    Event.GIVE_UP: State.UNREPORTED,
}

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.REQUESTED, Event.REFUSE): State.REFUSED,
    (State.REQUESTED, Event.WAIT): State.WAITING,
    (State.REQUESTED, Event.ALLOW): State.READY,
    (State.REQUESTED, Event.BREAK_GLASS): State.READY,
    (State.REQUESTED, Event.JOIN): State.JOINED,
    (State.REQUESTED, Event.QUEUE): State.QUEUED,
    (State.WAITING, Event.APPROVE): State.READY,
    (State.WAITING, Event.DENY): State.DENIED,
    (State.WAITING, Event.EXPIRE): State.EXPIRED,
    (State.WAITING, Event.CANCEL): State.CANCELLED,
    (State.WAITING, Event.COUNT): State.WAITING,
    (State.WAITING, Event.REMIND): State.WAITING,
    **{
        (before, event): after
        for before in (State.READY, State.HELD)
        for event, after in {
            Event.SEND: State.SENDING,
            Event.CANCEL: State.CANCELLED,
            Event.REFUSE: State.REFUSED,
            Event.OFFER: State.OFFERED,
            Event.JOIN: State.JOINED,
            Event.QUEUE: State.QUEUED,
            Event.LOSE: State.UNKNOWN,
        }.items()
    },
    (State.HELD, Event.REJECT): State.FAILED,
    (State.OFFERED, Event.POSTPONE): State.HELD,
    (State.OFFERED, Event.CANCEL): State.CANCELLED,
    (State.OFFERED, Event.REJECT): State.FAILED,
    (State.OFFERED, Event.LOSE): State.UNKNOWN,
    (State.SENDING, Event.ACCEPT): State.SUBMITTED,
    (State.SENDING, Event.REJECT): State.FAILED,
    (State.SENDING, Event.LOSE): State.UNKNOWN,
    (State.SENDING, Event.HOLD): State.HELD,
    (State.SENDING, Event.OFFER): State.OFFERED,
    **{
        (before, event): after
        for before in (State.SUBMITTED, State.RUNNING, State.JOINED)
        for event, after in _ENDINGS.items()
    },
    (State.JOINED, Event.LOSE): State.UNKNOWN,
    (State.JOINED, Event.SILENT): State.JOINED,
    (State.JOINED, Event.RELEASE): State.REQUESTED,
    (State.QUEUED, Event.RELEASE): State.READY,
    (State.QUEUED, Event.JOIN): State.JOINED,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.SUBMITTED, Event.SILENT): State.SUBMITTED,
    (State.SUBMITTED, Event.PROGRESS): State.RUNNING,
    (State.RUNNING, Event.PROGRESS): State.RUNNING,
    (State.UNKNOWN, Event.SEARCHED): State.UNKNOWN,
    (State.UNKNOWN, Event.FIND): State.SUBMITTED,
    (State.UNKNOWN, Event.CHOOSE): State.UNKNOWN,
    (State.COMPLETE, Event.PROVE): State.COMPLETE,
    (State.COMPLETE, Event.CHOOSE): State.COMPLETE,
}

ENDS = frozenset(
    {
        State.REFUSED,
        State.DENIED,
        State.EXPIRED,
        State.CANCELLED,
        State.COMPLETE,
        State.UNREPORTED,
        State.FAILED,
        State.UNKNOWN,
    }
)
WATCHED = frozenset({State.SUBMITTED, State.RUNNING})
"""The CDN works on it, and is polled."""
UNSENT = frozenset({State.READY, State.HELD})
"""It is still to be sent, and counts against the cluster's rate limit."""

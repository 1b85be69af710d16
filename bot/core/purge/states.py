"""The states of a purge, what can happen to it, and which state follows.

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

    a REFUSE    the policy says no                  n BREAK     the glass is broken
    b WAIT      others must say yes                 p PROGRESS  the CDN says how far it is
    c APPROVE   enough others have said yes         q FINISH    the CDN says that it is complete
    d DENY      somebody else says no                 FAIL      the CDN says that it failed
    e EXPIRE    not enough answered in time           GIVE_UP   the CDN told no end within three days
    f ALLOW     the policy says yes, nobody to ask  t HOLD      the CDN says: not now
    g SEND      the intent is on disk               u OFFER     the day's quota is used up
    h ACCEPT    the CDN gave a task ID              v POSTPONE  somebody wants it when there is more
    i REJECT    the CDN certainly did not do it     w FIND      its task is among the CDN's recent ones
    j LOSE      nobody knows whether it did         x QUEUE     the same was sent before, and is running
    k CANCEL    it is taken back in time            y RELEASE   the other one is done (queued), or was
    l REFUSE    the gate says no before sending                 not sent after all (joined)
                                                    z JOIN      one call to the CDN covers both

REQUEST is how it comes to be.  Some things happen without leading elsewhere: COUNT and REMIND while it waits, PROGRESS, SILENT
(the CDN does not know the task), SEARCHED (its task is not to be found), PROVE (the edge was looked
at), CHOOSE (a person said what should follow).

An end is an end, but for one: what was unknown may be found.
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
"""The CDN is at work on it, and is asked how far it is."""
UNSENT = frozenset({State.READY, State.HELD})
"""It is to be sent: the cluster's rate counts."""

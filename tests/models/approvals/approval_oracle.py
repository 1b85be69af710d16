"""What may have been sent, told from what people did and from nothing that the bot says of itself.

    Times    who was what, and which law was in force, at each moment
    Request  what was asked, and every press on it that Slack acknowledged
    Oracle   certainly / possibly: in every, or in some, view that the bot may have had

For what takes approval the bot must know people as they are at that very moment; for a plain purge as
they were a minute ago, or ten while Slack is away.  A press that it could not check at once is decided
later.  So each question has a set of answers; only where all agree is one demanded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tests.models.approvals.approval_policies import Groups, Law

PLAIN_FACTS_MAY_BE_OLD_S = 660.5
"""How long facts serve a plain purge, and what our clock and the bot's may lie apart."""

T = TypeVar("T")


class Times(Generic[T]):
    """A thing that changes: what it was, and since when."""

    def __init__(self, value: T, at: float) -> None:
        self._values = [(at, value)]

    def change(self, value: T, at: float) -> None:
        self._values.append((at, value))

    @property
    def now(self) -> T:
        return self._values[-1][1]

    def within(self, start: float, end: float) -> list[T]:
        """Give every value that it had at some moment from `start` to `end`."""
        ends = [*(at for at, _ in self._values[1:]), float("inf")]
        return [
            value
            for (since, value), until in zip(self._values, ends, strict=True)
            if since <= end and until >= start
        ]


@dataclass(frozen=True)
class Person:
    """What Slack says of somebody."""

    groups: Groups
    kind: str = "member"

    @property
    def is_member(self) -> bool:
        return self.kind == "member"


@dataclass
class Press:
    """A press, and until when the bot may have decided on it: None while Slack is away."""

    person: str
    kind: str
    at: float
    until: float | None


@dataclass
class Request:
    """A request, and until when the bot may have decided on it: None while Slack is away.

    `waited`: others were asked.  `undo` is until when, at least and at most, it can be taken back
    after they have said yes.  `end` is how it ended, and `ended_at` when we saw that.
    """

    tag: str
    by: str
    force: bool
    glass: bool
    at: float
    until: float | None
    presses: list[Press] = field(default_factory=list)
    waited: bool = False
    undo: tuple[float, float] = (0, float("inf"))
    end: str | None = None
    ended_at: float = float("inf")


Views = list[Groups | None]
"""What somebody may have been taken for; None: no full member."""


def views_of(person: Times[Person], start: float, end: float, age_s: float = 0) -> Views:
    """Give what a person may have been taken for by whoever looked from `start` to `end`.

    Each group list has an age of its own, so that they may be mixed.
    """
    seen = person.within(start - age_s, end)
    groups = {group for each in seen for group in each.groups}
    always = {group for group in groups if all(group in each.groups for each in seen)}
    mixed: Views = [frozenset(always.union(more)) for more in _subsets(sorted(groups - always))]
    if any(not each.is_member for each in seen):
        mixed.append(None)
    return mixed if any(each.is_member for each in seen) else [None]


class Oracle:
    def __init__(self, people: dict[str, Times[Person]], laws: Times[Law]) -> None:
        self.people = people
        self.laws = laws

    def views(self, person: str, start: float, end: float, age_s: float = 0) -> Views:
        """Give what a person may have been taken for; see `views_of`."""
        return views_of(self.people[person], start, end, age_s)

    # A press

    def has_a_say(self, request: Request, press: Press, now: float) -> list[bool]:
        """Give the answers to whether a presser may approve or deny this request."""
        if press.person == request.by:
            return [False]
        until = now if press.until is None else press.until
        return [
            view is not None and law.decides(view)
            for view in self.views(press.person, press.at, until)
            for law in self.laws.within(press.at, until)
        ]

    def in_time(self, request: Request, press: Press) -> list[bool]:
        """Give the answers to whether a press came before the expiry."""
        return [press.at < expiry for expiry in self.expiries(request)]

    def expiries(self, request: Request) -> tuple[float, float]:
        until = float("inf") if request.until is None else request.until
        spans = [law.expires_s for law in self.laws.within(request.at, until)]
        return request.at + min(spans), until + max(spans)

    def valid_yeses(self, request: Request, now: float, *, certainly: bool) -> list[str]:
        """Give the others whose yes counted when they pressed, each once."""
        judge = all if certainly else any
        return list(
            dict.fromkeys(
                press.person
                for press in request.presses
                if press.kind == "approve"
                and judge(self.has_a_say(request, press, now))
                and judge(self.in_time(request, press))
            )
        )

    def must_change(self, request: Request, press: Press, state: str, now: float) -> bool | None:
        """Whether a press on a request in this state counts; None where views differ."""
        if state not in {"waiting", "ready"} or request.until is None or press.until is None:
            return None
        own = press.person == request.by
        answers = [own] if press.kind == "cancel" and state == "waiting" else []
        if press.kind == "cancel" and state == "ready":
            say = [True] if own else self.has_a_say(request, press, now)
            answers = [
                each and moment < end
                for each in say
                for moment, end in zip((press.at, press.until), request.undo[::-1], strict=True)
            ]
        elif press.kind != "cancel":
            answers = self.has_a_say(request, press, now) if state == "waiting" else [False]
        if state == "waiting":
            answers = [
                each and timely for each in answers for timely in self.in_time(request, press)
            ]
        return answers[0] if len(set(answers)) == 1 else None

    def no_cause(self, request: Request, end: str, now: float) -> str | None:
        """Give why a request cannot have ended like this; None if it can."""
        if end == "expired" and now < self.expiries(request)[0]:
            return "it expired early"
        if end == "denied" and not any(
            any(self.has_a_say(request, press, now)) and any(self.in_time(request, press))
            for press in request.presses
            if press.kind == "deny"
        ):
            return "nobody who may has denied it"
        if end == "cancelled" and not any(press.kind == "cancel" for press in request.presses):
            return "nobody has cancelled it"
        return None

    # A submission

    def why_not(self, request: Request, sent_at: float) -> str | None:
        """Give why this may not have been sent at that moment; None if it may."""
        (law,) = set(self.laws.within(sent_at, sent_at))
        old_s = 0 if request.force else PLAIN_FACTS_MAY_BE_OLD_S
        may = [view for view in self.views(request.by, sent_at, sent_at, old_s) if view is not None]
        if not any(law.forces(view) for view in may):
            return "its requester had no right to it any more"
        if request.ended_at < sent_at:
            return f"it was {request.end} before"
        if sent_at < request.undo[0]:
            return "it could still be taken back"
        if not request.force or (law.asks_nobody and not request.waited):
            return None
        if request.glass:
            broke = any(law.forces(view) and law.breaks_glass(view) for view in may)
            return None if broke else "its requester may not break the glass"
        if not self._enough(request, law, sent_at):
            return "not enough others said yes who could, both then and when it was sent"
        return None

    def _enough(self, request: Request, law: Law, sent_at: float) -> bool:
        """Whether, in some view, enough others had the right at their press and have it now."""
        approvals = self.valid_yeses(request, sent_at, certainly=False)
        views = [self.views(person, sent_at, sent_at) for person in approvals]
        return any(
            law.enough([view for view in choice if view is not None and law.decides(view)])
            for choice in itertools.product(*views)
        )

    def surely_enough(self, request: Request, law: Law, now: float) -> bool:
        """Whether, in every view, those who surely said yes are enough."""
        approvals = self.valid_yeses(request, now, certainly=True)
        views = [self.views(person, now, now) for person in approvals]
        return bool(approvals) and all(
            law.enough([view for view in choice if view is not None and law.decides(view)])
            for choice in itertools.product(*views)
        )


def _subsets(several: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(several) + 1):
        yield from itertools.combinations(several, size)

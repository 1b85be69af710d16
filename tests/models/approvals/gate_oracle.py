"""What may have reached the CDN, told from what people really did; for `tests.models.approvals.gate_town`.

A call is justified by a request that somebody typed or pressed for exactly that domain, those tags
and that force.  What a hand wrote into the database justifies nothing, but for plain purges that
nobody has to approve: there its row may say whatever its claimed requester may do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.models.approvals.approval_oracle import (
    PLAIN_FACTS_MAY_BE_OLD_S,
    Person,
    Times,
    Views,
    views_of,
)
from tests.models.approvals.gate_policies import GateLaw, Tags


@dataclass(frozen=True)
class Wish:
    """What is to be purged."""

    domain: str
    tags: Tags
    force: bool


@dataclass
class Approval:
    """A press on Approve, and until when the bot may have decided on it: None while Slack is away.

    `timely`: it came before the request had run out for certain.
    """

    person: str
    at: float
    until: float | None
    timely: bool


@dataclass
class Asked:
    """A request of a person.  `open_until`: when it has run out for certain; `ended_at`: since when
    its end is known to us.
    """

    purge_id: str
    by: str
    wish: Wish
    glass: bool
    at: float
    approvals: list[Approval] = field(default_factory=list)
    state: str = ""
    open_until: float = 0
    ended: str | None = None
    ended_at: float = float("inf")


@dataclass(frozen=True)
class Claim:
    """What a hand wrote: that this person asked for that."""

    by: str
    wish: Wish


@dataclass(frozen=True)
class Call:
    """A call that reached the CDN; `done`: the CDN carried it out."""

    wish: Wish
    at: float
    done: bool


class GateOracle:
    def __init__(self, people: Mapping[str, Times[Person]], laws: Times[GateLaw]) -> None:
        self.people = people
        self.laws = laws

    def takes_approval(self, call: Call) -> bool:
        """Whether others are asked about this at that moment, or it is forced."""
        (law,) = set(self.laws.within(call.at, call.at))
        return call.wish.force or bool(law.demands(call.wish.tags, force=False))

    def claimed(self, call: Call, claims: Iterable[Claim]) -> bool:
        """Whether somebody for whom a hand claims it may have had this sent."""
        return any(
            claim.wish == call.wish and self._able(claim.by, call.wish, call.at) for claim in claims
        )

    def why_not(self, asked: Asked, call: Call, *, ends_count: bool = True) -> str | None:
        """Give why this request does not justify that call; None if it does.

        `ends_count`: what has ended, or could still be taken back, justifies nothing.
        """
        wish, at = asked.wish, call.at
        if wish != call.wish or asked.at > at:
            return "it is another one"
        able = self._able(asked.by, wish, at)
        if not able:
            return "its requester had no right to it"
        if ends_count and asked.ended_at < at:
            return f"it was {asked.ended} before"
        if ends_count and at < self._undo_until(asked, at):
            return "it could still be taken back"
        (law,) = set(self.laws.within(at, at))
        demands = law.demands(wish.tags, force=wish.force)
        breaks = asked.glass and any(all(each.breaks(one) for each in demands) for one in able)
        if demands and not breaks and not self._approved(asked, law, at):
            return "not enough others approved who could, both then and when it was sent"
        return None

    def _able(self, person: str, wish: Wish, at: float) -> list[frozenset[str]]:
        """Give the views in which a person may ask for this."""
        if person not in self.people:
            return []
        (law,) = set(self.laws.within(at, at))
        proof = wish.force or law.demands(wish.tags, force=False)
        views = views_of(self.people[person], at, at, 0 if proof else PLAIN_FACTS_MAY_BE_OLD_S)
        # In every policy of this machine, whoever may purge some tags may force them.
        return [one for one in views if one is not None and law.purges(one, wish.tags)]

    def _counting(self, asked: Asked, at: float) -> Iterator[Approval]:
        """Give the approvals before a moment by others who may have had a say when they pressed."""
        for each in asked.approvals:
            until = at if each.until is None else each.until
            if (
                each.person != asked.by
                and each.timely
                and each.at <= at
                and any(
                    view is not None and law.decides(view, asked.wish.tags)
                    for view in views_of(self.people[each.person], each.at, until)
                    for law in self.laws.within(each.at, until)
                )
            ):
                yield each

    def _approved(self, asked: Asked, law: GateLaw, at: float) -> bool:
        people = dict.fromkeys(each.person for each in self._counting(asked, at))
        return self._met(asked.wish, law, [views_of(self.people[one], at, at) for one in people])

    def _undo_until(self, asked: Asked, at: float) -> float:
        """Give until when, at least, it could be taken back after enough had approved it."""
        people: dict[str, None] = {}
        for each in self._counting(asked, at):
            people[each.person] = None
            until = at if each.until is None else each.until
            laws = self.laws.within(each.at, until)
            now = self.laws.within(at, at)  # a policy that asks for less time may have come since
            views = [views_of(self.people[one], each.at, until) for one in people]
            if any(self._met(asked.wish, law, views) for law in laws):
                return each.at + min(
                    law.undo_s(asked.wish.tags, force=asked.wish.force) for law in (*laws, *now)
                )
        return 0

    def _met(self, wish: Wish, law: GateLaw, views: Sequence[Views]) -> bool:
        """Whether, in some view, those who may approve are enough."""
        demands = law.demands(wish.tags, force=wish.force)
        for choice in itertools.product(*views):
            approvals = [one for one in choice if one is not None and law.decides(one, wish.tags)]
            if all(each.satisfied_by(approvals) for each in demands):
                return True
        return False


def most_matched(causes: Sequence[Sequence[int]]) -> int:
    """Give to how many calls a request of its own can be given; `causes`: those that justify each."""
    given: dict[int, int] = {}

    def find(call: int, tried: set[int]) -> bool:
        for request in causes[call]:
            if request not in tried:
                tried.add(request)
                if request not in given or find(given[request], tried):
                    given[request] = call
                    return True
        return False

    return sum(find(call, set()) for call in range(len(causes)))

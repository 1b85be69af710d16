"""How many must say yes to a purge, and of which roles; and whether they have.

For each tag, the approvals of the policy that cover it count, all of them together:

    none covers it          a forced purge takes one yes by anybody who may approve; a plain one none
    only `required: no`     none
    else                    every required one: `count` yeses by holders of its roles, or one of each

Nobody counts for their own request, and nobody counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.policy_fields import EVERYBODY
from bot.core.policy_rules import Action, Approval, Policy

DEFAULT_EXPIRY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Yes:
    """One approval: who, when, and the roles that they held at that moment."""

    user_id: str
    at: datetime
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quorum:
    """One demand: `count` yeses by holders of `roles` (None: whoever may approve), or one of each."""

    roles: tuple[str, ...] | None = None
    one_of_each: bool = False
    count: int = 1

    @property
    def total(self) -> int:
        """How many people it takes."""
        return len(self.roles) if self.one_of_each and self.roles else self.count

    def takes(self, yes: Yes) -> bool:
        """Whether this yes can count here."""
        return (
            self.roles is None
            or EVERYBODY in self.roles
            or not set(self.roles).isdisjoint(yes.roles)
        )

    def met_by(self, yeses: Sequence[Yes]) -> int:
        """How many of the yeses count, at most `total`."""
        counting = [yes for yes in yeses if self.takes(yes)]
        if self.one_of_each and self.roles:
            return _most_pairs(self.roles, counting)
        return min(len(counting), self.count)

    @property
    def sentence(self) -> str:
        if self.roles is None or EVERYBODY in self.roles:
            return "one approval" if self.count == 1 else f"{self.count} approvals"
        if self.one_of_each:
            return f"one approval each of {' and '.join(self.roles)}"
        return f"{self.count} of {' or '.join(self.roles)}"


@dataclass(frozen=True, slots=True)
class Needs:
    """All demands on one purge, and how long they may take.  No quorums: nobody has to be asked."""

    quorums: tuple[Quorum, ...]
    expires_after: timedelta = DEFAULT_EXPIRY

    def progress(self, yeses: Sequence[Yes]) -> tuple[int, int]:
        """Give how many yeses count so far, and how many it takes, over all demands."""
        return (
            sum(quorum.met_by(yeses) for quorum in self.quorums),
            sum(quorum.total for quorum in self.quorums),
        )

    def met_by(self, yeses: Sequence[Yes]) -> bool:
        return all(quorum.met_by(yeses) == quorum.total for quorum in self.quorums)

    def takes(self, yes: Yes) -> bool:
        """Whether this yes can count for any of the demands."""
        return any(quorum.takes(yes) for quorum in self.quorums)

    @property
    def sentence(self) -> str:
        return ", and ".join(dict.fromkeys(quorum.sentence for quorum in self.quorums))


def needs_of(policy: Policy, action: Action, domain: str, tags: Sequence[str]) -> Needs:
    """Give what others must say yes to before a purge may go on."""
    demands: dict[Quorum, None] = {}
    spans: list[timedelta] = []
    for tag in tags:
        covering = [each for each in policy.approvals if each.covers(action, domain, tag)]
        if not covering and action is Action.FORCE:
            demands[Quorum()] = None
        for approval in covering:
            if approval.required:
                demands[_quorum(approval)] = None
                spans.append(approval.expires_after)
    return Needs(tuple(demands), min(spans, default=DEFAULT_EXPIRY))


def _quorum(approval: Approval) -> Quorum:
    return Quorum(approval.roles, approval.one_of_each, approval.count)


def _most_pairs(roles: Sequence[str], yeses: Sequence[Yes]) -> int:
    """Give for how many roles there is somebody, when nobody stands for two."""
    taken: dict[int, int] = {}

    def find(role: int, tried: set[int]) -> bool:
        for place, yes in enumerate(yeses):
            if roles[role] in yes.roles and place not in tried:
                tried.add(place)
                if place not in taken or find(taken[place], tried):
                    taken[place] = role
                    return True
        return False

    return sum(find(role, set()) for role in range(len(roles)))

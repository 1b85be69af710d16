"""How many must say yes to a purge, and of which roles; whether they have; who need not wait.

For each tag, the approvals of the policy that cover it count, all of them together:

    none covers it          a forced purge takes one yes by anybody who may approve; a plain one none
    only `required: no`     none
    else                    every required one: `count` yeses by holders of its roles, or one of each

Nobody counts for their own request, and nobody counts twice.  The glass may be broken only by
whom every one of these approvals names for it; where none covers the tag, by nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.policy_approvals import Approval
from bot.core.policy_fields import EVERYBODY, Action
from bot.core.policy_rules import Policy

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
    """All demands on one purge, and how long they may take.  No quorums: nobody has to be asked.

    `undo` is how long it can be taken back when all have said yes.  `call_groups` and
    `call_channel` are who is called, and where.  `breakers` are, for each demand, the roles that
    need not wait for it.
    """

    quorums: tuple[Quorum, ...]
    expires_after: timedelta = DEFAULT_EXPIRY
    undo: timedelta = timedelta(0)
    call_groups: tuple[str, ...] = ()
    call_channel: str | None = None
    breakers: tuple[tuple[str, ...], ...] = ()

    def progress(self, yeses: Sequence[Yes]) -> tuple[int, int]:
        """Give how many yeses count so far, and how many it takes, over all demands."""
        return (
            sum(quorum.met_by(yeses) for quorum in self.quorums),
            sum(quorum.total for quorum in self.quorums),
        )

    def met_by(self, yeses: Sequence[Yes]) -> bool:
        return all(quorum.met_by(yeses) == quorum.total for quorum in self.quorums)

    def takes(self, yes: Yes) -> bool:
        """Whether this yes can count for any of the demands.

        Where there are none any more, since the policy was changed, any yes is enough: what waits
        already shall not be out of everybody's hands.
        """
        return not self.quorums or any(quorum.takes(yes) for quorum in self.quorums)

    def lets_break_glass(self, roles: Collection[str]) -> bool:
        """Whether a full member of these roles need not wait for any of the demands."""
        held = {EVERYBODY, *roles}
        return all(not held.isdisjoint(each) for each in self.breakers)

    @property
    def breaking_roles(self) -> tuple[str, ...]:
        """The roles each of which alone need not wait."""
        named = dict.fromkeys(role for each in self.breakers for role in each)
        return tuple(role for role in named if self.lets_break_glass((role,)))

    @property
    def sentence(self) -> str:
        return ", and ".join(dict.fromkeys(quorum.sentence for quorum in self.quorums))


def needs_of(policy: Policy, action: Action, domain: str, tags: Sequence[str]) -> Needs:
    """Give what others must say yes to before a purge may go on."""
    demands: dict[Quorum, None] = {}
    breakers: dict[tuple[str, ...], None] = {}
    asking: dict[int, Approval] = {}
    for tag in tags:
        covering = [each for each in policy.approvals if each.covers(action, domain, tag)]
        if not covering and action is Action.FORCE:
            demands[Quorum()] = None
            breakers[()] = None
        for approval in covering:
            if approval.required:
                demands[_quorum(approval)] = None
                breakers[approval.break_glass or ()] = None
                asking[id(approval)] = approval
    calls = [approval.call for approval in asking.values() if approval.call]
    return Needs(
        tuple(demands),
        min((approval.expires_after for approval in asking.values()), default=DEFAULT_EXPIRY),
        max((approval.undo for approval in asking.values()), default=timedelta(0)),
        tuple(dict.fromkeys(group for call in calls for group in call.groups)),
        next((call.channel for call in calls if call.channel), None),
        tuple(breakers),
    )


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

"""How many must say yes to a purge, and of which roles; whether they have; who need not wait.

For each tag, all approvals of the policy that ask for it count together:

    some ask for it             `count` yeses by holders of its roles, or one of each; of all of them
    none, and one exempts it    none
    none, and none exempts it   a forced purge takes one yes by anybody who may approve; a plain one none

They ask for whatever the tag may mean, and exempt that very tag only (`bot.core.policy.tag_rules`).
Nobody counts for their own request, and nobody counts twice.  The glass may be broken only by
whom every one of these approvals names for that very tag; where none asks for it, by nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.policy.approval_rules import ApprovalRule
from bot.core.policy.document import Policy
from bot.core.policy.fields import EVERYBODY, Action

DEFAULT_EXPIRY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval: who, when, where, and the roles that they held at that moment.

    `aliases` are the other IDs of the same person (see `Actor`); `signature` proves that the bot
    wrote it, where it has a key (`bot.core.purge.signatures`).
    """

    user_id: str
    at: datetime
    roles: tuple[str, ...] = ()
    channel_id: str | None = None
    aliases: tuple[str, ...] = ()
    signature: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All IDs of whoever gave it."""
        return frozenset((self.user_id, *self.aliases))


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

    def accepts(self, yes: Approval) -> bool:
        """Whether this yes can count here."""
        return (
            self.roles is None
            or EVERYBODY in self.roles
            or not set(self.roles).isdisjoint(yes.roles)
        )

    def satisfied_by(self, approvals: Sequence[Approval]) -> int:
        """How many of the yeses count, at most `total`."""
        counting = [yes for yes in approvals if self.accepts(yes)]
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
class ApprovalRequirements:
    """All demands on one purge, and how long they may take.  No quorums: nobody has to be asked.

    `undo` is how long it can be taken back when all have said yes.  `call_groups` and
    `call_channel` are who is called, and where.  `break_glass_groups` are, for each demand, the roles that
    need not wait for it.
    """

    quorums: tuple[Quorum, ...]
    expires_after: timedelta = DEFAULT_EXPIRY
    undo: timedelta = timedelta(0)
    call_groups: tuple[str, ...] = ()
    call_channel: str | None = None
    break_glass_groups: tuple[tuple[str, ...], ...] = ()

    def progress(self, approvals: Sequence[Approval]) -> tuple[int, int]:
        """Give how many yeses count so far, and how many it takes, over all demands."""
        return (
            sum(quorum.satisfied_by(approvals) for quorum in self.quorums),
            sum(quorum.total for quorum in self.quorums),
        )

    def satisfied_by(self, approvals: Sequence[Approval]) -> bool:
        return all(quorum.satisfied_by(approvals) == quorum.total for quorum in self.quorums)

    def accepts(self, yes: Approval) -> bool:
        """Whether this yes can count for any of the demands.

        Where there are none any more, since the policy was changed, any yes is enough: what waits
        already shall not be out of everybody's hands.
        """
        return not self.quorums or any(quorum.accepts(yes) for quorum in self.quorums)

    def may_break_glass(self, roles: Collection[str]) -> bool:
        """Whether a full member of these roles need not wait for any of the demands."""
        held = {EVERYBODY, *roles}
        return all(not held.isdisjoint(each) for each in self.break_glass_groups)

    @property
    def break_glass_roles(self) -> tuple[str, ...]:
        """The roles each of which alone need not wait."""
        named = dict.fromkeys(role for each in self.break_glass_groups for role in each)
        return tuple(role for role in named if self.may_break_glass((role,)))

    @property
    def sentence(self) -> str:
        return ", and ".join(dict.fromkeys(quorum.sentence for quorum in self.quorums))


def needs_of(
    policy: Policy, action: Action, domain: str, tags: Sequence[str]
) -> ApprovalRequirements:
    """Give what others must say yes to before a purge may go on."""
    demands: dict[Quorum, None] = {}
    break_glass_groups: dict[tuple[str, ...], None] = {}
    counting: dict[int, ApprovalRule] = {}
    about = [each for each in policy.approvals if each.is_about(action, domain)]
    for tag in tags:
        asking = [each for each in about if each.asks_for(tag)]
        if action is Action.FORCE and not asking and not any(each.exempts(tag) for each in about):
            demands[Quorum()] = None
            break_glass_groups[()] = None
        for approval in asking:
            demands[Quorum(approval.roles, approval.one_of_each, approval.count)] = None
            break_glass_groups[approval.breakers_for(tag)] = None
            counting[id(approval)] = approval
    calls = [approval.call for approval in counting.values() if approval.call]
    return ApprovalRequirements(
        tuple(demands),
        min((approval.expires_after for approval in counting.values()), default=DEFAULT_EXPIRY),
        max((approval.undo for approval in counting.values()), default=timedelta(0)),
        tuple(dict.fromkeys(group for call in calls for group in call.groups)),
        next((call.channel for call in calls if call.channel), None),
        tuple(break_glass_groups),
    )


def _most_pairs(roles: Sequence[str], approvals: Sequence[Approval]) -> int:
    """Give for how many roles there is somebody, when nobody stands for two."""
    taken: dict[int, int] = {}

    def find(role: int, tried: set[int]) -> bool:
        for place, yes in enumerate(approvals):
            if roles[role] in yes.roles and place not in tried:
                tried.add(place)
                if place not in taken or find(taken[place], tried):
                    taken[place] = role
                    return True
        return False

    return sum(find(role, set()) for role in range(len(roles)))

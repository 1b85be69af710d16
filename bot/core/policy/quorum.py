"""Count approvals: how many a purge needs, of which roles, whether it has them, who may skip them.

For each tag, all approval rules that demand approvals for it count together:

    some rules demand it          `count` approvals by holders of its roles, or one of each role;
                                  for every such rule
    none, and a rule exempts it   no approvals
    none, and no rule exempts it  a forced purge needs one approval by any approver; a plain one none

Demands apply to everything that the tag may mean, exemptions only to the exact tag
(`bot.core.policy.tag_rules`).  Requesters cannot approve their own request, and nobody counts
twice.  A person may break the glass only if every one of these rules allows it to one of their
roles for the exact tag.  If no rule demands the approval (a forced purge's default), nobody may.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.policy.approval_rules import ApprovalRule
from bot.core.policy.document import Policy, remembered
from bot.core.policy.fields import EVERYBODY, Action

DEFAULT_EXPIRY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval: who, when, in which channel, and the roles that the person held at that moment.

    `aliases` are the other IDs of the same person (see `Actor`).  `signature` proves that the bot
    wrote it, if there is a key (`bot.core.purge.signatures`).
    """

    user_id: str
    at: datetime
    roles: tuple[str, ...] = ()
    channel_id: str | None = None
    aliases: tuple[str, ...] = ()
    signature: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All IDs of the approver."""
        return frozenset((self.user_id, *self.aliases))


@dataclass(frozen=True, slots=True)
class Quorum:
    """One demand: `count` approvals by holders of `roles` (None: any approver), or one of each."""

    roles: tuple[str, ...] | None = None
    one_of_each: bool = False
    count: int = 1

    @property
    def total(self) -> int:
        """The number of people that it takes."""
        return len(self.roles) if self.one_of_each and self.roles else self.count

    def accepts(self, yes: Approval) -> bool:
        """Return whether this approval can count for the demand."""
        return (
            self.roles is None
            or EVERYBODY in self.roles
            or not set(self.roles).isdisjoint(yes.roles)
        )

    def satisfied_by(self, approvals: Sequence[Approval]) -> int:
        """Return how many of the approvals count, at most `total`."""
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
    """All demands on one purge, and their deadline.  Without quorums, no approval is needed.

    `expires_after`: how long the request waits.  `undo`: how long it can be cancelled after the
    last approval.  `call_groups` and `call_channel`: who is called, and where.
    `break_glass_groups`: for each demand, the roles that may skip it.
    """

    quorums: tuple[Quorum, ...]
    expires_after: timedelta = DEFAULT_EXPIRY
    undo: timedelta = timedelta(0)
    call_groups: tuple[str, ...] = ()
    call_channel: str | None = None
    break_glass_groups: tuple[tuple[str, ...], ...] = ()

    def progress(self, approvals: Sequence[Approval]) -> tuple[int, int]:
        """Return how many approvals count so far, and how many are needed, in total."""
        return (
            sum(quorum.satisfied_by(approvals) for quorum in self.quorums),
            sum(quorum.total for quorum in self.quorums),
        )

    def satisfied_by(self, approvals: Sequence[Approval]) -> bool:
        """Return whether these approvals satisfy every demand."""
        return all(quorum.satisfied_by(approvals) == quorum.total for quorum in self.quorums)

    def accepts(self, yes: Approval) -> bool:
        """Return whether this approval can count for any of the demands.

        If there are no demands any more, because the policy was changed, any approval counts.
        Otherwise nobody could decide on a request that waits already.
        """
        return not self.quorums or any(quorum.accepts(yes) for quorum in self.quorums)

    def may_break_glass(self, roles: Collection[str]) -> bool:
        """Return whether a full member with these roles may skip all of the demands."""
        held = {EVERYBODY, *roles}
        return all(not held.isdisjoint(each) for each in self.break_glass_groups)

    @property
    def break_glass_roles(self) -> tuple[str, ...]:
        """The roles each of which alone may break the glass."""
        named = dict.fromkeys(role for each in self.break_glass_groups for role in each)
        return tuple(role for role in named if self.may_break_glass((role,)))

    @property
    def sentence(self) -> str:
        return ", and ".join(dict.fromkeys(quorum.sentence for quorum in self.quorums))


def needs_of(
    policy: Policy, action: Action, domain: str, tags: Sequence[str]
) -> ApprovalRequirements:
    """Return the approvals that a purge of these tags needs."""
    return _needs_of(policy, action, domain, tuple(tags))


@remembered
def _needs_of(
    policy: Policy, action: Action, domain: str, tags: tuple[str, ...]
) -> ApprovalRequirements:
    demands: dict[Quorum, None] = {}
    break_glass_groups: dict[tuple[str, ...], None] = {}
    counting: dict[int, ApprovalRule] = {}
    about = policy.approvals_for(action, domain)
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
    """Return how many roles can be matched to different people (bipartite matching)."""
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

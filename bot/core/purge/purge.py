"""A purge, from the command to its end; `advance` is the only way from one state to the next.

The states, and what leads from one to another, are drawn in `bot.core.purge.states`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypedDict, Unpack

from bot.core.cdn.quota import LowQuota
from bot.core.edge_check import EdgeSnapshot, Verdict
from bot.core.errors import BotError, ErrorKind
from bot.core.policy.approvers import Briefing
from bot.core.policy.quorum import Approval
from bot.core.purge.states import ENDS, TRANSITIONS, UNSENT, WATCHED, Event, State

__all__ = [
    "ENDS",
    "TRANSITIONS",
    "UNSENT",
    "WATCHED",
    "Choice",
    "Event",
    "Evidence",
    "Facts",
    "Failure",
    "Purge",
    "Refusal",
    "State",
    "advance",
    "target_of",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is told no, and who could say yes: `holders` are Slack IDs of people and groups.

    `other` is the ID of the purge that makes this one needless.
    """

    code: str
    sentence: str
    roles: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the CDN's part went wrong, in what is safe to show: never the vendor's own text."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


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

    before: EdgeSnapshot
    after: EdgeSnapshot | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Purge:
    """One request to clear `tags` of `domain`, from the command to its end.

    `trigger_id` is Slack's own ID of the command: the same one is never taken twice.
    `aliases` are the other IDs of the requester (see `Actor`); `signature` proves that the bot
    wrote the request down, where it has a key (`bot.core.purge.signatures`).
    `version` counts the changes; a change is saved only over the version that it was made from.
    `expires_at` is when a waiting request ends by itself; `sent_at` is the intent to send.
    `approvals` are the approvals so far; `needs` says in words what it takes, and `counted` of
    `quorum` are there.
    `decided_by` denied it, took it back, or gave the yes that was still missing; `denial` is why
    it was denied.  `send_at` is when a granted purge is sent, until when it can be taken back.
    `break_glass`: its requester need not wait, and says so.
    `attempt` counts the sendings; `held_until` is when a held one is sent again, for `failure`.
    `doubt` is the failure of a try that the CDN may have carried out all the same.
    `percent` is how far the CDN says that it is, `seen_at` when it first knew the task.
    `found_at` is when a task whose answer was lost was found among the CDN's recent ones.
    `notified_at` is when the requester was told how it went; that happens once.
    `unreachable` are those whom the policy names as approvers but who can have no rights, each as
    its ID and its standing.
    `new_tags` are those that its domain was never purged of before, where that is worth a word;
    `suggestion` is the domain that its requester may have meant.
    `joined_to` is the purge of the same that it is joined to or queued behind, `follows` the one
    after which this was asked for, and `choice` what was asked for after this one.
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
    approvals: tuple[Approval, ...] = ()
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
    notified_at: datetime | None = None
    joined_to: str | None = None
    follows: str | None = None
    choice: Choice | None = None
    evidence: tuple[Evidence, ...] = ()
    low_quota: LowQuota | None = None
    aliases: tuple[str, ...] = ()
    signature: str | None = None
    unreachable: tuple[str, ...] = ()
    new_tags: tuple[str, ...] = ()
    suggestion: str | None = None

    @property
    def requester_ids(self) -> frozenset[str]:
        """All IDs of whoever asked for it."""
        return frozenset((self.user_id, *self.aliases))

    @property
    def due_since(self) -> datetime:
        """When it was asked for or, where that came later, decided on."""
        return max(self.requested_at, self.decided_at or self.requested_at)

    @property
    def remind_at(self) -> datetime | None:
        """When those who may decide are called once more: at half of the time that there is."""
        quiet = self.briefing is not None and self.briefing.quiet
        if self.expires_at is None or self.reminded_at is not None or quiet:
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


class Facts(TypedDict, total=False):
    """The fields of a purge that an event can bring along; see there."""

    break_glass: bool
    expires_at: datetime | None
    reminded_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    denial: str | None
    send_at: datetime | None
    briefing: Briefing | None
    refusal: Refusal | None
    approvers: tuple[str, ...]
    approvals: tuple[Approval, ...]
    needs: str | None
    counted: int
    quorum: int
    sent_at: datetime | None
    task_id: str | None
    request_id: str | None
    failure: Failure | None
    policy_hash: str | None
    attempt: int
    held_since: datetime | None
    held_until: datetime | None
    percent: int | None
    seen_at: datetime | None
    found_at: datetime | None
    joined_to: str | None
    choice: Choice | None
    evidence: tuple[Evidence, ...]
    low_quota: LowQuota | None
    unreachable: tuple[str, ...]
    new_tags: tuple[str, ...]


WRONG_TURN = ErrorKind(
    code="purge-wrong-turn",
    message="A purge that is {state} cannot {event}.",
    hint="Nothing was changed. If you meet this, it is a fault in Purgebot: please report it.",
)


def target_of(domain: str, tags: Sequence[str]) -> str:
    """Give the SHA-256, in hex, of a domain and a set of tags."""
    return hashlib.sha256("\n".join((domain, *sorted(tags))).encode()).hexdigest()


def advance(purge: Purge, event: Event, at: datetime, **facts: Unpack[Facts]) -> Purge:
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

"""A purge, from the command to its end; `advance` is the only way from one state to the next.

The states, and what leads from one to another, are drawn in `bot.core.purge.states`.
"""

from __future__ import annotations

import hashlib
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
    "ApprovalStatus",
    "Choice",
    "CompletionStatus",
    "Event",
    "Evidence",
    "Facts",
    "Failure",
    "Purge",
    "PurgeRequest",
    "Refusal",
    "State",
    "SubmissionStatus",
    "advance",
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


# What a purge is made of.  They have no slots: Python cannot make one class of several that have.


@dataclass(frozen=True, kw_only=True)
class PurgeRequest:
    """What was asked for, by whom and where; nothing that happens changes it.

    `trigger_id` is Slack's own ID of the command: the same one is never taken twice.
    `aliases` are the other IDs of the requester (see `Actor`); `signature` proves that the bot
    wrote the request down, where it has a key (`bot.core.purge.signatures`).
    `follows` is the ID of the purge after which this was asked for.
    """

    trigger_id: str
    team_id: str
    channel_id: str
    user_id: str
    domain: str
    tags: tuple[str, ...]
    force: bool
    requested_at: datetime
    reason: str | None = None
    aliases: tuple[str, ...] = ()
    signature: str | None = None
    follows: str | None = None

    @property
    def requester_ids(self) -> frozenset[str]:
        """All IDs of whoever asked for it."""
        return frozenset((self.user_id, *self.aliases))

    @property
    def target(self) -> str:
        """The SHA-256, in hex, of the domain and the tags, in whatever order they stand."""
        return hashlib.sha256("\n".join((self.domain, *sorted(self.tags))).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ApprovalStatus:
    """Who may decide on it and what they decided, or why it was refused.

    `needs` says in words what it takes; `counted` of `quorum` are there, and `approvals` are all
    that were given.  `approvers` are the Slack IDs of those who are asked; `unreachable` are those
    whom the policy names but who can have no rights, each as its ID and its standing.
    `break_glass`: its requester need not wait, and says so.
    `expires_at` is when a waiting request ends by itself, `reminded_at` when its approvers were called again.
    `decided_by` denied it, took it back, or gave the approval that was still missing; `denial` is why
    it was denied.  `send_at` is when an approved purge is sent, until when it can be taken back.
    `suggestion` is the domain that its requester may have meant.
    """

    break_glass: bool = False
    needs: str | None = None
    approvals_counted: int = 0
    quorum: int = 0
    approvers: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    briefing: Briefing | None = None
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    denial: str | None = None
    send_at: datetime | None = None
    refusal: Refusal | None = None
    suggestion: str | None = None
    policy_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class SubmissionStatus:
    """What was sent to the CDN, and what it answered.

    `attempt` counts the sendings, and `sent_at` is the intent of the last one.  `held_until` is when a held purge
    is sent again, for `failure`.  `doubt` is the failure of a try that the CDN may have carried out all the same.
    `joined_to` is the purge of the same that it is joined to or queued behind.
    `new_tags` are those that its domain was never purged of before, where that is worth a word;
    `evidence` is what the edge showed, and `low_quota` what the CDN reported as left.
    """

    attempt: int = 0
    sent_at: datetime | None = None
    task_id: str | None = None
    request_id: str | None = None
    failure: Failure | None = None
    doubt: Failure | None = None
    held_since: datetime | None = None
    held_until: datetime | None = None
    joined_to: str | None = None
    new_tags: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    low_quota: LowQuota | None = None


@dataclass(frozen=True, kw_only=True)
class CompletionStatus:
    """How far the CDN is, and how it ended.

    `percent` is how far the CDN says that it is, `seen_at` when it first knew the task, `found_at`
    when a task whose answer was lost was found among the CDN's recent ones.
    `notified_at` is when the requester was told how it went; that happens once.
    `choice` is what was asked for after this one.
    """

    percent: int | None = None
    seen_at: datetime | None = None
    found_at: datetime | None = None
    settled_at: datetime | None = None
    notified_at: datetime | None = None
    choice: Choice | None = None


@dataclass(frozen=True, kw_only=True)
class Purge(PurgeRequest, ApprovalStatus, SubmissionStatus, CompletionStatus):
    """One request to clear `tags` of `domain`, from the command to its end: a row of the database.

    What needs a part of it alone takes that part.
    `version` counts the changes; a change is saved only over the version that it was made from.
    """

    id: str
    state: State = State.REQUESTED
    version: int = 1

    @property
    def due_since(self) -> datetime:
        """When it was asked for or, where that came later, decided on."""
        return max(self.requested_at, self.decided_at or self.requested_at)

    @property
    def remind_at(self) -> datetime | None:
        """When those who may decide are called once more: at half of the time that there is."""
        quiet = self.briefing is not None and not self.briefing.called
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
    approvals_counted: int
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

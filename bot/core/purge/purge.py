"""A purge, from the command to its end.  `advance` is the only way from one state to the next.

`bot.core.purge.states` has a diagram of the states and events.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypedDict, Unpack

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
    """Why a request is refused, and who could allow it (`holders`: IDs of people and groups).

    `other` is the ID of the purge that makes this one unnecessary.
    """

    code: str
    sentence: str
    roles: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the CDN's part failed.  `facts` are safe to show: never the vendor's text."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose to do after the end: `again`, `leave` or `force`; who, and when.

    `purge_id` is the request that resulted from it.
    """

    what: str
    user_id: str
    at: datetime
    purge_id: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One URL at the edge: a snapshot before the purge, one after it, and the verdict."""

    before: EdgeSnapshot
    after: EdgeSnapshot | None = None
    verdict: Verdict | None = None


# The parts of a purge.  They have no slots, because Python cannot combine several base classes with
# slots: https://docs.python.org/3/reference/datamodel.html#slots


@dataclass(frozen=True, kw_only=True)
class PurgeRequest:
    """What was requested, by whom and where.  No event changes it.

    `trigger_id` is Slack's ID of the command; it is unique among purges.  `aliases` are the other
    IDs of the requester (see `Actor`).  `signature` proves that the bot saved the request, if there
    is a key (`bot.core.purge.signatures`).  `follows` is the ID of the purge from whose card this
    was requested.
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
        """All IDs of the requester."""
        return frozenset((self.user_id, *self.aliases))

    @property
    def target(self) -> str:
        """The SHA-256, in hex, of the domain and the tags in any order."""
        return hashlib.sha256("\n".join((self.domain, *sorted(self.tags))).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ApprovalStatus:
    """Who may decide on a purge and what they decided, or why it was refused.

    `needs` describes the needed approvals in words; `approvals_counted` of `quorum` count, and
    `approvals` are all that were given.  `approvers` are the Slack IDs of those who are asked;
    `unreachable` are those whom the policy names but who can have no rights, each as "ID
    membership".  `break_glass`: the requester skips the approval.  `expires_at` is when a waiting
    request expires; `reminded_at` is when its approvers were called a second time.  `decided_by`
    denied it, cancelled it, or gave the last approval; `denial` is the reason of a denial.
    `send_at` is when an approved purge is sent; until then it can be cancelled.  `suggestion` is
    the domain that the requester may have meant.
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

    `attempt` counts the sendings; `sent_at` is the time of the last intent to send.  `held_until`
    is when a held purge is sent again, because of `failure`.  `doubt` is the failure of an attempt
    that the CDN may have carried out anyway.  `joined_to` is the equal purge that it is joined to
    or queued behind.  `new_tags` are tags that the domain was never purged of before, if that is
    worth mentioning.  `evidence` is what the edge showed, and `low_quota` a quota that the CDN
    reported as low.
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
    """The progress at the CDN, and how it ended.

    `percent` is the CDN's own figure (0–100).  `seen_at` is when it first knew the task; `found_at`
    is when a task whose answer was lost was found among the CDN's recent tasks.  `notified_at` is
    when the requester was told the outcome, which happens once.  `choice` is what a person chose to
    do after the end.
    """

    percent: int | None = None
    seen_at: datetime | None = None
    found_at: datetime | None = None
    settled_at: datetime | None = None
    notified_at: datetime | None = None
    choice: Choice | None = None


@dataclass(frozen=True, kw_only=True)
class Purge(PurgeRequest, ApprovalStatus, SubmissionStatus, CompletionStatus):
    """One request to purge `tags` of `domain`, from the command to its end: a row of the database.

    A function that needs only one part of it takes that part.  `version` counts the changes; a
    change is saved only over the version that it was made from.
    """

    id: str
    state: State = State.REQUESTED
    version: int = 1

    def replace(self, **changes: Any) -> Purge:
        """Return the purge with other values of these fields, as `dataclasses.replace` does.

        That one passes sixty values to `__init__`, a dozen times on the way of a purge.
        Raises: TypeError if a purge has no such field.
        """
        if unknown := changes.keys() - _FIELDS:
            raise TypeError(f"a purge has no {', '.join(sorted(unknown))}")
        after = object.__new__(Purge)
        after.__dict__.update(self.__dict__, **changes)
        return after

    @property
    def due_since(self) -> datetime:
        """When it was requested or, if that was later, decided on."""
        return max(self.requested_at, self.decided_at or self.requested_at)

    @property
    def remind_at(self) -> datetime | None:
        """When the approvers are called again: at half of the waiting time.  None: not again."""
        quiet = self.briefing is not None and not self.briefing.called
        if self.expires_at is None or self.reminded_at is not None or quiet:
            return None
        return self.requested_at + (self.expires_at - self.requested_at) / 2

    def can_be_undone(self, now: datetime) -> bool:
        """Return whether it was approved and waits for `send_at`, so it can be cancelled."""
        return self.state is State.READY and self.send_at is not None and now < self.send_at

    @property
    def settled(self) -> bool:
        """Whether the purge has ended."""
        return self.state in ENDS


_FIELDS = frozenset(each.name for each in fields(Purge))


class Facts(TypedDict, total=False):
    """The fields of a purge that an event can change.  See the parts of `Purge`."""

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
    notified_at: datetime | None
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
    """Return the purge after `event`.  `facts` are the new values of other fields.

    Raises: BotError `purge-wrong-turn` if the event is not allowed in this state, or if the new
    state needs a task ID and there is none.
    """
    state = TRANSITIONS.get((purge.state, event))
    if state is None:
        raise BotError(WRONG_TURN, state=purge.state.value, event=event.value)
    settled_at = (purge.settled_at or at) if state in ENDS else None
    changed: dict[str, Any] = {"state": state, "settled_at": settled_at, **facts}
    after = purge.replace(version=purge.version + 1, **changed)
    if state in _NEED_A_TASK and not after.task_id:
        # A task ID is the only proof of success, so success without one cannot even be represented.
        raise BotError(WRONG_TURN, state=purge.state.value, event="be submitted without a task ID")
    return after


_NEED_A_TASK = WATCHED | {State.COMPLETE, State.UNREPORTED}

"""A complete decision about a purge, as one value: purge, audit entries and messages.

docs/development.md lists which function returns one for which input ("Decisions").
`bot.store.store.Store.apply` saves it in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Unpack

from bot.core.audit import AuditEntry
from bot.core.command.parser import format_command
from bot.core.decisions.rulings import SUGGESTED, suggested_command
from bot.core.interaction import Interaction
from bot.core.message import Notice, Post, PostKind
from bot.core.purge.purge import Event, Facts, Purge, State, advance
from bot.core.purge.tracking import next_look_at, next_search_at
from bot.core.purge.trail import facts_of

OUTCOME = "outcome"
"""The code of the thread reply that tells the requester the outcome of a request."""
CARD_GRACE = timedelta(milliseconds=400)
"""How long a card waits for the CDN's answer, to show the task ID without an edit."""
FOLLOW_EVERY = timedelta(minutes=1)
"""How often a joined or queued purge checks the other purge, whose end also wakes it at once."""
_TOLD = frozenset(
    {
        *(Event.DENY, Event.EXPIRE, Event.REJECT, Event.SILENT),
        *(Event.FINISH, Event.FAIL, Event.GIVE_UP, Event.SEARCHED),
    }
)


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event changes about a purge, and everything that is saved with it.

    `due_at` is when the worker must act on the purge next; None: not until somebody acts.
    `messages` are new messages.  They, and the cards that change with the purge, are due at
    `messages_due_at` (None: not before something else makes them due).  `is_new`: the purge is
    saved for the first time.  If `reschedules` is False, the purge keeps its due time and its
    lease.  `alone_since`: the transition is valid only if no other process sent an equal purge
    since then.  `learns` are the tags that the known tags of the domain are extended by.
    """

    purge: Purge
    event: Event
    due_at: datetime | None
    audit: tuple[AuditEntry, ...]
    messages: tuple[Post, ...] = ()
    messages_due_at: datetime | None = None
    is_new: bool = False
    reschedules: bool = True
    alone_since: datetime | None = None
    learns: tuple[str, ...] = ()

    @property
    def wakes_followers(self) -> bool:
        """Whether the purges joined to it or queued behind it must check it now."""
        return self.purge.settled or self.event is Event.SILENT

    def telling(self, *messages: Post | None) -> Transition:
        """Return the transition with more messages.  None is skipped."""
        more = tuple(message for message in messages if message is not None)
        return replace(self, messages=(*self.messages, *more))

    @property
    def changes_cards(self) -> bool:
        """Whether its cards show something else than before."""
        return self.event is not Event.REMIND


def transition(purge: Purge, event: Event, now: datetime, **facts: Unpack[Facts]) -> Transition:
    """Return the transition that an event causes.  `facts` are new values of the purge's fields.

    If the purge ends with it, the transition has a thread reply to the requester, only once.
    Raises: BotError `purge-wrong-turn` if the state does not allow the event (`TRANSITIONS`).
    """
    after = advance(purge, event, now, **facts)
    is_outcome = after.notified_at is None and notifies_requester(after, event)
    if is_outcome:
        after = after.replace(notified_at=now)
    patient = event is Event.SEND or (after.state is State.READY and after.send_at is None)
    return Transition(
        purge=after,
        event=event,
        due_at=due_at(after, event, now),
        audit=(entry_of(after, event, now),),
        messages=(thread_reply_of(after, OUTCOME, now),) if is_outcome else (),
        messages_due_at=now + CARD_GRACE if patient else now,
    )


def requested(purge: Purge, response_url: str, decided: Transition | None = None) -> Transition:
    """Return the first transition of a purge: created, and decided if `decided` is known."""
    now = purge.requested_at
    entry = entry_of(purge, Event.REQUEST, now, user_id=purge.user_id)
    card = card_of(purge, response_url, now)
    if decided is None:
        card = replace(card, wanted_version=purge.version)
        return Transition(purge, Event.REQUEST, now, (entry,), (card,), is_new=True)
    card = replace(card, wanted_version=decided.purge.version)
    return replace(
        decided,
        audit=(entry, *decided.audit),
        messages=(card, *decided.messages),
        is_new=True,
    )


def notifies_requester(purge: Purge, event: Event) -> bool:
    """Return whether the requester must be notified of this event, because it is the outcome.

    A lost answer may still be found, so it is no outcome yet.  The requester knows of an immediate
    refusal and of their own actions already.
    """
    match event:
        case Event.CANCEL:
            return purge.decided_by != purge.user_id
        case Event.REFUSE:
            # A request that is refused at once is answered directly; nobody else has seen it.
            known = (purge.needs, purge.attempt or None, purge.decided_at, purge.held_until)
            return any(fact is not None for fact in known)
        case Event.LOSE:
            return purge.joined_to is not None or purge.sent_at is None
        case _:
            return event in _TOLD


def due_at(purge: Purge, event: Event, now: datetime) -> datetime | None:
    """Return when the worker must act on a purge that has just entered its state, or None."""
    at = None
    match purge.state:
        case State.REQUESTED | State.READY:
            at = purge.send_at or now
        case State.WAITING:
            at = purge.remind_at or purge.expires_at
        case State.SENDING:
            at = now  # for the worker that takes over if the sender's lease expires
        case State.HELD | State.OFFERED:
            at = purge.held_until
        case State.JOINED | State.QUEUED:
            at = min(now + FOLLOW_EVERY, purge.held_until or now + FOLLOW_EVERY)
        case State.SUBMITTED | State.RUNNING:
            at = next_look_at(purge, now)
        case State.UNKNOWN if event is Event.LOSE and purge.joined_to is None and purge.sent_at:
            at = next_search_at(purge, now)
        case State.COMPLETE if event is Event.FINISH and purge.evidence:
            at = now
    return at


def card_of(purge: Purge, response_url: str, now: datetime) -> Post:
    """Return the card of a purge, not posted yet."""
    return Post(
        kind=PostKind.CARD,
        purge_id=purge.id,
        channel_id=purge.channel_id,
        user_id=purge.user_id,
        response_url=response_url,
        response_url_at=now,
    )


def approval_card_of(purge: Purge, now: datetime) -> Post | None:
    """Return the card for the channel where people are called to decide.  None if it is its own."""
    place = purge.briefing.channel_id if purge.briefing else None
    if place is None or place == purge.channel_id:
        return None
    return replace(
        card_of(purge, "", now),
        kind=PostKind.APPROVAL_CARD,
        channel_id=place,
        wanted_version=purge.version,
    )


def entry_of(purge: Purge, event: Event, now: datetime, user_id: str | None = None) -> AuditEntry:
    """Return the audit entry of a change by the bot (`user_id` is None) or by a user."""
    return AuditEntry(
        purge_id=purge.id,
        at=now,
        event=event.value,
        team_id=purge.team_id,
        user_id=user_id,
        channel_id=purge.channel_id,
        policy_hash=purge.policy_hash,
        detail=_detail(purge),
    )


def press_entry(
    interaction: Interaction,
    event: str,
    purge: Purge | None,
    notice: Notice | None,
    now: datetime,
    policy_hash: str | None,
) -> AuditEntry:
    """Return the audit entry of a press.  `team_id` is the presser's workspace, not the app's."""
    return AuditEntry(
        purge_id=interaction.purge_id or interaction.trigger_id,
        at=now,
        event=event,
        team_id=interaction.user_team_id,
        user_id=interaction.user_id,
        channel_id=interaction.channel_id,
        policy_hash=policy_hash,
        detail={
            **(_detail(purge) if purge else {}),
            **(notice.facts if notice else {}),
            "press": interaction.kind.value,
        },
    )


def _detail(purge: Purge) -> dict[str, str]:
    """Return the details of a purge, after a step, for the audit trail."""
    facts = {
        "reason": purge.reason,
        "denial": purge.denial,
        "task_id": purge.task_id,
        "request_id": purge.request_id,
        "refusal": purge.refusal.code if purge.refusal else None,
        "why": purge.refusal.sentence if purge.refusal else None,
        "failure": purge.failure.code if purge.failure else None,
    }
    return facts_of(purge) | {name: fact for name, fact in facts.items() if fact}


def thread_reply_of(purge: Purge, code: str, now: datetime) -> Post:
    """Return a thread reply below the purge's card, with the notice `code`."""
    return replace(card_of(purge, "", now), kind=PostKind.THREAD_REPLY, notice=Notice(code))


def suggestion_of(purge: Purge, now: datetime) -> Post:
    """Return the ephemeral message that suggests a domain to the requester."""
    meant = suggested_command(purge)
    assert meant is not None, "only what can be suggested is told"
    facts = {"unknown": purge.domain, "domain": meant.domain, "command": format_command(meant)}
    notice = Notice(SUGGESTED, facts)
    return replace(card_of(purge, "", now), kind=PostKind.EPHEMERAL, notice=notice)


def alert_of(code: str, facts: dict[str, str], channel_id: str, now: datetime) -> Post:
    """Return an alert for the operators' channel.  `code` is the code of an `ErrorKind`.

    These facts are shown below the message: `since` (ISO 8601), `asked` (an operation of the CDN's
    API) and `request_id`.
    """
    return Post(
        kind=PostKind.ALERT,
        notice=Notice(code, facts),
        channel_id=channel_id,
        user_id="",
        response_url="",
        response_url_at=now,
    )


def ephemeral_of(interaction: Interaction, notice: Notice) -> Post:
    """Return a message that only the person of an interaction sees."""
    return Post(
        kind=PostKind.EPHEMERAL,
        purge_id=interaction.purge_id,
        notice=notice,
        channel_id=interaction.channel_id,
        user_id=interaction.user_id,
        response_url=interaction.response_url,
        response_url_at=interaction.at,
    )

"""A whole decision about a purge, as one value: what it becomes, its audit entry and its messages.

Which function gives one for which input: docs/development.md, "The road of a purge".
`bot.store.store.Store.apply` saves it whole, or not at all.
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
"""The code of the note that tells the requester how a request that others decided on ended."""
CARD_GRACE = timedelta(milliseconds=400)
"""How long a card waits for the CDN's answer, so that the channel sees the task ID at once, and not
after an edit more."""
FOLLOW_EVERY = timedelta(minutes=1)
"""How often a purge that was joined to another looks at it; its end wakes it at once."""
_TOLD = frozenset(
    {
        *(Event.DENY, Event.EXPIRE, Event.REJECT, Event.SILENT),
        *(Event.FINISH, Event.FAIL, Event.GIVE_UP, Event.SEARCHED),
    }
)


@dataclass(frozen=True, slots=True)
class Transition:
    """What a purge becomes by an event, and what is saved with it.

    `due_at` is when there is something to do for it next; None: nothing, until somebody acts.
    `messages` are new ones; they, and the cards that change with the purge, are due at
    `messages_due_at` (None: not before something else makes them due).
    `is_new`: it is written down for the first time.  Not `reschedules`: when it is due, and who
    works on it, stays as it is.
    `alone_since`: it holds only if no other process has sent the same since then.
    `learns` are the tags that its domain is known to have been purged of from now on.
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
        """Whether those joined to it or queued behind it have something to look at."""
        return self.purge.settled or self.event is Event.SILENT

    def telling(self, *messages: Post | None) -> Transition:
        """Give the same with more messages."""
        more = tuple(message for message in messages if message is not None)
        return replace(self, messages=(*self.messages, *more))

    @property
    def changes_cards(self) -> bool:
        """Whether its cards say something else than before."""
        return self.event is not Event.REMIND


def transition(purge: Purge, event: Event, now: datetime, **facts: Unpack[Facts]) -> Transition:
    """Give what an event comes to; `facts` are the purge's fields that come with it.

    Where it is how the purge ended, its requester is told, once.
    Raises: BotError `purge-wrong-turn` where the drawing in `bot.core.purge.states` has no such arrow.
    """
    after = advance(purge, event, now, **facts)
    is_outcome = after.notified_at is None and notifies_requester(after, event)
    if is_outcome:
        after = replace(after, notified_at=now)
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
    """Give the first transition of a purge: it is written down, and `decided` where that is known."""
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
    """Whether this is how it went, so that its requester is to be told.

    An answer that was lost may still be found; a refusal at once, and what the requester did
    themselves, they know.
    """
    match event:
        case Event.CANCEL:
            return purge.decided_by != purge.user_id
        case Event.REFUSE:
            # Not where nobody but they have seen anything of it: they are told as they ask.
            known = (purge.needs, purge.attempt or None, purge.decided_at, purge.held_until)
            return any(fact is not None for fact in known)
        case Event.LOSE:
            return purge.joined_to is not None or purge.sent_at is None
        case _:
            return event in _TOLD


def due_at(purge: Purge, event: Event, now: datetime) -> datetime | None:
    """Give when there is something to do for a purge that has just come to its state."""
    at = None
    match purge.state:
        case State.REQUESTED | State.READY:
            at = purge.send_at or now
        case State.WAITING:
            at = purge.remind_at or purge.expires_at
        case State.SENDING:
            at = now  # for whoever finds it, should the lease of its sender run out
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
    """Give the card of a purge, not yet shown."""
    return Post(
        kind=PostKind.CARD,
        purge_id=purge.id,
        channel_id=purge.channel_id,
        user_id=purge.user_id,
        response_url=response_url,
        response_url_at=now,
    )


def approval_card_of(purge: Purge, now: datetime) -> Post | None:
    """Give the card that stands where people are called to decide, if that is elsewhere."""
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
    """Give the audit row of a change that the bot itself made, or `user_id` asked for."""
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
    """Give the audit row of a press: the presser's own workspace counts, not the app's."""
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
    """Give what the audit trail says of a purge as it is after a step."""
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
    return replace(card_of(purge, "", now), kind=PostKind.THREAD_REPLY, notice=Notice(code))


def suggestion_of(purge: Purge, now: datetime) -> Post:
    """Give what tells the requester alone which domain they may have meant."""
    meant = suggested_command(purge)
    assert meant is not None, "only what can be suggested is told"
    facts = {"unknown": purge.domain, "domain": meant.domain, "command": format_command(meant)}
    notice = Notice(SUGGESTED, facts)
    return replace(card_of(purge, "", now), kind=PostKind.EPHEMERAL, notice=notice)


def alert_of(code: str, facts: dict[str, str], channel_id: str, now: datetime) -> Post:
    """Give what the operators are told in their channel; `code` is that of a kind in the catalogue.

    Of the facts, `since` (a moment in ISO form), `asked` (an operation) and `request_id` are
    shown below the sentence.
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
    return Post(
        kind=PostKind.EPHEMERAL,
        purge_id=interaction.purge_id,
        notice=notice,
        channel_id=interaction.channel_id,
        user_id=interaction.user_id,
        response_url=interaction.response_url,
        response_url_at=interaction.at,
    )

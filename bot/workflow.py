"""Request, approve, deny, expire, submit: each is one decision, saved in one transaction.

    request ──► decide ──► (approval) ──► send ──► settle
    press   ──► decide_press

Nothing here waits for a network.  Facts about people come in as an Actor; where they are not at
hand, the row is left due, and the worker comes back with them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.core import presses, rulings
from bot.core.ask import Ask, Origin
from bot.core.audit import AuditEntry
from bot.core.command import PurgeCommand
from bot.core.policy import Actor
from bot.core.post import Notice
from bot.core.purge import Event, Failure, Purge, State, advance
from bot.core.records import card_of, entry_of, note_of, press_entry, whisper_of
from bot.policy_file import PolicySource
from bot.store.jobs import LEASE
from bot.store.store import Change, Store

log = structlog.get_logger("purgebot.workflow")

CARD_GRACE = timedelta(milliseconds=400)
"""How long a plain purge's card waits for the CDN's answer, so that the channel sees one message
with the task ID in it instead of one that is edited at once."""

_RULED = {State.REFUSED: Event.REFUSE, State.WAITING: Event.WAIT, State.READY: Event.ALLOW}
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Workflow:
    """The decisions; `wake` tells the worker that something is due."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._policy = policy
        self.now = now
        self.wake: Callable[[], None] = lambda: None

    def request(self, command: PurgeCommand, origin: Origin, actor: Actor | None) -> Purge | None:
        """Write a command down, decided if the facts about the person are at hand.

        None: the same command was written down before (Slack delivered it twice).
        Raises: StoreUnavailable; then nothing was written, unless its kind is `store-slow`.
        """
        now = self.now()
        purge = Purge(
            id=new_purge_id(now),
            trigger_id=origin.trigger_id,
            team_id=origin.team_id,
            channel_id=origin.channel_id,
            user_id=origin.user_id,
            domain=command.domain,
            tags=command.tags,
            force=command.force,
            reason=command.reason,
            requested_at=now,
        )
        requested = entry_of(purge, "request", now, user_id=purge.user_id)
        card = card_of(purge, origin.response_url, now)
        change = Change(purge=purge, due_at=now)
        if actor is not None:
            purge, change = self._ruled(purge, actor, now)
        answered_at_once = purge.state is State.REFUSED
        posts = () if answered_at_once else (replace(card, wanted_version=purge.version),)
        change = replace(change, new=True, audit=(requested, *change.audit), posts=posts)
        if not self._store.commit(change):
            log.info("command-delivered-twice", user=origin.user_id)
            return None
        self._tell(purge)
        return purge

    def decide(self, purge: Purge, actor: Actor, holder: str) -> None:
        """Decide on a request that was written down without the facts about its person."""
        ruled, change = self._ruled(purge, actor, self.now())
        self._save(ruled, replace(change, holder=holder))

    def refuse_unchecked(self, purge: Purge, holder: str) -> None:
        """Refuse a request because Slack would not say who its person is."""
        now = self.now()
        refused = rulings.rights_unknown(purge, now)
        self._save(refused, self._change(refused, Event.REFUSE.value, now, holder=holder))

    def expire(self, purge: Purge, holder: str) -> None:
        """End a request that nobody answered in time."""
        now = self.now()
        expired = advance(purge, Event.EXPIRE, now)
        self._save(expired, self._change(expired, Event.EXPIRE.value, now, holder=holder))

    def remind(self, purge: Purge, holder: str) -> None:
        """Call those who may decide once more, at half of the time that there is."""
        now = self.now()
        reminded = advance(purge, Event.REMIND, now, reminded_at=now)
        change = self._change(reminded, Event.REMIND.value, now, holder=holder)
        self._save(reminded, replace(change, posts=(note_of(reminded, rulings.REMINDER, now),)))

    # Presses

    def press(self, ask: Ask, actor: Actor | None) -> None:
        """Write a press down, and decide on it if the facts about the presser are at hand.

        The same press delivered twice counts once.  Raises: StoreUnavailable.
        """
        if actor is None:
            self.write_down(ask)
        else:
            self.decide_press(ask, actor, new=True)

    def write_down(self, ask: Ask) -> None:
        """Leave an ask to the worker.  Raises: StoreUnavailable."""
        self._store.commit(Change(new_ask=ask, ask_due_at=ask.at))
        self.wake()

    def decide_press(self, ask: Ask, actor: Actor, *, new: bool = False) -> None:
        """Decide on a press; of presses at the same moment one wins, and the others are told."""
        while True:
            now = self.now()
            purge = self._store.purge(ask.purge_id) if ask.purge_id else None
            policy, policy_hash = self._policy.current()
            ruling = presses.rule_on_press(ask, purge, policy, policy_hash, actor, now)
            if self._save_press(ask, ruling, now, new=new, policy_hash=policy_hash):
                return
            if self._store.has_ask(ask.trigger_id, answered=not new):
                log.info("press-delivered-twice", user=ask.user_id, purge=ask.purge_id)
                return

    def leave_unchecked(self, ask: Ask) -> None:
        """Answer a press whose person Slack would not name: it changes nothing."""
        notice = Notice(presses.PRESS_RIGHTS_UNKNOWN.code)
        self._save_press(ask, presses.Ruling(None, notice, notice.code), self.now(), new=False)

    def help(self, ask: Ask, actor: Actor) -> None:
        """Answer a waiting `/purge help`."""
        self._save_press(
            ask, presses.Ruling(None, self.help_notice(actor), "help"), self.now(), new=False
        )

    def help_notice(self, actor: Actor) -> Notice:
        """Give the answer to `/purge help`: what this person may do, and nothing else."""
        return rulings.help_notice(self._policy.current()[0], actor)

    def _save_press(
        self,
        ask: Ask,
        ruling: presses.Ruling,
        now: datetime,
        *,
        new: bool,
        policy_hash: str | None = None,
    ) -> bool:
        whispers = () if ruling.notice is None else (whisper_of(ask, ruling.notice),)
        entry = press_entry(ask, ruling.event, ruling.purge, ruling.notice, now, policy_hash)
        audit: tuple[AuditEntry, ...] = (entry,)
        change = Change(answered=None if new else ask.trigger_id, new_ask=ask if new else None)
        if ruling.purge is not None:
            change = replace(
                self._change(ruling.purge, ruling.event, now),
                answered=change.answered,
                new_ask=change.new_ask,
                card_reply=(ask.response_url, now),
            )
            if ruling.event == presses.PRESS_LATE.code:  # the first to see that it has run out
                audit = (entry_of(ruling.purge, Event.EXPIRE.value, now), entry)
        posts = (*change.posts, *whispers)
        change = replace(change, audit=audit, posts=posts, posts_due_at=now)
        if not self._store.commit(change):
            return False
        log.info(ruling.event, purge=ask.purge_id, user=ask.user_id)
        self.wake()
        return True

    # Sending

    def confirm_approval(self, purge: Purge, actors: Mapping[str, Actor], holder: str) -> bool:
        """Whether an approved purge may still be sent; if not, it is refused and says why."""
        now = self.now()
        policy, policy_hash = self._policy.current()
        refused = rulings.rule_on_sending(purge, policy, policy_hash, actors, now)
        if refused is not None:
            self._save(refused, self._change(refused, Event.REFUSE.value, now, holder=holder))
        return refused is None

    def begin_sending(self, purge: Purge, holder: str) -> Purge | None:
        """Write the intent to send down; None if the lease was lost, and then nothing may be sent."""
        now = self.now()
        sending = advance(purge, Event.SEND, now, sent_at=now)
        change = self._change(sending, Event.SEND.value, now, holder=holder)
        change = replace(
            change,
            due_at=now,
            keep_lease=True,
            lease_until=now + LEASE,
            posts_due_at=now + CARD_GRACE,
        )
        return sending if self._save(sending, change) else None

    def accepted(self, purge: Purge, holder: str, task_id: str, request_id: str | None) -> None:
        """The CDN gave a task ID: the only success there is."""
        self._settle(purge, Event.ACCEPT, holder, task_id=task_id, request_id=request_id)

    def rejected(self, purge: Purge, holder: str, failure: Failure, request_id: str | None) -> None:
        """The CDN, or the road to it, certainly did not do it."""
        self._settle(purge, Event.REJECT, holder, failure=failure, request_id=request_id)

    def lost(self, purge: Purge, holder: str, failure: Failure, request_id: str | None) -> None:
        """Nobody knows whether the CDN did it; it is never sent again by itself."""
        self._settle(purge, Event.LOSE, holder, failure=failure, request_id=request_id)

    def _settle(self, purge: Purge, event: Event, holder: str, **facts: Any) -> None:
        now = self.now()
        settled = advance(purge, event, now, **facts)
        self._save(settled, self._change(settled, event.value, now, holder=holder))

    # One decision, one transaction

    def _ruled(self, purge: Purge, actor: Actor, now: datetime) -> tuple[Purge, Change]:
        policy, policy_hash = self._policy.current()
        ruled = rulings.rule_on_request(purge, policy, policy_hash, actor, now)
        return ruled, self._change(ruled, _RULED[ruled.state].value, now)

    def _change(self, purge: Purge, event: str, now: datetime, holder: str | None = None) -> Change:
        """Give the change that leads to `purge`: when it is due again, its audit row, and the
        note for the requester if others had a say in how it ended.
        """
        waits_until = purge.remind_at or purge.expires_at
        due_at = {State.READY: now, State.WAITING: waits_until}.get(purge.state)
        patient = purge.state is State.READY and not purge.force
        told = purge.settled and purge.quorum and purge.state is not State.CANCELLED
        return Change(
            purge=purge,
            due_at=due_at,
            holder=holder,
            audit=(entry_of(purge, event, now),),
            posts=(note_of(purge, rulings.OUTCOME, now),) if told else (),
            posts_due_at=now + CARD_GRACE if patient else now,
        )

    def _save(self, purge: Purge, change: Change) -> bool:
        """Save a step of the worker; False when its lease was lost or somebody was first."""
        saved = self._store.commit(change)
        if saved:
            self._tell(purge)
        else:
            log.warning("step-lost", purge=purge.id, state=purge.state.value)
        return saved

    def _tell(self, purge: Purge) -> None:
        log.info(
            "purge",
            state=purge.state.value,
            purge=purge.id,
            domain=purge.domain,
            force=purge.force,
            user=purge.user_id,
            task_id=purge.task_id,
            request_id=purge.request_id,
            error=purge.failure.code if purge.failure else None,
        )
        self.wake()


def new_purge_id(now: datetime) -> str:
    """Give an ID that sorts by time and can be read out over the phone: `P` and 13 characters.

    Nine hold the milliseconds since 1970, four are random; letters that look like digits are
    left out.
    """
    number = (int(now.timestamp() * 1000) << 20) | secrets.randbits(20)
    digits = [_CROCKFORD[(number >> shift) & 31] for shift in range(60, -1, -5)]
    return "P" + "".join(digits)

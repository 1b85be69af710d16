"""Request, approve, deny, expire: each is one decision, saved in one transaction.

    request ──► decide ──► (approval) ──► `bot.submission`
    press   ──► decide_press ──► (follow_up)

Nothing here waits for a network.  Facts about people come in as an Actor; where they are not at
hand, the row is left due, and the worker comes back with them.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.core import presses, rulings
from bot.core.ask import Ask, AskKind, Origin
from bot.core.audit import AuditEntry
from bot.core.briefing import Members, Traffic
from bot.core.command import PurgeCommand
from bot.core.policy import Actor
from bot.core.post import Notice
from bot.core.purge import Choice, Event, Purge, State, advance
from bot.core.records import call_of, card_of, entry_of, note_of, press_entry, whisper_of
from bot.decisions import Decisions
from bot.store.rows import FromNewer
from bot.store.store import Change

log = structlog.get_logger("purgebot.workflow")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Workflow:
    """What people ask for, and what becomes of it until it may be sent."""

    def __init__(self, decisions: Decisions, join_window: timedelta) -> None:
        self._decisions = decisions
        self._store = decisions.store
        self._policy = decisions.policy
        self._join_window = join_window
        self.now = decisions.now

    def request(
        self, command: PurgeCommand, origin: Origin, actor: Actor | None, members: Members
    ) -> Purge | None:
        """Write a command down, decided if the facts about the person are at hand.

        None: the same command was written down before (Slack delivered it twice).
        Raises: StoreUnavailable; then nothing was written, unless its kind is `store-slow`.
        """
        purge = _new_purge(command, origin, self.now())
        purge, change = self._requested(purge, origin.response_url, actor, members)
        if purge.state is State.REFUSED:  # answered at once, to the requester alone
            change = replace(change, posts=())
        if not self._store.commit(change):
            log.info("command-delivered-twice", user=origin.user_id)
            return None
        self._decisions.tell(purge)
        return purge

    def _requested(
        self, purge: Purge, response_url: str, actor: Actor | None, members: Members
    ) -> tuple[Purge, Change]:
        """Give a new request, ruled on if its person is known, and the change that keeps it."""
        now = purge.requested_at
        requested = entry_of(purge, "request", now, user_id=purge.user_id)
        card = card_of(purge, response_url, now)
        change = Change(purge=purge, due_at=now)
        if actor is not None:
            purge, change = self._ruled(purge, actor, members, now)
        posts = (replace(card, wanted_version=purge.version), *change.posts)
        audit = (requested, *change.audit)
        return purge, replace(change, new=True, audit=audit, posts=posts)

    def decide(self, purge: Purge, actor: Actor, members: Members, holder: str) -> None:
        """Decide on a request that was written down without the facts about its person."""
        _, change = self._ruled(purge, actor, members, self.now())
        self._decisions.save(replace(change, holder=holder))

    def refuse_unchecked(self, purge: Purge, holder: str) -> None:
        """Refuse a request because Slack would not say who its person is."""
        now = self.now()
        refused = rulings.rights_unknown(purge, now)
        self._decisions.save(self._decisions.change(refused, Event.REFUSE, now, holder))

    def expire(self, purge: Purge, holder: str) -> None:
        """End a request that nobody answered in time."""
        now = self.now()
        expired = advance(purge, Event.EXPIRE, now)
        self._decisions.save(self._decisions.change(expired, Event.EXPIRE, now, holder))

    def remind(self, purge: Purge, holder: str) -> None:
        """Call those who may decide once more, at half of the time that there is."""
        now = self.now()
        reminded = advance(purge, Event.REMIND, now, reminded_at=now)
        change = self._decisions.change(reminded, Event.REMIND, now, holder)
        note = note_of(reminded, rulings.REMINDER, now)
        self._decisions.save(replace(change, posts=(note,), quiet=True))

    # Presses

    def press(self, ask: Ask, actor: Actor | None) -> None:
        """Write a press down, and decide on it if the facts about the presser are at hand.

        The same press delivered twice counts once.  Raises: StoreUnavailable.
        """
        if actor is None:
            self.write_down(ask)
            return
        try:
            self.decide_press(ask, actor, new=True)
        except FromNewer:
            self.write_down(ask)

    def write_down(self, ask: Ask) -> None:
        """Leave an ask to the worker.  Raises: StoreUnavailable."""
        self._store.commit(Change(new_ask=ask, ask_due_at=ask.at))
        self._decisions.wake()

    def decide_press(self, ask: Ask, actor: Actor, *, new: bool = False) -> Purge | None:
        """Decide on a press; of presses at the same moment one wins, and the others are told.

        Gives the purge where the press counts and there is more to do: the form of a denial has
        to be opened, or the request made that the press asks for.
        """
        while True:
            now = self.now()
            purge = self._store.purge(ask.purge_id) if ask.purge_id else None
            policy, policy_hash = self._policy.current()
            ruling = presses.rule_on_press(ask, purge, policy, policy_hash, actor, now)
            if ruling.event in _MORE_TO_DO:
                return purge
            if self._save_press(ask, ruling, now, new=new, policy_hash=policy_hash):
                return None
            if self._store.has_ask(ask.trigger_id, answered=not new):
                log.info("press-delivered-twice", user=ask.user_id, purge=ask.purge_id)
                return None

    def form_shown(self, ask: Ask, *, opened: bool) -> None:
        """Write down that the form for a denial was opened, or tell its presser that it was not."""
        not_opened = presses.FORM_NOT_OPENED.code
        event = AskKind.DENY_FORM.value if opened else not_opened
        notice = None if opened else Notice(not_opened)
        policy_hash = self._policy.current().hash
        ruling = presses.Ruling(None, notice, event)
        self._save_press(ask, ruling, self.now(), new=False, policy_hash=policy_hash)

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
                self._decisions.change(ruling.purge, _event_of(ruling), now),
                answered=change.answered,
                new_ask=change.new_ask,
                card_reply=self._card_reply(ask, ruling.purge, now),
            )
            if ruling.event == presses.PRESS_LATE.code:  # the first to see that it has run out
                audit = (entry_of(ruling.purge, Event.EXPIRE.value, now), entry)
        change = replace(change, audit=audit, posts=(*change.posts, *whispers))
        if whispers:  # whoever pressed does not wait for the CDN's answer, as a card may
            change = replace(change, posts_due_at=now)
        if not self._store.commit(change):
            return False
        log.info(ruling.event, purge=ask.purge_id, user=ask.user_id)
        self._decisions.wake()
        return True

    @staticmethod
    def _card_reply(ask: Ask, purge: Purge, now: datetime) -> tuple[str, datetime] | None:
        """Give the way back to the card that a press on it opens; a form is no part of the card."""
        on_card = ask.channel_id == purge.channel_id and ask.kind is not AskKind.DENY
        return (ask.response_url, now) if on_card else None

    # A request that comes of a card

    def follow_up(self, ask: Ask, purge: Purge, actor: Actor, members: Members) -> bool:
        """Make the request that a press on a card asks for: the same again, or by force.

        It is a request like any other, by whoever pressed.  False: somebody was first.
        """
        now = self.now()
        command = PurgeCommand(
            purge.domain,
            purge.tags,
            force=purge.force or ask.kind is AskKind.ESCALATE,
            reason=purge.reason,
        )
        wished = replace(_new_purge(command, ask, now), follows=purge.id)
        made, change = self._requested(wished, ask.response_url, actor, members)
        change = replace(change, answered=ask.trigger_id)
        if made.state is not State.REFUSED:
            what = "force" if ask.kind is AskKind.ESCALATE else ask.kind.value
            choice = Choice(what, ask.user_id, now, made.id)
            chosen = advance(purge, Event.CHOOSE, now, choice=choice)
            entry = press_entry(ask, Event.CHOOSE.value, chosen, None, now, made.policy_hash)
            change = replace(change, other=chosen, audit=(*change.audit, entry))
        if not self._store.commit(change):
            return False
        self._decisions.tell(made)
        return True

    def proof_urls(self, purge: Purge) -> tuple[str, ...]:
        """Give the URLs that the policy wants to be looked at before and after a purge."""
        return self._policy.current().policy.proof_urls(purge.domain, purge.tags)

    def _ruled(
        self, purge: Purge, actor: Actor, members: Members, now: datetime
    ) -> tuple[Purge, Change]:
        policy, policy_hash = self._policy.current()
        # Only those who decide need to know it, and the count costs a look at the database.
        asks_others = rulings.asks_others(purge, policy)
        traffic = self._store.beside.traffic(purge.domain, now) if asks_others else Traffic()
        leader = (
            self._store.beside.leader(purge, now - self._join_window) if self._join_window else None
        )
        ruled = rulings.rule_on_request(
            purge, policy, policy_hash, actor, members, traffic, leader, now
        )
        event = rulings.event_of(ruled)
        change = self._decisions.change(ruled, event, now)
        posts = change.posts
        if event in {Event.WAIT, Event.BREAK} and (call := call_of(ruled, now)):
            posts = (*posts, call)
        if event is Event.BREAK:
            posts = (*posts, note_of(ruled, rulings.GLASS, now))
        return ruled, replace(change, posts=posts)


_MORE_TO_DO = frozenset({AskKind.DENY_FORM.value, AskKind.AGAIN.value, AskKind.ESCALATE.value})


def _event_of(ruling: presses.Ruling) -> Event:
    """Give what happened to the purge: a press may be the first to see that it has run out."""
    late = ruling.event == presses.PRESS_LATE.code
    return Event.EXPIRE if late else Event(ruling.event)


def _new_purge(command: PurgeCommand, origin: Origin, now: datetime) -> Purge:
    return Purge(
        id=new_purge_id(now),
        trigger_id=origin.trigger_id,
        team_id=origin.team_id,
        channel_id=origin.channel_id,
        user_id=origin.user_id,
        domain=command.domain,
        tags=command.tags,
        force=command.force,
        reason=command.reason,
        break_glass=command.break_glass,
        requested_at=now,
    )


def new_purge_id(now: datetime) -> str:
    """Give an ID that sorts by time and can be read out over the phone: `P` and 13 characters.

    Nine hold the milliseconds since 1970, four are random; letters that look like digits are
    left out.
    """
    number = (int(now.timestamp() * 1000) << 20) | secrets.randbits(20)
    digits = [_CROCKFORD[(number >> shift) & 31] for shift in range(60, -1, -5)]
    return "P" + "".join(digits)

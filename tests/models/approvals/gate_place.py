"""Where the stories of `tests.models.approvals.gate_town` play: few tags, so that requests meet each other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import select

from bot.demo.town import Town, town
from bot.store.schema.tables import purges
from tests.models.approvals.approval_oracle import Person, Times
from tests.models.approvals.approval_policies import EDITORS, LEADS, SRE
from tests.models.approvals.gate_oracle import Approval, Asked, GateOracle, Wish
from tests.models.approvals.gate_policies import GateLaw
from tests.models.approvals.machine_runs import NewDatabase
from tests.support.messages import buttons, cards

FIT, OWN, AGAIN = "whoever is fit for it", "its requester", "who has approved"
PEOPLE = {
    "U0ANA": frozenset({EDITORS}),
    "U0SAM": frozenset({SRE}),
    "U0KIM": frozenset({SRE, LEADS}),
    "U0LEO": frozenset({LEADS}),
    "U0ADA": frozenset({EDITORS, SRE}),
}
STRANGER, GUEST = "U0EVE", "U0GUS"
ENDS = {"refused", "denied", "expired", "cancelled", "complete", "unreported", "failed", "unknown"}
KEY = "k" * 32
BACKOFF_S = 65
"""As long as a row that could not be done while Slack was away may sleep on."""
NEW_QUOTA_S = 16 * 3600
"""When the day's quota starts afresh: 00:00 UTC+8."""


class GatePlace(RuleBasedStateMachine):
    """`asked` is what people asked for; `touched` are the purges that a hand has been at."""

    new_database: NewDatabase
    counts: ClassVar[Counter[str]] = Counter()
    place: Town
    people: dict[str, Times[Person]]
    laws: Times[GateLaw]
    oracle: GateOracle

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.policy = Path(self.stack.enter_context(TemporaryDirectory())) / "policy.yaml"
        self.database_url = self.stack.enter_context(self.new_database())
        self.asked: list[Asked] = []
        self.wished: dict[str, tuple[str, Wish, bool, float]] = {}
        self.touched: set[str] = set()
        self.changed_rights = False
        self.slack_away = self.broken = self.opened = self.grid = self.key = False

    def opens(self, law: GateLaw, *, grid: bool, key: bool) -> None:
        self.policy.write_text(law.text)
        self.place = self.stack.enter_context(
            town(database_url=self.database_url, policy=self.policy, with_bot=False)
        )
        self.grid, self.key = grid, key
        post = self.place.post
        post("slack/settings", {"limits": {"on": False}})
        if grid:
            post("slack/settings", {"enterprise": {"id": "E0ORG", "name": "Acme"}})
        self.people = {who: Times(Person(groups), 0) for who, groups in PEOPLE.items()}
        self.people[STRANGER] = Times(Person(frozenset({SRE}), "outsider"), 0)
        self.people[GUEST] = Times(Person(frozenset({SRE}), "guest"), 0)
        for number, (who, times) in enumerate(self.people.items()):
            known: dict[str, Any] = {"id": who, "groups": sorted(times.now.groups)}
            if grid and who != STRANGER:
                teams = {"id": f"W{who[1:]}", "enterprise_id": "E0ORG", "teams": ["T0TOWN"]}
                post("slack/person", {"id": who, "enterprise_user": teams})
                known["listed_as"] = f"{'UW'[number % 2]}{who[1:]}"
            post("slack/person", known)
        if key:
            self.place.settings["PURGEBOT_APPROVAL_KEY"] = KEY
        self.place.start_bot()
        self.laws = Times(law, 0)
        self.oracle = GateOracle(self.people, self.laws)
        self.opened = True
        self.counts["stories"] += 1

    # How it is done

    def types(self, who: str, wish: str, how: str, *, by_w: bool) -> None:
        """Let somebody ask; `wish` is a domain and tags as they are typed."""
        if not self.can_act(who):
            return
        domain, tags = wish.split()
        at = self.now()
        with_reason = f'/purge {wish} {how} --reason "why not"'
        answer = self._as(who, by_w, lambda: self.place.says(who, with_reason))
        wished = Wish(domain, frozenset(tags.split(",")), "--force" in how)
        self._keep_asked(answer["trigger_id"], who, wished, "glass" in how, at)

    def _keep_asked(
        self, trigger_id: str | None, who: str, wish: Wish, glass: bool, at: float
    ) -> None:
        if trigger_id is not None:
            self.wished[trigger_id] = (who, wish, glass, at)
            self.settle()

    def presses(self, asked: Asked, who: str, kind: str, *, by_w: bool = False) -> bool:
        """Let somebody press a button, if it is there; True if it was."""
        person = self.find(asked, who)
        card = self._card_of(asked)
        if person is None or card is None or not _shows(card, kind):
            return False
        at = self.now()
        again = kind in {"again", "escalate"}
        if again and asked.purge_id in self.touched:
            return False  # a hand may have changed what its card does not yet show
        approval = Approval(person, at, None, timely=at < asked.open_until)
        if kind == "approve":
            asked.approvals.append(approval)
        answer = self._as(person, by_w, lambda: self.place.presses(person, f"purge:{kind}", card))
        self.counts[f"pressed {kind}{' by W' if by_w and self.grid else ''}"] += 1
        if again:
            wish = asked.wish
            wish = Wish(wish.domain, wish.tags, wish.force or kind == "escalate")
            self._keep_asked(answer["trigger_id"], person, wish, False, at)
        self.settle()
        approval.until = None if self.slack_away else self.now()
        if kind == "cancel" and asked.state == "cancelled":
            self.counts["undone" if asked.approvals else "cancelled"] += 1
        return True

    def denies(self, asked: Asked, who: str) -> None:
        person = self.find(asked, who)
        if self.presses(asked, who, "deny") and person and self.place.forms(person):
            self.place.sends_form(person, "the match is on")
            self.settle()

    def all_approve(self, asked: Asked) -> None:
        """Have it approved, if there are enough for it."""
        for _ in PEOPLE:
            if asked.state == "waiting" and self.find(asked, FIT) != asked.by:
                self.presses(asked, FIT, "approve")

    def the_cdn_fails(self, how: str) -> None:
        """Have the next purge fail, with a code of the CDN or in another way."""
        self.place.heals()
        fault = {"kind": "error", "code": how} if how[0].isupper() else {"kind": how}
        self.place.breaks(**fault, action="RefreshObjectCacheByCacheTag", times=1)

    def _as(self, who: str, by_w: bool, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Act under the ID of the organisation, where there is one."""
        if not (by_w and self.grid and who != STRANGER):
            return act()
        self.place.post("slack/person", {"id": who, "clicks": {"user_id": f"W{who[1:]}"}})
        answer = act()
        self.place.post("slack/person", {"id": who, "clicks": {}})
        return answer

    def find(self, asked: Asked, who: str) -> str | None:
        """Give the person that is meant, if there is one and they can act at all."""
        approved = [each.person for each in asked.approvals]
        if who == AGAIN:
            who = approved[0] if approved else FIT
        if who == FIT:
            left = [name for name in self._others_who_may(asked) if name not in approved]
            who = left[0] if left else OWN
        person = asked.by if who == OWN else who
        return person if self.can_act(person) else None

    def _others_who_may(self, asked: Asked) -> list[str]:
        return [
            name
            for name, times in self.people.items()
            if name != asked.by
            and times.now.is_member
            and self.laws.now.decides(times.now.groups, asked.wish.tags)
        ]

    def can_act(self, person: str) -> bool:
        return self.people[person].now.kind != "deleted"

    def becomes(self, who: str, groups: frozenset[str], kind: str) -> None:
        self.place.post("slack/person", {"id": who, "groups": sorted(groups), "kind": kind})
        self.people[who].change(Person(groups, kind), self.now())
        self.changed_rights = True

    def writes(self, law: GateLaw) -> None:
        self.laws.change(law, self.now())
        self.policy.write_text(law.text)
        self.broken, self.changed_rights = False, True

    def wait(self, span: float) -> None:
        self.place.waits(seconds=span, settle=False)
        self.settle()

    def waits_for_new_quota(self) -> None:
        self.wait((NEW_QUOTA_S - self.now()) % 86400 + 5)

    def slack_answers_again(self) -> None:
        """From now on nothing is open any more that it could not answer."""
        self.place.post("slack/faults", {"web_api": []})
        self.wait(BACKOFF_S)
        self.slack_away = False
        for asked in self.asked:
            for each in asked.approvals:
                each.until = each.until or self.now()

    def settle(self) -> None:
        """Do a round of the worker, as it does them by itself: first the policy, then what is due."""
        assert self.place.bot is not None
        self.place.bot.policy.reload()
        in_force = hashlib.sha256(self.laws.now.text.encode()).hexdigest()
        assert self.place.bot.policy.current().hash == in_force
        self.place.settle()
        self._see()
        self.place.waits(seconds=2.5)
        self._see()

    def _see(self) -> None:
        """Look at how each request stands: an end is an end, whatever a hand makes of it later."""
        states = {}
        known = {each.purge_id for each in self.asked}
        for row in self._rows():
            states[row.id] = row.state
            # While Slack is away, a request from a button is not made before it is back.
            if row.id not in known and row.trigger_id in self.wished:
                self.asked.append(Asked(row.id, *self.wished[row.trigger_id]))
        law = self.laws.now
        for asked in self.asked:
            state, before = states[asked.purge_id], asked.state
            asked.state = state
            if state == "waiting" != before:
                left_s = law.expires_s(asked.wish.tags, force=asked.wish.force)
                asked.open_until = self.now() + max(left_s, 1800 if self.changed_rights else 0)
            if before == "joined" and state in {"waiting", "ready", "requested"}:
                self.counts["released"] += 1
            if asked.ended is None and state in ENDS:
                asked.ended, asked.ended_at = state, self.now()

    def _rows(self) -> list[Any]:
        assert self.place.bot is not None
        with self.place.bot.store.engine.connect() as connection:
            return list(connection.execute(select(purges).order_by(purges.c.requested_at)))

    def _card_of(self, asked: Asked) -> dict[str, Any] | None:
        for card in cards(self.place, "U0BOT"):
            if card["metadata"]["event_payload"]["purge_id"] == asked.purge_id:
                return card
        return None

    def membership(self, *states: str) -> list[Asked]:
        return [each for each in self.asked if each.state in states]

    def _one_of(self, which: int, *states: str) -> Asked:
        found = self.membership(*states)
        return found[which % len(found)]

    def now(self) -> float:
        return self.place.now().timestamp()


_LABELS = {
    "approve": "Approve",
    "deny": "Deny",
    "cancel": "Cancel",
    "postpone": "Run it then",
    "again": "Purge again",
    "escalate": "Still stale?",
}


def _shows(card: dict[str, Any], kind: str) -> bool:
    return any(label.startswith(_LABELS[kind]) for label in buttons(card))

"""The town of `tests/models/approvals/test_approval_machine.py`: how its people press, and what must hold.

press ──► the worker's round ──► does it count exactly if the oracle says that it must?
after every step      nothing was sent without leave, ends stay ends, cards tell the truth
at the end of all     whoever may says yes; all comes to an end; the audit trail is whole
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from bot.demo.town import Town, town
from bot.store.audit.verify import verify
from tests.models.approvals.approval_oracle import Oracle, Person, Press, Request, Times
from tests.models.approvals.approval_policies import EDITORS, LEADS, SRE, Law
from tests.models.approvals.machine_runs import NewDatabase
from tests.models.approvals.request_states import AT_THE_CDN, ENDS, RequestState, request_states
from tests.support.logged_failures import watched

FIT, OWN, AGAIN = "whoever is fit for it", "its requester", "who has said yes"
PEOPLE = {
    "U0ANA": frozenset({EDITORS}),
    "U0SAM": frozenset({SRE}),
    "U0KIM": frozenset({SRE}),
    "U0LEO": frozenset({LEADS}),
}
STRANGER = "U0EVE"
OVERDUE_S = 10 * 60
"""How late a forced purge is still sent by itself, as docs/operate.md says."""
BACKOFF_S = 65
"""As long as a row that could not be done while Slack was away may sleep on."""


class ApprovalTown(RuleBasedStateMachine):
    """`requests` is what the oracle knows; `seen` is how they stood when we last looked, for the
    worker may sleep while time passes.
    """

    new_database: NewDatabase
    place: Town
    people: dict[str, Times[Person]]
    laws: Times[Law]
    oracle: Oracle

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.failures = self.stack.enter_context(watched())
        self.policy = Path(self.stack.enter_context(TemporaryDirectory())) / "policy.yaml"
        self.database_url = self.stack.enter_context(self.new_database())
        self.requests: list[Request] = []
        self.seen: dict[str, RequestState] = {}
        self.slack_away = self.broken = self.opened = False

    def opens(self, law: Law) -> None:
        self.policy.write_text(law.text)
        self.place = self.stack.enter_context(
            town(database_url=self.database_url, policy=self.policy)
        )
        self.place.post("slack/settings", {"limits": {"on": False}})
        # What was sent stays "submitted" then, and what is unknown so: this is about the way there.
        self.place.post("cdn/settings", {"knows_tag_tasks": False})
        self.people = {who: Times(Person(groups), 0) for who, groups in PEOPLE.items()}
        self.people[STRANGER] = Times(Person(frozenset({SRE}), "outsider"), 0)
        self.place.post("slack/person", {"id": STRANGER, "groups": [SRE]})
        self.laws = Times(law, 0)
        self.oracle = Oracle(self.people, self.laws)
        self.opened = True

    # What must hold

    @invariant()
    def all_is_well(self) -> None:
        self.failures.check()  # here, so that the story that led to it is told and shortened
        self._nothing_is_sent_without_leave()
        self._what_ended_stays_so()
        for request in self.requests:
            assert self.seen[request.tag].untrue() is None, request

    def _nothing_is_sent_without_leave(self) -> None:
        for request in self.requests:
            sent = self._sent(request)
            assert len(sent) <= 1, f"sent twice: {request}"
            for at in sent:
                why_not = self.oracle.why_not(request, at)
                assert why_not is None, f"sent, but {why_not}: {request}"

    def _what_ended_stays_so(self) -> None:
        for request in self.requests:
            state = self.seen[request.tag].state
            if state == "unknown" and not self._sent(request):
                assert self._may_be_overdue(request), request
            else:
                assert (state in AT_THE_CDN) == bool(self._sent(request)), f"{state}: {request}"
            if request.end is None and state in ENDS:
                assert self.oracle.no_cause(request, state, self.now()) is None, request
                request.end, request.ended_at = state, self.now()
            assert request.end in {None, state}

    def _may_be_overdue(self, request: Request) -> bool:
        """Whether a forced purge was perhaps found too late to be sent by itself."""
        return request.force and self.now() - max(request.at, request.undo[0]) > OVERDUE_S

    def teardown(self) -> None:
        try:
            if self.opened and sys.exc_info()[0] is None:
                self._comes_to_an_end()
        finally:
            self.stack.close()

    def _comes_to_an_end(self) -> None:
        self.slack_answers_again()
        for number, request in enumerate(self.showing("Approve"), len(self.requests)):
            if number % 2:
                self._all_who_may_say_yes(request)
            else:
                self.presses_too_late(request)
        self.wait(2 * 60 * 60)
        self.all_is_well()
        assert all(request.end for request in self.requests)
        assert self.place.bot is not None
        assert verify(self.place.bot.store.engine).finding is None
        assert self.place.get("slack/violations")["violations"] == []

    def _all_who_may_say_yes(self, request: Request) -> None:
        """What shows its buttons can be decided: it is sent, if there are enough to say yes."""
        law = self.laws.now
        others = self._others_who_may(request)
        if not set(self.seen[request.tag].approvals) < set(others):
            return  # a yes that was withdrawn ends it, and nobody says yes again
        for name in (OWN, *others, AGAIN):  # what must not count is pressed as well
            self.presses(request, name, "approve")
        self.wait(law.undo_s + 1)
        if self.seen[request.tag].state == "expired":
            return
        expected = self.may_force(request.by) and law.enough(
            [self.people[name].now.groups for name in others]
        )
        assert len(self._sent(request)) == expected, f"{law} lets it be decided: {request}"

    def presses_too_late(self, request: Request) -> None:
        """Have it approved when it has run out, before the worker has seen that."""
        if request.until is not None and request in self.showing("Approve"):
            left_s = self.oracle.expiries(request)[1] - self.now()
            self.place.waits(seconds=max(0, left_s) + 1, settle=False)
            self.presses(request, FIT, "approve")

    # How it is done

    def presses(self, request: Request, who: str, kind: str) -> None:
        """Press, and see that it counts exactly if it must."""
        person, before = self.find(request, who), self.seen[request.tag]
        shown = kind == "deny" or any(each.lower().startswith(kind) for each in before.buttons)
        if not (person and shown):
            return
        press = Press(person, kind, self.now(), None)
        answer = (
            self.place.sends_form(person, "the match is on")
            if kind == "deny"
            else self.place.presses(person, f"purge:{kind}", self.card_of(request))
        )
        assert answer is not None
        assert answer["outcome"] == "acked"
        request.presses.append(press)
        self.settle()
        press.until = None if self.slack_away else self.now()
        after = self.seen[request.tag]
        must = self.oracle.must_change(request, press, before.state, self.now())
        if kind != "approve":
            done = after.state == {"deny": "denied", "cancel": "cancelled"}[kind]
        else:
            done = after.approvals.count(person) == 1
            must = must or None if person in before.approvals else must
        assert must in {None, done}, f"{press} on {before}: {after}"
        if kind == "approve" and before.state == "waiting" and after.state == "ready":
            undo_s = self.laws.now.undo_s
            request.undo = (press.at + undo_s, self.now() + undo_s)

    def writes(self, law: Law) -> None:
        self.laws.change(law, self.now())
        self.policy.write_text(law.text)
        self.broken = False

    def wait(self, span: float) -> None:
        self.place.waits(seconds=span, settle=False)
        self.settle()

    def slack_answers_again(self) -> None:
        """From now on nothing is open any more that it could not answer."""
        self.place.post("slack/faults", {"web_api": []})
        self.wait(BACKOFF_S)
        self.slack_away = False
        for request in self.requests:
            request.until = request.until or self.now()
            for press in request.presses:
                press.until = press.until or self.now()

    def settle(self) -> None:
        """Do a round of the worker, as it does them by itself: first the policy, then what is due.

        A card waits a moment for the answer of the CDN, and is edited at most every two seconds.
        """
        assert self.place.bot is not None
        self.place.bot.policy.reload()
        in_force = hashlib.sha256(self.laws.now.text.encode()).hexdigest()
        assert self.place.bot.policy.current().hash == in_force
        self.place.settle()
        self.place.waits(seconds=2.5)
        self.seen = request_states(self.place)
        for request in self.requests:
            request.waited |= self.seen[request.tag].state == "waiting"

    def showing(self, button: str) -> list[Request]:
        """Give the requests whose card shows this button."""
        return [
            request
            for request in self.requests
            if any(label.startswith(button) for label in self.seen[request.tag].buttons)
        ]

    def pick(self, which: int, button: str) -> Request:
        shown = self.showing(button)
        return shown[which % len(shown)]

    def find(self, request: Request, who: str) -> str | None:
        """Give the person that is meant, if there is one and they can press at all."""
        approvals = self.seen[request.tag].approvals
        if who == AGAIN:
            who = approvals[0] if approvals else FIT
        if who == FIT:
            left = [name for name in self._others_who_may(request) if name not in approvals]
            return left[0] if left else None
        person = request.by if who == OWN else who
        return person if self.can_act(person) else None

    def may_force(self, name: str) -> bool:
        person = self.people[name].now
        return person.is_member and self.laws.now.forces(person.groups)

    def _others_who_may(self, request: Request) -> list[str]:
        """Give those who may decide on a request as things are now."""
        return [
            name
            for name, times in self.people.items()
            if name != request.by
            and times.now.is_member
            and self.laws.now.decides(times.now.groups)
        ]

    def can_act(self, person: str) -> bool:
        return self.people[person].now.kind != "deleted"

    def card_of(self, request: Request) -> dict[str, Any]:
        card = self.seen[request.tag].card
        assert card is not None
        return card

    def _sent(self, request: Request) -> list[float]:
        """Give when a request reached the CDN."""
        return [
            seen["at"]
            for seen in self.place.purges_sent()
            if seen["params"]["CacheTag"] == request.tag
        ]

    def now(self) -> float:
        return self.place.now().timestamp()

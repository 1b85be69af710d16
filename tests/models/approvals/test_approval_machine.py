"""Whatever people, the policy, time, Slack and the CDN do: nothing is sent without leave.

Hypothesis makes stories of requests, presses, changes and troubles, plays them in town, and compares
what reached the CDN with `tests.models.approvals.approval_oracle`, which was not told how the bot thinks.  A failure prints
its story, and the seed of the run (tests/models/approvals/machine_runs.py).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from bot.core.errors import BotError
from tests.models.approvals.approval_oracle import Person, Request
from tests.models.approvals.approval_policies import BROKEN, EDITORS, LAWS, LEADS, SRE
from tests.models.approvals.approval_town import AGAIN, FIT, OWN, PEOPLE, STRANGER, ApprovalTown
from tests.models.approvals.machine_runs import SLACK_AWAY, NewDatabase, play, takes_long
from tests.support.databases import Postgresql, Sqlite

anybody = st.sampled_from([FIT, FIT, OWN, AGAIN, *PEOPLE, STRANGER])
members = st.sampled_from(list(PEOPLE))
askers = st.sampled_from([FIT, FIT, FIT, *PEOPLE])
beginnings = st.sampled_from(
    ["", "said again", "taken back", "too late", "expired", "lost", "lost unheard"]
)
laws = st.sampled_from(list(LAWS))
some_groups = st.sets(st.sampled_from([EDITORS, SRE, LEADS]), max_size=2)
spans = st.sampled_from([5, 61, 100, 411, 1861])
places = st.integers(0, 7)
takers = st.sampled_from([FIT, OWN, AGAIN])


def shows(button: str) -> Callable[[ApprovalMachine], bool]:
    """Whether a card with this button is there to press; it keeps stories from idle pages."""
    return lambda machine: bool(machine.showing(button))


def something_is_open(machine: ApprovalMachine) -> bool:
    return any(request.end is None for request in machine.requests)


class ApprovalMachine(ApprovalTown):
    """What can happen in town; `who` is somebody by name, or by what they are to a request."""

    @initialize(law=laws, by=askers, first=beginnings)
    def begins(self, law: str, by: str, first: str) -> None:
        """Begin in the middle of things: what is rarest has to come early to come often enough."""
        self.opens(LAWS[law])
        self.asks(by, "--force")
        if not self.showing("Approve"):
            return
        match first:
            case "said again":
                self.approves(0, FIT)
                if self.showing("Approve"):
                    self.approves(0, AGAIN)
            case "expired":
                self.approves_too_late(0)
            case "lost" | "lost unheard":
                self.all_say_yes(0, "sent", OWN)
                if self.showing("Stop it"):
                    self.a_right_is_lost_before_it_is_sent(0, len(by), unheard=first != "lost")
            case _ if first:
                self.all_say_yes(0, first, OWN)

    # What people do

    @rule(by=askers, how=st.sampled_from(["--force", "--force", "--force --break-glass", ""]))
    def asks(self, by: str, how: str) -> None:
        if by == FIT:
            by = next(filter(self.may_force, reversed(PEOPLE)), STRANGER)
        if by == STRANGER or not self.can_act(by):
            return
        tag = f"t{len(self.requests)}"
        request = Request(tag, by, bool(how), "glass" in how, self.now(), None)
        self.requests.append(request)
        command = f'/purge www.example.com {tag} {how} --reason "why not"'
        assert self.place.says(by, command)["outcome"] == "acked"
        self.settle()
        request.until = None if self.slack_away else self.now()

    @precondition(shows("Approve"))
    @rule(which=places, who=anybody)
    def approves(self, which: int, who: str) -> None:
        self.presses(self.pick(which, "Approve"), who, "approve")

    @precondition(shows("Approve"))
    @rule(which=places, then=st.sampled_from(["sent", "taken back", "too late"]), who=takers)
    def all_say_yes(self, which: int, then: str, who: str) -> None:
        """Have it granted, if there are enough for it, and perhaps taken back."""
        request = self.pick(which, "Approve")
        for _ in PEOPLE:
            self.presses(request, FIT, "approve")
        if then != "sent" and request in self.showing("Stop it"):
            self.sleeps(1 if then == "taken back" else 300)
            self.presses(request, who, "cancel")

    @precondition(shows("Approve"))
    @rule(which=places)
    def approves_too_late(self, which: int) -> None:
        self.presses_too_late(self.pick(which, "Approve"))

    @precondition(shows("Deny"))
    @rule(which=places, who=anybody)
    def begins_to_deny(self, which: int, who: str) -> None:
        request = self.pick(which, "Deny")
        if person := self.find(request, who):
            self.place.presses(person, "purge:deny", self.card_of(request))
            self.settle()

    @precondition(something_is_open)
    @rule(person=st.sampled_from([*PEOPLE, STRANGER]))
    def says_why_not(self, person: str) -> None:
        """Send a form that is open, whatever has happened since."""
        forms = self.place.forms(person) if self.can_act(person) else []
        for request in self.requests:
            if forms and self.seen[request.tag].purge_id in forms[-1]["private_metadata"]:
                self.presses(request, person, "deny")

    @precondition(shows("Deny"))
    @rule(which=places, who=anybody)
    def denies(self, which: int, who: str) -> None:
        person = self.find(self.pick(which, "Deny"), who)
        self.begins_to_deny(which, who)
        if person:
            self.says_why_not(person)

    @precondition(shows("Cancel"))
    @rule(which=places, who=anybody)
    def cancels(self, which: int, who: str) -> None:
        self.presses(self.pick(which, "Cancel"), who, "cancel")

    # What happens to them

    @precondition(something_is_open)
    @rule(span=spans)
    def waits(self, span: float) -> None:
        self.wait(span)

    @precondition(something_is_open)
    @rule(span=spans)
    def sleeps(self, span: float) -> None:
        """Let time pass while the worker is slow: presses come before it has looked."""
        self.place.waits(seconds=span, settle=False)

    @rule(person=members, groups=some_groups, kind=st.sampled_from(["member", "guest", "deleted"]))
    def becomes(self, person: str, groups: set[str], kind: str) -> None:
        change = {"id": person, "groups": sorted(groups), "kind": kind}
        self.place.post("slack/person", change)
        self.people[person].change(Person(frozenset(groups), kind), self.now())

    @precondition(something_is_open)
    @rule(which=places, whose=places, unheard=st.booleans())
    def somebody_it_hangs_on_loses_the_right(
        self, which: int, whose: int, *, unheard: bool
    ) -> None:
        """Take it from who asked, or has said yes; Slack may be away when the bot asks."""
        still_open = [request for request in self.requests if request.end is None]
        request = still_open[which % len(still_open)]
        concerned = (*self.seen[request.tag].approvals, request.by)
        self.becomes(concerned[whose % len(concerned)], set(), "member")
        if unheard:
            self.slack_goes_away()
        self.wait(61)
        if "Approve" in self.seen[request.tag].buttons:
            self.presses(request, AGAIN, "approve")
            self.presses(request, FIT, "approve")

    @precondition(shows("Stop it"))
    @rule(which=places, whose=places, unheard=st.booleans())
    def a_right_is_lost_before_it_is_sent(self, which: int, whose: int, *, unheard: bool) -> None:
        request = self.pick(which, "Stop it")
        concerned = (*self.seen[request.tag].approvals, request.by)
        self.becomes(concerned[whose % len(concerned)], set(), "guest")
        if unheard:
            self.slack_goes_away()
        self.wait(61)
        self.wait(200)

    @rule(law=laws | st.none())
    def changes_the_policy_file(self, law: str | None) -> None:
        """Write another law into it, or what is none: then the last one stays in force."""
        if law is not None:
            self.writes(LAWS[law])
        else:
            self.policy.write_text(BROKEN)
            self.broken = True
        self.settle()

    @precondition(something_is_open)
    @rule(span=spans, law=st.none() | laws)
    def restarts(self, span: float, law: str | None) -> None:
        """Stop the bot and start it again later; what is pressed meanwhile Slack does not take."""
        self.place.stop_bot()
        for request in self.requests:
            if "Approve" in self.seen[request.tag].buttons:
                answer = self.place.presses(STRANGER, "purge:approve", self.card_of(request))
                assert answer["outcome"] != "acked"
        self.place.waits(seconds=span, settle=False)
        if law is not None:
            self.writes(LAWS[law])
        elif self.broken:
            with pytest.raises(BotError):
                self.place.start_bot()
            self.writes(self.laws.now)
        self.place.start_bot()
        self.settle()

    @precondition(lambda self: not self.slack_away)
    @rule()
    def slack_goes_away(self) -> None:
        self.place.post("slack/faults", SLACK_AWAY)
        self.slack_away = True

    @precondition(lambda self: self.slack_away)
    @rule()
    def slack_comes_back(self) -> None:
        self.slack_answers_again()

    @precondition(something_is_open)
    @rule(kind=st.sampled_from(["lose_answer", "drop_before", "no_task_id"]), twice=st.booleans())
    def the_cdn_fails_once(self, kind: str, *, twice: bool) -> None:
        """And Slack delivers everything twice from now on, or does not any more."""
        self.place.post("slack/faults", {"deliver_twice": twice})
        self.place.heals()
        self.place.breaks(kind=kind, times=1)


def _play(databases: NewDatabase, examples: int) -> None:
    class Machine(ApprovalMachine):
        new_database = staticmethod(databases)

    play(Machine, examples, steps=25)


@pytest.mark.slow
@takes_long
def test_nothing_is_sent_without_leave_on_sqlite(sqlite: Sqlite) -> None:
    _play(sqlite.copy, 40)


@takes_long
def test_nothing_is_sent_without_leave_on_postgresql(postgresql: Postgresql) -> None:
    _play(postgresql.copy, 5)

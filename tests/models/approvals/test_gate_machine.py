"""No sequence of events reaches the CDN without leave: not people's, and not hands' in the database.

Hypothesis makes stories of requests that meet each other, presses, troubles and forgeries, and
`tests.models.approvals.gate_oracle` says of each call whether what people really did justifies it.  It prints how
often each thing happened (tests/models/approvals/machine_runs.py).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from bot.core.errors import BotError
from tests.models.approvals.approval_policies import BROKEN, EDITORS, LEADS, SRE
from tests.models.approvals.database_meddling import HANDS, MeddledTown
from tests.models.approvals.gate_beginnings import WISHES, Beginning, begin, dealt
from tests.models.approvals.gate_place import AGAIN, FIT, GUEST, OWN, PEOPLE, STRANGER
from tests.models.approvals.gate_policies import GATE_LAWS
from tests.models.approvals.machine_runs import EXAMPLES, SLACK_AWAY, NewDatabase, play, takes_long
from tests.support.databases import Postgresql, Sqlite
from tests.support.logged_failures import Expect

BY_HANDS = ("nothing-to-do", "step-failed")
"""What the bot may log of a row that a hand has put where the bot never would."""
SURE = 200
"""So many stories make it certain that everything happens in one of them."""
laws = st.sampled_from(list(GATE_LAWS))
beginnings = st.integers(0, 2**40).map(dealt)
askers = st.sampled_from([*PEOPLE, "U0ANA", "U0SAM", GUEST])
anybody = st.sampled_from([FIT, FIT, FIT, OWN, AGAIN, *PEOPLE, STRANGER, GUEST])
members = st.sampled_from(list(PEOPLE))
some_groups = st.sets(st.sampled_from([EDITORS, SRE, LEADS]), max_size=2)
wishes = st.sampled_from([*WISHES, WISHES[0], WISHES[0], WISHES[1]])
ways = st.sampled_from(["", "", "--force", "--force", "--force", "--force --break-glass"])
spans = st.sampled_from([3, 7, 30, 61, 205, 620, 1861])
places = st.integers(0, 7)
hands = st.sampled_from(sorted(HANDS))


def stand(*states: str) -> Callable[[GateMachine], bool]:
    return lambda machine: bool(machine.membership(*states))


class GateMachine(MeddledTown):
    """What can happen in town; `who` is somebody by name, or by what they are to a request."""

    @initialize(story=beginnings)
    def begins(self, story: Beginning) -> None:
        note(f"{story}")
        self.opens(GATE_LAWS[story.law], grid=story.grid, key=story.key)
        self.meddled = story.meddled
        begin(self, story)

    # What people do

    @rule(by=askers, wish=wishes, how=ways, by_w=st.booleans())
    def asks(self, by: str, wish: str, how: str, *, by_w: bool) -> None:
        self.types(by, wish, how, by_w=by_w)

    @precondition(lambda self: self.asked)
    @rule(how=ways, by=members, which=places)
    def asks_the_same(self, how: str, by: str, which: int) -> None:
        asked = self.asked[which % len(self.asked)]
        self.types(by, f"{asked.wish.domain} {','.join(sorted(asked.wish.tags))}", how, by_w=False)

    @precondition(stand("waiting"))
    @rule(which=places, who=anybody, by_w=st.booleans())
    def approves(self, which: int, who: str, *, by_w: bool) -> None:
        self.presses(self._one_of(which, "waiting"), who, "approve", by_w=by_w)

    @precondition(stand("waiting"))
    @rule(which=places)
    def enough_approve(self, which: int) -> None:
        self.all_approve(self._one_of(which, "waiting"))

    @precondition(stand("waiting"))
    @rule(which=places, who=anybody)
    def denies_it(self, which: int, who: str) -> None:
        self.denies(self._one_of(which, "waiting"), who)

    @precondition(stand("waiting", "ready", "held", "queued", "offered"))
    @rule(which=places, who=st.sampled_from([OWN, OWN, FIT, AGAIN, STRANGER]), by_w=st.booleans())
    def cancels(self, which: int, who: str, *, by_w: bool) -> None:
        open_ones = self._one_of(which, "waiting", "ready", "held", "queued", "offered")
        self.presses(open_ones, who, "cancel", by_w=by_w)

    @precondition(stand("offered"))
    @rule(which=places, who=anybody)
    def wants_it_run_later(self, which: int, who: str) -> None:
        self.presses(self._one_of(which, "offered"), who, "postpone")

    @precondition(stand("unknown", "complete"))
    @rule(which=places, who=anybody)
    def wants_more(self, which: int, who: str) -> None:
        asked = self._one_of(which, "unknown", "complete")
        self.presses(asked, who, "again" if asked.state == "unknown" else "escalate")

    # What happens to them

    @precondition(lambda self: self.asked)
    @rule(span=spans)
    def waits(self, span: float) -> None:
        self.wait(span)

    @precondition(lambda self: self.asked)
    @rule(span=spans)
    def sleeps(self, span: float) -> None:
        """Let time pass while the worker is slow: presses come before it has looked."""
        self.place.waits(seconds=span, settle=False)

    @precondition(stand("offered", "held"))
    @rule()
    def a_new_quota(self) -> None:
        self.waits_for_new_quota()

    @rule(person=members, groups=some_groups, kind=st.sampled_from(["member", "guest", "deleted"]))
    def changes(self, person: str, groups: set[str], kind: str) -> None:
        self.becomes(person, frozenset(groups), kind)

    @precondition(lambda self: any(each.approvals for each in self.membership("waiting", "ready")))
    @rule(which=places, groups=some_groups)
    def who_approved_changes(self, which: int, groups: set[str]) -> None:
        open_ones = [each for each in self.membership("waiting", "ready") if each.approvals]
        asked = open_ones[which % len(open_ones)]
        self.becomes(asked.approvals[0].person, frozenset(groups), "member")
        self.presses(asked, FIT, "approve")

    @rule(law=laws | st.none())
    def changes_the_policy_file(self, law: str | None) -> None:
        """Write another law into it, or what is none: then the last one stays in force."""
        if law is not None:
            self.writes(GATE_LAWS[law])
        else:
            self.policy.write_text(BROKEN)
            self.broken = True
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(span=spans, law=st.none() | laws)
    def restarts(self, span: float, law: str | None) -> None:
        self.place.stop_bot()
        self.place.waits(seconds=span, settle=False)
        if law is not None:
            self.writes(GATE_LAWS[law])
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

    @rule(
        how=st.sampled_from(["TooMany.Refresh", "TooMany.Refresh", "QuotaExceeded.Refresh"])
        | st.sampled_from(["lose_answer", "drop_before", "no_task_id", "InternalError"])
    )
    def has_troubles(self, how: str) -> None:
        self.the_cdn_fails(how)

    @rule(seconds=st.sampled_from([20, 300, 300]), twice=st.booleans(), end=st.booleans())
    def the_world_is_otherwise(self, seconds: float, *, twice: bool, end: bool) -> None:
        """Tasks are slow, or fail; and Slack delivers everything twice, or does not any more."""
        how = {"task_seconds": seconds, "task_end": "Failed" if end else "Complete"}
        self.place.post("cdn/settings", how)
        self.place.post("slack/faults", {"deliver_twice": twice})

    @rule(story=beginnings)
    def one_more(self, story: Beginning) -> None:
        """Let what begins a story happen in it."""
        note(f"{story}")
        begin(self, story)

    # What hands do

    @precondition(lambda self: self.meddled and self.asked)
    @rule(hand=hands, which=places, other=places, forges=st.booleans())
    def a_hand_writes(self, hand: str, which: int, other: int, *, forges: bool) -> None:
        self.meddles(hand, which, other, forges=forges)

    @precondition(lambda self: self.meddled and self.membership("waiting", "ready", "held"))
    @rule(hand=hands, which=places, other=places, forges=st.booleans())
    def a_hand_before_a_press(self, hand: str, which: int, other: int, *, forges: bool) -> None:
        asked = self._one_of(which, "waiting", "ready", "held")
        self.meddles(hand, self.asked.index(asked), other, forges=forges)
        self.presses(asked, FIT, "approve")


def _play(databases: NewDatabase, examples: int) -> None:
    class Machine(GateMachine):
        new_database = staticmethod(databases)

    Machine.counts.clear()
    try:
        play(Machine, examples, steps=10)
    finally:
        print("\n".join(f"{number:6} {what}" for what, number in sorted(Machine.counts.items())))
    if examples >= SURE or EXAMPLES >= SURE:
        assert [what for what in MUST_HAPPEN if not Machine.counts[what]] == []


MUST_HAPPEN = (
    *("request", "join", "queue", "released", "hold", "offer", "postpone", "break-glass"),
    *("undone", "cancelled", "deny", "expire", "sent forced", "sent plain", "sent with approval"),
    *("lose", "choose", "pressed approve by W", "forged", "refused: approval-lost"),
    *("refused: record-doubtful", *(f"hand: {hand}" for hand in HANDS)),
)


@pytest.mark.slow
@takes_long
def test_no_sequence_of_events_reaches_the_cdn_without_leave_on_sqlite(
    sqlite: Sqlite, tolerated_failures: Expect
) -> None:
    tolerated_failures(*BY_HANDS)
    _play(sqlite.copy, 40)


@takes_long
def test_no_sequence_of_events_reaches_the_cdn_without_leave_on_postgresql(
    postgresql: Postgresql, tolerated_failures: Expect
) -> None:
    tolerated_failures(*BY_HANDS)
    _play(postgresql.copy, 5)


def test_what_a_button_asked_for_while_slack_was_away_counts_as_asked_for(
    sqlite: Sqlite, tolerated_failures: Expect
) -> None:
    """The request is made when Slack says again who pressed: the oracle waits as long."""
    tolerated_failures(*BY_HANDS)

    class Machine(GateMachine):
        new_database = staticmethod(sqlite.copy)

    Machine.counts.clear()
    machine, story = Machine(), dealt(1)
    machine.opens(GATE_LAWS[story.law], grid=story.grid, key=story.key)
    machine.meddled = story.meddled
    begin(machine, story)
    machine.slack_goes_away()
    machine.wants_more(0, "U0ANA")
    assert len(machine.asked) == 1
    machine.restarts(30, "SOME")
    machine.teardown()
    assert machine.counts["sent forced"] == 1

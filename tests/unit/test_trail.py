"""What does not fit between a purge and its chain is said in words, and what fits is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import START, AuditEntry, Link, link, pruned
from bot.core.decisions.transition import entry_of
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Event, Purge, State, advance
from bot.core.purge.trail import STEPS, Trail, approved_at, mismatch
from tests.support.builders import a_purge

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SAM, KIM = Approval("U0SAM", NOON), Approval("U0KIM", NOON)
ASKED = a_purge(tags=("hero", "logo"), requested_at=NOON)
WAITING = advance(ASKED, Event.WAIT, NOON)
COUNTED = advance(WAITING, Event.COUNT, NOON, approvals=(SAM,))
READY = advance(COUNTED, Event.APPROVE, NOON, approvals=(SAM, KIM), decided_by="U0KIM")
DENIED = advance(WAITING, Event.DENY, NOON, decided_by="U0SAM")
PRESS = AuditEntry("P1", NOON, "press-late", user_id="U0LEO", detail={"press": "approve"})


def chained(*entries: AuditEntry) -> list[Link]:
    links: list[Link] = []
    for entry in entries:
        links.append(link(entry, links[-1].end if links else START))
    return links


def said(purge: Purge, event: str, user_id: str | None = None) -> AuditEntry:
    return entry_of(purge, Event(event), NOON, user_id)


REQUEST = said(ASKED, "request", "U0ANA")
STEPS_TO_READY = (
    REQUEST,
    said(WAITING, "wait"),
    said(COUNTED, "count", "U0SAM"),
    said(READY, "approve", "U0KIM"),
)
STEPS_TO_DENIED = (REQUEST, said(WAITING, "wait"), said(DENIED, "deny", "U0SAM"))


@pytest.mark.parametrize(
    ("purge", "entries"),
    [
        (ASKED, (REQUEST,)),
        (WAITING, (REQUEST, said(WAITING, "wait"))),
        (READY, STEPS_TO_READY),
        (READY, (*STEPS_TO_READY, PRESS, PRESS)),
        (READY, (*STEPS_TO_READY[:2], PRESS, *STEPS_TO_READY[2:])),
        (DENIED, STEPS_TO_DENIED),
    ],
    ids=["asked", "waiting", "ready", "pressed late", "pressed in between", "denied"],
)
def test_what_the_bot_wrote_fits(purge: Purge, entries: tuple[AuditEntry, ...]) -> None:
    assert mismatch(purge, chained(*entries)) is None


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ({"user_id": "U0EVE"}, "its row differs from its request, entry 1, in requester"),
        ({"domain": "shop.example.com"}, "its row differs from its last step, entry 4, in domain"),
        ({"tags": ("hero",)}, "its row differs from its last step, entry 4, in tags"),
        ({"tags": ("hero,logo",)}, "its row differs from its last step, entry 4, in tags"),
        ({"force": False}, "its row differs from its last step, entry 4, in force"),
        ({"break_glass": True}, "its row differs from its request, entry 1, in break_glass"),
        ({"state": State.HELD}, "its row differs from its last step, entry 4, in state"),
        ({"approvals": (SAM,)}, "its row differs from its last step, entry 4, in approvals"),
        ({"approvals": (KIM, SAM)}, "its row differs from its last step, entry 4, in approvals"),
        ({"approvals": ()}, "its row differs from its last step, entry 4, in approvals"),
        ({"decided_by": "U0EVE"}, "its row differs from its last step, entry 4, in decided_by"),
        ({"decided_by": None}, "its row differs from its last step, entry 4, in decided_by"),
        ({"version": 3}, "has an entry for a step that it never took"),
        ({"version": 5}, "entry 5 is missing"),
        ({"id": "P2"}, "entry 1 was altered"),
    ],
)
def test_a_row_that_was_changed_does_not_fit(facts: dict[str, object], wrong: str) -> None:
    assert mismatch(replace(READY, **facts), chained(*STEPS_TO_READY)) == wrong  # type: ignore[arg-type]  # facts of a purge


def test_a_yes_that_nobody_gave_does_not_fit_a_trail_without_any() -> None:
    forged = replace(WAITING, approvals=(KIM,))
    assert mismatch(forged, chained(REQUEST, said(WAITING, "wait"))) == (
        "its row differs from its last step, entry 2, in approvals"
    )


Break = Callable[[list[Link]], list[Link]]


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (lambda links: links[:0], "entry 1 is missing"),
        (lambda links: links[1:], "entry 1 is missing"),
        (lambda links: [links[0], *links[2:]], "entry 2 is missing"),
        (lambda links: links[:-1], "entry 4 is missing"),
        (lambda links: [links[0], links[0], *links[2:]], "entry 2 was altered"),
        (
            lambda links: [*links[:3], replace(links[3], entry=replace(PRESS, event="approve"))],
            "entry 4 was altered",
        ),
        (lambda links: [*links[:3], replace(links[3], hash="0" * 64)], "entry 4 was altered"),
        (lambda links: [*links[:3], replace(links[3], previous="0" * 64)], "entry 4 was altered"),
        (
            lambda links: chained(replace(REQUEST, event="wait"), *(x.entry for x in links[1:])),
            "entry 1 is not the request",
        ),
        (
            lambda links: chained(*(replace(x.entry, purge_id="P2") for x in links)),
            "entry 1 was altered",
        ),
        (
            lambda links: chained(replace(REQUEST, user_id="U0EVE"), *(x.entry for x in links[1:])),
            "its row differs from its request, entry 1, in requester",
        ),
    ],
)
def test_a_chain_that_was_changed_does_not_fit(broken: Break, wrong: str) -> None:
    assert mismatch(READY, broken(chained(*STEPS_TO_READY))) == wrong


def test_a_chain_tells_of_a_purge_only_if_it_begins_with_the_request() -> None:
    for entries, is_of_purge in (((), False), (STEPS_TO_READY, True)):
        trail = Trail("P1")
        assert not any(trail.take(found) for found in chained(*entries))
        assert trail.is_of_purge is is_of_purge
    for event in STEPS - {"request"}:
        trail = Trail("P1")
        trail.take(chained(replace(REQUEST, event=event))[0])
        assert not trail.is_of_purge


def test_a_step_that_was_written_anew_must_still_say_what_every_release_wrote() -> None:
    empty = replace(STEPS_TO_READY[3], detail={})
    assert mismatch(READY, chained(*STEPS_TO_READY[:3], empty)) == (
        "its row differs from its last step, entry 4, in domain, tags, force, state"
    )


@pytest.mark.parametrize("state", sorted(set(State) - {State.WAITING}), ids=str)
def test_nothing_is_approved_that_does_not_wait(state: State) -> None:
    """The row was changed between two steps, and the second wrote down what it found."""
    counted = said(replace(COUNTED, state=state), "count", "U0SAM")
    links = chained(*STEPS_TO_READY[:2], counted, STEPS_TO_READY[3])
    assert mismatch(READY, links) == f"entry 4 cannot come after {state}"


# Break-glass


def test_the_glass_is_broken_only_where_the_request_says_so() -> None:
    asked = replace(ASKED, break_glass=True)
    broken = advance(asked, Event.BREAK_GLASS, NOON)
    request, step = said(asked, "request", "U0ANA"), said(broken, "break-glass")
    assert mismatch(broken, chained(request, step)) is None
    assert mismatch(broken, chained(REQUEST, step)) == (
        "its row differs from its request, entry 1, in break_glass"
    )


def test_glass_that_need_not_be_broken_is_mended() -> None:
    """Where nobody has to be asked, the purge is ready, and its row says nothing of glass."""
    asked = replace(ASKED, break_glass=True)
    ready = advance(asked, Event.ALLOW, NOON, break_glass=False)
    chain = chained(said(asked, "request", "U0ANA"), said(ready, "allow"))
    assert mismatch(ready, chain) is None
    assert mismatch(replace(ready, break_glass=True), chain) == (
        "its row differs from its last step, entry 2, in break_glass"
    )


# Entries that say less


def older(entry: AuditEntry) -> AuditEntry:
    newer = {"requester", "approvals", "decided_by"}
    return replace(entry, detail={k: v for k, v in entry.detail.items() if k not in newer})


@pytest.mark.parametrize("facts", [{"approvals": ()}, {"decided_by": "U0EVE"}])
def test_what_an_earlier_release_did_not_say_is_not_compared(facts: dict[str, object]) -> None:
    chain = chained(*map(older, STEPS_TO_READY))
    assert mismatch(READY, chain) is None
    assert mismatch(replace(READY, **facts), chain) is None  # type: ignore[arg-type]  # facts of a purge


@pytest.mark.parametrize(
    "facts", [{"user_id": "U0EVE"}, {"state": State.HELD}, {"force": False}, {"break_glass": True}]
)
def test_what_it_did_say_is(facts: dict[str, object]) -> None:
    chain = chained(*map(older, STEPS_TO_READY))
    assert mismatch(replace(READY, **facts), chain) is not None  # type: ignore[arg-type]  # facts of a purge


def emptied(links: list[Link], *numbers: int) -> list[Link]:
    """Give the chain as a pruning leaves it that took these."""
    gone = pruned("P1", NOON)
    return [replace(each, entry=gone) if each.seq in numbers else each for each in links]


@pytest.mark.parametrize("numbers", [(1,), (1, 2), (1, 2, 3), (2,)])
def test_what_was_pruned_of_an_ended_purge_is_passed_over(numbers: tuple[int, ...]) -> None:
    chain = emptied(chained(*STEPS_TO_DENIED), *numbers)
    assert mismatch(DENIED, chain) is None
    assert mismatch(replace(DENIED, version=4), chain) == "entry 4 is missing"


def test_what_was_not_pruned_is_still_compared() -> None:
    chain = emptied(chained(*STEPS_TO_DENIED, PRESS), 1, 2, 4)
    assert mismatch(DENIED, chain) is None
    expired = replace(DENIED, state=State.EXPIRED)
    # The press may have been a step, for all that its empty entry says.
    assert mismatch(expired, chain) is None
    assert mismatch(expired, chain[:3]) == ("its row differs from its last step, entry 3, in state")


@pytest.mark.parametrize("state", [State.WAITING, State.READY, State.HELD, State.OFFERED])
def test_before_its_end_nothing_of_a_purge_is_pruned(state: State) -> None:
    forged = replace(READY, state=state, user_id="U0EVE")
    for numbers in ((1,), (4,), (1, 2, 3, 4)):
        wrong = mismatch(forged, emptied(chained(*STEPS_TO_READY), *numbers))
        assert wrong == f"entry {numbers[0]} was emptied before the purge came to its end"


def test_an_entry_that_only_claims_to_be_pruned_was_altered() -> None:
    chain = chained(*STEPS_TO_DENIED)
    half = replace(chain[0], entry=replace(chain[0].entry, event="pruned"))
    assert mismatch(DENIED, [half, *chain[1:]]) == "entry 1 was altered"


def test_what_was_found_again_may_be_at_work_with_a_pruned_beginning() -> None:
    lost = advance(advance(READY, Event.SEND, NOON), Event.LOSE, NOON)
    found = advance(lost, Event.FIND, NOON, task_id="1")
    sending = replace(READY, state=State.SENDING)
    entries = (said(sending, "send"), said(lost, "lose"), said(found, "find"))
    chain = emptied(chained(*STEPS_TO_READY, *entries), 1, 2, 3, 4)
    assert mismatch(found, chain) is None


# What is written down


def test_every_event_of_a_purge_is_a_step() -> None:
    assert {"request", *(event.value for event in Event)} == STEPS


TAGS = st.lists(st.text("ab,\\", min_size=1, max_size=4), min_size=1, max_size=3)


@given(TAGS, TAGS)
def test_tags_that_differ_never_fit(tags: list[str], other: list[str]) -> None:
    ours = [tag.replace(",", "") or "a" for tag in tags]
    asked, forged = (replace(ASKED, tags=tuple(each)) for each in (ours, other))
    chain = chained(said(asked, "request", "U0ANA"))
    assert mismatch(asked, chain) is None
    assert (mismatch(forged, chain) is None) == (other == ours)


def test_it_was_approved_when_the_last_approval_was_given_that_was_still_missing() -> None:
    later = NOON + timedelta(hours=1)
    again = replace(said(READY, "approve", "U0KIM"), at=later)
    assert approved_at([]) is None
    assert approved_at(chained(*STEPS_TO_DENIED)) is None
    assert approved_at(chained(*STEPS_TO_READY, replace(said(READY, "hold"), at=later))) == NOON
    assert approved_at(chained(*STEPS_TO_READY, again)) == later

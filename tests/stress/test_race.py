"""Everybody presses at the same moment: each request ends once, by a decision that counted.

Two hundred forced requests, eight fingers on each card at once (tests/stress/race.py), for half of the
time each click brought twice, and three bots over one database that are killed and started again.
Then what Slack saw acknowledged, the database, its audit trail, the CDN and the channel are compared.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.core.audit import AuditEntry
from bot.core.purge.purge import Purge, State
from bot.demo.town import Town
from bot.store.queue.owner import LEASE
from bot.store.schema import tables
from tests.conftest import OpenTown
from tests.stress.race import APPROVALS, FINGERS, LEADS, ONE, RULES, SRE, TWO, Message, Race
from tests.stress.scale import Counted, scaled
from tests.support.messages import buttons, cards, notes_below, whispers, words
from tests.support.policies import write_policy
from tests.support.processes import (
    all_purges,
    approvals_pressed,
    bots_in,
    card_of,
    check_one_card_each,
    check_presses,
    check_sent,
    check_trail,
    let_all_end,
    lift_limits,
    store_of,
    unapproved,
)

REQUESTS = scaled(sample=75, full=200)
BOTS = 3
STRETCH = 25
"""For so many requests Slack brings each click twice; then for so many only once."""

ENDINGS = {"refuse", "deny", "expire", "cancel", "reject", "finish", "fail", "give-up"}
TITLES = {
    State.COMPLETE: "Forced purge complete",
    State.UNKNOWN: "outcome unknown",
    State.DENIED: "denied: nothing was purged",
    State.CANCELLED: "ed: nothing was purged",
    State.EXPIRED: "in time, nothing was purged",
}
"""The ends there are where nobody loses a right and the CDN is well, and what the card says then."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_eight_fingers_on_each_of_two_hundred_cards_and_every_request_ends_once(
    open_town: OpenTown, tmp_path: Path, record_property: Counted
) -> None:
    place = open_town(policy=write_policy(tmp_path, APPROVALS, rules=RULES), with_bot=False)
    lift_limits(place)
    place.breaks(kind="slow_answer", seconds=0.2, times=None)  # so that a kill may fall into it
    race = Race(place, random.Random(8))
    with bots_in(place, BOTS) as bots, ThreadPoolExecutor(FINGERS) as people:
        bring_twice(place, twice=True)
        list(people.map(race.ask, range(REQUESTS)))
        waiting = wait_for_cards(place)
        # Whoever presses in vain, as a bot is killed, waits about as long as Slack lets people wait.
        place.post("slack/faults", {"ack_timeout_s": 4.0})
        bots.kill_in_turn(random.Random(9))
        for number, card in enumerate(waiting):
            if number % STRETCH == 0:
                bring_twice(place, twice=number // STRETCH % 2 == 0)
            race.run(card, people)
    place.start_bot()
    let_all_end(place)
    place.waits(minutes=15)  # those who may decide are called once more
    place.waits(minutes=15)  # and what nobody decided expires

    purges = all_purges(place)
    assert len(purges) == REQUESTS
    trails = trails_of(place)
    for purge in purges:
        check_end(purge, trails[purge.id])
        check_quorum(purge, trails[purge.id])
    check_trail(place)
    check_sent(place, purges)
    assert not unapproved(purges, place.purges_sent(), approvals_pressed(place))
    check_presses(place, race.acknowledged)
    check_answers(place, trails)
    check_one_card_each(place, purges)
    check_cards(place, purges)
    doubled = check_notes(place, purges)
    states = Counter(purge.state.value for purge in purges)
    record_property(
        "counts",
        f"postgresql, {BOTS} processes: {REQUESTS} requests, {len(race.acknowledged)} clicks "
        f"acknowledged, {bots.kills} kills; 0 lost, 0 sent twice, 0 without quorum, 0 unapproved; "
        + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        + f"; {doubled} with a note more than once",
    )


def bring_twice(place: Town, *, twice: bool) -> None:
    place.post("slack/faults", {"deliver_twice": twice})


def wait_for_cards(place: Town) -> list[Message]:
    """Give the cards when every request has one with buttons on it."""
    for _ in range(150):
        waiting = [card for card in cards(place) if buttons(card)]
        if len(waiting) == REQUESTS:
            return waiting
        threading.Event().wait(0.2)
    pytest.fail("a card is missing before anybody was killed")


def trails_of(place: Town) -> dict[str, list[AuditEntry]]:
    """Give what the audit trail says of each purge, in order."""
    trails: dict[str, list[AuditEntry]] = {}
    for _, found in store_of(place).audit.read_all():
        trails.setdefault(found.entry.purge_id, []).append(found.entry)
    return trails


# Each request


def check_end(purge: Purge, trail: Sequence[AuditEntry]) -> None:
    """It came to one end, once; "unknown" only when whoever was sending it was surely dead."""
    assert purge.state in TITLES, f"{purge.id} is {purge.state}"
    ended = [entry.event for entry in trail if entry.event in ENDINGS]
    assert len(ended) == (purge.state is not State.UNKNOWN), f"{purge.id} ended by {ended}"
    at = {entry.event: entry.at for entry in trail}
    if "lose" in at:  # its task may have been found since
        assert at["lose"] - at["send"] > LEASE, f"{purge.id} was given up too early"


def check_quorum(purge: Purge, trail: Sequence[AuditEntry]) -> None:
    """It was approved by as many others as it takes, or else never sent; the trail says the same."""
    events = [entry.event for entry in trail]
    said_yes = [entry.user_id for entry in trail if entry.event in {"count", "approve"}]
    assert said_yes == [yes.user_id for yes in purge.approvals], f"{purge.id}: {said_yes}"
    assert len(said_yes) == len(set(said_yes)), f"{purge.id}: one counts twice: {said_yes}"
    assert purge.user_id not in said_yes, f"{purge.id} was approved by its requester"
    others = set(said_yes)
    assert others <= SRE | LEADS, f"{purge.id} was approved without the right to: {others}"
    approved = {
        ONE: len(others) >= 1,
        TWO: len(others) >= 2,
    }.get(purge.domain, bool(others & SRE and others & LEADS))
    assert ("approve" in events) == approved, f"{purge.id} of {purge.domain}: {others}"
    assert events.count("send") == int(approved and purge.state is not State.CANCELLED), purge.id


# All of them


def check_answers(place: Town, trails: dict[str, list[AuditEntry]]) -> None:
    """Each press is in the trail once, and whoever's press changed nothing was told so."""
    asks = store_of(place).read(select(tables.asks))
    pressed = Counter((ask.purge_id, ask.user_id, ask.kind) for ask in asks)
    entries = [entry for trail in trails.values() for entry in trail if "press" in entry.detail]
    told_of = Counter((each.purge_id, each.user_id, each.detail["press"]) for each in entries)
    assert told_of == pressed, "a press is missing in the audit trail, or counted twice"
    refused = Counter(str(each.user_id) for each in entries if is_refusal(each.event))
    for person, times in refused.items():
        assert len(whispers(place, person)) >= times, f"{person} was not told of a press"


def is_refusal(event: str) -> bool:
    return event.startswith("press-") or event == "deny-form-not-opened"


def check_cards(place: Town, purges: list[Purge]) -> None:
    """Each card says how its request ended, by whose yes, and as which task; its buttons are gone."""
    shown = {card_of(card): card for card in cards(place)}
    tasks = {sent["params"]["CacheTag"]: sent["task_id"] for sent in place.purges_sent()}
    for purge in purges:
        card = shown[purge.id]
        assert TITLES[purge.state] in words(card), f"{purge.id} is {purge.state}: {words(card)}"
        unknown = purge.state is State.UNKNOWN
        assert buttons(card) == (["Purge again", "Leave it"] if unknown else [])
        for yes in purge.approvals:
            assert f"<@{yes.user_id}> at" in words(card), f"{purge.id}: a yes is not on the card"
        if purge.state is State.COMPLETE:
            assert tasks[purge.tags[0]] in words(card), f"{purge.id} shows another task"


def check_notes(place: Town, purges: list[Purge]) -> int:
    """Each requester was told the end, unless it was their own doing; give how many were twice."""
    by_id = {purge.id: purge for purge in purges}
    below = notes_below(place)
    doubled = 0
    for card in cards(place):
        purge = by_id[card_of(card)]
        said = below.get(card["ts"], [])
        ends = [note for note in said if f"<@{purge.user_id}>, your forced purge" in words(note)]
        calls = [note for note in said if "still waits" in words(note)]
        own_doing = purge.state is State.CANCELLED and purge.decided_by == purge.user_id
        assert bool(ends) != own_doing, f"{purge.id} is {purge.state}: {len(ends)} notes"
        assert bool(calls) == (purge.reminded_at is not None), f"{purge.id}: {len(calls)} calls"
        check_repeats(ends)
        check_repeats(calls)
        doubled += max(len(ends), len(calls)) > 1
    return doubled


def check_repeats(notes: list[Message]) -> None:
    """A note is said again only by whoever took it over from the dead, when a lease had run out."""
    for first, again in pairwise(float(note["ts"]) for note in notes):
        assert again - first > LEASE.total_seconds() / 2, f"said twice: {words(notes[0])}"

"""The audit trail tells every story whole: who, what, when, why, under which policy, from where."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.audit import AuditEntry
from bot.core.purge.trail import mismatch
from bot.demo.town import SAMPLE_POLICY, Town
from bot.store.audit.verify import Verdict, verify
from tests.support.audit_trail import open_store
from tests.support.conversation import Person
from tests.support.messages import APPROVE, DENY, cards
from tests.support.policies import WithPolicy
from tests.support.processes import all_purges, store_of

CANCEL = "purge:cancel"
POLICY = hashlib.sha256(SAMPLE_POLICY.read_bytes()).hexdigest()
Story = Callable[[Town], None]


def trail(place: Town) -> list[AuditEntry]:
    """Give every entry there is; the trail must hold whatever happened."""
    assert place.bot is not None
    assert verify(place.bot.store.engine).finding is None
    return [found.entry for _, found in place.bot.store.audit.read_all()]


def plain(place: Town) -> None:
    Person(place, "U0ANA").purges("www.example.com hero")


def refused(place: Town) -> None:
    place.says("U0ANA", "/purge shop.example.com hero")


def lost(place: Town) -> None:
    place.breaks(kind="lose_answer")
    plain(place)


def failed(place: Town) -> None:
    place.breaks(kind="error", code="InvalidDomain.NotFound")
    plain(place)


def pressed(person: str, button: str) -> Story:
    def story(place: Town) -> None:
        place.presses(person, button, Person(place, "U0ANA").purges("www.example.com hero --force"))

    return story


def denied(place: Town) -> None:
    place.denies("U0SAM", Person(place, "U0ANA").purges("www.example.com hero --force"), "no")


def pressed_late(place: Town) -> None:
    card = Person(place, "U0ANA").purges("www.example.com hero --force")
    place.denies("U0SAM", card, "no")
    place.presses("U0KIM", APPROVE, card)


def unanswered(place: Town) -> None:
    Person(place, "U0ANA").purges("www.example.com hero --force")
    place.waits(minutes=31, settle=False)


WAITS = [("request", "U0ANA"), ("wait", None)]
"""Where a story of a forced purge begins; the bot itself is nobody."""


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (plain, [("request", "U0ANA"), ("allow", None), ("send", None), ("accept", None)]),
        (refused, [("request", "U0ANA"), ("refuse", None)]),
        (failed, [("request", "U0ANA"), ("allow", None), ("send", None), ("reject", None)]),
        (lost, [("request", "U0ANA"), ("allow", None), ("send", None), ("lose", None)]),
        (
            pressed("U0SAM", APPROVE),
            [*WAITS, ("approve", "U0SAM"), ("send", None), ("accept", None)],
        ),
        (pressed("U0SAM", DENY), [*WAITS, ("deny-form", "U0SAM")]),
        (denied, [*WAITS, ("deny-form", "U0SAM"), ("deny", "U0SAM")]),
        (pressed("U0ANA", CANCEL), [*WAITS, ("cancel", "U0ANA")]),
        (pressed("U0ANA", APPROVE), [*WAITS, ("press-own-request", "U0ANA")]),
        (pressed("U0LEO", APPROVE), [*WAITS, ("press-not-allowed", "U0LEO")]),
        (pressed("U0LEO", CANCEL), [*WAITS, ("press-not-your-request", "U0LEO")]),
        (
            pressed_late,
            [*WAITS, ("deny-form", "U0SAM"), ("deny", "U0SAM"), ("press-late", "U0KIM")],
        ),
        (unanswered, [*WAITS, ("expire", None)]),
    ],
    ids=[
        "plain",
        "refused",
        "failed",
        "lost",
        "approved",
        "denied, and no reason given yet",
        "denied",
        "cancelled",
        "pressed by the requester",
        "pressed without the right",
        "cancelled by somebody else",
        "pressed late",
        "expired",
    ],
)
def test_every_step_is_told(place: Town, story: Story, told: list[tuple[str, str | None]]) -> None:
    story(place)
    place.settle()
    entries = trail(place)
    assert [(entry.event, entry.user_id) for entry in entries] == told
    assert {entry.team_id for entry in entries} == {"T0TOWN"}
    assert {entry.channel_id for entry in entries} == {"C0WEB"}
    assert {entry.policy_hash for entry in entries[1:]} == {POLICY}
    assert len({entry.purge_id for entry in entries}) == 1


def test_a_refusal_tells_why(place: Town) -> None:
    refused(place)
    place.settle()
    detail = trail(place)[-1].detail
    assert detail["domain"] == "shop.example.com"
    assert detail["refusal"] == "policy-no-rule"
    assert "No rule" in detail["why"]


def test_a_press_tells_what_was_pressed_and_why_it_did_not_count(place: Town) -> None:
    pressed("U0LEO", DENY)(place)
    place.settle()
    detail = trail(place)[-1].detail
    assert detail["press"] == "deny-form"
    assert "No rule" in detail["sentence"]


def test_an_approval_tells_what_was_approved(place: Town) -> None:
    pressed("U0SAM", APPROVE)(place)
    place.settle()
    approved, _, accepted = trail(place)[2:]
    assert approved.detail["tags"] == "hero"
    assert approved.detail["press"] == "approve"
    assert accepted.detail["task_id"] == place.purges_sent()[0]["task_id"]


def test_somebody_of_another_workspace_is_told_apart(place: Town) -> None:
    pressed("U0EVE", APPROVE)(place)
    place.settle()
    last = trail(place)[-1]
    assert (last.event, last.user_id) == ("press-not-allowed", "U0EVE")
    assert last.team_id not in {None, "T0TOWN"}


def test_a_press_that_is_the_first_to_see_the_expiry_tells_of_both(
    place: Town, sam: Person, ana: Person
) -> None:
    card = ana.purges("www.example.com hero --force")
    place.waits(minutes=31, settle=False)
    assert place.bot is not None
    sam.approves(card)
    told = [(entry.event, entry.user_id) for entry in trail(place)]
    assert told == [*WAITS, ("expire", None), ("press-late", "U0SAM")]


def test_a_running_bot_prunes_the_trail_as_its_setting_says(live_place: Town) -> None:
    failed(live_place)
    live_place.settle()
    live_place.stop_bot()
    live_place.waits(days=3, settle=False)
    live_place.start_bot(PURGEBOT_AUDIT_RETENTION_DAYS="1").worker.start()
    live_place.stop_bot()
    store = open_store(live_place.database_url)
    assert verify(store.engine).pruned == 4
    store.close()


def test_a_running_bot_seals_the_trail_by_itself(live_place: Town) -> None:
    plain(live_place)
    assert live_place.bot is not None
    live_place.bot.worker.start()
    live_place.stop_bot()
    store = open_store(live_place.database_url)
    assert len(verify(store.engine).checkpoints) == 1
    store.close()


# What the bot writes is always whole


TWO_OF_THE_TEAM = """
  - approval: Two of the team for the images
    domains: [img.example.com]
    count: 2
"""


def test_after_a_lively_day_every_purge_is_as_its_trail_says(with_policy: WithPolicy) -> None:
    """Approved by two, denied, taken back, broken glass, held, joined, lost and found; then a
    restart, and a month later all of it is pruned.
    """
    place = with_policy(TWO_OF_THE_TEAM)

    def says(words: str, person: str = "U0ANA") -> dict[str, Any]:
        Person(place, person).types(f"/purge {words}")
        return cards(place)[-1]

    twice = says("img.example.com hero --force")
    for person in ("U0SAM", "U0SAM", "U0ANA", "U0LEO", "U0KIM", "U0KIM"):
        Person(place, person).approves(twice)
    place.denies("U0SAM", says("img.example.com logo --force"), "not now")
    place.presses("U0ANA", CANCEL, says("www.example.com menu --force"))
    says('shop.example.com prices --force --break-glass --reason "wrong"', "U0SAM")
    says("shop.example.com hero")
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    says("www.example.com late")
    place.breaks(kind="lose_answer", times=1)
    says("www.example.com lost")
    says("www.example.com work")
    says("www.example.com work", "U0SAM")
    says("www.example.com open --force")
    assert verdict_of(place).purges == 10
    place.stop_bot()
    place.start_bot()
    for _ in range(12):
        place.waits(minutes=5)
    states = {purge.state.value for purge in all_purges(place)}
    assert {"complete", "denied", "cancelled", "expired", "refused"} <= states
    assert verdict_of(place).pruned == 0
    later = place.now() + timedelta(days=30)
    store_of(place).audit.keep(later, retention_days=1)
    verdict = verdict_of(place)
    assert verdict.pruned > 40
    assert len(verdict.checkpoints) == 1
    assert (verdict.purges, verdict_of(place).entries) == (10, verdict.entries)


def verdict_of(place: Town) -> Verdict:
    verdict = verify(store_of(place).engine)
    assert verdict.finding is None
    return verdict


def test_each_step_says_who_asked_who_agreed_and_who_decided(with_policy: WithPolicy) -> None:
    place = with_policy(TWO_OF_THE_TEAM)
    card = Person(place, "U0ANA").purges("img.example.com hero --force")
    for person in ("U0SAM", "U0KIM"):
        Person(place, person).approves(card)
    told = [
        [each.detail.get(name) for name in ("requester", "approvals", "decided_by")]
        for each in trail(place)
    ]
    assert told == [
        ["U0ANA", None, None],
        ["U0ANA", None, None],
        ["U0ANA", "U0SAM", None],
        *[["U0ANA", "U0SAM,U0KIM", "U0KIM"]] * 3,
    ]


def test_the_chain_of_a_purge_fits_it_from_the_request_to_the_end(
    place: Town, sam: Person, ana: Person
) -> None:
    card = ana.purges("www.example.com hero --force")
    check_chain(place)
    sam.approves(card)
    check_chain(place)
    place.waits(minutes=8)
    check_chain(place)


def check_chain(place: Town) -> None:
    (purge,) = all_purges(place)
    assert mismatch(purge, store_of(place).audit.chain(purge.id)) is None
    forged = replace(purge, tags=("everything",))
    assert mismatch(forged, store_of(place).audit.chain(purge.id)) is not None

"""The audit trail tells every story whole: who, what, when, why, under which policy, from where."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from bot.core.audit import AuditEntry
from bot.playground.town import SAMPLE_POLICY, Town
from bot.store.audit_verify import verify
from tests.talk import APPROVE, DENY, only_card
from tests.trail import open_store

CANCEL = "purge:cancel"
POLICY = hashlib.sha256(SAMPLE_POLICY.read_bytes()).hexdigest()
Story = Callable[[Town], None]


def trail(place: Town) -> list[AuditEntry]:
    """Give every entry there is; the trail must hold whatever happened."""
    assert place.bot is not None
    assert verify(place.bot.store.engine).fault is None
    return [found.entry for _, found in place.bot.store.audit.read_all()]


def asks(place: Town, words: str = "www.example.com hero --force") -> dict[str, Any]:
    place.says("U0ANA", f"/purge {words}")
    place.settle()
    return only_card(place)


def plain(place: Town) -> None:
    asks(place, "www.example.com hero")


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
        place.presses(person, button, asks(place))

    return story


def denied(place: Town) -> None:
    place.denies("U0SAM", asks(place), "no")


def pressed_late(place: Town) -> None:
    card = asks(place)
    place.denies("U0SAM", card, "no")
    place.presses("U0KIM", APPROVE, card)


def unanswered(place: Town) -> None:
    asks(place)
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


def test_a_press_that_is_the_first_to_see_the_expiry_tells_of_both(place: Town) -> None:
    card = asks(place)
    place.waits(minutes=31, settle=False)
    assert place.bot is not None
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    told = [(entry.event, entry.user_id) for entry in trail(place)]
    assert told == [*WAITS, ("expire", None), ("press-late", "U0SAM")]


def test_a_running_bot_prunes_the_trail_as_its_setting_says(place: Town) -> None:
    failed(place)
    place.settle()
    place.stop_bot()
    place.waits(days=3, settle=False)
    place.start_bot(PURGEBOT_AUDIT_RETENTION_DAYS="1").worker.start()
    place.stop_bot()
    store = open_store(place.database_url)
    assert verify(store.engine).pruned == 4
    store.close()


def test_a_running_bot_seals_the_trail_by_itself(place: Town) -> None:
    plain(place)
    assert place.bot is not None
    place.bot.worker.start()
    place.stop_bot()
    store = open_store(place.database_url)
    assert len(verify(store.engine).checkpoints) == 1
    store.close()

"""Held, not failed: what the CDN does not take now is tried again; a used-up quota is said so."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, cards, notes, only_card, whispers, words
from tests.support.processes import all_purges

CANCEL = "purge:cancel"
POSTPONE = "purge:postpone"
BUSY = ["QuotaPerMinuteExceeded.Refresh", "TooMany.Refresh", "Throttling.User", "ServiceBusy"]


@pytest.mark.parametrize("code", BUSY)
def test_what_the_cdn_does_not_take_now_is_held_and_tried_again(
    place: Town, ana: Person, code: str
) -> None:
    place.breaks(kind="error", code=code, times=1)
    ana.types("/purge www.example.com hero")
    card = words(only_card(place))
    assert "Purge held" in card
    assert "attempt 2 is at" in card
    assert buttons(only_card(place)) == ["Cancel (requester only)"]
    place.waits(minutes=6)
    assert len(place.purges_sent()) == 2
    place.waits(minutes=2)
    assert "Purge complete" in words(only_card(place))


def test_it_waits_as_long_as_the_cdn_asks_for(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="Throttling.User", retry_after_ms=200_000, times=1)
    ana.types("/purge www.example.com hero")
    place.waits(seconds=199)
    assert len(place.purges_sent()) == 1
    place.waits(seconds=60)
    assert len(place.purges_sent()) == 2


def test_it_waits_longer_each_time(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="Throttling.User", times=None)
    ana.types("/purge www.example.com hero")
    for _ in range(60):
        place.waits(seconds=5)
    sent = [each["at"] for each in place.purges_sent()]
    waited = [later - sooner for sooner, later in pairwise(sent)]
    # Five minutes have room for 5, 10, 20, 40 and 80 seconds, and a quarter more of each.
    assert len(waited) >= 5
    assert [wait >= 5 * 2**number for number, wait in enumerate(waited)] == [True] * len(waited)
    assert f"attempt {len(sent) + 1} is at" in words(only_card(place))


def test_held_for_an_hour_it_has_failed_and_its_requester_is_told(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=None)
    ana.types("/purge www.example.com hero")
    for _ in range(20):
        place.waits(minutes=5)
    assert "Purge failed: nothing was purged" in words(only_card(place))
    for told in (words(only_card(place)), notes(place)[-1]):
        assert "The CDN's queue of purges is full" in told
        assert "times in an hour, and have stopped" in told
        assert "Try again in a few minutes" not in told
        assert "operators of Purgebot (<#C0OPS>)" in told
        assert "you can purge again: `/purge www.example.com hero`" in told


def test_an_answer_that_leaves_it_in_doubt_is_not_called_a_refusal(
    place: Town, ana: Person
) -> None:
    place.breaks(kind="error", code="ServiceUnavailable", times=1)
    ana.types("/purge www.example.com hero")
    card = words(only_card(place))
    assert "Purge held: the CDN did not say whether it took it" in card
    assert "A plain purge may go out twice without harm" in card
    assert "does not take it" not in card
    assert "Nothing was purged" not in card


def test_its_requester_can_cancel_it(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    place.presses("U0ANA", CANCEL, only_card(place))
    place.waits(hours=1)
    assert len(place.purges_sent()) == 1
    assert "Purge cancelled: nothing was purged" in words(only_card(place))


def test_nobody_else_can_cancel_a_plain_one(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    place.presses("U0LEO", CANCEL, only_card(place))
    place.waits(minutes=10)
    assert "Only its requester" in whispers(place, "U0LEO")[-1]
    assert len(place.purges_sent()) == 2


def test_a_forced_one_keeps_its_approval_while_it_is_held(
    place: Town, sam: Person, ana: Person
) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero --force")
    sam.approves(only_card(place))
    place.waits(minutes=6)
    assert len(place.purges_sent()) == 2
    assert "Approved by <@U0SAM>" in words(only_card(place))


def test_rights_that_are_lost_while_it_is_held_stop_it(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    place.post("slack/person", {"id": "U0ANA", "groups": []})
    place.waits(minutes=6)
    assert len(place.purges_sent()) == 1
    assert "No rule lets you" in words(only_card(place))


@pytest.mark.parametrize(("force", "times"), [("", 2), (" --force", 1)], ids=["plain", "forced"])
def test_when_the_cdn_itself_failed_only_a_plain_one_is_sent_again(
    place: Town, sam: Person, ana: Person, force: str, times: int
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="error", code="InternalError", times=1)
    ana.types(f"/purge www.example.com hero{force}")
    if force:
        sam.approves(only_card(place))
    place.waits(minutes=10)
    assert len(place.purges_sent()) == times
    assert ("outcome unknown" in words(only_card(place))) == bool(force)


def test_a_restart_while_it_is_held_sends_it_all_the_same(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    place.stop_bot()
    place.waits(minutes=10, settle=False)
    place.start_bot()
    place.settle()
    assert len(place.purges_sent()) == 2


# The rate of all


def test_a_burst_goes_out_at_the_rate_that_is_set(place: Town) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_SENDS_PER_SECOND="2")
    for number in range(8):
        place.says("U0ANA", f"/purge www.example.com tag-{number}")
    sent = []
    for _ in range(4):
        place.settle()
        sent.append(len(place.purges_sent()))
        place.waits(seconds=1, settle=False)
    assert sent == [2, 4, 6, 8], "two at once, and two a second"


def test_nobody_s_many_keep_out_another_s_one(place: Town, leo: Person) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_SENDS_PER_SECOND="1")
    for number in range(6):
        place.says("U0ANA", f"/purge www.example.com tag-{number}")
    leo.types("/purge www.example.com campaign-1")
    place.waits(seconds=1)
    place.waits(seconds=1)
    assert "campaign-1" in [sent["params"]["CacheTag"] for sent in place.purges_sent()[:3]]


# The day's quota

USED_UP = {"kind": "error", "code": "QuotaExceeded.Refresh", "times": 1}


def test_a_used_up_quota_offers_to_run_it_when_the_day_begins(place: Town, ana: Person) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero")
    assert "the CDN's quota is used up" in words(only_card(place))
    assert buttons(only_card(place)) == ["Run it then", "Cancel (requester only)"]
    ana.presses(POSTPONE, only_card(place))
    place.waits(seconds=2)
    assert "held until the CDN's new day" in words(only_card(place))
    place.waits(hours=25)
    assert len(place.purges_sent()) == 2
    place.waits(minutes=2)
    assert "Purge complete" in words(only_card(place))


def test_the_next_purge_is_refused_early_and_the_cdn_is_not_asked(place: Town, ana: Person) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero")
    ana.types("/purge img.example.com logo")
    assert len(place.purges_sent()) == 1
    assert "used up today's purges" in words(cards(place)[-1])


def test_a_restarted_bot_knows_that_it_is_used_up(place: Town, ana: Person) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero")
    place.stop_bot()
    place.start_bot()
    ana.types("/purge img.example.com logo")
    assert len(place.purges_sent()) == 1


def test_on_the_new_day_all_goes_on(place: Town, ana: Person) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero")
    place.waits(hours=25)
    ana.types("/purge img.example.com logo")
    assert len(place.purges_sent()) == 2


def test_an_offer_that_nobody_takes_lapses_as_it_said_and_one_can_purge_again(
    place: Town, ana: Person
) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero")
    assert "If nobody has pressed by then, the offer lapses" in words(only_card(place))
    place.waits(hours=25)
    for told in (words(only_card(place)), notes(place)[-1]):
        assert "not sent: nobody chose Run it then" in told
        assert "you can purge now: `/purge www.example.com hero`" in told
        assert "Try again" not in told
    assert len(place.purges_sent()) == 1


def test_run_then_keeps_the_approval_and_looks_at_the_rights_again(
    place: Town, sam: Person, ana: Person
) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero --force")
    sam.approves(only_card(place))
    place.waits(seconds=2)
    ana.presses(POSTPONE, only_card(place))
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    (held,) = all_purges(place)
    assert held.held_until is not None
    place.waits(seconds=(held.held_until - place.now()).total_seconds() + 1)
    assert len(place.purges_sent()) == 1
    assert "a right was withdrawn" in words(only_card(place))


def test_whoever_may_not_purge_it_cannot_have_it_run_then(
    place: Town, ada: Person, ana: Person
) -> None:
    place.breaks(**USED_UP)
    ana.types("/purge www.example.com hero")
    ada.presses(POSTPONE, only_card(place))
    assert "You may not decide" in whispers(place, "U0ADA")[-1]
    assert buttons(only_card(place)) == ["Run it then", "Cancel (requester only)"]

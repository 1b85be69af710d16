"""Nothing is sent that was not allowed, approved and seen, whatever way it came to be sent."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.town import Town
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import DENY, buttons, cards, notes, only_card, whispers, words
from tests.support.policies import DUTY_ROOM, DUTY_ROOM_APPROVES, WithPolicy
from tests.support.processes import card_of
from tests.support.row_forgery import alters, approves_by_hand, writes_trail

CANCEL = "purge:cancel"
OLD_KEY, NEW_KEY = "k" * 32, "n" * 40


def with_key(place: Town, key: str = OLD_KEY) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_APPROVAL_KEY=key)


# Hands in the database


@pytest.mark.parametrize("state", ["ready", "held"])
def test_who_sets_a_waiting_one_to_be_sent_sends_nothing(
    place: Town, ana: Person, state: str
) -> None:
    purge_id = card_of(ana.purges("www.example.com hero --force"))
    alters(place, purge_id, state=state)
    place.settle()
    place.waits(minutes=1)
    assert place.purges_sent() == []
    assert "refused" in words(only_card(place))
    assert "was not sent" in notes(place)[-1]


def test_who_writes_an_approval_into_the_row_approves_nothing(place: Town, ana: Person) -> None:
    approves_by_hand(place, card_of(ana.purges("www.example.com hero --force")), "U0SAM")
    place.settle()
    assert place.purges_sent() == []
    assert "`record-doubtful`" in words(only_card(place))


@pytest.mark.parametrize(
    "forged",
    [
        {"force": True},
        {"tags": ["hero", "checkout"]},
        {"domain": "img.example.com"},
        {"user_id": "U0KIM"},
    ],
    ids=["force", "tags", "domain", "requester"],
)
def test_what_was_approved_is_sent_as_it_was_or_not_at_all(
    with_policy: WithPolicy, forged: dict[str, Any]
) -> None:
    place = with_policy(
        '  - {approval: All takes a yes, actions: [purge, force], domains: ["*"], undo: 10s}'
    )
    purge_id = card_of(Person(place, "U0SAM").purges("www.example.com hero"))
    Person(place, "U0KIM").approves()
    alters(place, purge_id, state="ready", due_at=place.now(), **forged)
    place.waits(seconds=11)
    assert place.purges_sent() == []
    assert "refused" in words(only_card(place))


def test_who_shortens_the_time_for_undo_does_not(place: Town, kim: Person, sam: Person) -> None:
    purge_id = card_of(sam.purges("shop.example.com hero --force"))
    kim.approves()
    alters(place, purge_id, state="ready")
    place.settle()
    assert place.purges_sent() == []
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1


@pytest.mark.parametrize("ended", ["denied", "cancelled", "expired"])
def test_what_has_ended_is_not_sent_by_setting_it_back(
    place: Town, ana: Person, ended: str
) -> None:
    purge_id = card_of(ana.purges("www.example.com hero --force"))
    if ended == "denied":
        place.denies("U0SAM", only_card(place), "the match is on")
    elif ended == "cancelled":
        place.presses("U0ANA", CANCEL, only_card(place))
    else:
        place.waits(minutes=31)
    place.settle()
    approves_by_hand(place, purge_id, "U0SAM")
    place.settle()
    assert place.purges_sent() == []


def test_with_a_key_a_trail_that_was_forged_with_it_approves_nothing_either(
    place: Town, ana: Person
) -> None:
    with_key(place)
    purge_id = card_of(ana.purges("www.example.com hero --force"))
    approves_by_hand(place, purge_id, "U0SAM")
    writes_trail(place, purge_id)
    place.settle()
    assert place.purges_sent() == []
    assert "`record-doubtful`" in words(only_card(place))


def test_with_a_key_an_approval_of_something_else_does_not_count_here(
    place: Town, ana: Person, sam: Person
) -> None:
    with_key(place)
    ana.purges("www.example.com harmless --force")
    sam.approves()
    other = card_of(ana.purges("www.example.com price --force"))
    assert place.bot is not None
    approved = place.bot.store.purge(card_of(cards(place)[0]))
    assert approved is not None
    (given,) = approved.approvals
    copied = {
        "user_id": given.user_id,
        "at": given.at.isoformat(),
        "roles": list(given.roles),
        "channel_id": given.channel_id,
        "signature": given.signature,
    }
    alters(place, other, state="ready", yeses=[copied], decided_by="U0SAM")
    writes_trail(place, other)
    place.settle()
    assert len(place.purges_sent()) == 1


def test_with_a_key_nobody_breaks_the_glass_by_hand(place: Town, sam: Person) -> None:
    with_key(place)
    purge_id = card_of(sam.purges("shop.example.com hero --force"))
    alters(place, purge_id, state="ready", break_glass=True)
    writes_trail(place, purge_id)
    place.settle()
    assert place.purges_sent() == []


def test_with_a_key_what_people_approve_is_sent(place: Town, ana: Person, sam: Person) -> None:
    with_key(place)
    ana.purges("www.example.com hero --force")
    sam.approves()
    assert len(place.purges_sent()) == 1


def test_while_a_key_is_changed_both_count_and_then_only_the_new_one(
    place: Town, ana: Person, sam: Person
) -> None:
    with_key(place, OLD_KEY)
    ana.purges("www.example.com hero --force")
    with_key(place, f"{NEW_KEY},{OLD_KEY}")
    sam.approves()
    assert len(place.purges_sent()) == 1
    ana.purges("www.example.com logo --force")
    with_key(place, NEW_KEY)
    sam.approves()
    assert len(place.purges_sent()) == 2
    with_key(place, OLD_KEY)
    ana.purges("www.example.com icon --force")
    with_key(place, NEW_KEY)
    sam.approves()
    assert len(place.purges_sent()) == 2
    assert "PURGEBOT_APPROVAL_KEY" in words(cards(place)[-1])


# Rights of this very moment


def test_who_left_the_group_a_second_ago_cannot_approve(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.purges("www.example.com hero --force")
    sam.presses(DENY, only_card(place))
    place.waits(seconds=1)
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    place.waits(seconds=1)
    sam.approves()
    assert place.purges_sent() == []
    assert "may not decide" in whispers(place, "U0SAM")[-1]


def test_whose_account_was_closed_a_second_ago_does_not_count_at_the_sending(
    place: Town, kim: Person, sam: Person
) -> None:
    sam.purges("shop.example.com hero --force")
    kim.approves()
    place.waits(seconds=9)
    place.post("slack/person", {"id": "U0KIM", "kind": "deleted"})
    place.waits(seconds=2)
    assert place.purges_sent() == []
    assert "`approval-lost`" in words(only_card(place))


MOVED = """
  moved:
    title: Moved on
    groups: [S0MARKETING]
"""
MOVED_APPROVE = """
  - rule: Whoever moved on may approve still
    roles: [moved]
    allow: [approve]
    domains: ["*"]
"""
ONLY_SRE = """
  - approval: SRE decides on the site
    domains: [www.example.com]
    roles: [sre]
    undo: 10s
    break_glass: [editors]
"""


def test_who_left_the_asked_role_does_not_count_though_they_may_approve(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(ONLY_SRE, roles=MOVED, rules=MOVED_APPROVE)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    Person(place, "U0SAM").approves()
    place.post("slack/person", {"id": "U0SAM", "groups": ["S0MARKETING"]})
    place.waits(seconds=11)
    assert place.purges_sent() == []
    assert "`approval-lost`" in words(only_card(place))


def test_who_may_approve_but_is_not_asked_can_do_nothing(with_policy: WithPolicy) -> None:
    place = with_policy(ONLY_SRE)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    Person(place, "U0ADA").approves()
    Person(place, "U0ADA").presses(DENY, only_card(place))
    assert place.forms("U0ADA") == []
    Person(place, "U0SAM").approves()
    Person(place, "U0ADA").presses(CANCEL, only_card(place))
    assert all("asks for the yes of others" in told for told in whispers(place, "U0ADA"))
    assert len(whispers(place, "U0ADA")) == 3
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "kept"])
def test_a_broken_glass_is_looked_at_again_before_what_was_held_is_sent(
    with_policy: WithPolicy, lost: bool
) -> None:
    place = with_policy(ONLY_SRE)
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    Person(place, "U0ANA").purges('www.example.com hero --force --break-glass --reason "prices"')
    if lost:
        place.post("slack/person", {"id": "U0ANA", "groups": ["S0SRE"]})  # may force, not break
    place.waits(minutes=6)
    assert len(place.purges_sent()) == (1 if lost else 2)
    assert ("`approval-lost`" in words(only_card(place))) == lost


def test_who_asks_by_force_a_second_after_losing_the_right_is_refused(
    place: Town, ana: Person
) -> None:
    ana.types("/purge www.example.com logo")
    place.post("slack/person", {"id": "U0ANA", "groups": []})
    place.waits(seconds=1)
    ana.types("/purge www.example.com hero --force")
    assert len(cards(place)) == 1
    assert "refused" in whispers(place)[-1]


def test_where_slack_does_not_answer_the_press_waits_and_is_then_refused(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.purges("www.example.com hero --force")
    away = {"method": "users.info", "error": "internal_error", "times": None}
    place.post("slack/faults", {"web_api": [away]})
    place.waits(seconds=1)
    sam.approves()
    assert whispers(place, "U0SAM") == []
    place.waits(seconds=61)
    place.waits(seconds=65)
    assert "could not be checked" in whispers(place, "U0SAM")[-1]
    assert "waits for approval" in words(only_card(place))
    assert place.purges_sent() == []


def test_where_slack_answers_again_in_time_the_press_counts(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.purges("www.example.com hero --force")
    away = {"method": "users.info", "error": "internal_error", "times": 1}
    place.post("slack/faults", {"web_api": [away]})
    place.waits(seconds=1)
    sam.approves()
    place.waits(seconds=5)
    assert len(place.purges_sent()) == 1


def test_a_plain_purge_does_with_what_was_asked_within_the_minute(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com logo")
    away = {"method": "users.info", "error": "internal_error", "times": None}
    place.post("slack/faults", {"web_api": [away]})
    place.waits(seconds=30)
    ana.types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 2


# Who can decide at all

DAN = """
  dans:
    title: Dan
    users: [{users}]
"""
DAN_APPROVES = """
  - rule: Dan approves
    roles: [dans]
    allow: [approve]
    domains: [www.example.com]
"""


def with_dans(with_policy: WithPolicy, users: str, approvals: str = "") -> Town:
    asked = approvals or "  - {approval: Dan decides, domains: [www.example.com], roles: [dans]}"
    return with_policy(asked, roles=DAN.format(users=users), rules=DAN_APPROVES)


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ("U0DEL", "account closed"),
        ("U0GUS", "guest"),
        ("U0BOT", "bot"),
        ("U0EVE", "of another workspace"),
        ("U0NOBODY", "unknown to Slack"),
    ],
)
def test_where_only_somebody_without_rights_could_decide_it_is_refused_at_once(
    with_policy: WithPolicy, user: str, what: str
) -> None:
    place = with_dans(with_policy, user)
    Person(place, "U0ANA").types("/purge www.example.com hero --force")
    assert cards(place) == []
    assert "Nobody but you could approve" in whispers(place)[-1]
    assert f"1 × {what}" in whispers(place)[-1]


def test_beside_somebody_who_can_the_card_names_who_cannot(with_policy: WithPolicy) -> None:
    place = with_dans(with_policy, "U0DEL, U0ADA")
    Person(place, "U0ANA").purges("www.example.com hero --force")
    card = words(only_card(place))
    assert "Can decide: <@U0ADA> (1 person)" in card
    assert "Cannot be reached: <@U0DEL> (account closed)" in card


def test_of_two_that_are_asked_for_one_is_too_few(with_policy: WithPolicy) -> None:
    two = "  - {approval: Two decide, domains: [www.example.com], roles: [dans], count: 2}"
    place = with_dans(with_policy, "U0DEL, U0ADA", two)
    Person(place, "U0ANA").types("/purge www.example.com hero --force")
    assert "more people than there are" in whispers(place)[-1]


def test_each_is_looked_up_once_and_remembered(with_policy: WithPolicy) -> None:
    place = with_dans(with_policy, "U0DEL, U0ADA")
    Person(place, "U0ANA").purges("www.example.com hero --force")
    before = looked_up(place, "U0DEL")
    place.waits(minutes=2)
    Person(place, "U0ANA").purges("www.example.com logo --force")
    assert looked_up(place, "U0DEL") == before == 1


def looked_up(place: Town, user: str) -> int:
    calls = place.get("slack/calls", {"method": "users.info"})["calls"]
    return sum(user in str(call) for call in calls)


# Mistakes


def test_breaking_a_glass_that_is_not_there_is_a_mistake_with_a_correction(
    place: Town, sam: Person
) -> None:
    sam.types('/purge shop.example.com hero --break-glass --reason "wrong price"')
    told = whispers(place, "U0SAM")[-1]
    assert "this plain purge takes none" in told
    assert '/purge shop.example.com hero --force --break-glass --reason "wrong price"' in told
    assert place.purges_sent() == []
    assert cards(place) == []


def test_with_force_it_is_broken(place: Town, sam: Person) -> None:
    sam.types('/purge shop.example.com hero --force --break-glass --reason "prices"')
    (sent,) = place.purges_sent()
    assert sent["params"]["Force"] == "true"


DUTY = "  - {approval: Duty decides, domains: [www.example.com], roles: [duty], call: {channel: C0OPS}}"


def test_a_role_of_the_channel_where_it_was_pressed_still_counts_when_it_is_sent(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(DUTY, roles=DUTY_ROOM, rules=DUTY_ROOM_APPROVES)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    (call,) = cards(place, "U0ADA", "C0OPS")
    Person(place, "U0ADA", "C0OPS").approves(call)
    assert len(place.purges_sent()) == 1


def test_pressed_elsewhere_it_does_not(with_policy: WithPolicy) -> None:
    place = with_policy(DUTY, roles=DUTY_ROOM, rules=DUTY_ROOM_APPROVES)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    Person(place, "U0ADA").approves()
    assert place.purges_sent() == []
    assert "may not decide" in whispers(place, "U0ADA")[-1]


# Nobody drowns the others


def restarted(open_town: OpenTown, **settings: str) -> Town:
    place = open_town()
    place.stop_bot()
    place.start_bot(**settings)
    return place


def test_more_requests_than_fit_into_a_minute_are_refused_kindly(open_town: OpenTown) -> None:
    place = restarted(open_town, PURGEBOT_REQUESTS_PER_MINUTE="3")
    for number in range(4):
        Person(place, "U0ANA").types(f"/purge www.example.com t{number}")
    assert len(place.purges_sent()) == 3
    assert "3 purges within a minute" in whispers(place)[-1]
    assert "in a minute" in whispers(place)[-1]
    Person(place, "U0SAM").types("/purge www.example.com t9")
    assert len(place.purges_sent()) == 4
    place.waits(seconds=61)
    Person(place, "U0ANA").types("/purge www.example.com t9")
    place.waits(minutes=6)
    assert len(place.purges_sent()) == 5


def test_more_waiting_requests_than_one_may_have_are_refused(open_town: OpenTown) -> None:
    place = restarted(open_town, PURGEBOT_WAITING_PER_PERSON="2")
    for number in range(3):
        Person(place, "U0ANA").types(f"/purge www.example.com t{number} --force")
    assert len(cards(place)) == 2
    assert "2 of your requests wait for approval" in whispers(place)[-1]
    Person(place, "U0ANA").presses(CANCEL, cards(place)[0])
    Person(place, "U0ANA").types("/purge www.example.com t9 --force")
    assert "waits for approval" in words(cards(place)[-1])


def test_more_joined_ones_than_one_may_have_are_refused(open_town: OpenTown) -> None:
    place = restarted(open_town, PURGEBOT_JOINED_PER_PERSON="2")
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    for _ in range(4):
        Person(place, "U0ANA").types("/purge www.example.com hero")
    assert ["joined" in words(card) for card in cards(place)] == [False, True, True]
    assert "2 of your requests wait" in whispers(place)[-1]


def test_approvers_are_called_once_for_many_requests_of_one_person(
    place: Town, ana: Person
) -> None:
    for number in range(3):
        ana.purges(f"www.example.com t{number} --force")
    first, *others = map(words, cards(place))
    assert "<!subteam^S0SRE>" in first
    for card in others:
        assert "<!subteam^" not in card
        assert "Called a moment ago" in card
    place.waits(minutes=16)
    assert len(notes(place)) == 1


def test_after_a_minute_and_for_somebody_else_they_are_called_anew(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.purges("www.example.com hero --force")
    sam.purges("www.example.com logo --force")
    place.waits(seconds=61)
    ana.purges("www.example.com icon --force")
    assert all("<!subteam^S0SRE>" in words(card) for card in cards(place))
    assert [buttons(card)[0] for card in cards(place)] == ["Approve"] * 3


def test_what_slack_says_slowly_is_enough_to_send_an_approved_purge(open_town: OpenTown) -> None:
    """It takes one question every three seconds, and about each person there are several."""
    place = open_town()
    Person(place, "U0SAM", "C0OPS").purges("www.example.com hero --force")
    slowly = {"burst": 1, "per_minute": {"usergroups.users.list": 20}}
    place.post("slack/settings", {"limits": slowly})
    Person(place, "U0KIM", "C0OPS").approves()
    for _ in range(20):
        place.waits(seconds=3)
    assert [sent["params"]["CacheTag"] for sent in place.purges_sent()] == ["hero"]

"""Where the bot is no member it cannot edit: what it says there is little, and stays true.

Time passes here in small steps, as it does in life: in one leap the bot misses all that it would have
said on the way.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.core.message import Route
from bot.demo.town import Town
from bot.simulators.slack.workspace.state import RESPONSE_URL_USES
from bot.store.schema.tables import posts
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import APPROVE, buttons, cards, notes, only_card, words
from tests.support.policies import WithPolicy
from tests.support.prometheus_scrape import bot_of
from tests.support.waiting import poll

THERE = "C0RANDOM"
DIRECT = "D0ANABOT"
CANCEL = "purge:cancel"
LEAVE = "purge:leave"
UNEDITED = "stays as it is"


def goes_on(place: Town, seconds: int, every: int = 5) -> None:
    for _ in range(seconds // every):
        place.waits(seconds=every)


def said(place: Town, channel: str = THERE, person: str = "U0ANA") -> list[str]:
    return [words(card) for card in cards(place, person, channel)]


def uses(place: Town) -> int:
    """Give how often the bot spoke through response URLs."""
    calls = place.get("slack/calls", {"method": "response_url"})["calls"]
    return len([row for row in calls if row["status"] == 200])


@pytest.mark.parametrize(
    ("channel", "task_seconds"),
    [(THERE, 20), (THERE, 90), (THERE, 400), ("C0LAUNCH", 90), ("D0ANASAM", 90)],
)
def test_the_channel_hears_the_beginning_and_the_end_and_nothing_in_between(
    place: Town, ana: Person, channel: str, task_seconds: int
) -> None:
    place.post("cdn/settings", {"task_seconds": task_seconds})
    ana.at(channel).types("/purge www.example.com hero")
    goes_on(place, task_seconds + 120)
    first, last = said(place, channel)
    assert "sent: the CDN has taken it" in first
    assert "Purge complete" in last
    assert uses(place) == 2


def test_the_same_where_the_bot_works_by_itself(place: Town) -> None:
    """Its threads look and speak when they come to it, not when the test lets them."""
    place.post("cdn/settings", {"task_seconds": 90})
    bot_of(place).worker.start()
    place.says("U0ANA", "/purge www.example.com hero", THERE)
    poll(lambda: bool(said(place)))

    def looked() -> int:
        asked = place.get("cdn/requests", {"action": "DescribeRefreshTaskById"})
        return len(asked["requests"])

    def all_is_shown() -> bool:
        (purge,) = bot_of(place).store.history.find(purge_id)
        store = bot_of(place).store
        card = store.card(purge.id)
        if card is not None and card.shown_version == purge.version:
            return True
        due_at = store.read(select(posts.c.due_at).where(posts.c.purge_id == purge.id)).scalar()
        if due_at is not None and due_at > place.now():  # a card is edited no more often than that
            place.waits(settle=False, seconds=2)
            bot_of(place).worker.wake()
        return False

    purge_id = said(place)[0].rpartition("Purge `")[2].partition("`")[0]
    seen = 0

    def looked_again() -> bool:
        return looked() > seen or "Purge complete" in said(place)[-1]

    while "Purge complete" not in said(place)[-1]:
        seen = looked()
        place.waits(settle=False, seconds=20)
        bot_of(place).worker.wake()
        poll(looked_again)
        poll(all_is_shown)
    assert len(said(place)) == 2
    assert "Purge complete" in said(place)[-1]


def test_it_says_where_the_end_will_be_told(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"task_seconds": 3600})
    ana.at(THERE).types("/purge www.example.com hero")
    assert UNEDITED in only(place)
    assert "<@U0ANA>" in only(place).rpartition(UNEDITED)[2]
    goes_on(place, 31 * 60, every=30)
    assert len(said(place)) == 1, "progress is not posted anew"
    assert said(place, DIRECT) == [], "nor told to the requester instead"
    goes_on(place, 45 * 60, every=60)
    assert len(said(place)) == 1, "the way there is closed"
    assert "Purge complete" in said(place, DIRECT)[-1]
    assert UNEDITED not in said(place, DIRECT)[-1]


def only(place: Town, channel: str = THERE) -> str:
    (card,) = said(place, channel)
    return card


def test_the_end_needs_no_such_sentence(place: Town, ana: Person) -> None:
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 120)
    assert UNEDITED not in said(place)[-1]


def test_nor_does_a_card_that_is_kept_true(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    assert UNEDITED not in words(only_card(place))


def test_who_invites_the_bot_meanwhile_sees_the_end_in_the_channel(
    place: Town, ana: Person
) -> None:
    place.post("cdn/settings", {"task_seconds": 3600})
    ana.at(THERE).types("/purge www.example.com hero")
    place.post("slack/join", {"channel": THERE, "user": "U0BOT"})
    goes_on(place, 76 * 60, every=60)
    assert "Purge complete" in said(place)[-1]
    assert len(said(place)) == 2
    assert "is complete" in notes(place, "U0ANA", THERE)[-1]
    assert said(place, DIRECT) == []


@pytest.mark.parametrize("task_end", ["Failed", "Timeout"])
def test_a_bad_end_is_told_there_too(place: Town, ana: Person, task_end: str) -> None:
    place.post("cdn/settings", {"task_end": task_end, "task_seconds": 90})
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 200)
    assert "Purge failed" in said(place)[-1]
    assert len(said(place)) == 2


def test_what_the_cdn_does_not_report_is_told_once(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 700, every=20)
    assert len(said(place)) == 2
    assert "does not report its progress" in said(place)[-1]
    place.post("cdn/settings", {"knows_tag_tasks": True})
    goes_on(place, 600, every=20)
    assert len(said(place)) == 3
    assert "Purge complete" in said(place)[-1]


def test_what_is_held_is_told_once_however_often_it_is_tried(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"task_seconds": 60})
    place.breaks(kind="error", code="Throttling.User", times=4)
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 300)
    assert ["held" in each for each in said(place)] == [True, False, False]
    assert "sent: the CDN has taken it" in said(place)[1]
    assert "Purge complete" in said(place)[2]


def test_what_nobody_knows_is_told_and_can_be_decided_there(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="lose_answer", times=1)
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 200)
    assert "outcome unknown" in only(place)
    assert "Leave it" in buttons(cards(place, "U0ANA", THERE)[0])
    place.presses("U0ANA", LEAVE, cards(place, "U0ANA", THERE)[0], THERE)
    goes_on(place, 20)
    assert "decided to leave it" in only(place)
    assert buttons(cards(place, "U0ANA", THERE)[0]) == []


def test_what_follows_a_card_is_said_on_it(place: Town, ana: Person) -> None:
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 200)
    done = cards(place, "U0ANA", THERE)[-1]
    place.presses("U0ANA", "purge:escalate", done, THERE)
    goes_on(place, 10)
    assert "asked for a forced purge" in said(place)[1]
    assert buttons(cards(place, "U0ANA", THERE)[1]) == []
    assert "waits for approval" in said(place)[2]


def test_a_forced_request_waits_is_approved_and_ends_in_one_message(
    place: Town, leo: Person, sam: Person, ana: Person
) -> None:
    place.post("cdn/settings", {"task_seconds": 90})
    ana.at(THERE).types("/purge www.example.com hero --force")
    waiting = cards(place, "U0ANA", THERE)[0]
    assert "Approve" in buttons(waiting)
    assert UNEDITED in words(waiting)
    leo.at(THERE).approves(waiting)
    assert only(place) == words(waiting), "what does not count changes nothing"
    sam.at(THERE).approves(waiting)
    assert "Forced purge sent" in only(place)
    assert buttons(cards(place, "U0ANA", THERE)[0]) == []
    before = uses(place)
    goes_on(place, 200)
    assert "Forced purge complete" in only(place)
    assert uses(place) == before + 1, "progress does not use up the way back"


@pytest.mark.parametrize("end", ["denied", "cancelled", "expired"])
def test_a_forced_request_that_is_not_carried_out_says_so_there(
    place: Town, ana: Person, end: str
) -> None:
    ana.at(THERE).types("/purge www.example.com hero --force")
    waiting = cards(place, "U0ANA", THERE)[0]
    match end:
        case "denied":
            place.denies("U0SAM", waiting, "the match is on", THERE)
        case "cancelled":
            place.presses("U0ANA", CANCEL, waiting, THERE)
    if end == "expired":  # by then nobody lets the bot in any more
        goes_on(place, 31 * 60, every=60)
        first, reminder = said(place)
        assert "It expires at" in first
        assert "still waits. It expires at" in reminder
        assert "expired" in said(place, DIRECT)[-1]
    else:
        goes_on(place, 10)
        assert end in said(place)[-1]
        assert len(said(place)) <= 2


def test_what_is_approved_elsewhere_is_told_there(with_policy: WithPolicy) -> None:
    place = with_policy(CALLED_IN_OPS)
    place.post("cdn/settings", {"task_seconds": 90})
    Person(place, "U0ANA", THERE).types("/purge www.example.com hero --force")
    call = only_card(place, "U0KIM", "C0OPS")
    assert UNEDITED not in words(call)
    place.presses("U0KIM", APPROVE, call, "C0OPS")
    goes_on(place, 200)
    waiting, approved, done = said(place)
    assert "waits for approval" in waiting
    assert "sent: the CDN has taken it" in approved
    assert "complete" in done
    assert "complete" in words(only_card(place, "U0KIM", "C0OPS"))


CALLED_IN_OPS = """
  - approval: SRE are called where they are
    domains: [www.example.com]
    count: 1
    call: {channel: C0OPS}
"""


@pytest.mark.parametrize("at", [0, 30, 85])
def test_a_restart_in_the_middle_repeats_nothing_and_loses_no_end(place: Town, at: int) -> None:
    place.post("cdn/settings", {"task_seconds": 90})
    place.says("U0ANA", "/purge www.example.com hero", THERE)
    if at:
        place.settle()
        goes_on(place, at)
    place.stop_bot()
    place.waits(seconds=20)
    place.start_bot()
    goes_on(place, 200)
    assert len(said(place)) == 2
    assert "Purge complete" in said(place)[-1]


def test_there_is_always_a_use_left_for_the_end(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"task_seconds": 90})
    ana.at(THERE).types("/purge www.example.com hero")
    post = bot_of(place).store.card(purge_of(place))
    assert post is not None
    assert (post.route, post.response_uses) == (Route.RESPONSE, 1)
    goes_on(place, 200)
    assert uses(place) < RESPONSE_URL_USES


def purge_of(place: Town) -> str:
    return said(place)[0].rpartition("Purge `")[2].partition("`")[0]


def test_two_replicas_say_it_once(open_town: OpenTown, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("a SQLite file has one bot")
    place = open_town()
    first = bot_of(place)
    second = place.start_bot()
    try:
        place.post("cdn/settings", {"task_seconds": 90})
        place.says("U0ANA", "/purge www.example.com hero", THERE)
        for turn in range(40):
            (first, second)[turn % 2].worker.drain()
            place.waits(settle=False, seconds=5)
        assert len(said(place)) == 2
        assert "Purge complete" in said(place)[-1]
    finally:
        first.stop()


def test_slow_sending_is_followed_by_the_task(place: Town, ana: Person) -> None:
    """The card went up before the CDN had answered: it names the task as soon as there is one."""
    place.post("cdn/settings", {"task_seconds": 60})
    place.breaks(kind="error", code="QuotaPerMinuteExceeded.Refresh", times=1)
    ana.at(THERE).types("/purge www.example.com hero")
    goes_on(place, 200)
    told = said(place)
    assert len(told) <= 3
    assert any("Task `" in each for each in told)


@pytest.mark.parametrize("called_in", ["C0LAUNCH", "C0OPS"])
def test_those_who_may_decide_are_called_there_if_nowhere_else(
    with_policy: WithPolicy, called_in: str
) -> None:
    place = with_policy(CALLED_IN_OPS.replace("C0OPS", called_in))
    Person(place, "U0ANA", THERE).types("/purge www.example.com hero --force")
    goes_on(place, 10)
    calls = [each for each in said(place) if "waits for your decision" in each]
    if called_in == "C0OPS":  # they are called where they are
        assert calls == []
    else:
        (call,) = calls
        assert "<!subteam^S0SRE>" in call
    place.presses("U0SAM", APPROVE, cards(place, "U0ANA", THERE)[0], THERE)
    goes_on(place, 200)
    assert "complete" in said(place)[0]


def test_a_reminder_calls_there_once(place: Town, ana: Person) -> None:
    ana.at(THERE).types("/purge www.example.com hero --force")
    goes_on(place, 14 * 60, every=60)
    assert len(said(place)) == 1
    goes_on(place, 10 * 60, every=60)
    assert len(said(place)) == 2
    assert said(place)[1].startswith("<!subteam^S0SRE>")
    place.presses("U0SAM", APPROVE, cards(place, "U0ANA", THERE)[0], THERE)
    goes_on(place, 200)
    assert "complete" in said(place)[0]
    assert len(said(place)) == 2


BREAK_GLASS = """
  - approval: SRE may break the glass of the site
    domains: [www.example.com]
    count: 1
    break_glass: [sre]
"""


def test_a_broken_glass_is_told_there_to_those_who_did_not_decide(with_policy: WithPolicy) -> None:
    place = with_policy(BREAK_GLASS)
    Person(place, "U0SAM", THERE).types(
        '/purge www.example.com hero --force --break-glass --reason "fire"'
    )
    goes_on(place, 200)
    (glass,) = [each for each in said(place) if "broke the glass" in each]
    assert "<!subteam^S0SRE>" in glass
    assert "Forced purge complete" in said(place)[-1]
    assert len(said(place)) == 3


@pytest.mark.parametrize("decided_in", [THERE, "C0OPS"])
def test_what_is_granted_can_be_stopped_there_in_time(
    place: Town, kim: Person, sam: Person, decided_in: str
) -> None:
    """The shop's purges wait ten seconds before they are sent."""
    sam.at(THERE).types("/purge shop.example.com hero --force")
    pressed = THERE if decided_in == THERE else decided_in
    card = cards(place, "U0KIM", pressed)[0]
    kim.at(pressed).approves(card)
    granted = cards(place, "U0SAM", THERE)[-1]
    assert buttons(granted) == ["Stop it"]
    place.presses("U0SAM", CANCEL, granted, THERE)
    goes_on(place, 30)
    assert place.purges_sent() == []
    assert "stopped" in said(place)[-1]

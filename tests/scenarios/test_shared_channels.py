"""In a channel that outsiders read nothing of a purge is posted: its requester is told in private."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.core.purge.purge import State
from bot.demo.town import Town
from bot.store.schema.tables import purges
from tests.support.conversation import Person
from tests.support.messages import (
    APPROVE,
    buttons,
    cards,
    notes,
    notes_below,
    only_card,
    whispers,
    words,
)
from tests.support.policies import WithPolicy
from tests.support.prometheus_scrape import bot_of
from tests.support.waiting import until

OUTSIDER = "U0EVE"
AS_MEMBER, AS_NONE = "C0WEB", "C0RANDOM"
"""Channels that the outsider reads, with and without the bot in them."""
CALLED = "C0OPS"
ANAS, SAMS = "D0ANABOT", "D0SAMBOT"
"""Where the bot tells them what nobody else reads."""
SHARED = pytest.mark.parametrize("channel", [AS_MEMBER, AS_NONE])
CALLED_IN_OPS = """
  - approval: The site is decided in the operations channel
    domains: [www.example.com]
    call: {channel: C0OPS}
    break_glass: [sre]
"""
FORCED = '--force --reason "launchparty"'


def shared(place: Town, *channels: str) -> Town:
    place.stop_bot()
    place.settings["PURGEBOT_SHARED_CHANNELS"] = ",".join(channels)
    place.start_bot()
    return place


def ever_shown(place: Town, channel: str, reader: str = OUTSIDER) -> list[Any]:
    """Give all that a reader could ever see in a channel: texts and blocks, also before each edit."""
    seen: list[Any] = []
    for message in place.slack.workspace.messages[channel]:
        if message.reader in {None, reader}:
            seen += [(old["text"], old["blocks"]) for old in message.history]
            seen.append((message.text, message.blocks, message.command, message.attachments))
    return seen


def lively(place: Town, channel: str) -> None:
    """Let purges of every sort be asked for in a channel, and come to every sort of end."""
    ana, sam = Person(place, "U0ANA", channel), Person(place, "U0SAM", channel)
    place.post("cdn/settings", {"task_seconds": 60})

    def called() -> dict[str, Any]:
        return cards(place, "U0KIM", CALLED)[-1]

    def presses(action_id: str) -> None:
        pressed = [card for card in cards(place, "U0ANA", ANAS) if action_id in str(card["blocks"])]
        ana.at(ANAS).presses(action_id, pressed[-1])

    def asks(tag: str, more: str = "") -> None:
        ana.types(f"/purge www.example.com {tag} {more}")
        place.waits(seconds=20)

    asks("plaincloud")
    asks("twicebean")
    ana.types("/purge www.example.com twicebean")
    place.waits(minutes=3)
    presses("purge:escalate")
    Person(place, "U0KIM", CALLED).approves(called())
    asks("approvedfern", FORCED)
    Person(place, "U0KIM", CALLED).approves(called())
    asks("deniedmoss", FORCED)
    place.denies("U0KIM", called(), "matchtonight", CALLED)
    asks("cancelledoak", FORCED)
    presses("purge:cancel")
    sam.types("/purge www.example.com glassreed --break-glass " + FORCED)
    asks("expiredpine", FORCED)
    place.waits(minutes=16)
    place.stop_bot()
    place.start_bot()
    place.waits(minutes=16)
    place.breaks(kind="error", code="InvalidDomain.NotFound", times=1)
    asks("failedrose")
    place.breaks(kind="error", code="Throttling.User", times=1)
    asks("heldlily")
    place.post("cdn/settings", {"task_end": "Failed"})
    asks("endedbadly")
    place.waits(minutes=3)
    place.post("cdn/settings", {"task_end": "Complete", "knows_tag_tasks": False})
    for choice, tag in (("purge:again", "againtulip"), ("purge:leave", "lefttulip")):
        place.breaks(kind="lose_answer", times=1)
        asks(tag)
        place.waits(minutes=5)
        presses(choice)
    ana.types("/purge unknown.example.org refusedivy")
    ana.types("/purge www.example.com wrongword hastily")
    ana.types("/purge www.example.com plaincloudd")  # asked back about: it is like a known one
    for question in ("status", "history", "pending", "quota", "help"):
        ana.types(f"/purge {question}")
    place.waits(minutes=30)


def secrets_of(place: Town) -> set[str]:
    """Give what an outsider may not learn: IDs, names, tags, reasons, tasks."""
    found = bot_of(place).store.read(select(purges)).all()
    words = {"launchparty", "matchtonight", "wrongword", "hastily", "plaincloudd", "/purge"}
    for row in found:
        words |= {row.id, row.domain, *row.tags, row.task_id or row.id, row.request_id or row.id}
    return words


@SHARED
def test_an_outsider_learns_nothing_of_a_lively_day(with_policy: WithPolicy, channel: str) -> None:
    place = shared(with_policy(CALLED_IN_OPS), channel)
    lively(place, channel)
    secrets = secrets_of(place)
    shown = str(ever_shown(place, channel))
    assert [secret for secret in secrets if secret in shown] == []
    assert shown == "[]"
    asked = bot_of(place).store.read(select(purges)).all()
    assert {State(row.state) for row in asked} >= {
        *(State.COMPLETE, State.DENIED, State.CANCELLED, State.EXPIRED, State.FAILED),
        *(State.UNKNOWN, State.REFUSED),
    }
    private = f"{ever_shown(place, ANAS, 'U0ANA')} {ever_shown(place, SAMS, 'U0SAM')}"
    for row in asked:
        assert row.id in private or row.state == State.REFUSED


def test_where_nothing_is_listed_the_outsider_reads_it_all(with_policy: WithPolicy) -> None:
    """The mirror: the search finds what is there to be found."""
    place = shared(with_policy(CALLED_IN_OPS), AS_NONE)
    lively_enough = Person(place, "U0ANA", AS_MEMBER)
    lively_enough.types(f"/purge www.example.com deniedmoss {FORCED}")
    place.denies("U0KIM", only_card(place, "U0KIM", CALLED), "matchtonight", CALLED)
    lively_enough.types("/purge www.example.com plaincloud")
    place.waits(minutes=10)
    shown = str(ever_shown(place, AS_MEMBER))
    for secret in ("deniedmoss", "plaincloud", "launchparty", "matchtonight", "www.example.com"):
        assert secret in shown
    assert all(sent["task_id"] in shown for sent in place.purges_sent())
    assert cards(place, "U0ANA", ANAS) == []


@SHARED
def test_the_requester_is_told_where_and_sees_each_state_there(place: Town, channel: str) -> None:
    shared(place, channel)
    place.post("cdn/settings", {"task_seconds": 60})
    ana = Person(place, "U0ANA", channel)
    ana.types("/purge www.example.com hero")
    (told,) = whispers(place, "U0ANA", channel)
    assert "in a direct message" in told
    assert "sent: the CDN has taken it" in words(only_card(place, "U0ANA", ANAS))
    place.waits(minutes=5)
    assert "Purge complete" in words(only_card(place, "U0ANA", ANAS))
    assert "is complete" in notes(place, "U0ANA", ANAS)[-1]


@SHARED
def test_a_forced_purge_is_decided_where_people_are_called(
    with_policy: WithPolicy, channel: str
) -> None:
    place = shared(with_policy(CALLED_IN_OPS), channel)
    Person(place, "U0ANA", channel).types("/purge www.example.com hero --force")
    waiting = words(only_card(place, "U0ANA", ANAS))
    assert "waits for approval" in waiting
    assert f"Called in <#{CALLED}>" in waiting
    call = only_card(place, "U0KIM", CALLED)
    assert "<!subteam^S0SRE>" in words(call)
    place.waits(minutes=16)
    assert "still waits" in notes(place, "U0KIM", CALLED)[-1]
    Person(place, "U0KIM", CALLED).approves(call)
    place.waits(minutes=10)
    assert "Forced purge complete" in words(only_card(place, "U0KIM", CALLED))
    assert "Forced purge complete" in words(only_card(place, "U0ANA", ANAS))
    assert "was approved by <@U0KIM>" in notes(place, "U0ANA", ANAS)[-1]


@SHARED
@pytest.mark.parametrize("more", ["", '--break-glass --reason "fire"'], ids=["asked", "broken"])
def test_what_nobody_could_be_called_for_is_refused_with_a_way_on(
    with_policy: WithPolicy, channel: str, more: str
) -> None:
    place = shared(with_policy(CALLED_IN_OPS.replace("    call: {channel: C0OPS}\n", "")), channel)
    sam = Person(place, "U0SAM", channel)
    sam.types(f"/purge www.example.com hero --force {more}")
    told = whispers(place, "U0SAM", channel)[-1]
    assert "nobody-called" in told
    assert "Ask for it in a channel that is not shared" in told
    sam.types("/purge www.example.com hero")
    assert [sent["params"]["Force"] for sent in place.purges_sent()] == ["false"]


def test_where_people_are_called_in_a_shared_channel_they_are_called_elsewhere(
    with_policy: WithPolicy,
) -> None:
    """They are called below the card; and who asks in a shared channel, too, is refused."""
    place = shared(with_policy(CALLED_IN_OPS.replace("C0OPS", AS_NONE)), AS_NONE, "C0LAUNCH")
    ana = Person(place, "U0ANA")
    card = ana.purges(f"www.example.com hero {FORCED}")
    (call,) = notes_below(place)[card["ts"]]
    assert "waits for your decision" in words(call)
    Person(place, "U0KIM").approves(card)
    place.waits(minutes=10)
    assert len(place.purges_sent()) == 1
    ana.at("C0LAUNCH").types(f"/purge www.example.com logo {FORCED}")
    assert "nobody-called" in whispers(place, "U0ANA", "C0LAUNCH")[-1]
    assert ever_shown(place, AS_NONE) == []


@pytest.mark.parametrize("is_called", [True, False])
def test_a_request_from_a_private_card_is_as_private(
    with_policy: WithPolicy, is_called: bool
) -> None:
    call = "    call: {channel: C0OPS}\n"
    place = shared(
        with_policy(CALLED_IN_OPS if is_called else CALLED_IN_OPS.replace(call, "")), AS_MEMBER
    )
    ana = Person(place, "U0ANA")
    ana.types("/purge www.example.com hero")
    place.waits(minutes=10)
    ana.at(ANAS).presses("purge:escalate", only_card(place, "U0ANA", ANAS))
    if is_called:
        Person(place, "U0KIM", CALLED).approves(only_card(place, "U0KIM", CALLED))
        place.waits(minutes=10)
        assert "Forced purge complete" in words(cards(place, "U0ANA", ANAS)[-1])
        assert len(place.purges_sent()) == 2
    else:
        assert "nobody-called" in whispers(place, "U0ANA", ANAS)[-1]
        assert len(place.purges_sent()) == 1
    assert ever_shown(place, AS_MEMBER) == []


def test_where_nobody_was_called_the_requester_is_told_how_others_can_decide(
    with_policy: WithPolicy,
) -> None:
    place = shared(with_policy(CALLED_IN_OPS), AS_MEMBER)
    place.slack.workspace.channels[CALLED].members.remove("U0BOT")
    ana = Person(place, "U0ANA")
    ana.types("/purge www.example.com hero --force")
    place.waits(seconds=5)
    (told,) = notes(place, "U0ANA", ANAS)
    assert f"I cannot post in <#{CALLED}>" in told
    question = told.partition("/purge ")[2].partition("`")[0]
    sam = Person(place, "U0SAM", CALLED)
    sam.types(f"/purge {question}")
    (shown,) = [seen for seen in place.sees("U0SAM", CALLED) if "Approve" in buttons(seen)]
    sam.presses(APPROVE, shown)
    assert len(place.purges_sent()) == 1


def test_what_was_posted_before_the_channel_was_listed_is_not_edited(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(CALLED_IN_OPS)
    ana = Person(place, "U0ANA")
    card = ana.purges(f"www.example.com hero {FORCED}")
    before = ever_shown(place, AS_MEMBER)
    shared(place, AS_MEMBER)
    Person(place, "U0KIM").approves(card)
    place.waits(minutes=10)
    assert ever_shown(place, AS_MEMBER) == before
    assert "Forced purge complete" in words(only_card(place, "U0ANA", ANAS))
    assert "is complete" in notes(place, "U0ANA", ANAS)[-1]


def test_the_same_where_the_bot_speaks_through_response_urls(with_policy: WithPolicy) -> None:
    place = with_policy(CALLED_IN_OPS)
    ana = Person(place, "U0ANA", AS_NONE)
    card = ana.purges(f"www.example.com hero {FORCED}")
    before = ever_shown(place, AS_NONE)
    shared(place, AS_NONE)
    Person(place, "U0KIM", AS_NONE).approves(card)  # its response URL could replace the card
    place.waits(minutes=10)
    assert ever_shown(place, AS_NONE) == before
    assert "Forced purge complete" in words(only_card(place, "U0ANA", ANAS))


def test_nobody_is_sent_to_a_card_that_only_its_requester_can_open(
    with_policy: WithPolicy,
) -> None:
    place = shared(with_policy(CALLED_IN_OPS), AS_NONE)
    ana, sam = Person(place, "U0ANA", AS_NONE), Person(place, "U0SAM")
    ana.types(f"/purge www.example.com hero {FORCED}")
    for person in (ana, sam):
        person.types(f"/purge www.example.com hero {FORCED}")
    hers, his = (whispers(place, who.id, who.channel)[-1] for who in (ana, sam))
    assert f"archives/{ANAS}/" in hers
    assert "See its card: purge `P" in his


def test_a_card_that_cannot_be_sent_now_is_told_to_operators_and_sent_when_it_can(
    place: Town,
) -> None:
    """The app's Messages tab may be off, if it was made by an older manifest."""
    shared(place, AS_MEMBER)
    place.slack.workspace.app["messages_tab"] = False
    with capture_logs() as logged:
        Person(place, "U0ANA").types("/purge www.example.com hero")
    (line,) = [each for each in logged if each["event"] == "not-announced"]
    assert (line["log_level"], line["why"]) == ("error", "messages_tab_disabled")
    place.slack.workspace.app["messages_tab"] = True
    place.waits(minutes=2)
    assert "`hero`" in words(only_card(place, "U0ANA", ANAS))
    assert ever_shown(place, AS_MEMBER) == []


def test_an_outsider_cannot_unfold_a_card_from_before_the_channel_was_listed(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(CALLED_IN_OPS)
    many = ",".join(f"page-{number:02}" for number in range(83))
    card = Person(place, "U0ANA").purges(f"www.example.com {many} {FORCED}")
    shared(place, AS_MEMBER)
    Person(place, OUTSIDER).presses("purge:tags", card)
    assert place.forms(OUTSIDER) == []
    assert "press-unknown-request" in whispers(place, OUTSIDER)[-1]
    Person(place, "U0SAM").presses("purge:tags", card)
    assert len(place.forms("U0SAM")) == 1


def test_the_same_where_the_bot_works_by_itself(live_place: Town) -> None:
    place = shared(live_place, AS_MEMBER)
    bot_of(place).worker.start()
    for tag in ("hero", "logo"):
        place.says("U0ANA", f"/purge www.example.com {tag}")
    until(place, lambda: len(cards(place, "U0ANA", ANAS)) == 2)
    until(place, lambda: "sent: the CDN" in words(cards(place, "U0ANA", ANAS)[-1]))
    assert ever_shown(place, AS_MEMBER) == []

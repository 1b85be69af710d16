"""A tag that was never purged and is like a known one: the bot asks back before anything is sent."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from requests import HTTPError

from bot.config.settings import Mode
from bot.demo.town import Town, town
from bot.store.queue.due import JobKind
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.databases import Postgresql
from tests.support.http_door import http_door
from tests.support.messages import buttons, cards, only_card, whispers, words
from tests.support.policies import WithPolicy
from tests.support.processes import all_purges
from tests.support.purgebot import running
from tests.support.waiting import until

MEANT, TYPED = "doubt:meant", "doubt:typed"


def question(place: Town, person: str = "U0ANA", channel: str = "C0WEB") -> dict[str, Any]:
    """Give the newest thing that this person alone sees."""
    return [seen for seen in place.sees(person, channel) if seen["ephemeral"]][-1]


def presses(place: Town, action_id: str, person: str = "U0ANA", channel: str = "C0WEB") -> None:
    Person(place, person, channel).presses(action_id, question(place, person, channel))
    place.waits(seconds=1)  # the answer comes with the card, which waits for the CDN's


def purged_before(place: Town, *tags: str) -> None:
    for tag in tags:
        Person(place, "U0SAM", "C0OPS").types(f"/purge www.example.com {tag}")
    place.waits(minutes=10)


def sent(place: Town) -> list[str]:
    return [request["params"]["CacheTag"] for request in place.purges_sent()]


@pytest.fixture
def known(place: Town) -> Town:
    """Give a town where `hero` was purged of the site a while ago."""
    purged_before(place, "hero")
    return place


def test_a_tag_like_a_known_one_is_asked_back_about_before_anything_is_sent(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    asked = question(known)
    assert "`heroo` was never purged there. Did you mean `hero`?" in words(asked)
    assert buttons(asked) == ["Purge hero instead", "Purge heroo as typed"]
    assert sent(known) == ["hero"]
    assert cards(known) == []


def test_what_was_meant_is_purged_at_a_press(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com banner,heroo")
    presses(known, MEANT)
    assert sent(known) == ["hero", "banner,hero"]
    assert "`banner`, `hero`" in words(only_card(known))
    assert buttons(question(known)) == []
    assert "You chose `/purge www.example.com banner,hero`" in whispers(known)[-1]


def test_what_was_typed_is_purged_at_a_press_and_never_asked_about_again(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    presses(known, TYPED)
    assert sent(known) == ["hero", "heroo"]
    known.waits(minutes=10)
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    assert sent(known) == ["hero", "heroo", "heroo"]


@pytest.mark.parametrize(
    "tag",
    ["hero", "campaign", "hero-2", "page-01", "hero2"],
    ids=["known", "new", "a part more", "digits", "a digit more"],
)
def test_what_is_known_or_like_nothing_known_is_sent_at_once(known: Town, tag: str) -> None:
    Person(known, "U0ANA").types(f"/purge www.example.com {tag}")
    assert sent(known) == ["hero", tag]
    assert whispers(known) == []


def test_a_numbered_sibling_of_a_known_tag_is_sent_at_once(known: Town) -> None:
    for tag in ("article-12", "article-13", "page-01", "page-02", "v1", "v2", "block-a", "block-b"):
        Person(known, "U0ANA").types(f"/purge www.example.com {tag}")
        assert sent(known)[-1] == tag
    assert whispers(known) == []


def test_what_was_purged_of_another_domain_is_not_known_on_this_one(known: Town) -> None:
    Person(known, "U0ANA").types("/purge img.example.com heroo")
    assert sent(known) == ["hero", "heroo"]


def test_what_never_reached_the_cdn_is_not_known(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero --force")
    place.denies("U0SAM", only_card(place), "no")
    place.settle()
    place.breaks(kind="error", code="InvalidDomain.NotFound", times=1)
    ana.types("/purge www.example.com banner")
    ana.types("/purge www.example.com heroo,bannre")
    assert sent(place) == ["banner", "heroo,bannre"]


def test_a_lost_purge_whose_task_is_found_makes_its_tags_known(place: Town, ana: Person) -> None:
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero")
    ana.types("/purge www.example.com hreo")
    assert "Did you mean" not in str(whispers(place))
    place.waits(minutes=1)
    place.waits(minutes=1)
    ana.types("/purge www.example.com heroo")
    assert "`hero`" in words(question(place)) or "`hreo`" in words(question(place))


def test_of_a_forced_purge_it_is_asked_before_anybody_has_to_approve_it(known: Town) -> None:
    Person(known, "U0ANA").types('/purge www.example.com heroo --force --reason "new prices"')
    assert "The forced purge of `www.example.com` was not asked for yet" in words(question(known))
    assert cards(known, "U0SAM") == []
    presses(known, MEANT)
    card = only_card(known, "U0SAM")
    assert "waits for approval" in words(card)
    assert "new prices" in words(card)
    Person(known, "U0SAM").approves(card)
    (last,) = known.purges_sent()[1:]
    assert (last["params"]["CacheTag"], last["params"]["Force"]) == ("hero", "true")


def test_the_question_gives_way_to_the_answer_also_where_others_have_to_approve(
    known: Town,
) -> None:
    Person(known, "U0ANA").types("/purge www.example.com heroo --force")
    Person(known, "U0ANA").presses(MEANT, question(known))
    assert "You chose `/purge www.example.com hero --force`" in words(question(known))
    assert buttons(question(known)) == []
    assert "waits for approval" in words(only_card(known))


@pytest.mark.parametrize("written", ["tag:hero", "TAG:hero", "tag:heroo", "tag:tag:hero"])
def test_what_stands_before_an_odd_tag_is_asked_back_about_before_one_that_is_known(
    known: Town, written: str
) -> None:
    Person(known, "U0ANA").types(f"/purge www.example.com {written}")
    assert buttons(question(known)) == ["Purge hero instead", f"Purge {written} as typed"]
    presses(known, TYPED)
    Person(known, "U0ANA").types(f"/purge www.example.com {written}")
    assert sent(known) == ["hero", written]
    assert "joined" in words(cards(known)[-1])


@pytest.mark.parametrize("tag", ["tag:banner", "tag:hero-2", "tag:campaign"])
def test_a_tag_that_begins_so_and_goes_on_like_none_that_is_known_is_sent_at_once(
    known: Town, tag: str
) -> None:
    Person(known, "U0ANA").types(f"/purge www.example.com {tag}")
    assert sent(known) == ["hero", tag]
    assert whispers(known) == []


def test_a_tag_that_is_nothing_but_what_stands_before_others_is_sent_at_once(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com tag:tag:")
    assert sent(known) == ["hero", "tag:"]
    assert whispers(known) == []


def test_purge_again_never_asks_back(known: Town) -> None:
    known.post("cdn/settings", {"knows_tag_tasks": False})
    known.breaks(kind="lose_answer", times=1)
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    presses(known, TYPED)
    Person(known, "U0ANA").presses("purge:again", only_card(known))
    assert sent(known) == ["hero", "heroo", "heroo"]
    assert "Did you mean" not in str(whispers(known))


# Presses


@pytest.mark.parametrize("settled", [True, False], ids=["later", "at the same moment"])
def test_whatever_else_is_pressed_is_answered_and_purges_nothing_twice(
    open_town: OpenTown, settled: bool
) -> None:
    place = open_town(mode=Mode.HTTP)
    with http_door(place) as door:
        purged_before(place, "hero")
        Person(place, "U0ANA").types("/purge www.example.com heroo")
        place.presses("U0ANA", MEANT, question(place))
        press = door.last("interactive")
        if settled:
            place.settle()
        (action,) = press["actions"]
        typed = {**action, "action_id": TYPED, "value": action["value"].partition(" ")[0]}
        twice = {**press, "trigger_id": "1.1.1"}
        for other in (press, twice, {**press, "actions": [typed], "trigger_id": "1.1.2"}):
            assert door.deliver("interactive", other).status_code == 200
        place.settle()
        assert sent(place) == ["hero", "hero"]
        assert len(cards(place)) == 1
        told = [each for each in whispers(place) if "You have answered this already" in each]
        assert len(told) == 2


def test_a_press_by_somebody_else_or_of_something_else_changes_nothing(
    open_town: OpenTown,
) -> None:
    place = open_town(mode=Mode.HTTP)
    with http_door(place) as door:
        purged_before(place, "hero")
        Person(place, "U0ANA").types("/purge www.example.com heroo")
        place.presses("U0ANA", MEANT, question(place))
        press = door.last("interactive")
        (action,) = press["actions"]
        place.settle()
        before = sent(place)
        of_another = {**press, "user": {**press["user"], "id": "U0SAM"}, "trigger_id": "1.1.1"}
        assert door.deliver("interactive", of_another).status_code == 200
        trigger = action["value"].partition(" ")[0]
        for number, value in enumerate(
            ("", "x", trigger + " 7", trigger + " x", "P1M82J8FAHK949 0")
        ):
            odd = {**press, "actions": [{**action, "value": value}], "trigger_id": f"2.2.{number}"}
            assert door.deliver("interactive", odd).status_code == 200
        place.settle()
        place.stop_bot()
        assert sent(place) == before
        told = json.dumps(place.get("slack/calls")["calls"])
    assert "Somebody else was asked this" in told
    assert "that I do not know" in told


def test_a_press_after_an_hour_purges_nothing(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    known.waits(minutes=61)
    presses(known, TYPED)
    assert "more than an hour ago" in whispers(known)[-1]
    assert sent(known) == ["hero"]


def test_the_rules_are_applied_at_the_press(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    known.post("slack/person", {"id": "U0ANA", "groups": []})
    known.waits(minutes=2)
    presses(known, MEANT)
    assert sent(known) == ["hero"]
    assert "refused: nothing was purged" in str(whispers(known))


def test_after_a_restart_the_question_is_asked_and_its_buttons_work(known: Town) -> None:
    known.says("U0ANA", "/purge www.example.com heroo")
    known.stop_bot()
    known.start_bot()
    known.settle()
    assert "Did you mean `hero`?" in words(question(known))
    known.stop_bot()
    known.start_bot()
    known.presses("U0ANA", MEANT, question(known))
    known.stop_bot()
    known.start_bot()
    known.settle()
    assert sent(known) == ["hero", "hero"]


def test_a_command_delivered_twice_is_asked_back_about_once(known: Town) -> None:
    known.post("slack/faults", {"deliver_twice": True})
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    assert str(whispers(known)).count("Did you mean") == 1
    presses(known, TYPED)
    assert sent(known) == ["hero", "heroo"]
    assert len(cards(known)) == 1


def test_a_command_that_comes_again_when_it_has_become_doubtful_is_not_asked_about(
    open_town: OpenTown,
) -> None:
    place = open_town(mode=Mode.HTTP)
    with http_door(place) as door:
        for person, tag in (("U0ANA", "heroo"), ("U0LEO", "banneer")):
            Person(place, person).types(f"/purge www.example.com {tag} --force")
        commands = [
            row["payload"]
            for row in place.get("slack/deliveries")["deliveries"]
            if row["kind"] == "slash_commands"
        ]
        purged_before(place, "hero", "banner")
        for command in commands:
            assert door.deliver("slash_commands", command).status_code == 200
        place.settle()
        place.waits(minutes=1)
        assert "Did you mean" not in str(place.sees("U0ANA") + place.sees("U0LEO"))
        assert len(cards(place)) == 1
        assert place.bot is not None
        assert place.bot.store.queue_stats.queues(place.now())[JobKind.ANSWER].waiting == 0


def test_over_two_replicas_both_buttons_make_one_purge(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    with postgresql.copy() as url, town(database_url=url, with_bot=False) as place:
        with (
            running(tmp_path, place.variables()) as one,
            running(tmp_path, place.variables()) as two,
        ):
            for replica in (one, two):
                replica.until("started")
            place.says("U0SAM", "/purge www.example.com hero", "C0OPS")
            until(place, lambda: "the CDN has taken it" in str(cards(place, "U0SAM", "C0OPS")))
            place.says("U0ANA", "/purge www.example.com heroo")
            until(place, lambda: bool(whispers(place)))
            asked = question(place)
            for action_id in (TYPED, MEANT):  # Slack gives each connection its turn
                with suppress(HTTPError):  # the question may be gone by then
                    place.presses("U0ANA", action_id, asked)
            until(place, lambda: bool(cards(place)))
            assert [replica.end() for replica in (one, two)] == [0, 0]
        place.start_bot()
        place.settle()
        assert len([purge for purge in all_purges(place) if purge.user_id == "U0ANA"]) == 1
        assert len(cards(place)) == 1


# Who is told what


def test_a_tag_that_somebody_may_not_purge_is_never_named_to_them(place: Town, leo: Person) -> None:
    purged_before(place, "companion")
    leo.types("/purge www.example.com companian")
    assert "companion" not in str(place.sees("U0LEO"))
    assert "refused" in whispers(place, "U0LEO")[-1]


def test_one_who_may_purge_only_what_was_meant_is_offered_that_alone(
    place: Town, leo: Person
) -> None:
    purged_before(place, "campaign-spring")
    leo.types("/purge www.example.com campagin-spring")
    assert buttons(question(place, "U0LEO")) == ["Purge campaign-spring instead"]
    presses(place, MEANT, "U0LEO")
    assert sent(place) == ["campaign-spring", "campaign-spring"]


def test_one_who_may_purge_nothing_there_is_refused_as_ever(known: Town) -> None:
    for person in ("U0GUS", "U0LEO"):
        Person(known, person).types("/purge www.example.com heroo")
        assert "refused" in whispers(known, person)[-1]
        assert "`hero`" not in str(known.sees(person))
    assert sent(known) == ["hero"]


def test_one_of_whom_slack_says_nothing_is_refused_as_ever(known: Town) -> None:
    known.waits(minutes=20)
    known.post("slack/faults", {"web_api": [{"error": "http_500", "times": None}]})
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    known.waits(minutes=3)
    known.waits(minutes=3)
    known.post("slack/faults", {"web_api": []})
    known.waits(minutes=1)
    assert sent(known) == ["hero"]
    assert "could not check your rights" in str(known.sees("U0ANA"))


@pytest.mark.parametrize("away_s", [50, 62, 90], ids=["a while", "just too long", "too long"])
def test_whatever_slack_cannot_say_nothing_doubtful_is_sent_unasked(
    known: Town, away_s: int
) -> None:
    known.waits(minutes=20)
    known.post("slack/faults", {"web_api": [{"error": "http_500", "times": None}]})
    Person(known, "U0ANA").types("/purge www.example.com heroo")
    known.waits(seconds=away_s)
    known.post("slack/faults", {"web_api": []})
    known.waits(minutes=2)
    assert sent(known) == ["hero"]
    asked = "Did you mean `hero`?" if away_s < 60 else "could not check your rights"
    assert [asked in each for each in whispers(known)] == [True]
    assert cards(known) == []


NAMED = """
  - rule: Leads purge the landing page
    roles: [leads]
    allow: [purge]
    domains: [www.example.com]
    tags: [landing, "campaign-*"]
"""


def test_a_tag_that_the_rules_name_is_known_before_its_first_purge(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(rules=NAMED)
    Person(place, "U0ADA").types("/purge www.example.com lading")
    assert buttons(question(place, "U0ADA")) == ["Purge landing instead"]
    presses(place, MEANT, "U0ADA")
    assert sent(place) == ["landing"]
    Person(place, "U0ANA").types("/purge www.example.com landing")
    assert whispers(place) == []


def test_several_slips_are_put_right_together(known: Town) -> None:
    purged_before(known, "navigation")
    Person(known, "U0ANA").types("/purge www.example.com heroo,navgation,footer")
    asked = question(known)
    assert buttons(asked) == ["Purge with these put right", "Purge all as typed"]
    assert "Did you mean `navigation`?" in words(asked)
    presses(known, MEANT)
    assert sent(known)[-1] == "hero,navigation,footer"


def test_what_was_meant_and_stands_there_already_is_purged_once(known: Town) -> None:
    Person(known, "U0ANA").types("/purge www.example.com hero,heroo")
    presses(known, MEANT)
    assert sent(known) == ["hero", "hero"]


def test_of_more_tags_than_anybody_types_nothing_is_asked(known: Town) -> None:
    pasted = ",".join(["heroo", *(f"x{number}" for number in range(50))])
    Person(known, "U0ANA").types(f"/purge www.example.com {pasted}")
    assert sent(known) == ["hero", pasted]


# What is new and like nothing


@pytest.fixture
def well_known(place: Town) -> Town:
    """Give a town where ten tags of the site are known."""
    purged_before(place, *(f"part-{letter}" for letter in "abcdefghij"))
    return place


def test_a_card_says_that_a_tag_is_new(well_known: Town) -> None:
    Person(well_known, "U0ANA").types("/purge www.example.com launch")
    new = "`launch` was never purged here before. The CDN does not say whether anything carries it."
    assert new in words(only_card(well_known))
    well_known.waits(minutes=10)
    assert "complete" in words(only_card(well_known))
    assert new in words(only_card(well_known))
    Person(well_known, "U0ANA").types("/purge www.example.com launch")
    assert "never purged" not in words(cards(well_known)[-1])


def test_of_several_new_tags_all_are_named(well_known: Town) -> None:
    Person(well_known, "U0ANA").types("/purge www.example.com launch,part-a,release")
    assert "`launch`, `release` were never purged here before." in words(only_card(well_known))


def test_where_little_is_known_nothing_is_said_of_new_tags(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com launch")
    assert "never purged" not in words(only_card(place))


def test_a_forced_purge_says_so_too_once_it_is_sent(well_known: Town) -> None:
    Person(well_known, "U0ANA").types("/purge www.example.com launch --force")
    assert "never purged" not in words(only_card(well_known))
    Person(well_known, "U0SAM").approves(only_card(well_known))
    assert "`launch` was never purged here before." in words(only_card(well_known))


def test_what_a_rule_names_is_not_called_new(with_policy: WithPolicy) -> None:
    place = with_policy(rules=NAMED)
    purged_before(place, *(f"part-{letter}" for letter in "abcdefghij"))
    Person(place, "U0ANA").types("/purge www.example.com landing")
    assert "never purged" not in words(only_card(place))


# The database alone


def test_a_doubt_that_somebody_wrote_into_the_database_makes_no_purge(open_town: OpenTown) -> None:
    place = open_town(with_bot=False)
    place.settings["PURGEBOT_APPROVAL_KEY"] = "k" * 64
    place.start_bot()
    purged_before(place, "hero")
    place.says("U0ANA", "/purge www.example.com heroo")
    assert place.bot is not None
    with place.bot.store.engine.execution_options(writing=True).begin() as connection:
        connection.exec_driver_sql("UPDATE asks SET user_id = 'U0SAM' WHERE kind = 'doubt'")
    place.settle()
    assert "does not fit its signature" in str(
        [place.sees(person) for person in ("U0ANA", "U0SAM")]
    )
    assert sent(place) == ["hero"]

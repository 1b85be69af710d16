"""What the bot knows of people: asked once, remembered for a while, and missing where Slack is silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.core.policy.decision import Membership
from bot.demo.town import Town
from bot.slack.directory import MOST_QUESTIONS, SlackDirectory
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.policies import write_policy

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

KINDS = {
    "U0ANA": Membership.MEMBER,
    "U0ADA": Membership.MEMBER,
    "U0GUS": Membership.GUEST,
    "U0EVE": Membership.OUTSIDER,
    "U0DEL": Membership.DELETED,
    "U0BOT": Membership.BOT,
    "USLACKBOT": Membership.BOT,
    "U0NOBODY": Membership.UNKNOWN,
}


def directory_of(place: Town) -> SlackDirectory:
    assert place.bot is not None
    return place.bot.context.directory


def asked(place: Town) -> list[str]:
    calls = place.get("slack/calls", {"method": "users.info"})["calls"]
    return [row["arguments"]["user"] for row in calls]


def fails(place: Town, error: str, times: int | None = 1) -> None:
    fault = {"method": "users.info", "error": error, "times": times}
    place.post("slack/faults", {"web_api": [fault]})


def test_everybody_is_asked_about_once_and_remembered_for_ten_minutes(place: Town) -> None:
    directory = directory_of(place)
    for _ in range(2):
        assert directory.memberships([*KINDS, *KINDS]) == KINDS
        place.waits(minutes=9)
    once = [who for who in KINDS if who != "USLACKBOT"]
    assert asked(place) == once
    place.post("slack/person", {"id": "U0ANA", "kind": "guest"})
    place.waits(minutes=2)
    assert directory.memberships(KINDS) == KINDS | {"U0ANA": Membership.GUEST}
    assert asked(place) == once * 2


@pytest.mark.parametrize("error", ["ratelimited", "drop", "http_500", "internal_error"])
def test_whom_slack_does_not_tell_of_now_is_missing_and_asked_about_again(
    place: Town, error: str
) -> None:
    directory = directory_of(place)
    directory.memberships(["U0ANA"])
    fails(place, error, None)
    assert directory.memberships(["U0SAM", "U0ANA", "U0KIM"]) == {"U0ANA": Membership.MEMBER}
    place.post("slack/faults", {"web_api": []})
    assert directory.memberships(["U0SAM", "U0KIM"]) == dict.fromkeys(
        ("U0SAM", "U0KIM"), Membership.MEMBER
    )


@pytest.mark.parametrize(("error", "questions"), [("ratelimited", 1), ("drop", 1), ("http_500", 3)])
def test_slack_is_not_asked_on_where_it_would_not_answer(
    place: Town, error: str, questions: int
) -> None:
    fails(place, error, None)
    assert directory_of(place).memberships(["U0SAM", "U0ANA", "U0KIM"]) == {}
    assert len(asked(place)) == questions


def test_one_call_asks_so_many_questions_and_the_next_the_others(place: Town) -> None:
    directory = directory_of(place)
    people = [f"U0NOBODY{n}" for n in range(MOST_QUESTIONS + 5)]
    assert list(directory.memberships(people)) == people[:MOST_QUESTIONS]
    assert list(directory.memberships(people)) == people
    assert asked(place) == people


def test_a_group_that_is_not_there_is_logged_once_and_gives_nothing(
    open_town: OpenTown, tmp_path: Path
) -> None:
    gone = "\n  leads:\n    title: Leads\n    groups: [S0GONE]\n"
    place = open_town(policy=write_policy(tmp_path, roles=gone))
    with capture_logs() as logged:
        for _ in range(3):
            Person(place, "U0SAM").types("/purge help")
            place.waits(minutes=2)
    told = [row for row in logged if row["event"] == "group-not-there"]
    assert [(row["group"], row["error"]) for row in told] == [("S0GONE", "no_such_subteam")]

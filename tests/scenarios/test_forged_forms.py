"""What a form carries goes to the client and comes back, so it proves nothing: the press does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from bot.config.settings import Mode
from bot.demo.town import Town
from bot.store.schema import tables
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.foreign_server import elsewhere
from tests.support.http_door import Door, http_door
from tests.support.messages import DENY, cards, only_card, whispers, words
from tests.support.policies import DUTY_ROOM, DUTY_ROOM_APPROVES, write_policy
from tests.support.processes import card_of

SHOW_ALL, NEXT = "purge:tags", "tags:next"
MANY = ",".join(f"page-{number}" for number in range(83))


@pytest.fixture
def door(open_town: OpenTown, tmp_path: Any) -> Iterator[Door]:
    policy = write_policy(tmp_path, roles=DUTY_ROOM, rules=DUTY_ROOM_APPROVES)
    with http_door(open_town(policy=policy, mode=Mode.HTTP)) as door:
        yield door


def opens(door: Door, person: str, button: str, card: dict[str, Any]) -> dict[str, Any]:
    """Give the view that a press opens."""
    door.place.presses(person, button, card)
    door.place.settle()
    return door.place.forms(person)[-1]


def sends(door: Door, person: str, view: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """Send a form of a denial that says this about itself; the answer is that of the bot."""
    written = {"reason": {"reason": {"type": "plain_text_input", "value": "the match is on"}}}
    payload = {
        "type": "view_submission",
        "team": {"id": "T0TOWN"},
        "user": {"id": person, "team_id": "T0TOWN"},
        "trigger_id": f"{person}.forged",
        "view": {
            **view,
            "private_metadata": json.dumps(about),
            "state": {"values": written},
        },
    }
    answer = door.deliver("interactive", payload)
    assert answer.status_code == 200
    door.place.settle()
    return dict(answer.json()) if answer.text else {}


def purge_of(card: dict[str, Any]) -> str:
    """Give the ID that a card's buttons carry: where the bot is no member it has no metadata."""
    (row,) = [block for block in card["blocks"] if block["type"] == "actions"]
    return str(row["elements"][0]["value"])


def carried(view: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(view["private_metadata"]))


def test_a_form_that_names_another_request_denies_the_one_that_it_was_opened_for(
    door: Door,
) -> None:
    place = door.place
    first = Person(place, "U0ANA").purges("www.example.com hero --force")
    other = Person(place, "U0ANA").purges("www.example.com logo --force")
    view = opens(door, "U0SAM", DENY, first)
    sends(door, "U0SAM", view, carried(view) | {"purge_id": card_of(other)})
    told = [words(card) for card in cards(place)]
    assert "denied" in told[0]
    assert "waits for approval" in told[1]


def test_a_form_that_nobody_opened_denies_nothing(door: Door) -> None:
    """Who has a say in one channel only cannot claim to have written there."""
    place = door.place
    purge_id = card_of(Person(place, "U0ANA").purges("www.example.com hero --force"))
    Person(place, "U0ADA").presses(DENY, only_card(place))
    assert place.forms("U0ADA") == []
    form = opens(door, "U0SAM", DENY, only_card(place))
    about = {"purge_id": purge_id, "channel_id": "C0OPS", "response_url": ""}
    for press in ({}, {"press": "1.2.3"}, {"press": carried(form).get("press")}):
        told = sends(door, "U0ADA", form, about | press)
        assert "do not know any more where this form was opened" in str(told)
    assert "waits for approval" in words(only_card(place))


def test_a_form_that_carries_what_it_was_given_denies(door: Door) -> None:
    form = opens(
        door, "U0SAM", DENY, Person(door.place, "U0ANA").purges("www.example.com hero --force")
    )
    assert sends(door, "U0SAM", form, carried(form)) == {}
    assert "denied" in words(only_card(door.place))


def test_a_page_of_tags_that_names_another_request_shows_the_one_that_it_was_opened_for(
    door: Door,
) -> None:
    place = door.place
    secret = Person(place, "U0ANA", "C0LAUNCH").purges("www.example.com secret --force")
    view = opens(
        door, "U0LEO", SHOW_ALL, Person(place, "U0ANA").purges(f"www.example.com {MANY} --force")
    )
    place.post("slack/press", {"as": "U0LEO", "view_id": view["id"], "action_id": NEXT})
    press = door.last("interactive") | {"trigger_id": "1.2.3"}
    about = carried(view) | {"purge_id": purge_of(secret), "channel_id": "C0LAUNCH"}
    press["view"]["private_metadata"] = json.dumps(about)
    assert door.deliver("interactive", press).status_code == 200
    place.settle()
    (shown,) = place.forms("U0LEO")
    assert "secret" not in str(shown)
    assert "page-41" in str(shown)


def test_an_answer_goes_to_slack_alone_whatever_the_payload_asks(door: Door) -> None:
    with elsewhere() as (url, calls):
        press = {"actions": [{"action_id": "purge:unheard-of", "value": "x"}], "response_url": url}
        door.place.presses(
            "U0LEO", DENY, Person(door.place, "U0ANA").purges("www.example.com hero --force")
        )
        door.place.settle()
        assert door.deliver("interactive", door.last("interactive") | press).status_code == 200
        door.place.stop_bot()  # lets replies under way end
        assert calls == []


def test_an_answer_goes_to_slack_alone_whatever_the_database_says(place: Town, ana: Person) -> None:
    assert place.bot is not None
    with elsewhere() as (url, calls):
        card = ana.purges("www.example.com hero --force")
        place.presses("U0LEO", DENY, card)
        with place.bot.store.engine.begin() as connection:
            connection.execute(update(tables.asks).values(response_url=url))
        place.settle()
        assert calls == []
    assert "may not decide" in whispers(place, "U0LEO")[-1]

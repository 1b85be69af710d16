"""What Bolt does by itself and must not do to us, each trap with the promise that closes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from sqlalchemy import text

from bot.config.settings import Mode
from bot.demo.town import Town
from handlers import LISTENERS
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.http_door import Door, http_door, in_mode
from tests.support.logged_failures import Expect
from tests.support.messages import APPROVE, cards, only_card, whispers, words
from tests.support.processes import card_of
from tests.support.row_forgery import makes_unreadable

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MODES = pytest.mark.parametrize("mode", list(Mode))


@pytest.fixture
def door(open_town: OpenTown) -> Iterator[Door]:
    with http_door(open_town(mode=Mode.HTTP)) as door:
        yield door


# Bolt drops a form in which the word "payload" occurs: the command is answered with 404.


@SQLITE
@pytest.mark.parametrize(
    ("command", "domain", "tags"),
    [
        ("/purge payload.example.com hero", "payload.example.com", "hero"),
        ("/purge www.example.com payload,payload=1", "www.example.com", "payload,payload=1"),
        ("/purge www.example.com a&payload=%7B%7D", "www.example.com", "a&payload=%7B%7D"),
    ],
    ids=["domain", "tag", "tag like a form field"],
)
def test_the_word_payload_may_stand_in_a_command(
    door: Door, command: str, domain: str, tags: str
) -> None:
    assert door.place.says("U0SAM", command)["outcome"] == "acked"
    door.place.settle()
    (sent,) = door.place.purges_sent()
    assert (sent["params"]["DomainName"], sent["params"]["CacheTag"]) == (domain, tags)


@SQLITE
def test_a_person_may_be_called_payload(door: Door) -> None:
    door.place.post("slack/person", {"id": "U0SAM", "name": "payload"})
    assert door.place.says("U0SAM", "/purge www.example.com hero")["outcome"] == "acked"
    door.place.settle()
    assert len(door.place.purges_sent()) == 1


# Bolt forgets an acknowledgement when the listener raises right after it.


@SQLITE
def test_a_command_that_meets_a_fault_nobody_foresaw_is_answered_with_a_reference(
    door: Door, expected_failures: Expect
) -> None:
    expected_failures("listener-failed")
    purge_id = card_of(Person(door.place, "U0ANA").purges("www.example.com hero --force"))
    makes_unreadable(door.place, purge_id)
    assert door.place.says("U0ANA", f"/purge status {purge_id}")["outcome"] == "acked"
    assert "nobody foresaw" in whispers(door.place)[-1]
    assert "unexpected" in whispers(door.place)[-1]


@SQLITE
def test_a_press_that_meets_a_fault_nobody_foresaw_is_answered_beside_the_button(
    door: Door, expected_failures: Expect
) -> None:
    expected_failures("listener-failed")
    place = door.place
    card = Person(place, "U0ANA").purges("www.example.com hero --force")
    makes_unreadable(place, card_of(card))
    assert place.presses("U0ANA", "purge:cancel", card)["outcome"] == "acked"
    place.stop_bot()  # lets replies under way end
    assert "nobody foresaw" in whispers(place)[-1]
    assert "waits for approval" in words(only_card(place))


@SQLITE
@MODES
def test_a_database_without_its_tables_is_told_to_everybody_who_asks(
    open_town: OpenTown, mode: Mode
) -> None:
    with in_mode(open_town, mode) as place:
        card = Person(place, "U0ANA").purges("www.example.com hero --force")
        assert place.bot is not None
        with place.bot.store.engine.begin() as connection:
            for table in ("posts", "audit", "asks", "purges"):
                connection.execute(text(f"DROP TABLE {table}"))
        assert place.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        assert place.presses("U0SAM", APPROVE, card)["outcome"] == "acked"
        place.stop_bot()
        assert "store-away" in whispers(place, "U0ANA")[-1]
        assert "store-away" in whispers(place, "U0SAM")[-1]
        assert place.purges_sent() == []


# Bolt runs lazy functions even when the check before them failed.


@SQLITE
def test_no_listener_is_lazy_and_none_acknowledges_by_itself(place: Town) -> None:
    assert place.bot is not None
    listeners = place.bot.app._listeners
    assert len(listeners) == len(LISTENERS)
    for listener in listeners:
        assert list(listener.lazy_functions) == []
        assert not listener.auto_acknowledgement


@SQLITE
def test_answers_leave_when_the_listener_returns(place: Town) -> None:
    """Else Bolt looks for them every 10 ms, in five threads."""
    assert place.bot is not None
    assert place.bot.app.listener_runner.process_before_response


@SQLITE
def test_slack_is_asked_once_who_the_bot_is_and_not_at_every_command(place: Town) -> None:
    for _ in range(3):
        place.says("U0ANA", "/purge help")
    asked = place.get("slack/calls", {"method": "auth.test"})["calls"]
    assert len(asked) == 1


# Bolt takes a press of anybody, of whatever workspace.


@SQLITE
def test_a_person_of_another_workspace_may_not_approve_even_in_the_right_group(
    place: Town,
    ana: Person,
) -> None:
    place.post("slack/person", {"id": "U0EVE", "groups": ["S0SRE"]})
    Person(place, "U0EVE").approves(ana.purges("www.example.com hero --force"))
    assert place.purges_sent() == []
    assert "People of other workspaces" in whispers(place, "U0EVE")[-1]


@SQLITE
@pytest.mark.parametrize("warm", [False, True], ids=["first press", "facts at hand"])
@pytest.mark.parametrize(
    ("person", "claimed"),
    [("U0SAM", "T0OTHER"), ("U0SAM", ""), ("U0EVE", "T0TOWN")],
    ids=["a member, pressed from elsewhere", "no workspace named", "an outsider as a member"],
)
def test_a_press_counts_only_if_slack_and_the_press_name_the_same_workspace(
    door: Door, person: str, claimed: str, warm: bool
) -> None:
    place = door.place
    place.post("slack/person", {"id": "U0EVE", "groups": ["S0SRE"]})
    card = Person(place, "U0ANA").purges("www.example.com hero --force")
    if warm:
        Person(place, "U0SAM").types("/purge help")
    place.presses("U0ANA", APPROVE, card)
    press = door.last("interactive")
    press["user"] |= {"id": person, "team_id": claimed}
    assert door.deliver("interactive", press | {"trigger_id": "1.2.3"}).status_code == 200
    place.settle()
    assert place.purges_sent() == []
    assert "waits for approval" in words(only_card(place))


@SQLITE
def test_a_press_that_names_the_right_workspace_counts(door: Door) -> None:
    """The mirror of the one above: it is the workspace that was at fault there."""
    place = door.place
    place.presses("U0ANA", APPROVE, Person(place, "U0ANA").purges("www.example.com hero --force"))
    press = door.last("interactive")
    press["user"] |= {"id": "U0SAM"}
    door.deliver("interactive", press | {"trigger_id": "1.2.3"})
    place.settle()
    assert len(place.purges_sent()) == 1


# An answer by `say` needs a seat in the channel; one through the response URL does not.


@SQLITE
def test_a_whisper_reaches_its_reader_where_the_bot_is_no_member(place: Town, ana: Person) -> None:
    ana.at("C0LAUNCH").approves(ana.at("C0LAUNCH").purges("www.example.com hero --force"))
    assert "your own request" in whispers(place, "U0ANA", "C0LAUNCH")[-1]


# Bolt runs what is delivered twice, twice.


@MODES
def test_a_command_delivered_twice_is_one_purge_and_one_card(
    open_town: OpenTown, mode: Mode
) -> None:
    with in_mode(open_town, mode) as place:
        place.post("slack/faults", {"deliver_twice": True})
        Person(place, "U0ANA").types("/purge www.example.com hero")
        assert len(place.purges_sent()) == len(cards(place)) == 1


@MODES
def test_a_press_delivered_twice_is_one_decision(open_town: OpenTown, mode: Mode) -> None:
    with in_mode(open_town, mode) as place:
        card = Person(place, "U0ANA").purges("www.example.com hero --force")
        place.post("slack/faults", {"deliver_twice": True})
        Person(place, "U0SAM").approves(card)
        assert len(place.purges_sent()) == 1
        assert whispers(place, "U0SAM") == []


# Bolt leaves what it has no listener for without an answer.


@SQLITE
@MODES
def test_a_command_of_another_version_is_answered(open_town: OpenTown, mode: Mode) -> None:
    with in_mode(open_town, mode) as place:
        place.post("slack/settings", {"commands": [{"command": "/purge-all"}]})
        assert place.says("U0ANA", "/purge-all www.example.com")["outcome"] == "acked"
        assert "I only know `/purge`" in whispers(place)[-1]


@SQLITE
@MODES
def test_a_button_of_another_version_is_answered(open_town: OpenTown, mode: Mode) -> None:
    with in_mode(open_town, mode) as place:
        label = {"type": "plain_text", "text": "Undo"}
        button = {"type": "button", "action_id": "purge:undo", "text": label}
        client = WebClient(place.slack.bot_token, place.urls["slack"] + "/api/", retry_handlers=[])
        client.chat_postMessage(
            channel="C0WEB", text="old", blocks=[{"type": "actions", "elements": [button]}]
        )
        assert place.presses("U0ANA", "purge:undo", cards(place)[-1])["outcome"] == "acked"
        place.stop_bot()
        assert "press-unknown-request" in whispers(place)[-1]


# Bolt takes a request that claims any workspace.


@SQLITE
@pytest.mark.parametrize("kind", ["slash_commands", "interactive"])
def test_what_comes_from_another_workspace_is_not_taken(door: Door, kind: str) -> None:
    place = door.place
    Person(place, "U0LEO").approves(Person(place, "U0ANA").purges("www.example.com hero --force"))
    payload = door.last(kind) | {"trigger_id": "1.2.3"}
    if kind == "slash_commands":
        payload |= {"team_id": "T0OTHER", "text": "www.example.com banner"}
    else:
        payload |= {"team": {"id": "T0OTHER", "domain": "other"}}
        payload["user"] |= {"id": "U0SAM", "team_id": "T0OTHER"}
    assert "not set up for this workspace" in door.deliver(kind, payload).text
    place.settle()
    assert place.purges_sent() == []
    assert len(cards(place)) == 1

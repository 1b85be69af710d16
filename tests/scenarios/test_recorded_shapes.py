"""What Slack is known to send, whole and in each of its shapes, meets the real bot.

Each goes signed through the HTTP door; the conversation goes on with the right person, in the right
place and under the right installation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bot.config.settings import Mode
from bot.core.policy.decision import Membership
from bot.core.purge.purge import Purge, State
from bot.demo.town import Town
from bot.slack.installation import Installation, Person
from tests.conftest import OpenTown
from tests.support import slack_payloads
from tests.support.forged_values import sent
from tests.support.http_door import Door, http_door
from tests.support.messages import APPROVE, DENY, buttons, only_card, words
from tests.support.slack_payloads import HOME, IN_ORG, ORG, OVER_ORG, SECOND, WORKSPACE, Json, Shape

Opened = Callable[[Shape], Door]
CANCEL = "purge:cancel"
NEW = "1700000002.1.0123456789abcdef"


@pytest.fixture
def opened(open_town: OpenTown) -> Iterator[Opened]:
    """Give a function that opens the bot's door, with the app installed as a shape says."""
    with ExitStack() as stack:

        def build(shape: Shape) -> Door:
            place = open_town(mode=Mode.HTTP, with_bot=False)
            if shape.installed in {IN_ORG, OVER_ORG}:
                organisation = {"id": ORG, "name": "Acme"}
                over_all = shape.installed == OVER_ORG
                place.post(
                    "slack/settings",
                    {"enterprise": organisation, "is_enterprise_install": over_all},
                )
                for who in ("ANA", "SAM", "KIM"):
                    known = {"id": f"W0{who}", "enterprise_id": ORG, "teams": [HOME, SECOND]}
                    place.post("slack/person", {"id": f"U0{who}", "enterprise_user": known})
            place.post("slack/join", {"channel": "C0WEB", "user": shape.user})
            place.start_bot()
            return stack.enter_context(http_door(place))

        yield build


def way_back(door: Door, person: str, channel: str) -> str:
    """Give a response URL of Slack's, as it came with a command of this person."""
    assert door.place.says(person, "/purge help", channel)["outcome"] == "acked"
    door.place.settle()
    url: str = door.last("slash_commands")["response_url"]
    return url


def asked_for(door: Door, person: str, channel: str) -> Json:
    """Let a person ask for a forced purge; the card."""
    door.place.says(person, "/purge www.example.com hero --force", channel)
    door.place.settle()
    return only_card(door.place, "U0SAM", channel)


def kept(place: Town, card: Json) -> Purge:
    """Give what is written down of the purge of a card."""
    found = re.search(r"P[0-9A-Z]{13}", words(card))
    assert found, words(card)
    assert place.bot is not None
    purge = place.bot.store.purge(found[0])
    assert purge is not None
    return purge


def id_of(payload: Json) -> str:
    return str(payload["user_id"] if "command" in payload else payload["user"]["id"])


@pytest.mark.parametrize("shape", slack_payloads.COMMANDS.values(), ids=slack_payloads.COMMANDS)
def test_a_command_is_taken_as_theirs_who_typed_it_where_they_did(
    opened: Opened, shape: Shape
) -> None:
    door = opened(shape)
    payload = slack_payloads.command(
        shape,
        text="www.example.com hero --force",
        response_url=way_back(door, shape.user, shape.channel),
        trigger_id=NEW,
    )
    assert door.send_signed(sent(payload)).status_code == 200
    door.place.settle()
    purge = kept(door.place, only_card(door.place, "U0SAM", shape.channel))
    assert (purge.user_id, purge.channel_id) == (id_of(payload), shape.channel)
    assert purge.team_id == (ORG if shape.installed == OVER_ORG else HOME)
    assert purge.state is State.WAITING


@pytest.mark.parametrize("shape", slack_payloads.PRESSES.values(), ids=slack_payloads.PRESSES)
def test_a_press_counts_as_theirs_who_pressed(opened: Opened, shape: Shape) -> None:
    """In a direct message there is nobody else to approve: there the requester cancels."""
    door = opened(shape)
    is_own = shape.channel.startswith("D")
    card = asked_for(door, shape.user if is_own else "U0ANA", shape.channel)
    payload = slack_payloads.press(
        shape,
        card,
        action_id=CANCEL if is_own else APPROVE,
        response_url=way_back(door, shape.user, shape.channel),
        trigger_id=NEW,
    )
    assert door.send_signed(sent(payload)).status_code == 200
    door.place.settle()
    purge = kept(door.place, card)
    if is_own:
        assert (purge.state, purge.decided_by) == (State.CANCELLED, id_of(payload))
        assert door.place.purges_sent() == []
    else:
        assert [yes.user_id for yes in purge.approvals] == [id_of(payload)]
        assert len(door.place.purges_sent()) == 1


@pytest.mark.parametrize("shape", slack_payloads.SHARED.values(), ids=slack_payloads.SHARED)
def test_a_press_from_another_company_counts_for_nothing(opened: Opened, shape: Shape) -> None:
    door = opened(shape)
    card = asked_for(door, "U0ANA", shape.channel)
    payload = slack_payloads.press(
        shape,
        card,
        action_id=APPROVE,
        response_url=way_back(door, "U0ANA", shape.channel),
        trigger_id=NEW,
    )
    assert door.send_signed(sent(payload)).status_code == 200
    door.place.settle()
    assert kept(door.place, card).state is State.WAITING
    assert buttons(only_card(door.place)) == ["Approve", "Deny", "Cancel (requester only)"]
    assert door.place.purges_sent() == []


@pytest.mark.parametrize("shape", slack_payloads.FORMS.values(), ids=slack_payloads.FORMS)
def test_a_form_denies_in_the_name_of_who_sent_it(opened: Opened, shape: Shape) -> None:
    door = opened(shape)
    card = asked_for(door, "U0ANA", shape.channel)
    door.place.presses(shape.user, DENY, card, shape.channel)
    door.place.settle()
    (view,) = door.place.forms(shape.user)
    payload = slack_payloads.form(shape, view, reason="the match is on", trigger_id=NEW)
    assert door.send_signed(sent(payload)).status_code == 200
    door.place.settle()
    purge = kept(door.place, card)
    assert (purge.state, purge.denial) == (State.DENIED, "the match is on")
    assert purge.decided_by == id_of(payload)
    assert door.place.purges_sent() == []


@pytest.mark.parametrize(
    ("user", "membership"), slack_payloads.USERS.values(), ids=slack_payloads.USERS
)
@pytest.mark.parametrize("installed", [WORKSPACE, IN_ORG, OVER_ORG])
def test_a_user_object_says_who_is_a_member(
    user: Json, membership: dict[str, str], installed: str
) -> None:
    ours = {
        WORKSPACE: Installation(HOME),
        IN_ORG: Installation(HOME, ORG),
        OVER_ORG: Installation(ORG, ORG, is_org=True),
    }[installed]
    found = Person.of(user, str(user["id"]), ours).membership
    assert found is Membership(membership.get(installed, membership["else"]))

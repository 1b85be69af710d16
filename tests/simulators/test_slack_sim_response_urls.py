"""response_url: five answers within thirty minutes, to one person unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from slack_sdk.webhook import WebhookClient

from tests.simulators.slack_sim import BUTTONS, Slack, running_slack


@pytest.fixture(scope="module")
def running() -> Iterator[Slack]:
    with running_slack() as slack, slack.app():
        yield slack


@pytest.fixture
def slack(running: Slack) -> Slack:
    return running.as_new()


def hook(slack: Slack) -> WebhookClient:
    """Slack's own client for the response_url of the last delivery."""
    last = slack.get("deliveries")["deliveries"][-1]
    return WebhookClient(last["payload"]["response_url"], retry_handlers=[])


def after_command(slack: Slack, channel: str = "C0WEB", text: str = "/purge a b") -> WebhookClient:
    slack.say("U0ANA", text, channel)
    return hook(slack)


def after_press(slack: Slack) -> WebhookClient:
    slack.press("U0SAM", slack.messages("U0SAM")[0])
    return hook(slack)


def test_an_answer_is_whispered_unless_it_asks_for_the_channel(slack: Slack) -> None:
    url = after_command(slack)
    assert url.send(text="for you").body == "ok"
    assert url.send(text="for all", response_type="in_channel").status_code == 200
    assert slack.texts("U0ANA") == ["for you", "for all"]
    assert slack.texts("U0SAM") == ["for all"]


def test_the_first_answer_in_the_channel_shows_what_was_typed(slack: Slack) -> None:
    url = after_command(slack)
    url.send(text="psst")
    url.send(text="one", response_type="in_channel")
    url.send(text="two", response_type="in_channel")
    assert [message["command"] for message in slack.messages()] == [None, "/purge a b", None]


@pytest.mark.parametrize("channel", ["C0LAUNCH", "D0ANASAM", "C0RANDOM"])
def test_it_works_where_the_bot_is_no_member(slack: Slack, channel: str) -> None:
    assert after_command(slack, channel).send(text="hi", response_type="in_channel").body == "ok"
    assert slack.texts("U0SAM", channel) == ["hi"]


def test_the_sixth_answer_is_refused(slack: Slack) -> None:
    url = after_command(slack)
    answers = [url.send(text=str(number)).status_code for number in range(6)]
    assert answers == [200] * 5 + [404]
    assert slack.texts() == list("01234")


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 404)])
def test_it_lives_for_thirty_minutes(slack: Slack, minutes: int, status: int) -> None:
    url = after_command(slack)
    slack.wait(minutes * 60)
    assert url.send(text="late").status_code == status


def test_an_unknown_address_is_refused(slack: Slack) -> None:
    url = f"{slack.api_url}/response/made-up"
    assert requests.post(url, json={"text": "x"}, timeout=60).status_code == 404


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, "no_text"),
        ([], "invalid_payload"),
        ({"blocks": [{"type": "banner"}]}, "invalid_blocks"),
        ({"blocks": "[{"}, "invalid_blocks"),
        ({"attachments": [{"blocks": [{"type": "banner"}]}]}, "invalid_blocks"),
        ({"attachments": "x"}, "invalid_blocks"),
    ],
    ids=["empty", "list", "bad blocks", "broken blocks", "bad blocks attached", "no attachments"],
)
def test_an_answer_that_cannot_be_shown_is_refused(slack: Slack, answer: Any, error: str) -> None:
    response = requests.post(after_command(slack).url, json=answer, timeout=60)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert slack.texts() == []


def test_a_clicked_message_can_be_replaced_for_everyone(slack: Slack) -> None:
    slack.bot.chat_postMessage(channel="C0WEB", text="?", blocks=BUTTONS)
    after_press(slack).send(text="done", replace_original=True)
    (message,) = slack.messages("U0ANA")
    assert (message["text"], message["blocks"]) == ("done", [])
    assert [entry["text"] for entry in message["history"]] == ["?"]


def test_a_clicked_message_stays_when_the_answer_does_not_replace_it(slack: Slack) -> None:
    slack.bot.chat_postMessage(channel="C0WEB", text="?", blocks=BUTTONS)
    after_press(slack).send(text="for Sam")
    assert slack.texts("U0SAM") == ["?", "for Sam"]
    assert slack.texts("U0ANA") == ["?"]


def test_a_whisper_can_be_replaced_too_which_chat_update_cannot(slack: Slack) -> None:
    slack.bot.chat_postEphemeral(channel="C0WEB", user="U0SAM", text="?", blocks=BUTTONS)
    after_press(slack).send(text="done", replace_original=True)
    assert slack.texts("U0SAM") == ["done"]
    assert slack.texts("U0ANA") == []


def test_a_clicked_message_can_be_deleted(slack: Slack) -> None:
    slack.bot.chat_postMessage(channel="C0WEB", text="?", blocks=BUTTONS)
    assert after_press(slack).send(delete_original=True).body == "ok"
    assert slack.texts("U0ANA") == slack.texts("U0SAM") == []


def test_a_command_has_no_message_to_replace(slack: Slack) -> None:
    url = after_command(slack)
    url.send(text="one")
    url.send(text="two", replace_original=True)
    assert slack.texts() == ["one", "two"]


def test_answers_count_against_the_channels_one_a_second(slack: Slack) -> None:
    url = after_command(slack)
    slack.post("settings", limits={"burst": 1})
    assert url.send(text="one").status_code == 200
    refused = url.send(text="two")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    slack.wait(1)
    assert url.send(text="two").status_code == 200

"""What the pretend Slack's Web API does with blocks, good and bad."""

from __future__ import annotations

import json

import pytest

from tests.simulators.slack_sim import BUTTON, BUTTONS, Slack, refusal


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.postEphemeral", "chat.update"])
def test_bad_blocks_are_refused_and_change_nothing(slack: Slack, method: str) -> None:
    ts = slack.bot.chat_postMessage(channel="C0WEB", text="before")["ts"]
    place = {"channel": "C0WEB", "ts": ts, "user": "U0ANA", "text": "after"}
    answer = refusal(slack, method, **place, blocks=[{"type": "banner"}])
    assert answer["error"] == "invalid_blocks"
    sentence = "unsupported type: banner [json-pointer:/blocks/0/type]"
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {sentence}"]
    assert slack.texts() == ["before"]
    (seen,) = slack.get("violations")["violations"]
    assert (seen["method"], seen["violations"]) == (method, [sentence])


def test_blocks_that_are_no_json_are_refused(slack: Slack) -> None:
    answer = refusal(slack, "chat.postMessage", channel="C0WEB", text="x", blocks="[{")
    assert answer["error"] == "invalid_blocks_format"


def test_blocks_in_attachments_are_checked_too(slack: Slack) -> None:
    bad = [{"color": "#ff0000", "blocks": [{"type": "banner"}]}]
    answer = refusal(slack, "chat.postMessage", channel="C0WEB", text="x", attachments=bad)
    assert "/attachments/0/blocks/0" in answer["errors"][0]
    good = [{"color": "#ff0000", "blocks": BUTTONS}]
    assert slack.bot.chat_postMessage(channel="C0WEB", text="x", attachments=good)["ok"]


def test_blocks_and_elements_get_ids_where_the_app_gave_none(slack: Slack) -> None:
    element = {key: value for key, value in BUTTON.items() if key != "action_id"}
    blocks = [{"type": "divider"}, {"type": "actions", "elements": [element]}]
    posted = slack.bot.chat_postMessage(channel="C0WEB", text="x", blocks=json.dumps(blocks))
    first, second = posted["message"]["blocks"]
    assert first["block_id"] != second["block_id"]
    assert second["elements"][0]["action_id"]

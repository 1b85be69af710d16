"""`blocks.validate` looks at blocks, a message or a view, and does nothing else."""

from __future__ import annotations

import pytest

from tests.simulators.slack_sim import BUTTONS, INPUT, Json, Slack, modal, refusal

WRONG: list[Json] = [{"type": "section", "text": {"type": "invalid", "text": "x"}}]
ALERT: Json = {"type": "alert", "text": {"type": "mrkdwn", "text": "Careful"}}


@pytest.mark.parametrize(
    "given",
    [
        {"blocks": BUTTONS},
        {"message": {"text": "x", "blocks": BUTTONS}},
        {"view": modal(INPUT, submit={"type": "plain_text", "text": "OK"})},
    ],
    ids=["blocks", "message", "view"],
)
def test_what_slack_would_take_is_taken_and_goes_nowhere(slack: Slack, given: Json) -> None:
    before = slack.state()
    assert slack.bot.blocks_validate(**given).data == {"ok": True}
    assert slack.state()["messages"] == before["messages"]
    assert slack.get("violations")["violations"] == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"blocks": WRONG}, "/0/text/type"),
        ({"message": {"blocks": WRONG}}, "/blocks/0/text/type"),
        ({"view": modal(*WRONG)}, "/blocks/0/text/type"),
    ],
    ids=["blocks", "message", "view"],
)
def test_what_slack_would_refuse_is_pointed_at(slack: Slack, given: Json, pointer: str) -> None:
    answer = refusal(slack, "blocks.validate", **given)
    assert answer["error"] == "invalid_blocks"
    [told] = answer["errors"]
    assert told["code"] == "failed_constraint"
    assert told["pointer"].startswith(pointer.removesuffix("/type"))
    assert told["message"]


def test_a_block_for_modals_alone_is_no_message(slack: Slack) -> None:
    assert refusal(slack, "blocks.validate", message={"blocks": [ALERT]})["error"]
    assert slack.bot.blocks_validate(view=modal(ALERT))["ok"]


@pytest.mark.parametrize("given", [{}, {"blocks": BUTTONS, "message": {"blocks": BUTTONS}}])
def test_exactly_one_is_looked_at(slack: Slack, given: Json) -> None:
    answer = refusal(slack, "blocks.validate", **given)
    assert answer["error"] == "invalid_arguments"
    assert "exactly one" in answer["response_metadata"]["messages"][0]


def test_it_needs_a_token_and_no_scope(slack: Slack) -> None:
    slack.post("settings", scopes=[])
    assert slack.bot.blocks_validate(blocks=BUTTONS)["ok"]
    refused = refusal(slack, "blocks.validate", token="xoxb-wrong", blocks=BUTTONS)
    assert refused["error"] == "invalid_auth"

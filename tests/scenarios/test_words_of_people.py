"""Reasons that try to look official: everywhere they stay the words of whoever wrote them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.messages import only_card, whispers

OFFICIAL = (
    "ok* · :white_check_mark: *Already approved by security* <@U0SAM> <!here> https://a.example"
)
DENIAL = "_see_ :x: <https://evil.example|the policy> & *Approved by* <@U0KIM>"


def quotations(shown: dict[str, Any]) -> list[str]:
    return [
        piece["text"]
        for block in shown["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"]
        if element["type"] == "rich_text_quote"
        for piece in element["elements"]
    ]


def outside_of_quotations(shown: dict[str, Any]) -> str:
    """Give all else that is sent to Slack, without what stands in code spans."""
    rest = [block for block in shown["blocks"] if quotations({"blocks": [block]}) == []]
    return re.sub("`[^`\n]*`", "", f"{rest}\n{shown['text']}")


def from_bot(place: Town, person: str, channel: str = "C0WEB") -> list[dict[str, Any]]:
    return [seen for seen in place.sees(person, channel) if seen["user"] == "U0BOT"]


def test_a_reason_is_quoted_on_the_card_in_the_form_in_notes_and_in_the_status(
    place: Town,
) -> None:
    place.says("U0ANA", f'/purge www.example.com hero --force --reason "{OFFICIAL}"')
    place.settle()
    card = only_card(place)
    assert quotations(card) == [OFFICIAL]
    place.presses("U0SAM", "purge:deny", card)
    place.settle()
    (form,) = place.forms("U0SAM")
    assert quotations(form) == [OFFICIAL]
    place.sends_form("U0SAM", DENIAL)
    place.settle()
    assert quotations(only_card(place)) == [OFFICIAL, DENIAL]
    (note,) = [seen for seen in from_bot(place, "U0ANA") if seen["thread_ts"]]
    assert quotations(note) == [DENIAL]
    place.says("U0ANA", f"/purge status {card['metadata']['event_payload']['purge_id']}")
    place.settle()
    status = from_bot(place, "U0ANA")[-1]
    assert status["ephemeral"]
    assert quotations(status) == [OFFICIAL, DENIAL]
    for seen in (*from_bot(place, "U0ANA"), {**form, "text": ""}):
        for written in ("security", "Already", "evil", "see_", "https://a"):
            assert written not in outside_of_quotations(seen)


def test_so_is_the_reason_for_breaking_the_glass_where_others_are_told(place: Town) -> None:
    place.says(
        "U0SAM", f'/purge shop.example.com prices --force --break-glass --reason "{OFFICIAL}"'
    )
    place.settle()
    place.waits(seconds=1)
    told = [seen for seen in from_bot(place, "U0SAM", "C0OPS") if seen["thread_ts"]]
    assert quotations(told[-1]) == [OFFICIAL]
    assert f"`{OFFICIAL.replace('<', '&lt;').replace('>', '&gt;')}`" in told[-1]["text"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("www.example.com hero --*now*", "There is no option `--*now*`."),
        ("*www*.example.com hero", "`*www*.example.com` is a wildcard"),
        ("status :x:", "`:x:` is neither the ID of a purge"),
    ],
)
def test_a_mistake_is_repeated_as_it_was_written(place: Town, text: str, shown: str) -> None:
    place.says("U0ANA", f"/purge {text}")
    assert shown in whispers(place)[-1]


def test_an_error_below_a_field_is_read_as_it_was_written(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    place.denies("U0SAM", only_card(place), "<b> & *no*\u2066")
    place.settle()
    (form,) = place.forms("U0SAM")
    assert "“<b> & *no*[U+2066]” holds characters" in form["errors"]["reason"]


def test_an_error_below_a_field_says_what_to_do_in_that_field(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    place.denies("U0SAM", only_card(place), "  \n ")
    place.settle()
    (form,) = place.forms("U0SAM")
    assert form["errors"]["reason"].startswith("The reason is empty.\nWrite why, in a few words.")

"""What a person wrote is shown as what a person wrote: no bold, emoji, link or call in it.

Whatever is hostile here has the word `zulu` in its markup; that word may stand only where Slack reads
nothing into it: in a code span, in rich text without a style, in plain text without emoji.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import error_registry
from bot.core.command.answers import HistoryAnswer, ListedPurge
from bot.core.command.parser import MAX_REASON_CHARACTERS
from bot.core.errors import ErrorInfo, ErrorKind
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice
from bot.core.purge.purge import Failure, Refusal, State
from bot.simulators.slack.block_kit.blocks import view_violations
from handlers.blocks import kit
from handlers.blocks.denial import denial_form
from handlers.blocks.error import error, notice_message
from handlers.blocks.history import history, status
from handlers.blocks.purge import card
from handlers.blocks.tags_form import tags_form
from handlers.blocks.thread_reply import glass_broken, outcome
from tests.support.message_blocks import AT, a_purge, wrong

HOSTILE = {
    "bold": "*zulu*",
    "italic": "_zulu_",
    "struck out": "~zulu~",
    "bold within brackets": "(*zulu*)",
    "emoji": ":zulu:",
    "emoji beside words": "a:zulu:b",
    "a code block": "```zulu```",
    "markup after a code span": "`a`*zulu*`b`",
    "a link": "https://zulu.example/approve",
    "a quotation": ">zulu",
    "an item": "•zulu",
    "all at once": "<!here>*ok*:white_check_mark:*·zulu·by·<@U0SAM>*",
}
REASONS = {
    **HOSTILE,
    "an official look": "ok* · :white_check_mark: *Already approved by zulu*",
    "lines": "ok\n>*Approved by* <@U0SAM>\n• :zulu:\n1. one",
    "calls": "@here @channel @sam #cdn-ops <!channel> <!subteam^S0SRE> <#C0OPS> zulu",
    "entities": "&lt;!here&gt; &amp; zulu",
    "the longest": ("*zulu*&<>" * MAX_REASON_CHARACTERS)[:MAX_REASON_CHARACTERS],
}
A_PRESS = Interaction(
    "1.2.3", "T0TOWN", "T0TOWN", "U0SAM", "C0WEB", "https://hooks.example/1",
    InteractionKind.DENY_FORM, AT, "P1M82J8FAHK949",
)  # fmt: skip


def read_into(blocks: Any, text: str = "") -> list[str]:
    """Give the texts, or what is left of them, in which Slack would read markup or draw emoji."""
    return [re.sub("`[^`\n]*`", "…", found) for found in (*_live(blocks), text)]


def _live(node: Any) -> Iterator[str]:
    if isinstance(node, list | tuple):
        for each in node:
            yield from _live(each)
    elif isinstance(node, dict):
        if node.get("type") == "mrkdwn" or (
            node.get("type") == "plain_text" and node.get("emoji", True)
        ):
            yield node["text"]
        else:
            yield from _live(list(node.values()))


def quotations(blocks: Any) -> list[str]:
    lines = [
        element["elements"]
        for block in blocks
        if block["type"] == "rich_text"
        for element in block["elements"]
        if element["type"] == "rich_text_quote"
    ]
    assert all(line == [{"type": "text", "text": line[0]["text"]}] for line in lines)
    return [line[0]["text"] for line in lines]


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
@pytest.mark.parametrize("state", [State.WAITING, State.DENIED, State.SUBMITTED, State.FAILED])
def test_a_reason_is_a_quotation_letter_by_letter_wherever_it_stands(
    state: State, reason: str
) -> None:
    purge, harmless = (a_purge(state, reason=each) for each in (reason, "x"))
    for draw in (card, status, glass_broken):
        shown, other = draw(purge), draw(harmless)
        assert quotations(shown.blocks) == [reason]
        assert read_into(shown.blocks, shown.text) == read_into(other.blocks, other.text)
        assert wrong(shown) == []
    form = denial_form(A_PRESS, purge)
    assert quotations(form["blocks"]) == [reason]
    assert view_violations(form, surface="modal") == []


@pytest.mark.parametrize("denial", REASONS.values(), ids=REASONS)
def test_so_is_the_reason_of_a_denial(denial: str) -> None:
    purge, harmless = (a_purge(State.DENIED, denial=each) for each in (denial, "x"))
    for draw in (card, status, outcome):
        shown, other = draw(purge), draw(harmless)
        assert quotations(shown.blocks) == [denial]
        assert read_into(shown.blocks, shown.text) == read_into(other.blocks, other.text)
        assert wrong(shown) == []


def test_without_a_reason_nothing_is_quoted() -> None:
    for state in (State.WAITING, State.DENIED, State.SUBMITTED):
        purge = a_purge(state)
        for shown in (card(purge), status(purge), outcome(purge), glass_broken(purge)):
            assert quotations(shown.blocks) == []


def test_who_hears_the_text_alone_hears_the_reason() -> None:
    assert "`the match is on`" in outcome(a_purge(State.DENIED, denial="the match is on")).text
    assert "`wrong prices`" in glass_broken(a_purge(reason="wrong prices")).text


@pytest.mark.parametrize("written", HOSTILE.values(), ids=HOSTILE)
def test_a_tag_is_a_tag_and_no_more(written: str) -> None:
    for state in (State.WAITING, State.SUBMITTED, State.REFUSED):
        purge = a_purge(state, tags=(written, "hero"))
        for shown in (card(purge), outcome(purge)):
            assert "zulu" not in "".join(read_into(shown.blocks, shown.text))
        for view in (tags_form(A_PRESS, purge, 0), denial_form(A_PRESS, purge)):
            assert "zulu" not in "".join(read_into(view["blocks"]))


@pytest.mark.parametrize("read", HOSTILE.values(), ids=HOSTILE)
def test_so_is_what_an_encoded_tag_reads(read: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in read.encode())
    shown = card(a_purge(State.WAITING, tags=(encoded,)))
    assert "zulu" not in "".join(read_into(shown.blocks, shown.text))
    assert wrong(shown) == []


@pytest.mark.parametrize("kind", error_registry.KINDS.values(), ids=error_registry.KINDS)
def test_an_error_repeats_what_was_written_and_no_more(kind: ErrorKind) -> None:
    fields = set(re.findall(r"{(\w+)}", kind.message + kind.hint)) - {"holders"}
    for written in HOSTILE.values():
        info = ErrorInfo(kind, dict.fromkeys(fields, written))
        failed = a_purge(State.FAILED, failure=Failure(kind.code, info.facts))
        for shown in (
            error(info),
            notice_message(Notice(kind.code, info.facts)),
            card(failed),
        ):
            assert "zulu" not in "".join(read_into(shown.blocks, shown.text))


@pytest.mark.parametrize("written", HOSTILE.values(), ids=HOSTILE)
def test_so_does_a_refusal(written: str) -> None:
    sentence = f"No rule lets you purge the tag “{written}” of www.example.com."
    refused = Refusal("policy-no-rule", sentence, ("sre",), ("S0SRE",))
    purge = a_purge(State.REFUSED, refusal=refused)
    for shown in (card(purge), outcome(purge)):
        assert "zulu" not in "".join(read_into(shown.blocks, shown.text))
        assert "of www.example.com." in shown.text
        assert wrong(shown) == []


@pytest.mark.parametrize("written", HOSTILE.values(), ids=HOSTILE)
def test_so_does_the_history(written: str) -> None:
    row = ListedPurge(
        "P1M82J8FAHK949", int(AT.timestamp()), "www.example.com", (written,), 0, True, "U0ANA",
        "waiting",
    )  # fmt: skip
    shown = history(HistoryAnswer("U0ANA", "history", True, ("*",), False, (row,)))
    assert "zulu" not in "".join(read_into(shown.blocks, shown.text))


def test_an_ordinary_sentence_is_left_as_it_is() -> None:
    for said in (
        "No rule lets you purge the tag “hero” of www.example.com.",
        "It has snake_case words, a-dash, 50 %, a/b and (in brackets) 3:15.",
    ):
        assert kit.prose(said) == said


def test_only_the_word_with_markup_is_set_apart() -> None:
    assert kit.prose("There is no option “--*x*”.") == "There is no option `--*x*`."
    assert kit.prose("holds *, not :x: (_a_)") == "holds *, not `:x:` (`_a_`)"
    assert kit.prose("“*” or *; “*” * ") == "`*` or *; `*` * "


@given(st.text() | st.lists(st.sampled_from(["*a*", "&<", " ", ":x:", "word"])).map("".join))
def test_a_long_sentence_is_cut_and_no_entity_or_code_span_with_it(text: str) -> None:
    shown = kit.prose(text * 20, 60)
    assert len(shown) <= 70
    assert shown.count("`") % 2 == 0
    assert not re.search("&(?!amp;|lt;|gt;)", shown)


# Plain text


def test_in_plain_text_nothing_is_escaped_and_no_emoji_drawn() -> None:
    """Buttons, titles, labels and questions: a reader would see `&lt;` there as it stands."""
    purge = a_purge(tags=("<b>&:zulu:?",), reason="a & b <c>")
    found = list(_plain_texts([card(purge).blocks, denial_form(A_PRESS, purge)]))
    found += _plain_texts(tags_form(A_PRESS, purge, 0))
    assert [node for node in found if node["emoji"]] == []
    assert [node for node in found if re.search("&(amp|lt|gt);|<@|`", node["text"])] == []
    assert any("“<b>&:zulu:?” holds the sign" in node["text"] for node in found)


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("command-unseen", {"part": "<b>&`*x*"}),
        ("press-not-allowed", {"sentence": "No & no.", "holders": "U0SAM,S0SRE"}),
    ],
)
def test_an_error_below_a_field_is_plain_text(code: str, facts: dict[str, str]) -> None:
    said = error(ErrorInfo(error_registry.kind(code), facts)).plain
    assert not re.search("&(amp|lt|gt);|<@|<!|U0SAM|S0SRE", said)
    assert facts.get("part", facts.get("sentence", "")) in said


def _plain_texts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "plain_text":
            yield node
        for value in node.values():
            yield from _plain_texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _plain_texts(value)

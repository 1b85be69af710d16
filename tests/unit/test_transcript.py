"""Messages as plain text: what readers of the transcript see is what readers in Slack see."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.transcript import Names, Transcript, buttons_of, lines_of

NAMES = Names({"U0ANA": "Ana"}, {"S0SRE": "sre"}, {"C0OPS": "#cdn-ops", "C0WEB": "#web"})


def test_what_is_new_is_printed_in_the_order_of_time() -> None:
    def message(ts: str, text: str, edited: str | None = None) -> dict[str, Any]:
        seen = {"ts": ts, "user": "U0ANA", "text": text, "blocks": [], "ephemeral": False}
        return {**seen, "edited": {"ts": edited} if edited else None}

    printed: list[str] = []
    transcript = Transcript(printed.append, NAMES)
    here = [message("60.1", "first, changed last", edited="240.1"), message("120.1", "second")]
    there = [message("180.1", "third")]
    transcript.show({"U0ANA": {"messages": {"C0OPS": here, "C0WEB": there}}})
    lines = [line for line in "".join(printed).splitlines() if line]
    assert lines == [
        "#cdn-ops",
        "00:02  Ana       second",
        "#web",
        "00:03  Ana       third",
        "#cdn-ops",
        "00:04  Ana       first, changed last",
    ]


@pytest.mark.parametrize(
    ("mrkdwn", "shown"),
    [
        ("<@U0ANA>, <!subteam^S0SRE> or <@U0NEW>", "@Ana, @sre or @U0NEW"),
        ("<#C0OPS> <!here>", "#cdn-ops @here"),
        ("at <!date^1760000000^{time}|soon>", "at 08:53 UTC"),
        ("<https://a.example/x|the page>, <https://b.example>", "the page, https://b.example"),
        (":warning: *Purge*: `*:x:*` 2 * 3 :tada:", "⚠️ Purge: `*:x:*` 2 * 3 :tada:"),
        ("`&lt;!channel&gt;` &lt;@U0ANA&gt; &amp;lt;", "`<!channel>` <@U0ANA> &lt;"),
        ("one\ntwo", "one\ntwo"),
    ],
    ids=["people", "channels", "dates", "links", "marks", "typed", "lines"],
)
def test_text_is_shown_as_its_readers_see_it(mrkdwn: str, shown: str) -> None:
    text = {"type": "mrkdwn", "text": mrkdwn}
    for message in (
        {"text": "fallback", "blocks": [{"type": "section", "text": text}]},
        {"text": mrkdwn, "blocks": []},
    ):
        assert "\n".join(lines_of(message, NAMES)) == shown


def test_rich_text_is_shown_as_it_is_written_and_quotations_are_set_in() -> None:
    def text(words: str, **style: bool) -> dict[str, Any]:
        return {"type": "text", "text": words, "style": style}

    def part(kind: str, *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"type": f"rich_text_{kind}", "elements": list(elements), **more}

    block = {
        "type": "rich_text",
        "elements": [
            part("section", text("Reason:", bold=True), {"type": "emoji", "name": "x"}),
            part("quote", text("*ok* :x: <@U0ANA> &lt;\n@here")),
            part("preformatted", text("  a")),
            part("list", part("section", text("hero", code=True)), style="ordered", offset=4),
            part(
                "list",
                part(
                    "section",
                    {"type": "user", "user_id": "U0ANA"},
                    {"type": "usergroup", "usergroup_id": "S0SRE"},
                    {"type": "channel", "channel_id": "C0OPS"},
                    {"type": "broadcast", "range": "here"},
                    {"type": "link", "url": "https://a.example", "text": " a"},
                ),
                style="bullet",
            ),
        ],
    }
    assert lines_of({"text": "fallback", "blocks": [block]}, NAMES) == [
        "Reason:❌",
        "  *ok* :x: <@U0ANA> &lt;",
        "  @here",
        "    a",
        "5. `hero`",
        "• @Ana@sre#cdn-ops@here a",
    ]


@pytest.mark.parametrize(
    ("emoji", "shown"), [({}, "❌"), ({"emoji": True}, "❌"), ({"emoji": False}, ":x:")]
)
def test_plain_text_has_emoji_unless_it_says_not(emoji: dict[str, bool], shown: str) -> None:
    text = {"type": "plain_text", "text": ":x:", **emoji}
    assert lines_of({"text": "", "blocks": [{"type": "section", "text": text}]}, NAMES) == [shown]


def test_blocks_are_shown_in_their_order_with_their_buttons() -> None:
    def plain(text: str) -> dict[str, Any]:
        return {"type": "plain_text", "text": text}

    button = {"type": "button", "action_id": "go", "text": plain("Go")}
    message = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": plain("*Title* :x:")},
            {"type": "section", "fields": [plain("a"), plain("b")], "accessory": button},
            {"type": "divider"},
            {"type": "context", "elements": [plain("c"), plain("d")]},
            {"type": "actions", "elements": [button, {**button, "action_id": "no"}]},
        ],
    }
    assert lines_of(message, NAMES) == ["*Title* ❌", "a", "b", "[Go]", "———", "c · d", "[Go] [Go]"]
    assert buttons_of(message) == [("Go", "go"), ("Go", "go"), ("Go", "no")]

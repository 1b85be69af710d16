"""mrkdwn, rich text and Markdown as elements; hostile words as nothing but words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import pytest

from bot.demo.page import front
from bot.simulators.serving import serving
from tests.browser.seeing import Browser, Open, expect
from tests.browser.still_messages import HOSTILE, button, mrkdwn, plain
from tests.browser.still_town import NOW, StillTown

Shown = Callable[..., str]

RENDER = """async ([module, component, props]) => {
  const {html, render} = await import("/assets/js/preact.js");
  const {Names} = await import("/assets/js/atoms.js");
  const made = (await import(`/assets/js/${module}.js`))[component];
  const names = {
    people: new Map([["U0ANA", {id: "U0ANA", real_name: "Ana Ortiz"}], ["U0SAM", {id: "U0SAM", real_name: "Sam Reed"}]]),
    groups: new Map([["S0SRE", {handle: "sre", users: ["U0ANA"]}]]),
    channels: new Map([["C0WEB", {id: "C0WEB", name: "web"}]]),
    me: "U0ANA", now: %f, openChannel() {},
  };
  const box = document.createElement("div");
  render(html`<${Names.Provider} value=${names}><${made} ...${props} /><//>`, box);
  return box.firstElementChild.innerHTML;
}"""


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Shown]:
    """Renders one text: the HTML inside its component, without what is not its structure."""
    town = StillTown()
    with serving({"front": front(town.slack_control, town.cdn_control)}) as urls:
        page = browser.new_page(timezone_id="Europe/Paris")
        page.goto(urls["front"])

        def rendered(module: str, component: str, **props: object) -> str:
            made = page.evaluate(RENDER % NOW, [module, component, props])
            return re.sub(
                r' (class|target|rel|title|type|role|aria-label|data-depth|datetime)="[^"]*"',
                "",
                made,
            )

        yield rendered
        page.close()


def lines(inner: str) -> str:
    return f"<div>{inner}</div>"


def quoted(inner: str) -> str:
    return f"<blockquote>{lines(inner)}</blockquote>"


MRKDWN = {
    "bold": ("*a b*", lines("<strong>a b</strong>")),
    "italic": ("_a_.", lines("<em>a</em>.")),
    "strike": ("~a~", lines("<s>a</s>")),
    "nested": ("*a _b ~c~_*", lines("<strong>a <em>b <s>c</s></em></strong>")),
    "two styles on one line": ("*a* and *b*", lines("<strong>a</strong> and <strong>b</strong>")),
    "no style inside words": ("snake_case_name 2*3*4", lines("snake_case_name 2*3*4")),
    "no style beside spaces": ("* a * _ b _", lines("* a * _ b _")),
    "no style over lines": ("*a\nb*", lines("*a\nb*")),
    "no double star": ("**a**", lines("**a**")),
    "code": ("`a *b* _c_`", lines("<code>a *b* _c_</code>")),
    "code block": (
        "a\n```\nx *y*\n  &lt;z&gt;\n```\nb",
        lines("a") + "<pre>x *y*\n  &lt;z&gt;</pre>" + lines("b"),
    ),
    "code block with a link": ("```<https://a.example|a>```", "<pre>a</pre>"),
    "quote": ("&gt; a\n&gt; *b*\nc", quoted("a\n<strong>b</strong>") + lines("c")),
    "quote as typed": ("> a", quoted("a")),
    "quote to the end": ("a\n&gt;&gt;&gt; b\nc", lines("a") + quoted("b\nc")),
    "items": (
        "• a\n1. b",
        "<div><span>•</span><span>a</span></div><div><span>1.</span><span>b</span></div>",
    ),
    "entities": ("&lt;b&gt; &amp;amp;", lines("&lt;b&gt; &amp;amp;")),
    "link": (
        "<https://a.example/x_y_z|a _b_>",
        lines('<a href="https://a.example/x_y_z">a _b_</a>'),
    ),
    "bare link": (
        "see https://a.example/x?a=1&amp;b=2.",
        lines('see <a href="https://a.example/x?a=1&amp;b=2">https://a.example/x?a=1&amp;b=2</a>.'),
    ),
    "bold link": (
        "*<https://a.example|a>*",
        lines('<strong><a href="https://a.example">a</a></strong>'),
    ),
    "me": ("<@U0ANA>", lines("<span>@Ana Ortiz</span>")),
    "somebody unknown": ("<@U0XXX|x>", lines("<span>@x</span>")),
    "group": ("<!subteam^S0SRE>", lines("<span>@sre</span>")),
    "channel": ("<#C0WEB>", lines("<button>#web</button>")),
    "private channel": ("<#C0XXX|>", lines("<span>private channel</span>")),
    "here": ("<!here>", lines("<span>@here</span>")),
    "date in local time": (
        f"<!date^{NOW:.0f}^{{date_short}} {{time}}|then>",
        lines("<time>Nov 22, 2025 9:30 AM</time>"),
    ),
    "date said prettily": (
        f"<!date^{NOW - 86400:.0f}^{{date_pretty}}, {{ago}}|then>",
        lines("<time>yesterday, 1 day ago</time>"),
    ),
    "broken date": ("<!date^soon^{time}|then>", lines("then")),
    "emoji": (":tada: :not_one: 12:30:45", lines("<span>🎉</span> :not_one: 12:30:45")),
    "script link": ("<javascript:alert(1)|a>", lines("&lt;javascript:alert(1)|a&gt;")),
    "element": ("<img src=x onerror=alert(1)>", lines("&lt;img src=x onerror=alert(1)&gt;")),
}


@pytest.mark.parametrize(("text", "html"), MRKDWN.values(), ids=MRKDWN)
def test_mrkdwn_reads_as_in_slack(shown: Shown, text: str, html: str) -> None:
    assert shown("mrkdwn", "Mrkdwn", text=text) == html


def test_a_long_line_of_openers_is_read_in_no_time(shown: Shown) -> None:
    """Each opener looks only as far as the next one, so 40,000 characters stay linear."""
    text = "*a _b ~c `d <e :f " * 2_200

    assert "*a _b" in shown("mrkdwn", "Mrkdwn", text=text)


AS_TYPED = "*a* _b_ ~c~ `d` :tada: <@U0SAM> <!here> https://a.example &lt; > e\n• f"

PLAIN = {
    "with emoji": ({"emoji": True}, AS_TYPED.replace(":tada:", "<span>🎉</span>")),
    "with emoji, as it does not say": ({}, AS_TYPED.replace(":tada:", "<span>🎉</span>")),
    "without emoji": ({"emoji": False}, AS_TYPED),
}


@pytest.mark.parametrize(("more", "text"), PLAIN.values(), ids=PLAIN)
def test_in_plain_text_nothing_but_an_emoji_means_anything(
    shown: Shown, more: dict[str, bool], text: str
) -> None:
    block = {"type": "section", "text": {"type": "plain_text", "text": AS_TYPED, **more}}
    assert shown("blocks", "Blocks", blocks=[block]) == lines(as_html(text))


def as_html(text: str) -> str:
    """Give the HTML of a text, as a browser writes it; its elements are meant."""
    parts = re.split("(</?span>)", text)
    return "".join(part if part.endswith("span>") else escape(part, quote=False) for part in parts)


RICH = {
    "words as they are typed": (
        [{"type": "rich_text_quote", "elements": [{"type": "text", "text": AS_TYPED}]}],
        f"<blockquote>{escape(AS_TYPED, quote=False)}</blockquote>",
    ),
    "styles": (
        [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "a", "style": {"bold": True, "code": True}}],
            }
        ],
        lines("<strong><code>a</code></strong>"),
    ),
    "list": (
        [
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "<a>"}]}
                ],
            }
        ],
        '<ol start="1"><li>&lt;a&gt;</li></ol>',
    ),
    "mention": (
        [{"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0SAM"}]}],
        lines("<span>@Sam Reed</span>"),
    ),
    "script link": (
        [
            {
                "type": "rich_text_section",
                "elements": [{"type": "link", "url": "javascript:alert(1)", "text": "a"}],
            }
        ],
        lines("<span>a</span>"),
    ),
}


@pytest.mark.parametrize(("elements", "html"), RICH.values(), ids=RICH)
def test_rich_text_reads_as_in_slack(
    shown: Shown, elements: list[dict[str, Any]], html: str
) -> None:
    assert shown("richtext", "RichText", block={"type": "rich_text", "elements": elements}) == html


MARKDOWN = {
    "heading": ("## a *b*", '<p data-level="2">a <em>b</em></p>'),
    "styles": (
        "**a** __b__ ~~c~~ `d`",
        "<p><strong>a</strong> <strong>b</strong> <s>c</s> <code>d</code></p>",
    ),
    "link": ("[a](https://a.example)", '<p><a href="https://a.example">a</a></p>'),
    "script link": ("[a](javascript:x)", "<p><span>a</span></p>"),
    "fence": ("```py\n<x> *y*\n```", "<pre>&lt;x&gt; *y*</pre>"),
    "list": (
        "- a\n- b",
        "<div><div><span>•</span><span>a</span></div><div><span>•</span><span>b</span></div></div>",
    ),
    "table": (
        "|a|\n|-|\n|<2>|",
        """<div tabindex="0"><table><thead><tr><th scope="col">a</th></tr></thead>\
<tbody><tr><td>&lt;2&gt;</td></tr></tbody></table></div>""",
    ),
    "element": ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
}


@pytest.mark.parametrize(("text", "html"), MARKDOWN.values(), ids=MARKDOWN)
def test_a_markdown_block_reads_as_in_slack(shown: Shown, text: str, html: str) -> None:
    assert shown("markdown", "Markdown", text=text) == html


def raw(text: str) -> dict[str, str]:
    return {"type": "raw_text", "text": text}


def test_hostile_words_are_words_wherever_they_stand(town: StillTown, open_page: Open) -> None:
    hostile_option = {"text": plain(HOSTILE), "value": "v"}
    town.say_to_web(
        {"user": "U0SAM", "text": HOSTILE, "command": HOSTILE},
        {
            "blocks": [
                {"type": "header", "text": plain(HOSTILE)},
                {"type": "section", "text": mrkdwn(HOSTILE), "fields": [plain(HOSTILE)]},
                {
                    "type": "section",
                    "text": mrkdwn("a"),
                    "accessory": {
                        "type": "static_select",
                        "action_id": "s",
                        "options": [hostile_option],
                    },
                },
                {"type": "context", "elements": [mrkdwn(HOSTILE)]},
                {"type": "actions", "elements": [button(HOSTILE, "b")]},
                {"type": "alert", "text": mrkdwn(HOSTILE)},
                {"type": "markdown", "text": HOSTILE},
                {"type": "table", "rows": [[raw(HOSTILE)], [raw(HOSTILE)]]},
                {
                    "type": "plan",
                    "title": HOSTILE,
                    "tasks": [{"task_id": "t", "title": HOSTILE, "status": "pending"}],
                },
                {"type": "image", "image_url": HOSTILE, "alt_text": HOSTILE},
                {"type": HOSTILE},
            ]
        },
    )
    page = open_page()

    expect(page.locator("article").last).to_contain_text("of type <img")
    assert page.locator("article").last.get_by_text("<img src=x").count() >= 11
    assert page.locator(".message :is(script, img:not(.avatar))").count() == 0
    assert page.title() == "Purgebot playground"

"""The pretend Slack refuses the blocks Slack would refuse, and takes those it would take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models import blocks as sdk

from bot.simulators.slack.block_kit.blocks import (
    Surface,
    text_violations,
    view_violations,
    violations,
)
from tests.simulators.slack_sim import BUTTON, INPUT, Json, modal


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> Json:
    return {"type": "section", **({"text": mrkdwn("x")} | more)}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(n: int = 0, **more: Any) -> Json:
    return {**BUTTON, "action_id": f"a{n}", **more}


def option(n: int = 0, text: str = "x", value: str = "") -> Json:
    return {"text": plain(text), "value": value or str(n)}


def menu(*options: Json, **more: Any) -> Json:
    return actions({"type": "static_select", "action_id": "m", "options": list(options), **more})


def confirm(**more: Any) -> Json:
    whole = {"title": plain("t"), "text": plain("x"), "confirm": plain("y"), "deny": plain("n")}
    return actions(button(confirm=whole | more))


def table(rows: int = 1, cells: int = 1) -> Json:
    cell = {"type": "raw_text", "text": "x"}
    return {"type": "table", "rows": [[cell] * cells] * rows}


def container(children: int, **more: Any) -> Json:
    whole = {"type": "container", "title": plain("t"), "child_blocks": [section()] * children}
    return whole | more


def task(**more: Any) -> Json:
    return {"type": "task_card", "task_id": "1", "title": "t", "status": "complete", **more}


def rich(*elements: Json) -> Json:
    line = {"type": "rich_text_section", "elements": list(elements)}
    return {"type": "rich_text", "elements": [line]}


X = "x".__mul__
LIMITS: dict[str, tuple[int, Any]] = {
    "section text": (3000, lambda n: section(text=mrkdwn(X(n)))),
    "section field": (2000, lambda n: section(fields=[mrkdwn(X(n))])),
    "section fields": (10, lambda n: section(fields=[mrkdwn("x")] * n)),
    "header": (150, lambda n: {"type": "header", "text": plain(X(n))}),
    "block_id": (255, lambda n: {"type": "divider", "block_id": X(n)}),
    "actions elements": (25, lambda n: actions(*map(button, range(n)))),
    "context elements": (10, lambda n: {"type": "context", "elements": [mrkdwn("x")] * n}),
    "button text": (75, lambda n: actions(button(text=plain(X(n))))),
    "button value": (2000, lambda n: actions(button(value=X(n)))),
    "button url": (3000, lambda n: actions(button(url=X(n)))),
    "action_id": (255, lambda n: actions({**BUTTON, "action_id": X(n)})),
    "options": (100, lambda n: menu(*map(option, range(n)))),
    "option text": (75, lambda n: menu(option(text=X(n)))),
    "option value": (150, lambda n: menu(option(value=X(n)))),
    "placeholder": (150, lambda n: menu(option(), placeholder=plain(X(n)))),
    "overflow": (
        5,
        lambda n: actions({"type": "overflow", "options": [option(i) for i in range(n)]}),
    ),
    "radio buttons": (
        10,
        lambda n: actions({"type": "radio_buttons", "options": [option(i) for i in range(n)]}),
    ),
    "confirm title": (100, lambda n: confirm(title=plain(X(n)))),
    "confirm text": (300, lambda n: confirm(text=plain(X(n)))),
    "confirm button": (30, lambda n: confirm(confirm=plain(X(n)))),
    "deny button": (30, lambda n: confirm(deny=plain(X(n)))),
    "input label": (2000, lambda n: {**INPUT, "label": plain(X(n))}),
    "image alt_text": (2000, lambda n: {"type": "image", "image_url": "u", "alt_text": X(n)}),
    "markdown": (12_000, lambda n: {"type": "markdown", "text": X(n)}),
    "table rows": (100, lambda n: table(rows=n)),
    "table cells": (20, lambda n: table(cells=n)),
    "card title": (150, lambda n: {"type": "card", "title": mrkdwn(X(n))}),
    "card body": (200, lambda n: {"type": "card", "body": mrkdwn(X(n))}),
    "carousel": (
        10,
        lambda n: {"type": "carousel", "elements": [{"type": "card", "title": mrkdwn("x")}] * n},
    ),
    "container": (10, container),
}


@pytest.mark.parametrize(("most", "build"), LIMITS.values(), ids=LIMITS.keys())
def test_a_block_may_be_full_but_not_fuller(most: int, build: Any) -> None:
    assert violations([build(most)], surface="message") == []
    assert violations([build(most + 1)], surface="message") != []


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_a_surface_holds_so_many_blocks(surface: Surface, most: int) -> None:
    assert violations([section()] * most, surface=surface) == []
    assert violations([section()] * (most + 1), surface=surface) == [
        f"no more than {most} items allowed [json-pointer:/blocks]"
    ]


WRONG: dict[str, tuple[Json, str]] = {
    "unknown block": ({"type": "banner"}, "unsupported type: banner"),
    "no type": ({}, "unsupported type: None"),
    "type of another kind": ({"type": []}, "unsupported type: []"),
    "unknown key": (section(colour="red"), "invalid additional property: colour"),
    "section without words": ({"type": "section"}, "must provide one of text, fields"),
    "empty text": (section(text=mrkdwn("")), "must be more than 0 characters"),
    "header in mrkdwn": ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn"),
    "text as string": ({"type": "header", "text": "x"}, "must provide an object"),
    "unknown element": (actions({"type": "lever"}), "unsupported type: lever"),
    "button without text": (actions({"type": "button"}), "missing required field: text"),
    "unknown style": (actions(button(style="red")), "must be one of primary, danger"),
    "no elements": (actions(), "no fewer than 1 items allowed"),
    "two of one action_id": (actions(button(1), button(1)), "action_id a1 already exists"),
    "menu without options": (menu(), "no fewer than 1 items allowed"),
    "wrong first choice": (menu(option(1), initial_option=option(2)), "must be one of the options"),
    "input in actions": (actions(INPUT["element"]), "unsupported type: plain_text_input"),
    "button in input": ({**INPUT, "element": BUTTON}, "unsupported type: button"),
    "unknown status": (task(status="done"), "must be one of pending"),
    "empty card": ({"type": "card"}, "must provide one of hero_image"),
    "box without title": (
        {"type": "container", "child_blocks": [section()]},
        "must provide one of title",
    ),
    "box in a box": (container(0, child_blocks=[container(1)]), "unsupported type: container"),
    "wrong child": (container(0, child_blocks=[{"type": "section"}]), "child_blocks/0"),
    "line collapsing": (container(1, is_collapsible=True, has_header_divider=True), "cannot be"),
    "unknown inline": (rich({"type": "shout"}), "unsupported type: shout"),
}


@pytest.mark.parametrize(("block", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_with_its_place(block: Json, sentence: str) -> None:
    found = violations([block], surface="message")
    assert any(sentence in line and "[json-pointer:/blocks" in line for line in found), found


RIGHT: dict[str, Json] = {
    "section": section(fields=[plain("x")], accessory=button()),
    "different action_ids": actions(button(1), button(2, style="danger")),
    "menu": menu(option(1), option(2), initial_option=option(2)),
    "confirm": confirm(style="danger"),
    "input": INPUT,
    "plan": {
        "type": "plan",
        "title": "t",
        "tasks": [task(details=rich(plain("x") | {"type": "text"}))],
    },
    "table": {**table(2, 3), "column_settings": [None, {"align": "right", "is_wrapped": True}]},
    "container": container(2, is_collapsible=True, default_collapsed=True, width="wide"),
    "rich text": rich({"type": "link", "url": "https://example.com", "style": {"bold": True}}),
    "image": {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"},
}


@pytest.mark.parametrize("block", RIGHT.values(), ids=RIGHT.keys())
def test_good_blocks_pass(block: Json) -> None:
    assert violations([block], surface="message") == []


def test_ids_and_tables_are_counted_over_the_whole_message() -> None:
    twice = [{"type": "divider", "block_id": "one"}] * 2
    assert "block_id one already exists" in violations(twice, surface="message")[0]
    assert "only_one_table_allowed" in violations([table(), table()], surface="message")[0]
    long = {"type": "markdown", "text": "x" * 7000}
    assert "12001 characters together" in violations([long, long], surface="message")[0]
    # The same action_id in two blocks is two buttons.
    assert violations([actions(button(1)), actions(button(1))], surface="message") == []


@pytest.mark.parametrize("block", [table(), {"type": "markdown", "text": "x"}, task()])
@pytest.mark.parametrize("surface", ["modal", "home"])
def test_some_blocks_stand_in_messages_only(block: Json, surface: Surface) -> None:
    assert violations([block], surface="message") == []
    assert "unsupported type" in violations([block], surface=surface)[0]


def alert(text: str = "x", **more: Any) -> Json:
    return {"type": "alert", "text": mrkdwn(text), **more}


@pytest.mark.parametrize("surface", ["message", "home"])
@pytest.mark.parametrize("inside", [False, True], ids=["by itself", "in a container"])
def test_an_alert_stands_in_modals_only(surface: Surface, inside: bool) -> None:
    block = container(0, child_blocks=[alert()]) if inside else alert()
    assert "unsupported type" in violations([block], surface=surface)[0]
    assert violations([alert()], surface="modal") == []
    assert violations([sdk.AlertBlock(text="x", level="error").to_dict()], surface="modal") == []


@pytest.mark.parametrize("block", [alert("x" * 201), alert(level="loud"), {"type": "alert"}])
def test_an_alert_has_a_short_text_and_a_known_level(block: Json) -> None:
    assert violations([alert("x" * 200, level="success")], surface="modal") == []
    assert violations([block], surface="modal") != []


@pytest.mark.parametrize(
    ("key", "most"),
    [("title", 24), ("submit", 24), ("close", 24)],
)
def test_a_modals_words_may_be_so_long(key: str, most: int) -> None:
    assert view_violations(modal(**{key: plain("x" * most)}), surface="modal") == []
    assert view_violations(modal(**{key: plain("x" * (most + 1))}), surface="modal") != []


@pytest.mark.parametrize(("key", "most"), [("private_metadata", 3000), ("callback_id", 255)])
def test_a_modals_hidden_words_may_be_so_long(key: str, most: int) -> None:
    assert view_violations(modal(**{key: "x" * most}), surface="modal") == []
    assert view_violations(modal(**{key: "x" * (most + 1)}), surface="modal") != []


def test_a_modal_with_inputs_needs_a_way_to_send_them() -> None:
    view = modal()
    del view["submit"]
    assert "missing required field: submit" in view_violations(view, surface="modal")[0]
    assert view_violations(view | {"blocks": [section()]}, surface="modal") == []


def test_a_home_has_no_title() -> None:
    home = {"type": "home", "blocks": [section()]}
    assert view_violations(home, surface="home") == []
    assert view_violations(home | {"title": plain("x")}, surface="home") != []


@pytest.mark.parametrize(
    ("text", "is_right"), [("x" * 4000, True), ("x" * 4001, False), ("", False), (None, False)]
)
def test_a_text_has_words_and_not_too_many(text: object, is_right: bool) -> None:
    assert (text_violations(text) == []) is is_right


SDK_BLOCKS = [
    sdk.SectionBlock(text="*x*", fields=["a", "b"]),
    sdk.HeaderBlock(text="x"),
    sdk.DividerBlock(),
    sdk.ActionsBlock(elements=[sdk.ButtonElement(text="x", action_id="a", value="v")]),
    sdk.ContextBlock(elements=[sdk.MarkdownTextObject(text="x")]),
    sdk.MarkdownBlock(text="# x"),
    sdk.PlanBlock(
        title="t", tasks=[sdk.TaskCardBlock(task_id="1", title="t", status="in_progress")]
    ),
    sdk.ContainerBlock(title="t", child_blocks=[sdk.DividerBlock()]),
    sdk.InputBlock(label="x", element=sdk.PlainTextInputElement(action_id="a")),
]


@pytest.mark.parametrize("block", SDK_BLOCKS, ids=lambda block: str(block.type))
def test_what_slacks_own_models_build_passes(block: sdk.Block) -> None:
    assert violations([block.to_dict()], surface="message") == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "blocks", "elements", "block_id", "rows", "options"]),
            inner | st.sampled_from(["actions", "section", "table", "modal", "static_select"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(database=None)
@given(json_values)
def test_the_checker_has_an_answer_to_everything(value: Any) -> None:
    assert all(isinstance(line, str) for line in violations(value, surface="message"))
    assert all(isinstance(line, str) for line in view_violations(value, surface="modal"))

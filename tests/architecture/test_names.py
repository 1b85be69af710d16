"""Names in the product are the field's: those that once stood for several things do not come back.

docs/development.md, "Words", has what they are called now.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("bot/simulators", "bot/demo", "bot/store/migrations")
"""What speaks of Slack's, the CDN's or earlier releases' things may call them as they do."""
LEFT_BEHIND = frozenset(
    [
        "Ask",
        "AskKind",
        "asks_others",
        "Asked",
        "Look",
        "Looks",
        "Watched",
        "Round",
        "LOOKS",
        "Holder",
        "let_go",
        "put_back",
        "take_one_more",
        "Yes",
        "yeses",
        "Needs",
        "met_by",
        "lets_break_glass",
        "breakers",
        "breaking_roles",
        "GLASS",
        "BREAK",
        "_Beaten",
        "Known",
        "Fact",
        "Beside",
        "leader",
        "Ways",
        "Door",
        "DOORS",
        "Desk",
        "PeopleUnknown",
        "PeopleRefused",
        "NotPosted",
        "SlackBusy",
        "at_hand",
        "gather",
        "Standing",
        "tells",
        "told_at",
        "CALL",
        "WHISPER",
        "NOTE",
        "rule_on_request",
        "rule_on_sending",
        "rule_on_press",
        "Ruling",
        "event_of",
        "Steps",
        "Pace",
        "Census",
        "Vitals",
        "vitals",
        "Gauges",
        "Status",
        "look_again",
        "Decisions",
        "ask",
        "ask_to_row",
        "has_ask",
        "said",
        "counted",
        "standing",
        "standing_at",
        "standings",
        "look",
        "whisper",
        "note",
        "Submission",
        "Workflow",
        "Problem",
        "Mistake",
        "Fault",
        "problem_of",
        "problem_text",
        "write_problem",
        "schema_problem",
        "revision_problem",
    ]
)


def names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
        if isinstance(node, ast.alias) and node.asname:
            yield node.asname


def product() -> list[Path]:
    files = [*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")]
    return [file for file in files if not file.relative_to(ROOT).as_posix().startswith(OURS)]


@pytest.mark.parametrize("file", product(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_name_is_one_that_was_left_behind(file: Path) -> None:
    found = LEFT_BEHIND.intersection(names_in(ast.parse(file.read_text())))
    assert sorted(found) == []


def test_a_name_that_was_left_behind_is_found_wherever_it_stands() -> None:
    for text in (
        "class Ask: ...",
        "def f(yeses): ...",
        "x.told_at",
        "f(leader=1)",
        "import x.y as Look",
    ):
        assert LEFT_BEHIND.intersection(names_in(ast.parse(text))), text

"""Conversations in a file: how they are read, what they expect, and how they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.demo import play as grammar
from bot.demo.play import FORMS, PEOPLE, Unreadable, play, play_file, read
from bot.demo.player import OtherwiseThanSaid, Player
from bot.demo.town import town

DOCS = Path(__file__).parent.parent.parent / "docs"

# Reading


@pytest.mark.parametrize(
    ("line", "does", "given"),
    [
        ("Ana: /purge x y", "says", {"person": "U0ANA", "text": "/purge x y", "channel": None}),
        ("ANA in #random:hi: you", "says", {"person": "U0ANA", "text": "hi: you", "channel": "C0RANDOM"}),
        ('Leo: Sam sees "x"', "says", {"person": "U0LEO", "text": 'Sam sees "x"', "channel": None}),
        ("sam presses Approve", "presses", {"person": "U0SAM", "button": "Approve", "channel": None}),
        ("Sam presses Go back in #cdn-ops", "presses", {"person": "U0SAM", "button": "Go back", "channel": "C0OPS"}),
        ("wait 31 minutes", "waits", {"count": 31, "unit": "minute"}),
        ("Wait  1 Day", "waits", {"count": 1, "unit": "day"}),
        ("CDN answers throttling.user once", "cdn_answers", {"code": "Throttling.User", "times": 1}),
        ("the CDN answers Throttling 3 times", "cdn_answers", {"code": "Throttling", "times": 3}),
        ("CDN answers Throttling", "cdn_answers", {"code": "Throttling", "times": None}),
        ("CDN loses the next answer", "cdn_loses_answer", {}),
        ("CDN is well again", "cdn_is_well", {}),
        ("the bot stops", "bot_stops", {}),
        ("bot starts", "bot_starts", {}),
        ('everyone sees "a "b" c"', "everyone_sees", {"text": 'a "b" c', "channel": None}),
        ("nobody sees “a” in #random", "nobody_sees", {"text": "a", "channel": "C0RANDOM"}),
        ('Gus sees "a"', "sees", {"person": "U0GUS", "text": "a", "channel": None}),
        ('Eve does not see "a"', "does_not_see", {"person": "U0EVE", "text": "a", "channel": None}),
        ("the CDN was asked never", "cdn_was_asked", {"times": 0}),
        ("the CDN was asked twice", "cdn_was_asked", {"times": 2}),
        ("CDN was asked 12 times", "cdn_was_asked", {"times": 12}),
    ],
)  # fmt: skip
def test_a_line_is_read_as_a_step(line: str, does: str, given: dict[str, Any]) -> None:
    _, (step,) = read(line)
    assert (step.form.run.__name__, step.given, step.at_once) == (does, given, False)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Sam pressed Approve", ["Sam (NAME)", "nearest step: NAME presses BUTTON"]),
        ("the robot stops", ["nearest step: the bot stops"]),
        ("everyone sees submitted", ['nearest step: everyone sees "TEXT"']),
        ("wait 0 minutes", ["nearest step: wait N"]),
        ("CDN answers Throttling never", ["Throttling (CODE)", "nearest step: CDN answers CODE"]),
        ("the CDN was asked 2", ["nearest step: the CDN was asked"]),
        ("Anna: hello", ["no person Anna", "nearest: Ana"]),
        ("Dan: hello", ["no person Dan"]),
        ("Purgebot: hello", ["no person Purgebot"]),
        ("Ana in #randm: hello", ["no channel #randm", "nearest: #random"]),
        ("CDN answers QuotaExceeded once", ["no error code", "nearest: QuotaExceeded.Refresh"]),
    ],
)
def test_a_line_that_is_no_step_is_explained_with_its_number(line: str, told: list[str]) -> None:
    with pytest.raises(Unreadable) as wrong:
        read(f"# A title\n\nAna: hello\n{line}\n")
    assert f"line 4: {line}" in str(wrong.value)
    assert [words for words in told if words not in str(wrong.value)] == []


def test_all_wrong_lines_are_told_at_once_and_nothing_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.txt"
    file.write_text("# A title\nAna says hello\nAna: hello\nSam stops\n")
    assert play_file(file) == 2
    printed, complaint = capsys.readouterr()
    assert printed == ""
    assert "line 2: " in complaint
    assert "line 4: " in complaint
    assert "line 3: " not in complaint


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"# Only a title\n"])
def test_a_file_that_holds_no_conversation_is_refused(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nothing.txt"
    if content is not None:
        file.write_bytes(content)
    assert play_file(file) == 2
    assert "cannot be played" in capsys.readouterr().err


def test_only_the_comments_at_the_top_are_the_title() -> None:
    title, steps = read("# One\n#\n# Two\n\n# Not this\nAna: # nor this\n# nor that")
    assert title == "One\n\nTwo\n"
    assert [step.given["text"] for step in steps] == ["# nor this"]


def test_a_deed_may_follow_a_deed_at_once() -> None:
    _, steps = read("Sam presses Approve\nand Kim presses Deny\nAnd wait 2 hours")
    assert [step.at_once for step in steps] == [False, True, True]


@pytest.mark.parametrize(
    "text",
    ["and Ana: hello", 'Ana: hello\nand Ana sees "hello"', 'Ana sees "x"\nand Ana: hello'],
    ids=["the first step", "an expectation", "a deed after an expectation"],
)
def test_nothing_else_follows_at_once(text: str) -> None:
    with pytest.raises(Unreadable, match="only a deed can follow at once"):
        read(text)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.shape)
def test_every_form_of_a_step_is_documented(form: grammar.Form) -> None:
    assert f"    {form.shape}" in str(grammar.__doc__)
    assert form.shape in (DOCS / "playground.md").read_text()


def test_the_sample_on_the_page_can_be_played() -> None:
    (sample,) = re.findall(r"```\n(# .*?)```", (DOCS / "playground.md").read_text(), re.DOTALL)
    assert len(read(sample)[1]) > 3


# Playing

CONVERSATION = """
Ana: Good morning
Ana: /purge www.example.com hero
Leo: /purge www.example.com hero
Ana: /purge shop.example.com hero
Ana: /purge www.example.com first --force
Ana: /purge www.example.com second --force
Sam denies: no
Kim denies: not now
Ana in #launch-secret: Friday it is
Ana in #web-publishing: Done
"""


@dataclass
class Played:
    player: Player
    printed: list[str]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """Give the town after a conversation, for steps that change nothing in it."""
    printed: list[str] = []
    with capture_logs(), town() as place:
        player = Player(place, PEOPLE.values(), printed.append)
        play(read(CONVERSATION)[1], player)
        yield Played(player, printed)


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ('everyone sees "Purge sent"', 'everyone sees "Purge refused"'),
        ('everyone sees "Denied by @Sam"', 'everyone sees "waits for approval"'),
        (
            'everyone sees "tags `second` Asked by @Ana Why it was denied: no Denied by @Sam"',
            'everyone sees "tags `first` Asked by @Ana Why it was denied: no Denied by @Sam"',
        ),
        ('everyone sees "Friday" in #launch-secret', 'everyone sees "Friday" in #random'),
        ('Leo sees "the role `Web editors`"', 'Ana sees "the role `Web editors`"'),
        ('Ana sees "shop.example.com"', 'everyone sees "shop.example.com"'),
        ('Ana sees "Friday" in #launch-secret', 'Leo sees "Friday" in #launch-secret'),
        ('Ana does not see "the role `Web editors`"', 'Leo does not see "the role `Web editors`"'),
        ('nobody sees "[Deny]"', 'nobody sees "Purge sent"'),
        ('nobody sees "Friday" in #web-publishing', 'nobody sees "Friday"'),
        ('Gus sees "taken  it `www.example.com` ·"', 'Gus sees "Submitted"'),
        ("the CDN was asked once", "the CDN was asked never"),
        ("the CDN was asked 1 times", "the CDN was asked twice"),
    ],
)
def test_an_expectation_holds_where_it_is_so_and_fails_where_it_is_not(
    holds: str, fails: str, played: Played
) -> None:
    played.player._channel = "C0WEB"
    play(read(holds)[1], played.player)
    played.player._channel = "C0WEB"
    with pytest.raises(OtherwiseThanSaid, match=r"^line 1: "):
        play(read(fails)[1], played.player)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Sam presses Approve", "There is no such button.\nSam sees in #web-publishing:\n  Good"),
        ("Sam presses Approve in #cdn-ops", "There is no such button.\nSam sees in #cdn-ops:\n  nothing"),
        ("Gus in #cdn-ops: hello", "Gus is not in #cdn-ops."),
        ("Leo presses Approve in #launch-secret", "Leo is not in #launch-secret."),
        ("the bot starts", "The bot runs already."),
        ('nobody sees "Friday"', "Ana sees it in #launch-secret:\n  Friday it is"),
        ("the CDN was asked never", "It was asked once.\n  www.example.com hero Force=false"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_or_is_not_so_is_explained(line: str, why: str, played: Played) -> None:
    played.player._channel = "C0WEB"
    with pytest.raises(OtherwiseThanSaid) as told:
        play(read(f"\n\n{line}")[1], played.player)
    assert str(told.value).startswith(f"line 3: {line}\n{why}")


def test_a_conversation_that_goes_otherwise_ends_there_with_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "otherwise.txt"
    file.write_text('Ana: Hello\nSam sees "Goodbye"\nSam: Goodbye\n')
    with capture_logs():
        assert play_file(file) == 1
    printed, complaint = capsys.readouterr()
    assert "Ana       Hello" in printed
    assert "Goodbye" not in printed
    assert complaint.endswith('line 2: Sam sees "Goodbye"\nSam sees in #web-publishing:\n  Hello\n')


# Printing


def test_the_transcript_reads_like_a_chat(played: Played) -> None:
    printed = "".join(played.printed)
    assert printed.count("Ana       Good morning\n") == 1
    assert printed.count("Ana       /purge www.example.com hero\n") == 1
    assert "Purgebot  (only Leo sees this)\n                 ⛔ Purge refused" in printed
    assert "                 [Approve] [Deny] [Cancel (requester only)]\n" in printed
    assert "Sam       presses [Deny]\n" in printed
    assert "Purgebot  (edited)\n                 ⛔ Forced purge denied" in printed
    assert printed.count("\n\n#launch-secret\n\n") == 1
    assert printed.count("\n\n#web-publishing\n\n") == 1

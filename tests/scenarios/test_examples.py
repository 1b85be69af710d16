"""The conversations in examples/ go as they say, and print as a chat."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from unicodedata import east_asian_width

import pytest
from structlog.testing import capture_logs

from bot.demo.play import play_file, read
from bot.demo.transcript import _EMOJI

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.txt"))
UNREADABLE = re.compile(r"<[@#!]|&(lt|gt|amp);|:[a-z]\w+:|\*\w")


def columns(line: str) -> int:
    return len(line) + sum(east_asian_width(character) in "WF" for character in line)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_goes_as_it_says_and_reads_like_a_chat(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_logs():
        code = play_file(example)
    printed, complaint = capsys.readouterr()
    assert code == 0, complaint
    title, _ = read(example.read_text())
    assert printed.startswith(title)
    assert "Purgebot  " in printed
    assert [line for line in printed.splitlines() if columns(line) > 80] == []
    assert UNREADABLE.findall(re.sub("`[^`]*`", "", printed)) == []


def test_every_emoji_that_the_bot_says_is_printed_as_one() -> None:
    said = {
        code
        for file in (ROOT / "handlers").rglob("*.py")
        for code in re.findall(r":([a-z]+(?:_[a-z]+)*):(?=[ \"])", file.read_text())
    }
    assert "white_check_mark" in said
    assert said - _EMOJI.keys() == set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_what_it_is_about_and_expects_something(example: Path) -> None:
    title, steps = read(example.read_text())
    assert len(title.splitlines()) >= 2
    assert steps[-1].form.acts is False


def test_the_examples_are_there() -> None:
    assert {"plain-purge", "forced-purge"} <= {example.stem for example in EXAMPLES}


def test_the_command_line_plays_a_file_and_says_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "hello.txt"
    file.write_text("# Hello\nAna: Hello there\nthe CDN was asked never\n")
    command = [sys.executable, "-m", "bot", "demo", "--play", str(file)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Hello\n\n#web-publishing\n\n09:00  Ana       Hello there\n"

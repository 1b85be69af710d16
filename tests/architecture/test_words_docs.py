"""docs/words.md has what cards say: a table of all states with their lines, and each emoji once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.core.purge.purge import State
from bot.slack.message import Message
from handlers.blocks.naming import WORDING, Called, facts_of, variant_of
from handlers.blocks.purge import card
from tests.support.message_blocks import VARIANTS, said, wrong

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "words.md").read_text()
BLOCKS = ROOT / "handlers" / "blocks"


def row(name: str, called: Called) -> str:
    lines = (called.title, called.means, called.next or "–", called.outcome)
    return f"| `{name}` | :{called.emoji}: | {' | '.join(lines)} |"


def test_the_table_has_every_state_with_its_three_lines() -> None:
    rows = [row(name, called) for name, called in WORDING.items()]
    there = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z-]+` \| :", line)]
    assert there == rows, "paste into docs/words.md:\n" + "\n".join(rows)


def test_there_is_an_example_of_every_one() -> None:
    assert VARIANTS.keys() == WORDING.keys()
    assert {state.value for state in State} <= WORDING.keys()


@pytest.mark.parametrize("name", WORDING)
def test_a_card_reads_as_the_table_says(name: str) -> None:
    purge = VARIANTS[name]
    assert variant_of(purge) == name
    called, facts = WORDING[name], facts_of(purge)
    shown: Message = card(purge)
    assert wrong(shown) == []
    text = said(shown)
    lines = (f":{called.emoji}: *{called.title}*", called.means, called.next)
    for line in [line.format_map(facts) for line in lines[: 1 if purge.refusal else 3]]:
        assert line in text or (line == called.next and purge.choice is not None)
    assert "…" not in text.replace("sending to the CDN…", "").replace("your rights…", "")


def test_what_is_asked_by_whom_and_why_comes_first_and_the_ids_last() -> None:
    for name, purge in VARIANTS.items():
        if purge.state is State.REFUSED:
            continue
        blocks = card(purge).blocks
        title, what, *_ = blocks[0]["text"]["text"].splitlines()
        assert f"*{WORDING[name].title.split(':')[0].split('{')[0]}" in title
        assert what.startswith("`www.example.com` · ")
        assert blocks[0]["text"]["text"].splitlines()[-1].startswith("Asked by <@")
        assert blocks[-1]["block_id"] == "ids"
        assert re.search("Purge `P1M82J8FAHK949`$", blocks[-1]["elements"][0]["text"])


def test_a_tick_means_complete_alone() -> None:
    ticked = {name for name, called in WORDING.items() if called.emoji == "white_check_mark"}
    assert ticked == {"complete", "complete-forced"}


def test_every_emoji_is_in_the_list_with_one_meaning() -> None:
    used = {called.emoji for called in WORDING.values()}
    for file in BLOCKS.glob("*.py"):
        used |= set(re.findall('":([a-z_]{3,}): ', file.read_text()))
    listed = re.findall(r"^\| :([a-z_]+): \| ", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(set(listed))
    assert used <= set(listed), used - set(listed)

"""What is asked back about a command: how it is kept, who is shown what, how it looks."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.command.answers import TagDoubt
from bot.core.command.parser import PurgeCommand
from bot.core.decisions.transition import suggestion_of
from bot.core.interaction import Interaction, InteractionKind, Origin
from bot.core.purge.purge import State
from bot.core.suggestions.confirmation import (
    Answer,
    Doubt,
    Slip,
    chosen_notice,
    command_of,
    format_doubt,
    is_late,
    put_right,
    read_answer,
    read_doubt,
)
from handlers.blocks.doubt import chosen, doubt, new_tags_lines
from handlers.blocks.error import suggestion
from handlers.blocks.purge import card
from handlers.blocks.refusal import refusal
from tests.support.message_blocks import LONGEST_DOMAIN, a_purge, said, wrong

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SITE = "www.example.com"
COMMAND = PurgeCommand(SITE, ("banner", "heroo", "logo"), force=True, reason="it's <new> & “odd”")
DOUBT = Doubt(COMMAND, (Slip("heroo", "hero"), Slip("logo", "logos")))
TRIGGER = "13345224609.738474920.8088930838d88f008e0"
ORIGIN = Origin(TRIGGER, "T0ACME", "T0ACME", "U0ANA", "C0WEB", "https://hooks.slack.com/x")


def an_interaction(kind: InteractionKind, at: datetime = NOW) -> Interaction:
    return Interaction(**asdict(ORIGIN), kind=kind, at=at)


def test_a_doubt_reads_back_as_it_was_written_down() -> None:
    assert read_doubt(format_doubt(DOUBT)) == DOUBT


@pytest.mark.parametrize(
    "text",
    [None, "", "x", "[]", "{}", '{"command": {}, "slips": []}', '{"command": 1, "slips": 2}'],
)
def test_other_words_are_no_doubt(text: str | None) -> None:
    assert read_doubt(text) is None


def test_what_was_meant_stands_where_the_slip_stood_and_no_tag_twice() -> None:
    assert put_right(DOUBT, [0]).tags == ("banner", "hero", "logo")
    assert put_right(DOUBT, [0, 1]).tags == ("banner", "hero", "logos")
    twice = Doubt(PurgeCommand(SITE, ("hero", "heroo")), (Slip("heroo", "hero"),))
    assert put_right(twice, [0]).tags == ("hero",)
    assert put_right(DOUBT, [0]).force
    assert put_right(DOUBT, [0]).reason == COMMAND.reason


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (TRIGGER, Answer(TRIGGER)),
        (f"{TRIGGER} 0", Answer(TRIGGER, (0,))),
        (f"{TRIGGER} 0,7,49", Answer(TRIGGER, (0, 7, 49))),
        (None, None),
        ("", None),
        (f"{TRIGGER} ", None),
        (f"{TRIGGER} x", None),
        (f"{TRIGGER} -1", None),
        (f"{TRIGGER} 0,", None),
        ("t" * 256, None),
    ],
)
def test_a_button_carries_what_it_showed_and_nothing_else(
    value: str | None, answer: Answer | None
) -> None:
    assert read_answer(value) == answer


def test_a_press_asks_for_what_its_button_showed() -> None:
    meant, typed = an_interaction(InteractionKind.MEANT), an_interaction(InteractionKind.TYPED)
    assert command_of(meant, Answer(TRIGGER, (1,)), DOUBT) == put_right(DOUBT, [1])
    assert command_of(typed, Answer(TRIGGER), DOUBT) == COMMAND
    assert command_of(meant, Answer(TRIGGER), DOUBT) is None
    assert command_of(meant, Answer(TRIGGER, (0, 2)), DOUBT) is None


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (60, False), (61, True)])
def test_an_answer_counts_for_an_hour(minutes: int, late: bool) -> None:
    press = an_interaction(InteractionKind.TYPED, NOW + timedelta(minutes=minutes))
    assert is_late(an_interaction(InteractionKind.DOUBT), press) is late


# What people see


def asked(*slips: tuple[str, str], **more: Any) -> TagDoubt:
    return replace(TagDoubt(SITE, False, slips, 0, f"{TRIGGER} 0", TRIGGER), **more)


@pytest.mark.parametrize("hostile", ["&" * 200, "`<!channel>`", "*bold*_it_", "ä" * 200, ":tada:"])
@pytest.mark.parametrize("count", [1, 10])
def test_slack_takes_the_question_whatever_is_in_it(hostile: str, count: int) -> None:
    places = ",".join(map(str, range(count)))
    shown = doubt(
        asked(
            *[(hostile, hostile[:-1] or "x")] * count,
            domain=LONGEST_DOMAIN,
            meant=f"{'t' * 255} {places}",
            others=3,
        )
    )
    assert wrong(shown) == []
    assert "<!channel>" not in said(shown)
    assert "<!channel>" not in shown.text


def test_a_question_about_some_tags_says_that_the_others_stay() -> None:
    assert "The other tags stay as they are" in said(doubt(asked(("heroo", "hero"), others=2)))
    assert "other tags" not in said(doubt(asked(("heroo", "hero"))))


def test_the_answer_is_told_with_the_whole_command() -> None:
    shown = chosen(chosen_notice(COMMAND).facts)
    assert wrong(shown) == []
    assert "banner,heroo,logo --force" in said(shown)


def test_so_many_tags_fit_into_the_answer() -> None:
    longest = PurgeCommand(SITE, tuple(str(number) * 100 for number in range(50)))
    assert wrong(chosen(chosen_notice(longest).facts)) == []


@pytest.mark.parametrize("state", list(State))
def test_only_what_the_cdn_has_taken_is_called_new(state: State) -> None:
    taken = {State.SUBMITTED, State.RUNNING, State.COMPLETE, State.UNREPORTED}
    purge = a_purge(state, new_tags=("hero",))
    assert bool(new_tags_lines(purge)) is (state in taken)
    assert wrong(card(purge)) == []


def test_slack_takes_a_card_with_many_new_tags() -> None:
    purge = a_purge(
        State.COMPLETE, new_tags=tuple(f"{number:02}" + "&" * 198 for number in range(50))
    )
    assert wrong(card(purge)) == []
    assert "more were never purged here before" in said(card(purge))


@pytest.mark.parametrize("tags", [("hero",), ("x" * 1500,), ("`hero`",)])
def test_a_suggestion_is_whole_or_names_the_domain_alone(tags: tuple[str, ...]) -> None:
    told = suggestion_of(a_purge(State.FAILED, tags=tags, suggestion="shop.example.com"), NOW)
    assert told.notice is not None
    shown = suggestion(told.notice.facts)
    assert wrong(shown) == []
    assert "shop.example.com" in said(shown)


def test_a_refusal_offers_the_command_that_was_meant_or_nothing() -> None:
    meant = said(refusal(a_purge(State.REFUSED, suggestion="shop.example.com")))
    what, who = (
        meant.index("Did you mean: `/purge shop.example.com"),
        meant.index("<!subteam^S0SRE>"),
    )
    assert what < meant.index("If `www.example.com` is right") < who
    alone = said(refusal(a_purge(State.REFUSED)))
    assert "<!subteam^S0SRE>" in alone
    assert "Did you mean" not in alone
    assert "is right" not in alone

"""The questions after /purge: how they are written, kept and shown."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.command.answers import HistoryAnswer, ListedPurge, QuotaAnswer
from bot.core.command.parser import PurgeCommand, parse
from bot.core.command.queries import (
    LATEST,
    ME,
    Cursor,
    HelpCommand,
    HistoryQuestion,
    Key,
    PendingQuestion,
    Question,
    QuotaQuestion,
    StatusQuestion,
    VersionCommand,
    began_at,
    format_question,
    read_asked,
)
from bot.core.errors import InputError
from bot.core.purge.purge import State
from handlers.blocks.history import history, status
from handlers.blocks.quota import quota
from tests.support.message_blocks import LONGEST_DOMAIN, a_purge, said, wrong

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SITE = "www.example.com"
ID = "P1M82J8FAHK949"
KEY = Key(datetime(2026, 11, 20, 9, 41, 7, 123456, UTC), ID)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        pytest.param(f"status {ID}", StatusQuestion(ID), id="a purge"),
        pytest.param(f" Status\u00a0{ID} ", StatusQuestion(ID), id="from a phone"),
        pytest.param(f"status `{ID}`", StatusQuestion(ID), id="copied with its code span"),
        pytest.param("status p1m82j8fahk949", StatusQuestion(ID), id="in small letters"),
        pytest.param("status PLM82J8FAHK949", StatusQuestion(ID), id="L heard for 1"),
        pytest.param("status 17772470184", StatusQuestion("17772470184"), id="a task"),
        pytest.param("status 1,2", StatusQuestion("1,2"), id="a task of two IDs"),
        pytest.param("status ab-Lo", StatusQuestion("ab-Lo"), id="a task ID keeps its case"),
        pytest.param("status", StatusQuestion(LATEST), id="the latest"),
        pytest.param("status ``", StatusQuestion(LATEST), id="the latest, of an empty code span"),
        pytest.param("status last", StatusQuestion(LATEST), id="the last"),
        pytest.param("status —Latest", StatusQuestion(LATEST), id="the latest, as an option"),
        pytest.param("history", HistoryQuestion(), id="all"),
        pytest.param("HISTORY\n", HistoryQuestion(), id="in capitals"),
        pytest.param("history WWW.Example.com. ", HistoryQuestion(SITE), id="of a domain"),
        pytest.param(f"history <http://{SITE}|{SITE}>", HistoryQuestion(SITE), id="of a link"),
        pytest.param("history --user U0ANA", HistoryQuestion(None, "U0ANA"), id="by a member"),
        pytest.param("history --user=U0ANA", HistoryQuestion(None, "U0ANA"), id="equals"),
        pytest.param("history —User <@U0ANA>", HistoryQuestion(None, "U0ANA"), id="a mention"),
        pytest.param(
            "history --user <@W0ANA|ana ortiz>", HistoryQuestion(None, "W0ANA"), id="with a name"
        ),
        pytest.param("history U0ANA", HistoryQuestion(None, "U0ANA"), id="without the option"),
        pytest.param("history --since 90m", HistoryQuestion(since="90m"), id="minutes"),
        pytest.param("history —since 2D", HistoryQuestion(since="2d"), id="days, from a phone"),
        pytest.param("history --since 2026-11-20", HistoryQuestion(since="2026-11-20"), id="a day"),
        pytest.param(
            f"history --since 2w {SITE} --user U0ANA",
            HistoryQuestion(SITE, "U0ANA", "2w"),
            id="in any order",
        ),
        pytest.param("history --user me", HistoryQuestion(None, ME), id="my own"),
        pytest.param("history --user @Me", HistoryQuestion(None, ME), id="my own, as a name"),
        pytest.param("history mine", HistoryQuestion(None, ME), id="mine"),
        pytest.param(f"history me {SITE}", HistoryQuestion(SITE, ME), id="my own of a domain"),
        pytest.param("pending", PendingQuestion(), id="what waits"),
        pytest.param("Waiting", PendingQuestion(), id="what waits, in another word"),
        pytest.param("quota", QuotaQuestion(), id="quota"),
        pytest.param(" Quota ", QuotaQuestion(), id="quota in any case"),
    ],
)
def test_a_question_is_read_and_reads_back(text: str, asked: Question) -> None:
    assert parse(text) == asked
    assert read_asked(format_question(asked)) == asked


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pending www.example.com", "question-word-extra"),
        ("version 2", "question-word-extra"),
        ("history mee", "question-word-extra"),
        ("status P1 P2", "question-word-extra"),
        ("status é", "question-id-malformed"),
        (f"status {'1' * 1001}", "question-id-malformed"),
        ("quota now", "question-word-extra"),
        (f"history {SITE} img.example.com", "question-word-extra"),
        ("history hero", "question-word-extra"),
        ("history *.example.com", "command-domain-wildcard"),
        (f"history <http://evil.example|{SITE}>", "question-word-extra"),
        ("history --user @ana", "question-user-malformed"),
        ("history @ana", "question-user-malformed"),
        ("history --user ana", "question-user-malformed"),
        ("history --user U0", "question-user-malformed"),
        ("history --user", "question-user-malformed"),
        ("history --user --since 2d", "question-user-malformed"),
        ("history --user U0ANA --user U0SAM", "question-option-twice"),
        ("history U0ANA U0SAM", "question-option-twice"),
        ("history --since 2d --since=3d", "question-option-twice"),
        ("history --since", "question-since-malformed"),
        ("history --since 0d", "question-since-malformed"),
        ("history --since 2y", "question-since-malformed"),
        ("history --since 99999d", "question-since-malformed"),
        ("history --since 2026-02-30", "question-since-malformed"),
        ("history --since yesterday", "question-since-malformed"),
        ("history --force", "question-option-unknown"),
        ('history --reason "x"', "question-option-unknown"),
        ('history --reason "x', "command-reason-open"),
    ],
)
def test_a_question_that_cannot_be_read_is_explained(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.info.code == code
    info = caught.value.info
    fields = re.findall(r"{(\w+)}", info.kind.message + info.kind.hint)
    assert set(fields) <= set(info.facts)


def test_who_types_a_name_is_told_where_the_member_id_is() -> None:
    with pytest.raises(InputError) as caught:
        parse("history --user @ana")
    assert "@ana" in caught.value.info.message
    assert "Copy member ID" in caught.value.info.hint


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        (f"history {SITE} --usr U0ANA", f"/purge history {SITE} --user U0ANA"),
        ("history --sinc 2d", "/purge history --since 2d"),
        ("history --sinc never", None),
        ("history --force", None),
    ],
)
def test_a_misspelt_option_is_put_right_if_that_makes_a_question(
    text: str, corrected: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.info.facts.get("corrected") == corrected


@pytest.mark.parametrize("text", ["", "  ", "help", "HELP\n"])
def test_nothing_and_help_still_ask_for_help(text: str) -> None:
    assert parse(text) == HelpCommand()


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("help status", "status"),
        ("Help History", "history"),
        ("status help", "status"),
        ("history --help", "history"),
        ("help waiting", "pending"),
        ("help www.example.com hero", None),
        ("--help", None),
        ("—help quota", "quota"),
        ("-h", None),
        ("?", None),
    ],
)
def test_help_is_asked_for_in_many_ways_and_on_one_question(text: str, topic: str | None) -> None:
    assert parse(text) == HelpCommand(topic)


@pytest.mark.parametrize("text", ["version", "--version", "Version "])
def test_the_version_can_be_asked_for(text: str) -> None:
    assert parse(text) == VersionCommand()
    assert read_asked(text) is None


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("histroy", "/purge history"),
        ("stats P1M82J8FAHK949", "/purge status P1M82J8FAHK949"),
        ("hist www.example.com --since 2d", "/purge history www.example.com --since 2d"),
        ("halp", "/purge help"),
        ("Pendng", "/purge pending"),
        ("quotas", "/purge quota"),
        ("vers", "/purge version"),
        ("stats é", None),
    ],
)
def test_a_misspelt_question_is_put_right(text: str, corrected: str | None) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.info.code == "question-misspelt"
    assert caught.value.info.facts.get("corrected") == corrected


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        (f"/purge status {ID}", f"/purge status {ID}"),
        ("/purge status", "/purge status last"),
        ("purge history me --since 2d", "/purge history --user me --since 2d"),
        ("/Purge help quota", "/purge help quota"),
        ("/purge version", "/purge version"),
        (f"`status` {ID}", f"/purge status {ID}"),
        (f"status: {ID}", f"/purge status {ID}"),
        ("help!", "/purge help"),
        ("/purge", None),
        ("/purge /purge status", None),
        ("/purge status P1 P2", None),
    ],
)
def test_a_question_that_was_copied_whole_or_with_a_mark_is_put_right(
    text: str, corrected: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.info.facts.get("corrected") == corrected
    if corrected:
        parse(corrected.removeprefix("/purge "))


@pytest.mark.parametrize("text", ["hero", "hero www.example.com", "localhost x", "her"])
def test_a_word_that_is_neither_question_nor_domain_is_told_the_words_that_exist(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.info.code == "command-domain-dotless"
    for word in ("help", "status", "history", "pending", "quota", "version"):
        assert word in caught.value.info.hint


@pytest.mark.parametrize("domain", ["status.example.com", "history.example.com", "quota.example"])
def test_a_domain_that_begins_like_a_question_is_a_domain(domain: str) -> None:
    assert parse(f"{domain} hero") == PurgeCommand(domain, ("hero",))


@pytest.mark.parametrize("newer", [False, True])
def test_a_place_in_the_history_reads_back_to_the_microsecond(newer: bool) -> None:
    asked = HistoryQuestion(SITE, "U0ANA", "2d", Cursor(KEY, newer))
    assert read_asked(format_question(asked)) == asked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "help",
        "www.example.com hero",
        "history --since x",
        f"older 2026-11-20T09:41:07 {ID} history",
        f"older yesterday {ID} history",
        f"older 2026-11-20T09:41:07+00:00 {ID} history --since x",
        f"older 2026-11-20T09:41:07+00:00 {ID} quota",
        "older history",
    ],
)
def test_words_that_no_button_carries_are_no_question(text: str) -> None:
    assert read_asked(text) is None


def test_nobody_types_a_place_by_hand() -> None:
    with pytest.raises(InputError):
        parse(format_question(HistoryQuestion(cursor=Cursor(KEY))))


@pytest.mark.parametrize(
    ("since", "began"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("12h", NOW - timedelta(hours=12)),
        ("2d", NOW - timedelta(days=2)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        (None, None),
    ],
)
def test_since_is_a_span_back_from_now_or_a_day_in_utc(
    since: str | None, began: datetime | None
) -> None:
    assert began_at(since, NOW) == began


# What people see


def a_page(*purges: ListedPurge, **facts: Any) -> HistoryAnswer:
    page = HistoryAnswer("U0ANA", "history", True, ("*",), False, purges)
    return replace(page, **facts)


def a_row(**facts: Any) -> ListedPurge:
    plain = ListedPurge(ID, int(NOW.timestamp()), SITE, ("hero",), 0, False, "U0ANA", "submitted")
    return replace(plain, **facts)


@pytest.mark.parametrize("state", [*State, "a-state-of-tomorrow"])
def test_every_state_has_its_lines_and_no_table_that_a_phone_would_cut(state: str) -> None:
    shown = history(a_page(a_row(state=str(state))))
    assert wrong(shown) == []
    assert [block["type"] for block in shown.blocks] == ["section", "section", "context"]
    assert SITE in shown.text


def test_a_state_that_is_not_known_yet_is_called_by_its_name() -> None:
    shown = history(a_page(a_row(state="a-state-of-tomorrow")))
    assert "a state of tomorrow" in said(shown)


@pytest.mark.parametrize("hostile", ["&" * 80, "`<!channel>`", "<@U0SAM>|x", "ä" * 80])
def test_slack_takes_a_page_whatever_is_in_it(hostile: str) -> None:
    row = a_row(domain=LONGEST_DOMAIN, tags=(hostile,) * 3, more_tags=2000, force=True)
    turn = format_question(HistoryQuestion(LONGEST_DOMAIN, "U" + "0" * 30, "2d", Cursor(KEY)))
    shown = history(
        a_page(
            *[row] * 10,
            question=f"history {LONGEST_DOMAIN} --user U0ANA --since 2d",
            since=NOW,
            sees=(LONGEST_DOMAIN,) * 300,
            cut_short=True,
            older=turn,
            newer=turn,
        )
    )
    assert wrong(shown) == []


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "No purges* that you may see"),
        ({"cut_short": True, "older": "x"}, "No purges* found so far"),
        ({"cut_short": True, "older": "x"}, "Press Older to go on"),
        ({"sees": ()}, "your own purges only"),
        ({"sees": (SITE,)}, f"those of `{SITE}`"),
    ],
)
def test_an_empty_page_says_what_it_stands_for(facts: dict[str, Any], told: str) -> None:
    shown = history(a_page(**facts))
    assert wrong(shown) == []
    assert told in said(shown)


@pytest.mark.parametrize("state", list(State))
def test_a_status_is_the_card_without_its_buttons(state: State) -> None:
    shown = status(a_purge(state))
    assert wrong(shown) == []
    assert "actions" not in [block["type"] for block in shown.blocks]
    assert "in <#C0WEB>" in said(shown)


def quotas(**stated: int) -> QuotaAnswer:
    return QuotaAnswer(NOW, plain=3, forced=1, quota=stated)


@pytest.mark.parametrize(
    ("left", "bar"),
    [
        (1000, "▰▰▰▰▰▰▰▰▰▰"),
        (999, "▰▰▰▰▰▰▰▰▰▱"),
        (500, "▰▰▰▰▰▱▱▱▱▱"),
        (1, "▰▱▱▱▱▱▱▱▱▱"),
        (0, "▱▱▱▱▱▱▱▱▱▱"),
        (2000, "▰▰▰▰▰▰▰▰▰▰"),
    ],
)
def test_a_bar_is_full_or_empty_only_when_the_quota_is(left: int, bar: str) -> None:
    shown = quota(quotas(url_quota=1000, url_remain=left))
    assert wrong(shown) == []
    assert f"{bar} URLs: {left:,} of 1,000 left" in said(shown)
    assert "▰" not in shown.text  # it is read aloud


def test_a_quota_that_the_cdn_does_not_state_is_not_drawn() -> None:
    shown = said(quota(quotas(url_quota=0, url_remain=0, dir_quota=5)))
    assert "▱▱▱▱▱▱▱▱▱▱ URLs: 0 of 0 left" in shown
    assert "directories" not in shown


def test_without_the_cdn_the_own_count_stands_there_with_the_error() -> None:
    shown = quota(replace(quotas(), failure="cdn-unreachable", failure_facts={"why": "no route"}))
    assert wrong(shown) == []
    assert "no route" in said(shown)
    assert "`cdn-unreachable`" in said(shown)
    assert "3 plain, 1 forced" in said(shown)

"""Two looks at a URL: what they prove, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from bot.core.edge_check import Difference, EdgeFinding, EdgeSnapshot, Why, compare
from bot.core.purge.purge import Evidence
from tests.support.builders import a_purge
from tests.support.stored_purges import kept_purge

SENT = datetime(2026, 3, 4, 12, tzinfo=UTC)
URL = "https://www.example.com/"
MONDAY = "Mon, 02 Mar 2026 08:00:00 GMT"
TUESDAY = "Tue, 03 Mar 2026 08:00:00 GMT"
V1, V2 = '"v1"', '"v2"'
HOUR = 3600

Verified, Unchanged, Unclear = (
    EdgeFinding.VERIFIED,
    EdgeFinding.UNCHANGED,
    EdgeFinding.COULD_NOT_TELL,
)


def look(seconds: float, status: int = 200, **more: Any) -> EdgeSnapshot:
    """A look so many seconds after the purge was sent."""
    return EdgeSnapshot(URL, SENT + timedelta(seconds=seconds), status, **more)


def before(**more: Any) -> EdgeSnapshot:
    return look(-2, **more)


def after(**more: Any) -> EdgeSnapshot:
    return look(60, **more)


def verdict(one: EdgeSnapshot, two: EdgeSnapshot) -> tuple[EdgeFinding, str]:
    found = compare(one, two, SENT)
    return found.finding, found.line


both = {"last_modified": MONDAY, "etag": V1}

TABLE = {
    # Age tells by itself
    "Age went back": (before(age=HOUR), after(age=3), (Verified, "refetched")),
    "Age went back, the page is the same": (
        before(**both, age=HOUR),
        after(**both, age=3),
        (Verified, "refetched"),
    ),
    "Age went back to nought": (before(age=HOUR), after(age=0), (Verified, "refetched")),
    "Age began at nought and fell behind": (before(age=0), after(age=9), (Verified, "refetched")),
    "Age is always nought": (before(**both, age=0), after(**both, age=0), (Unclear, "no-evidence")),
    "Age went back, but was not there before": (before(), after(age=3), (Unclear, "no-evidence")),
    "Age went back, but not behind the purge": (
        before(**both, age=HOUR),
        after(**both, age=90),
        (Unchanged, "still-there"),
    ),
    "Age grew less than time passed, but by rounding only": (
        before(**both, age=2),
        after(**both, age=56),
        (Unclear, "no-evidence"),
    ),
    "Age one second younger than the purge": (before(age=HOUR), after(age=59), (Verified, "refetched")),
    "Age as old as the purge": (before(age=HOUR), after(age=60), (Unclear, "no-evidence")),
    "Age went on": (before(**both, age=HOUR), after(**both, age=HOUR + 62), (Unchanged, "still-there")),
    "Age just older than a look takes": (before(**both), after(**both, age=69), (Unchanged, "still-there")),
    "Age as old as a look takes": (before(**both), after(**both, age=68), (Unclear, "no-evidence")),
    "Age went on, nothing to compare": (before(age=9), after(age=71), (Unclear, "no-evidence")),
    # Age against the validators
    "another page, older than the purge": (
        before(last_modified=MONDAY, age=9),
        after(last_modified=TUESDAY, age=HOUR),
        (Unclear, "older-copy"),
    ),
    "an earlier page, fetched after the purge": (
        before(last_modified=TUESDAY, age=HOUR),
        after(last_modified=MONDAY, age=3),
        (Verified, "refetched"),
    ),
    # The validators alone
    "a later Last-Modified": (
        before(last_modified=MONDAY),
        after(last_modified=TUESDAY),
        (Verified, "changed"),
    ),
    "a later Last-Modified, Age nought": (
        before(last_modified=MONDAY, age=0),
        after(last_modified=TUESDAY, age=0),
        (Verified, "changed"),
    ),
    "an earlier Last-Modified": (
        before(last_modified=TUESDAY),
        after(last_modified=MONDAY),
        (Unclear, "went-back"),
    ),
    "an earlier Last-Modified and another ETag": (
        before(last_modified=TUESDAY, etag=V1),
        after(last_modified=MONDAY, etag=V2),
        (Unclear, "went-back"),
    ),
    "a Last-Modified that is no date": (
        before(last_modified="now"),
        after(last_modified="then"),
        (Verified, "changed"),
    ),
    "another ETag": (before(etag=V1), after(etag=V2), (Verified, "changed")),
    "another ETag, the same time": (
        before(last_modified=MONDAY, etag=V1),
        after(last_modified=MONDAY, etag=V2),
        (Verified, "changed"),
    ),
    "the ETag became weak": (before(etag=V1), after(etag="W/" + V1), (Unclear, "no-evidence")),
    "the ETag became weak, Age went on": (
        before(etag=V1, age=9),
        after(etag="W/" + V1, age=71),
        (Unchanged, "still-there"),
    ),
    "the same, without Age": (before(**both), after(**both), (Unclear, "no-evidence")),
    "the ETag is gone": (before(**both, age=9), after(last_modified=MONDAY, age=71), (Unclear, "no-evidence")),
    "an ETag has come": (before(), after(etag=V1), (Unclear, "no-evidence")),
    "no headers": (before(), after(), (Unclear, "no-evidence")),
    "from a hit to a miss": (before(cache="HIT"), after(cache="MISS"), (Unclear, "no-evidence")),
    # No two looks at a page
    "no answer before": (
        look(-2, why=Why.TIMEOUT),
        after(etag=V2),
        (Unclear, "no-answer"),
    ),
    "no answer after": (before(etag=V1), look(60, why=Why.NO_CONNECTION), (Unclear, "no-answer")),
    "a redirect": (before(etag=V1), look(60, 302, etag=V2, why=Why.REDIRECT), (Unclear, "no-answer")),
    "an error after": (before(etag=V1), look(60, 500, etag=V2), (Unclear, "not-the-page")),
    "an error before": (look(-2, 404, etag=V1), after(etag=V2), (Unclear, "not-the-page")),
    "an error, fetched anew": (look(-2, 404, age=HOUR), look(60, 404, age=3), (Unclear, "not-the-page")),
    # No looks around the purge
    "the first look came late": (look(1, etag=V1), after(etag=V2), (Unclear, "not-around")),
    "the second look came early": (before(etag=V1), look(-1, etag=V2), (Unclear, "not-around")),
}  # fmt: skip


@pytest.mark.parametrize(("one", "two", "expected"), TABLE.values(), ids=TABLE)
def test_two_looks_prove(
    one: EdgeSnapshot, two: EdgeSnapshot, expected: tuple[EdgeFinding, str]
) -> None:
    assert verdict(one, two) == expected


def test_looks_at_two_urls_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different URLs"):
        compare(before(), replace(after(), url=URL + "other"), SENT)


def test_what_differs_is_shown_and_what_is_the_same_is_not() -> None:
    found = compare(
        before(last_modified=MONDAY, etag=V1, age=HOUR, cache="HIT"),
        look(60, 404, last_modified=MONDAY, etag=V2, cache="MISS"),
        SENT,
    )
    assert found.differences == (
        Difference("Status", "200", "404"),
        Difference("ETag", V1, V2),
        Difference("Age", "3600", None),
        Difference("Cache", "HIT", "MISS"),
    )
    assert compare(before(**both), after(**both), SENT).differences == ()


# What came over the network


def read(status: int = 200, **headers: str) -> EdgeSnapshot:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return EdgeSnapshot.of_answer(URL, SENT, status, CaseInsensitiveDict(named).get)


def test_an_answer_is_read() -> None:
    found = read(last_modified=MONDAY, etag=V1, age="17", x_cache="HIT TCP_MEM_HIT", server="x")
    assert found == EdgeSnapshot(URL, SENT, 200, MONDAY, V1, 17, "HIT TCP_MEM_HIT")


def test_the_standard_header_tells_of_the_cache_before_the_customary_ones() -> None:
    assert read(via="1.1 a", x_cache="HIT", cache_status="edge; hit").cache == "edge; hit"
    assert read(via="1.1 a", x_cache="HIT").cache == "HIT"
    assert read(via="1.1 a").cache == "1.1 a"
    assert read().cache is None


@pytest.mark.parametrize(
    ("written", "age"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("99999999999999999999", 2**31),
        ("-1", None),
        ("1.5", None),
        ("1, 2", None),
        ("²", None),
        ("9" * 500, None),
        ("", None),
    ],
)
def test_an_age_is_a_number_of_seconds(written: str, age: int | None) -> None:
    assert read(age=written).age == age


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_look_at_the_page(status: int) -> None:
    assert (read(status).status, read(status).why) == (status, Why.REDIRECT)
    assert read(status - 200).why is None


def test_what_came_over_the_network_is_cut_and_printable() -> None:
    assert read(etag='"a\x1b[1m\x00é\n"').etag == '"a?[1m???"'
    assert read(x_cache="x" * 101).cache == "x" * 100
    assert read(etag="  ").etag is None


@given(st.text(), st.text(), st.text(), st.text())
def test_any_headers_can_be_compared_kept_and_shown(one: str, two: str, age: str, at: str) -> None:
    was = replace(read(last_modified=one, etag=two, age=age, via=at), at=SENT)
    is_now = replace(read(last_modified=at, etag=one, age=age, via=two), at=SENT)
    found = compare(was, is_now, SENT)
    for text in (was.last_modified, was.etag, was.cache):
        assert text is None or (text.isascii() and text.isprintable() and len(text) <= 100)
    assert kept(Evidence(was, is_now, found)) == Evidence(was, is_now, found)


@given(st.from_regex(r"[A-Za-z]{0,9},? ?-?[0-9]{0,9}[ -][A-Za-z]{0,4}[ -]\d{0,9} .{0,20}"))
def test_any_date_is_read_or_left(date: str) -> None:
    compare(before(last_modified=date), after(last_modified=MONDAY), SENT)


# Kept in the row of a purge


@pytest.mark.parametrize(
    "seen",
    [
        before(**both, age=3, cache="HIT"),
        look(1, 302, why=Why.REDIRECT),
        EdgeSnapshot(URL, SENT, why=Why.TIMEOUT),
    ],
    ids=["an answer", "a redirect", "no answer"],
)
def test_a_look_is_the_same_after_it_was_kept(seen: EdgeSnapshot) -> None:
    again = kept(Evidence(seen)).before
    assert again == seen
    assert (type(again.why), again.at.tzinfo) == (type(seen.why), UTC)


def test_a_verdict_is_the_same_after_it_was_kept() -> None:
    was, is_now = before(etag=V1, age=HOUR), after(etag=V2, age=3)
    found = compare(was, is_now, SENT)
    again = kept(Evidence(was, is_now, found)).verdict
    assert again is not None
    assert again == found
    assert isinstance(again.finding, EdgeFinding)


def kept(evidence: Evidence) -> Evidence:
    """Give what is read of some evidence after it was written down."""
    (again,) = kept_purge(a_purge(evidence=(evidence,))).evidence
    return again

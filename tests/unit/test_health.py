"""How the CDN takes the bot's questions: what is a trouble at once, what has to last, what is news."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.cdn import errors as kinds
from bot.core.cdn.health import GOOD_AGAIN, NO_USABLE_ANSWER, Health, after_look, lasting, news
from bot.core.errors import ErrorInfo, ErrorKind

NOON = datetime(2024, 11, 2, 12, tzinfo=UTC)
LASTING = [
    kinds.KEY_REFUSED,
    kinds.TOKEN_EXPIRED,
    kinds.TOKEN_REFUSED,
    kinds.SIGNATURE_REFUSED,
    kinds.CLOCK_WRONG,
    kinds.NO_PERMISSION,
    kinds.ACCOUNT_BLOCKED,
    kinds.WRONG_ENDPOINT,
    kinds.NO_CREDENTIALS,
]
PASSING = [kinds.UNREACHABLE, kinds.NOT_ANSWERING, kinds.THROTTLED, kinds.CREDENTIALS_FAILED]


def code_of(kind: ErrorKind) -> str:
    return kind.code


def looks(*found: ErrorKind | None, before: Health | None = None) -> list[str | None]:
    """Look every ten minutes; give the code of what is told after each."""
    health, told = before or Health(), []
    for number, kind in enumerate(found):
        now = NOON + timedelta(minutes=10 * number)
        after = after_look(health, ErrorInfo(kind) if kind else None, now)
        notice = news(health, after, now)
        told.append(notice.code if notice else None)
        # As it goes through the database, and told as it is in the operators' channel.
        health = Health.of_json(json.loads(json.dumps(after.as_json() | {"told": after.code})))
    return told


@pytest.mark.parametrize("kind", LASTING, ids=code_of)
def test_what_an_operator_has_to_mend_is_told_at_once_and_once(kind: ErrorKind) -> None:
    assert looks(None, kind, kind, kind) == [None, kind.code, None, None]


@pytest.mark.parametrize("kind", PASSING, ids=code_of)
def test_what_may_pass_is_told_when_it_stays_for_three_looks(kind: ErrorKind) -> None:
    code = NO_USABLE_ANSWER.code
    assert looks(kind, kind, None) == [None, None, None]
    assert looks(kind, kind, kind, kind) == [None, None, code, None]


def test_different_faults_on_the_way_are_one_trouble() -> None:
    *_, told = looks(kinds.UNREACHABLE, kinds.THROTTLED, kinds.NOT_ANSWERING)
    assert told == NO_USABLE_ANSWER.code


def test_a_usable_answer_between_two_faults_starts_the_count_afresh() -> None:
    fault = kinds.UNREACHABLE
    assert looks(fault, fault, None, fault, fault) == [None] * 5


def test_a_refusal_between_two_faults_starts_the_count_afresh() -> None:
    fault, key = kinds.UNREACHABLE, kinds.KEY_REFUSED
    assert looks(fault, fault, key, fault, fault) == [None, None, key.code, None, None]


def test_another_trouble_is_told_and_the_first_one_again_after_it() -> None:
    key, right = kinds.KEY_REFUSED, kinds.NO_PERMISSION
    assert looks(key, right, right, key) == [key.code, right.code, None, key.code]


def test_one_lost_answer_during_a_trouble_is_no_news() -> None:
    key = kinds.KEY_REFUSED
    assert looks(key, kinds.UNREACHABLE, key) == [key.code, None, None]


def test_that_it_is_good_again_is_told_once_and_good_alone_is_not() -> None:
    assert looks(kinds.KEY_REFUSED, None, None)[1:] == [GOOD_AGAIN, None]
    assert looks(None, None) == [None, None]


def test_what_nobody_was_told_of_is_not_told_to_be_over() -> None:
    bad = after_look(Health(), ErrorInfo(kinds.KEY_REFUSED), NOON)
    assert news(bad, after_look(bad, None, NOON), NOON) is None


def test_a_trouble_that_nobody_was_told_of_is_told_when_somebody_can_be() -> None:
    bad = after_look(Health(), ErrorInfo(kinds.KEY_REFUSED), NOON)
    still = after_look(bad, ErrorInfo(kinds.KEY_REFUSED), NOON + timedelta(hours=1))
    notice = news(bad, still, NOON + timedelta(hours=1))
    assert notice is not None
    assert notice.facts["since"] == NOON.isoformat()


def test_a_trouble_lasts_from_its_first_sign_through_all_its_codes() -> None:
    health, now = Health(), NOON
    fault = ErrorInfo(kinds.UNREACHABLE)
    for found in (fault, fault, fault, ErrorInfo(kinds.KEY_REFUSED), None):
        before, health = health, after_look(health, found, now)
        notice = news(before, health, now)
        health = Health.of_json(health.as_json() | {"told": health.code})
        now += timedelta(minutes=10)
    assert notice is not None
    assert notice.facts["lasted"] == "40 minutes"
    assert notice.facts["was"] == "cdn-key-refused"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 hours 5 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=3, hours=4, minutes=5), "3 days 4 hours"),
    ],
)
def test_how_long_it_lasted_is_told_in_words(span: timedelta, words: str) -> None:
    assert lasting(span) == words

"""What Slack's answers say, whatever they look like."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.errors import LONGEST_WAIT_S, retry_after_s


@pytest.mark.parametrize(
    ("stated", "wait_s"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        (30, 30.0),
        (["30"], 30.0),
        ("1.5", 1.5),
        ("31536000", LONGEST_WAIT_S),
        ("999999999", LONGEST_WAIT_S),
    ],
)
def test_slack_is_heeded_for_an_hour_at_most(stated: Any, wait_s: float) -> None:
    assert retry_after_s({"Retry-After": stated}) == wait_s
    assert retry_after_s({"retry-after": stated}) == wait_s


@pytest.mark.parametrize(
    "stated",
    [
        *("", "0", "0.0", "-5", "1e9", "inf", "nan", "²", "٣", "soon", "9" * 400, [], None),
        "Fri, 31 Dec 2027 23:59:59 GMT",
    ],
)
def test_what_states_no_time_to_wait_is_not_heeded(stated: Any) -> None:
    assert retry_after_s({"Retry-After": stated}) is None


@pytest.mark.parametrize("headers", [None, {}, {"Content-Type": "30"}])
def test_without_the_header_nothing_is_heeded(headers: Any) -> None:
    assert retry_after_s(headers) is None

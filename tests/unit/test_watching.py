"""When the CDN is asked about a task again: soon at first, then ever later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.purge import State
from bot.core.watching import Watched, next_look_at

NOW = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)


def wait_after(age: timedelta) -> timedelta:
    purge = Watched("P1", State.RUNNING, "1", NOW - age, None, None, None)
    return next_look_at(purge, NOW) - NOW


@pytest.mark.parametrize(
    ("age_s", "wait_s"), [(0, 5), (25, 5), (50, 10), (150, 30), (300, 60), (899, 60)]
)
def test_a_young_task_is_asked_about_after_a_fifth_of_its_age(age_s: int, wait_s: int) -> None:
    assert wait_after(timedelta(seconds=age_s)).total_seconds() == wait_s


def test_old_tasks_are_asked_about_after_a_tenth_of_their_age_all_at_the_half_minute() -> None:
    for minutes in (15, 16, 31, 600, 4319):
        wait = wait_after(timedelta(minutes=minutes))
        assert (NOW + wait).second in {0, 30}
        assert timedelta(0) <= wait - timedelta(minutes=minutes / 10) < timedelta(seconds=30)

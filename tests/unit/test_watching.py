"""Following a task: when the CDN is asked about it, what its answers come to, and which is whose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.purge.purge import Event, State
from bot.core.purge.tracking import (
    RIVALS_WITHIN,
    Judgement,
    PolledPurge,
    RecentTask,
    Task,
    TaskState,
    chunks,
    found_among,
    judge,
    next_look_at,
    next_search_at,
    try_again_at,
)
from tests.support import builders

NOW = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)


def wait_after(age: timedelta) -> timedelta:
    purge = PolledPurge("P1", State.RUNNING, "1", NOW - age, None, None, None)
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


# What the CDN's answers come to

DONE = Task("", TaskState.DONE, 100)
FAILED = Task("", TaskState.FAILED, None)
MINUTES, DAYS = timedelta(minutes=1), timedelta(days=1)


def at_work(percent: int | None) -> Task:
    return Task("", TaskState.RUNNING, percent)


def judged(
    *reports: Task | None,
    age: timedelta = MINUTES,
    state: State = State.SUBMITTED,
    percent: int | None = None,
    notified_at: datetime | None = None,
    seen_at: datetime | None = None,
) -> Judgement:
    """Judge a purge with a task for each report; None: the CDN does not know that task."""
    ids = [f"task-{number}" for number in range(len(reports))]
    purge = PolledPurge("P1", state, ",".join(ids), NOW - age, notified_at, seen_at, percent)
    known = {
        each: replace(report, id=each)
        for each, report in zip(ids, reports, strict=True)
        if report is not None
    }
    return judge(purge, {"another": DONE} | known, NOW)


@pytest.mark.parametrize("state", [State.SUBMITTED, State.RUNNING])
@pytest.mark.parametrize(
    ("reports", "event"),
    [
        ((DONE,), Event.FINISH),
        ((DONE, DONE), Event.FINISH),
        ((DONE, DONE, DONE), Event.FINISH),
        ((FAILED,), Event.FAIL),
        ((FAILED, DONE), Event.FAIL),
        ((DONE, FAILED), Event.FAIL),
        ((DONE, FAILED, DONE), Event.FAIL),
        ((DONE, at_work(99)), Event.PROGRESS),
        ((at_work(100), DONE), Event.PROGRESS),
        ((FAILED, at_work(40)), Event.PROGRESS),
        ((DONE, None), Event.PROGRESS),
        ((None, DONE, DONE), Event.PROGRESS),
        ((FAILED, None), Event.PROGRESS),
    ],
)
@pytest.mark.parametrize("age", [MINUTES, 30 * MINUTES, 3 * DAYS])
def test_several_tasks_are_at_an_end_when_all_are_and_have_failed_when_one_has(
    reports: tuple[Task | None, ...], event: Event, state: State, age: timedelta
) -> None:
    if event is Event.PROGRESS and age == 3 * DAYS:
        event = Event.GIVE_UP
    judgement = judged(*reports, age=age, state=state)
    assert judgement.event is event
    if event is Event.FINISH:
        assert judgement.facts == {"percent": 100}
    if event is Event.FAIL:
        assert judgement.facts == {"percent": None}


@pytest.mark.parametrize(
    ("reports", "percent"),
    [
        ((at_work(40),), 40),
        ((at_work(None),), 0),
        ((at_work(40), at_work(60)), 50),
        ((DONE, at_work(None)), 50),
        ((DONE, None), 50),
        ((DONE, DONE, at_work(50)), 83),
    ],
)
def test_progress_is_that_of_all_tasks_together(
    reports: tuple[Task | None, ...], percent: int
) -> None:
    found = judged(*reports)
    assert found == Judgement(Event.PROGRESS, {"percent": percent, "seen_at": NOW})


@pytest.mark.parametrize(
    ("shown", "percent", "told"),
    [(40, 49, False), (40, 50, True), (40, 30, True), (None, 9, False)],
)
def test_a_card_moves_in_steps_of_ten_percent(shown: int | None, percent: int, told: bool) -> None:
    found = judged(at_work(percent), state=State.RUNNING, percent=shown)
    assert (found.event is Event.PROGRESS) is told


def test_when_a_task_was_first_seen_is_not_forgotten() -> None:
    seen_at = NOW - MINUTES
    found = judged(at_work(50), state=State.RUNNING, seen_at=seen_at)
    assert found == Judgement(Event.PROGRESS, {"percent": 50, "seen_at": seen_at})


@pytest.mark.parametrize(
    ("age", "event"),
    [
        (10 * MINUTES - timedelta(seconds=1), None),
        (10 * MINUTES, Event.SILENT),
        (3 * DAYS - timedelta(seconds=1), Event.SILENT),
        (3 * DAYS, Event.GIVE_UP),
    ],
)
def test_that_the_cdn_reports_nothing_is_said_from_ten_minutes_on_and_given_up_after_three_days(
    age: timedelta, event: Event | None
) -> None:
    assert judged(None, age=age) == Judgement(event)


@pytest.mark.parametrize(
    ("state", "notified_at"), [(State.RUNNING, None), (State.SUBMITTED, NOW - MINUTES)]
)
def test_what_has_been_heard_of_or_told_is_not_said_to_be_unreported(
    state: State, notified_at: datetime | None
) -> None:
    assert judged(None, age=11 * MINUTES, state=state, notified_at=notified_at) == Judgement()


# What the CDN does not take now


@pytest.mark.parametrize(
    ("attempt", "asked_for", "wait_s"),
    [
        (1, None, 5),
        (2, None, 10),
        (6, None, 160),
        (7, None, 300),
        (900, None, 300),
        (1, 200, 200),
        (7, 200, 300),
        (7, 900, 900),
    ],
)
def test_it_is_tried_again_after_twice_as_long_each_time_and_as_late_as_the_cdn_asks_for(
    attempt: int, asked_for: float | None, wait_s: int
) -> None:
    at_once, at_last = (try_again_at(attempt, asked_for, jitter, NOW) for jitter in (0.0, 1.0))
    assert (at_once - NOW).total_seconds() == wait_s
    assert (at_last - NOW).total_seconds() == wait_s * 1.25


# The task of a purge whose answer was lost

SENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOST = builders.a_purge(State.UNKNOWN, force=False, requested_at=SENT, sent_at=SENT)


@pytest.mark.parametrize(
    ("since_s", "next_s"),
    [(0, 5), (4, 5), (5, 30), (29, 30), (30, 120), (119, 120), (120, None), (999, None)],
)
def test_it_is_looked_for_three_times_in_two_minutes_after_it_was_lost(
    since_s: int, next_s: int | None
) -> None:
    lost_at = SENT + timedelta(seconds=7)
    lost = replace(LOST, settled_at=lost_at)
    expected = None if next_s is None else lost_at + timedelta(seconds=next_s)
    assert next_search_at(lost, lost_at + timedelta(seconds=since_s)) == expected


def listed(
    task_id: str = "1", *, after_s: float = 1, kind: str = "tag", path: str = "www.example.com hero"
) -> RecentTask:
    return RecentTask(task_id, kind, path, SENT + timedelta(seconds=after_s))


def found(*recent: RecentTask, taken: tuple[str, ...] = ()) -> str | None:
    return found_among(LOST, recent, taken)


def test_the_one_task_that_can_be_its_own_is() -> None:
    assert found() is None
    assert found(listed("1")) == "1"


@pytest.mark.parametrize(
    ("after_s", "its"),
    [(-60, False), (-3, False), (-2, True), (0, True), (22, True), (23, False), (60, False)],
)
def test_a_task_was_made_while_the_purge_was_sent(after_s: int, its: bool) -> None:
    """Sent and answered within twenty seconds, on clocks that two seconds may lie between."""
    assert found(listed("1", after_s=after_s)) == ("1" if its else None)


@pytest.mark.parametrize("kind", ["file", "directory", "regex", "preload", "block", "unblock"])
def test_a_task_of_a_type_that_is_documented_for_something_else_is_not_its_own(kind: str) -> None:
    assert found(listed("1", kind=kind)) is None
    assert found(listed("1", kind=kind), listed("2")) == "2"


@pytest.mark.parametrize("kind", ["tag", "CacheTag", ""])
def test_a_task_of_a_type_that_nobody_knows_can_be_its_own(kind: str) -> None:
    assert found(listed("1", kind=kind)) == "1"


def test_of_two_that_can_be_its_own_none_is_taken() -> None:
    assert found(listed("1"), listed("2")) is None
    assert found(listed("1"), listed("2"), listed("3")) is None


@pytest.mark.parametrize("apart_s", range(0, 90, 2))
def test_two_purges_that_one_task_can_be_of_are_rivals(apart_s: int) -> None:
    later = replace(LOST, id="P2", sent_at=SENT + timedelta(seconds=apart_s))
    tasks = [listed("1", after_s=after_s) for after_s in range(-5, 120)]
    shared = [one for one in tasks if found(one) and found_among(later, [one], ())]
    assert not shared or timedelta(seconds=apart_s) <= RIVALS_WITHIN


def test_a_task_of_another_purge_is_not_its_own() -> None:
    assert found(listed("1"), taken=("1",)) is None
    assert found(listed("1"), listed("2"), taken=("1",)) == "2"


@pytest.mark.parametrize(
    ("path", "its"),
    [
        ("www.example.com", True),
        ("https://WWW.example.com/hero.", True),
        ("tags of www.example.com.", True),
        ("m.www.example.com", False),
        ("xwww.example.com", False),
        ("www.example.com.cn", False),
        ("www.example.community", False),
        ("www-example.com", False),
        ("wwwxexample.com", False),
        ("hero", False),
        ("", False),
    ],
)
def test_a_task_names_the_domain_and_not_one_that_its_name_is_a_part_of(
    path: str, its: bool
) -> None:
    assert found(listed("1", path=path)) == ("1" if its else None)


# Many tasks


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
def test_the_cdn_is_asked_about_every_task_once_in_order_and_ten_at_a_time(count: int) -> None:
    ids = [f"task-{number}" for number in range(count)]
    questions = chunks(ids, 10)
    assert [each for question in questions for each in question] == ids
    assert all(len(question) == 10 for question in questions[:-1])
    assert all(1 <= len(question) <= 10 for question in questions)

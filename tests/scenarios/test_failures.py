"""The guard over all tests bites: what fails unasked fails its test."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from sqlalchemy import update
from structlog.testing import capture_logs

from bot.demo.town import Town
from bot.store.schema import tables
from tests.support.logged_failures import Expect, Failures, watched
from tests.support.processes import store_of
from tests.support.purgebot import ROOT

log = structlog.get_logger("purgebot.somewhere")


def let_a_step_fail(place: Town) -> None:
    """Have a lost purge looked for of which nobody wrote down when it was sent."""
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    broken = {"state": "unknown", "sent_at": None, "settled_at": place.now()}
    statement = update(tables.purges).values(**broken, due_at=place.now())
    store_of(place)._database.write(lambda connection: connection.execute(statement))
    place.settle()


def test_a_town_in_which_a_step_failed_is_failed(place: Town, expected_failures: Expect) -> None:
    expected_failures("step-failed")
    with watched() as failures:
        let_a_step_fail(place)
    with pytest.raises(AssertionError, match=r"failed unasked:\nstep-failed: (?s:.*)can be lost"):
        failures.check()


def test_a_town_in_which_nothing_failed_is_not(place: Town) -> None:
    with watched() as failures:
        place.says("U0ANA", "/purge www.example.com hero")
        place.settle()
        place.waits(minutes=2)
    assert failures.seen == []
    failures.check()


def test_what_another_captures_is_seen_all_the_same(place: Town, expected_failures: Expect) -> None:
    expected_failures("step-failed")
    with watched() as failures, capture_logs() as logged:
        let_a_step_fail(place)
    assert [failure.event for failure in failures.seen] == ["step-failed"]
    assert "step-failed" in [line["event"] for line in logged]


def provoke(what: str) -> None:
    try:
        int(what)
    except ValueError:
        log.exception(what)


def test_what_was_asked_for_may_come_and_must(expected_failures: Expect) -> None:
    expected_failures("this")
    failures = Failures()
    failures.expect("this")
    with pytest.raises(AssertionError, match=r"did not: \['this'\]"):
        failures.check()
    with watched() as outer, watched() as inner:
        provoke("this")
    for seen in (outer, inner):
        seen.expect("this")
        seen.check()
        seen.expect("that")
        with pytest.raises(AssertionError, match=r"did not: \['that'\]"):
            seen.check()


def test_tracebacks_of_libraries_count_and_what_they_complain_of_does_not(
    expected_failures: Expect,
) -> None:
    expected_failures("somebody", "asyncio")
    with watched() as failures:
        logging.getLogger("asyncio").error("Task exception was never retrieved")
        logging.getLogger("somebody").warning("look", exc_info=ValueError("at this"))
        logging.getLogger("somebody").warning("not good")
        logging.getLogger("slack_sdk.web.base_client").error("Slack said nonsense")
        log.error("nothing-is-wrong")
    assert [failure.event for failure in failures.seen] == ["asyncio", "somebody"]


def test_a_log_that_is_set_up_anew_is_no_way_around_it() -> None:
    with pytest.raises(AssertionError, match="nobody saw what failed"), watched():
        structlog.configure(wrapper_class=structlog.stdlib.BoundLogger)


A_FILE_OF_TESTS = """
import structlog

def fails():
    try:
        int("")
    except ValueError:
        structlog.get_logger().exception("step-failed")

def test_unasked():
    fails()

def test_asked(expected_failures):
    expected_failures("step-failed")
    fails()

def test_asked_in_vain(expected_failures):
    expected_failures("step-failed")
"""


def test_every_test_stands_under_the_guard(tmp_path: Path) -> None:
    file = tmp_path / "test_guarded.py"
    file.write_text(A_FILE_OF_TESTS)
    words = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-rE"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    errors = [line.split(" ")[1] for line in done.stdout.splitlines() if line[:6] == "ERROR "]
    assert [each.rpartition("::")[2] for each in errors] == ["test_unasked", "test_asked_in_vain"]

"""What every test may use: the town, on SQLite and, where there is one, on PostgreSQL.

PostgreSQL is looked for at TEST_DATABASE_URL, else on this machine.  Where it is missing its
tests are skipped and say so; in CI (CI=true) that is a failure.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from bot.config.settings import Mode
from bot.demo.town import SAMPLE_POLICY, Town, town
from bot.simulators.slack.workspace import faults
from bot.store.database import engine, writers
from bot.store.database import postgresql as postgresql_sessions
from tests.support.canaries import leaks
from tests.support.databases import Postgresql, Sqlite
from tests.support.kept_spans import KeptSpans, keeping_spans
from tests.support.logged_failures import Expect, Failures, watched
from tests.support.schema_revisions import make_later_release
from tests.support.waiting import PATIENCE_S

MACHINE_S = 20.0
"""How long Slack waits for an acknowledgement where the bot has its deadlines, of 3 s in all: a busy
machine may take some seconds more to keep them."""
faults.ACK_TIMEOUT_S = MACHINE_S

os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
for _name in [name for name in os.environ if name.startswith(("SLACK_", "PURGEBOT_"))]:
    del os.environ[_name]  # an operator's own settings must not reach a test

# What a property says is true or not, however long a busy machine takes to look at an example.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that none is left over when the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted, wherever they ran."""
    for report in terminalreporter.getreports("passed"):
        for name, said in report.user_properties:
            if name == "counts":
                terminalreporter.write_line(str(said))


OpenTown = Callable[..., Town]


def missing(what: str, why: str) -> None:
    """Skip, saying why; in CI nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and in CI it must be there: {why}")
    pytest.skip(f"{what} is missing: {why}")


@pytest.fixture(autouse=True)
def _failures() -> Iterator[Failures]:
    """Let a test fail on whatever failed unasked in this process; it outlives every town."""
    with watched() as failures:
        yield failures
        failures.check()


@pytest.fixture
def expected_failures(_failures: Failures) -> Expect:
    """Give the function in which a test says what it makes fail; that must fail, then."""
    return _failures.expect


@pytest.fixture
def tolerated_failures(_failures: Failures) -> Expect:
    """Give the function in which a test says what it may make fail, as chance will have it."""
    return _failures.tolerate


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    return Sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    try:
        server = Postgresql()
    except psycopg.OperationalError as error:
        missing("PostgreSQL", str(error).splitlines()[0])
        return
    with server:
        yield server


@pytest.fixture(scope="session")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the release after this one, for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("later")
    make_later_release(folder)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of an empty database, one of each kind in turn."""
    databases: Sqlite | Postgresql = request.getfixturevalue(request.param)
    with databases.copy() as url:
        yield url


class StillClock:
    """Tells the time in a town in which it passes only as `waits` lets it.

    So nothing that a test sees depends on how long this machine took.  Each reading is a little
    later than the one before, so that what happened first is also the older.
    """

    def __init__(self) -> None:
        self._at = time.time()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Give seconds since 1970."""
        with self._lock:
            self._at += 0.0001
            return self._at


@pytest.fixture(autouse=True)
def is_patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Let bots of this process wait for a database on a slow machine, unless the test is about that."""
    patient = request.node.get_closest_marker("deadlines") is None
    if patient:
        for module, name in (
            (engine, "BUSY_TIMEOUT_S"),
            (writers, "WRITE_TIMEOUT_S"),
            (engine, "IDLE_TIMEOUT_S"),
            (postgresql_sessions, "ANSWER_WITHIN_S"),
            (postgresql_sessions, "LONGEST_ANSWER_S"),
        ):
            monkeypatch.setattr(module, name, PATIENCE_S)
        monkeypatch.setitem(postgresql_sessions.DEFAULTS, "connect_timeout", int(PATIENCE_S))
    return patient


@pytest.fixture
def spans() -> Iterator[KeptSpans]:
    """Give the spans of the bots of this process, each when it has ended."""
    with keeping_spans() as kept:
        yield kept


@pytest.fixture
def open_town(database_url: str, is_patient: bool, spans: KeptSpans) -> Iterator[OpenTown]:
    """Give a function that builds the town to the test's wishes.

    At the end, Slack may not have refused a message or a view for what was in it, and no secret may
    have been written anywhere.
    """
    built: list[Town] = []
    with ExitStack() as stack:

        def build(
            policy: Path = SAMPLE_POLICY,
            mode: Mode = Mode.SOCKET,
            *,
            with_bot: bool = True,
            time_passes: bool | None = None,
        ) -> Town:
            """With bots of other processes, whose clocks are their own, time passes by itself."""
            passes = not with_bot if time_passes is None else time_passes
            place = stack.enter_context(
                town(
                    database_url=database_url,
                    policy=policy,
                    mode=mode,
                    with_bot=with_bot,
                    now=time.time if passes else StillClock(),
                )
            )
            # Where deadlines are tested, what has none would wait for ever, not for some seconds.
            if is_patient:
                place.slack.workspace.faults.ack_timeout_s = PATIENCE_S
            built.append(place)
            return place

        yield build
        refused = [row for place in built for row in place.get("slack/violations")["violations"]]
        assert refused == []
        assert [leak for place in built for leak in leaks(place, spans)] == []


@pytest.fixture
def place(open_town: OpenTown) -> Town:
    """Give the town as a newcomer finds it, with the bot in it."""
    return open_town()


@pytest.fixture
def live_place(open_town: OpenTown) -> Town:
    """Give the same with time that passes by itself, for a bot that works by itself."""
    return open_town(time_passes=True)

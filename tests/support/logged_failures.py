"""What the bot in this process logged with a traceback, so that no failure goes by unseen.

A step that raises is put back and tried again, and a listener that raises answers politely: a test
that looks at messages alone stays green over both.  `tests/conftest.py` lets a test fail on each
failure that it did not ask for, and on each that it asked for and that did not come:

    def test_…(place: Town, expected_failures: Expect):
        expected_failures("step-failed")
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from starlette.requests import ClientDisconnect
from structlog.typing import EventDict, WrappedLogger

from tests.support.canaries import found_in

WITHOUT_TRACEBACK = frozenset({"nothing-to-do"})
"""Events that tell of a fault of the bot's, though nothing was raised."""

Expect = Callable[..., None]
"""Says which failures a test provokes: the events of our log, or the names of others' loggers."""


@dataclass(frozen=True, slots=True)
class Failure:
    event: str
    told: str


@dataclass(slots=True)
class Failures:
    """What has failed so far; any thread may add to it."""

    seen: list[Failure] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    tolerated: set[str] = field(default_factory=set)
    leaked: list[str] = field(default_factory=list)
    """The secrets that were logged, and where."""

    def expect(self, *events: str) -> None:
        self.expected.update(events)

    def tolerate(self, *events: str) -> None:
        """Say what may fail, where it is chance whether anybody is at it just then."""
        self.tolerated.update(events)

    def check(self) -> None:
        """Raises: AssertionError for what came unasked, and for what was asked for in vain."""
        assert not self.leaked, "\n".join(self.leaked)
        seen = list(self.seen)
        asked_for = self.expected | self.tolerated
        unasked = [failure for failure in seen if failure.event not in asked_for]
        assert not unasked, "failed unasked:\n" + "\n".join(
            f"{failure.event}: {failure.told}" for failure in unasked
        )
        missing = self.expected - {failure.event for failure in seen}
        assert not missing, f"expected to fail, but did not: {sorted(missing)}"

    def note(self, _logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        """See a line of our own log before any other processor does."""
        event = str(line.get("event"))
        if method == "exception" or line.get("exc_info") or event in WITHOUT_TRACEBACK:
            facts = {name: value for name, value in line.items() if name != "exc_info"}
            self.seen.append(Failure(event, f"{facts}\n{traceback.format_exc()}"))
        self._search(event, f"{line}\n{traceback.format_exc() if line.get('exc_info') else ''}")
        return line

    def _search(self, event: str, told: str) -> None:
        self.leaked += [f"{name} in the log, {event}" for name in found_in(told)]

    def note_of_library(self, record: logging.LogRecord) -> None:
        self._search(record.name, logging.Formatter().format(record))
        # These also complain of answers that they cannot read, which is the other side's failure.
        if record.name.startswith(("slack_sdk.", "urllib3.")):
            return
        if record.exc_info and isinstance(record.exc_info[1], ClientDisconnect):
            return  # whoever was talking to a pretend server was killed
        if record.exc_info or record.levelno >= logging.ERROR:
            told = logging.Formatter().format(record)
            self.seen.append(Failure(record.name, told))


@contextmanager
def watched() -> Iterator[Failures]:
    """Give the failures of the block, whoever else captures the log meanwhile."""
    failures = Failures()
    before: Any = structlog.get_config()["wrapper_class"]

    def logger(wrapped: WrappedLogger, processors: Any, context: Any) -> Any:
        # Asked for at each line: `capture_logs` puts its own processors in place of all others.
        return before(wrapped, [failures.note, *processors], context)

    handler = _Handler(failures)
    structlog.configure(wrapper_class=cast("Any", logger))
    logging.getLogger().addHandler(handler)
    try:
        yield failures
        assert structlog.get_config()["wrapper_class"] is logger, (
            "the log was set up anew in this process: nobody saw what failed since"
        )
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.configure(wrapper_class=before)


class _Handler(logging.Handler):
    """What libraries log through the standard library."""

    def __init__(self, failures: Failures) -> None:
        super().__init__()
        self._failures = failures

    def emit(self, record: logging.LogRecord) -> None:
        self._failures.note_of_library(record)

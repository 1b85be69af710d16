"""The counters and timings of this process for Prometheus. docs/observe.md explains each of them.

Labels are defined by the program (kinds, codes, methods), never by people: no user, domain, tag or
purge.  Values from the database are read at a scrape (bot/health/collector.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import TypeVar

from prometheus_client import Counter, Histogram, disable_created_metrics

from bot.core.audit import AuditEntry
from bot.core.cdn import errors as cdn_errors
from bot.core.decisions import presses
from bot.core.decisions.clock import SEND_INTERRUPTED
from bot.core.errors import BotError, kinds_in
from bot.core.message import Post, PostKind, Route
from bot.core.purge.purge import Purge, State
from bot.core.purge.states import Event
from bot.telemetry import tracing

# The creation time of each series would double the number of series, without a use.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here

OK = "ok"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_Timings = partial(Histogram, buckets=BUCKETS_S)

RECEIVED = Counter(
    "purgebot_received_total",
    "What Slack delivered: commands, presses (action) and forms (view); `result` is taken, or the "
    "code of the error that was answered",
    ["kind", "result"],
)
HTTP_REFUSED = Counter(
    "purgebot_http_refused_total",
    "Requests to the HTTP door that were refused, by reason",
    ["reason"],
)
ACKNOWLEDGEMENT_S = _Timings(
    "purgebot_acknowledgement_seconds",
    "From a delivery of Slack's to its acknowledgement, for which Slack gives 3 s",
    ["kind"],
)
DECISIONS = Counter(
    "purgebot_decisions_total",
    "What happened to purges and what presses came to, as the audit trail has it",
    ["event"],
)
REASONS = Counter(
    "purgebot_reasons_total",
    "Why purges were refused, held, offered, lost or failed: the code of the error",
    ["event", "reason"],
)
SUBMISSIONS = Counter(
    "purgebot_submissions_total",
    "Purges sent to the CDN: ok, or the code of the error",
    ["outcome"],
)
CLICK_TO_SUBMISSION_S = _Timings(
    "purgebot_click_to_submission_seconds",
    "From the press that was still missing (or the end of the time to undo it) to the CDN's request",
)
COMMAND_TO_SUBMISSION_S = _Timings(
    "purgebot_command_to_submission_seconds",
    "From the command to the CDN's request, where nobody had to approve",
)
COMMAND_TO_ANSWER_S = _Timings(
    "purgebot_command_to_answer_seconds",
    "From a command or a press to the first that people see of it",
    ["answer"],
)
STEP_S = _Timings(
    "purgebot_step_seconds",
    "One step of the worker's: done, put back for later, or failed",
    ["kind", "outcome"],
)
SLACK_S = _Timings(
    "purgebot_slack_request_seconds",
    "One call of Slack's: ok, refused, limited (429), failed (Slack's own fault) or no-answer",
    ["method", "outcome"],
)
CDN_S = _Timings(
    "purgebot_cdn_request_seconds",
    "One call of the CDN's: ok, refused or in-doubt",
    ["action", "outcome"],
)
SOCKET_SESSIONS = Counter(
    "purgebot_socket_sessions_total", "Sessions that Slack opened to the socket: all but one again"
)

_Metric = TypeVar("_Metric", Counter, Histogram)


@lru_cache(maxsize=1024)  # labels are few, and to look one up takes as long as to count
def _of(metric: _Metric, *labels: str) -> _Metric:
    return metric.labels(*labels)


# A counter that appears with its first event shows no increase, so each starts at zero.
for _event in (*Event, *(kind.code for kind in kinds_in(presses))):
    DECISIONS.labels(str(_event))
for _code in (OK, SEND_INTERRUPTED.code, *(kind.code for kind in kinds_in(cdn_errors))):
    SUBMISSIONS.labels(_code)

_HAVE_REASONS = {
    Event.REFUSE: "refusal",
    **dict.fromkeys(
        (Event.REJECT, Event.LOSE, Event.HOLD, Event.OFFER, Event.FAIL, Event.GIVE_UP), "failure"
    ),
}
"""The key of the reason in an audit entry's detail."""


@dataclass(slots=True)
class Receiving:
    """The result of a delivery so far.  `answers`: its acknowledgement is the answer."""

    result: str = "taken"
    answers: bool = False


@contextmanager
def receiving(kind: str) -> Iterator[Receiving]:
    """Count and time a delivery from Slack of this kind, which the block answers."""
    received = Receiving()
    began = time.perf_counter()
    try:
        yield received
    finally:
        took_s = time.perf_counter() - began
        _of(RECEIVED, kind, received.result).inc()
        _of(ACKNOWLEDGEMENT_S, kind).observe(took_s)
        if received.answers:
            COMMAND_TO_ANSWER_S.labels("acknowledgement").observe(took_s)


def recorded(entries: Iterable[AuditEntry]) -> None:
    """Count entries of the audit trail that were committed."""
    for entry in entries:
        _of(DECISIONS, entry.event).inc()
        where = _HAVE_REASONS.get(entry.event)  # type: ignore[call-overload]
        if where is not None and (reason := entry.detail.get(where)):
            REASONS.labels(entry.event, reason).inc()


def sending(purge: Purge, now: datetime) -> None:
    """Time a purge from the command or press to its first request to the CDN.

    All times come from its row, because another replica may have taken the press.
    """
    if purge.attempt != 1:
        return
    pressed_at = max((yes.at for yes in purge.approvals), default=None)
    if pressed_at is None:
        COMMAND_TO_SUBMISSION_S.observe(_since(purge.requested_at, now))
    else:
        CLICK_TO_SUBMISSION_S.observe(_since(max(pressed_at, purge.send_at or pressed_at), now))


@contextmanager
def submission() -> Iterator[None]:
    """Count the result of the block, which sends a purge to the CDN."""
    try:
        yield
    except BotError as error:
        SUBMISSIONS.labels(error.info.code).inc()
        raise
    _of(SUBMISSIONS, OK).inc()


def shown(before: Post, after: Post, purge: Purge | None, now: datetime) -> None:
    """Time a post if it is the first that shows people the result of their request.

    The time of the request is `response_url_at` of the post.
    """
    if after.route is Route.NOWHERE or before.kind not in {PostKind.CARD, PostKind.EPHEMERAL}:
        return
    refused = purge is not None and purge.state is State.REFUSED  # it has no card
    if before.kind is PostKind.EPHEMERAL or (before.route is None and (refused or after.route)):
        answer = before.kind.value
        _of(COMMAND_TO_ANSWER_S, answer).observe(_since(before.response_url_at, now))


def _since(then: datetime, now: datetime) -> float:
    return max(0.0, (now - then).total_seconds())  # clocks of replicas differ


@dataclass(slots=True)
class Timing:
    """A measurement, with the outcome so far."""

    outcome: str = OK


@contextmanager
def timing(histogram: Histogram, label: str) -> Iterator[Timing]:
    """Time the block, with `label` and the outcome that the block sets (default: `ok`)."""
    timed = Timing()
    began = time.perf_counter()
    try:
        yield timed
    finally:
        _of(histogram, label, timed.outcome).observe(time.perf_counter() - began)


@contextmanager
def calling(histogram: Histogram, system: str, label: str) -> Iterator[Timing]:
    """Time a call to another system, and make it a span of the current step."""
    with (
        timing(histogram, label) as timed,
        tracing.call(f"{system} {label}", lambda: timed.outcome),
    ):
        yield timed

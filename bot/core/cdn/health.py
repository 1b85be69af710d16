"""Whether the CDN answers the bot's checks, and when its operators are notified.

    result of a check    state good                 state bad
    a usable answer      good                       good again: alert
    a refusal (AT_ONCE)  bad: alert                 alert if the code differs
    no usable answer     good until the third       unchanged until the third
                         in a row, then bad: alert  in a row, then alert if the code differs

Most broken connections and most faults of the CDN pass by themselves, so a single one is not
reported.  A lasting error is reported once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.cdn import errors as kinds
from bot.core.errors import Audience, ErrorInfo, ErrorKind
from bot.core.message import Notice

GOOD_AGAIN = "canary-good-again"
"""The code of the alert that an outage is over.  It is not an error."""

NO_USABLE_ANSWER = ErrorKind(
    code="canary-no-usable-answer",
    message="I have asked the CDN {looks} times in a row, and got no usable answer "
    "(the last time: {last}).",
    hint="Check name service, firewall and proxy on its machine, "
    "and the vendor's status page. docs/errors.md explains the code in brackets.",
    retryable=True,
    audience=Audience.OPERATORS,
)

AT_ONCE = frozenset(
    {
        kinds.KEY_REFUSED,
        kinds.TOKEN_EXPIRED,
        kinds.TOKEN_REFUSED,
        kinds.SIGNATURE_REFUSED,
        kinds.CLOCK_WRONG,
        kinds.NO_PERMISSION,
        kinds.ACCOUNT_BLOCKED,
        kinds.WRONG_ENDPOINT,
        kinds.NO_CREDENTIALS,
    }
)
"""Errors that last until an operator corrects them."""
PATIENCE = 3
"""The number of checks in a row without a usable answer after which the state becomes bad."""


@dataclass(frozen=True, slots=True)
class Health:
    """The result of the checks so far.

    `code` with `facts` is the current error, since `since`; `began` is when the CDN stopped being
    good.  `misses` is the number of checks in a row without a usable answer, the first at
    `missed_since`.  `told` is the code of the error that the operators were notified of last.
    """

    good: bool = True
    code: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    began: datetime | None = None
    misses: int = 0
    missed_since: datetime | None = None
    told: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, times in ISO 8601."""
        moments = {name: getattr(self, name) for name in _MOMENTS}
        return asdict(self) | {name: at and at.isoformat() for name, at in moments.items()}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Health:
        """Read what `as_json` wrote. {} means that there was no check yet."""
        moments = {name: datetime.fromisoformat(data[name]) for name in _MOMENTS if data.get(name)}
        return cls(**{**data, **moments})


_MOMENTS = ("since", "began", "missed_since")


def after_look(before: Health, found: ErrorInfo | None, now: datetime) -> Health:
    """Return the state after a check; `found` is the error of the check, or None."""
    if found is None:
        return Health(since=before.since if before.good and before.since else now)
    if found.kind in AT_ONCE:
        return _bad(replace(before, misses=0, missed_since=None), found, now)
    missed_since = before.missed_since or now
    missed = replace(before, misses=before.misses + 1, missed_since=missed_since)
    if missed.misses < PATIENCE:
        return missed
    facts = {"looks": str(missed.misses), "last": found.code}
    return _bad(missed, ErrorInfo(NO_USABLE_ANSWER, found.facts | facts), missed_since)


def _bad(before: Health, found: ErrorInfo, since: datetime) -> Health:
    known = before.code == found.code
    return replace(
        before,
        good=False,
        code=found.code,
        facts=found.facts,
        since=before.since if known else since,
        began=since if before.good else before.began,
    )


def news(before: Health, after: Health, now: datetime) -> Notice | None:
    """Return the alert for the operators after a check, or None if there is none to send."""
    if after.good:
        if before.told is None or before.began is None:
            return None
        facts = {"was": before.told, "since": before.began.isoformat()}
        return Notice(GOOD_AGAIN, facts | {"lasted": lasting(now - before.began)})
    if after.code is None or after.since is None or after.code == after.told:
        return None
    return Notice(after.code, after.facts | {"since": after.since.isoformat()})


def lasting(span: timedelta) -> str:
    """Return a duration as text, with its two largest units: `2 hours 5 minutes`."""
    minutes = max(0, int(span.total_seconds())) // 60
    units = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    data = [f"{count} {unit}{'' if count == 1 else 's'}" for unit, count in units.items() if count]
    return " ".join(data[:2]) or "less than a minute"

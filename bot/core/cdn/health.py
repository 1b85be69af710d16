"""Whether the CDN takes the bot's questions, and when that is news to its operators.

    a look finds         while good                 while bad
    a usable answer      good                       good again: told
    a refusal (AT_ONCE)  bad: told                  told if it has another code
    no usable answer     good until the third       as it was until the third
                         in a row, then bad: told   in a row, then told if that is another code

A broken connection or a fault of the CDN's own passes by itself more often than not, so one of
them is no news.  Whatever lasts is told once.
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
"""The code of the alert that tells that a trouble is over; it is no error."""

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
"""What does not pass until an operator puts it right."""
PATIENCE = 3
"""How many looks in a row may find no usable answer before it is called a trouble."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the looks so far have found.

    `code`, with its facts, is the trouble since `since`; `began` is when the bot last was well.
    `misses` are the looks in a row without a usable answer, from `missed_since` on.
    `told` is the code of the trouble that the operators have been told of.
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
        moments = {name: getattr(self, name) for name in _MOMENTS}
        return asdict(self) | {name: at and at.isoformat() for name, at in moments.items()}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Health:
        """Read what `as_json` gave; {} means that nobody has looked yet."""
        moments = {name: datetime.fromisoformat(data[name]) for name in _MOMENTS if data.get(name)}
        return cls(**{**data, **moments})


_MOMENTS = ("since", "began", "missed_since")


def after_look(before: Health, found: ErrorInfo | None, now: datetime) -> Health:
    """Give what is known after a look that met the error `found`, or none."""
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
    """Give what the operators should be told after a look, if anything."""
    if after.good:
        if before.told is None or before.began is None:
            return None
        facts = {"was": before.told, "since": before.began.isoformat()}
        return Notice(GOOD_AGAIN, facts | {"lasted": lasting(now - before.began)})
    if after.code is None or after.since is None or after.code == after.told:
        return None
    return Notice(after.code, after.facts | {"since": after.since.isoformat()})


def lasting(span: timedelta) -> str:
    """Give a span of time in words, by its two largest units: `2 hours 5 minutes`."""
    minutes = max(0, int(span.total_seconds())) // 60
    units = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    data = [f"{count} {unit}{'' if count == 1 else 's'}" for unit, count in units.items() if count]
    return " ".join(data[:2]) or "less than a minute"

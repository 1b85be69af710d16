"""Compare what the edge served before and after a purge, and decide what that proves.

    before ──── sent_at ──── after          one HEAD each, for the same URL

The first line that holds decides:

    no-answer      one of the requests got no answer, or not the page itself   could not tell
    not-the-page   one of the statuses is not 200                              could not tell
    not-around     the purge was not sent between the two requests             could not tell
    refetched      Age went back: the copy is newer than the sending           VERIFIED
    older-copy     Age: the copy is older than the sending, and differs        could not tell
    still-there    Age: the copy is older than the sending, and is the same    UNCHANGED
    went-back      Last-Modified is earlier than before                        could not tell
    changed        Last-Modified or ETag differs                               VERIFIED
    no-evidence    anything else                                               could not tell

Reasons.  Age is the time since the origin sent or confirmed the copy (RFC 9111, 5.1).  It shows
whether that was before or after the sending, whichever server answered, so it is checked first.

    - Age is rounded, and the answer takes time on the way. "Newer" must hold with a margin of one
      second, "older" even if the answer took LONGEST_LOOK; in between, Age proves nothing.
    - Some servers always send 0. So Age must be lower, by more than the rounding, than the Age
      that an untouched copy would have, and two zeros prove nothing.
    - Two requests may reach two servers. The second server may have had a different but older copy
      all the time; the same is possible if Last-Modified is earlier than before.
    - VERIFIED means that the copy served now is newer than the sending, or that it changed. It does
      not mean that every server of the CDN has it, nor that the purge alone was the cause.
    - UNCHANGED is not an error: a plain purge keeps a copy that the origin confirms. "The same"
      requires a validator in both answers, and none that differs or that only one answer has.
    - A page that is generated for each request always differs, so only URLs that the CDN caches
      give evidence.
    - ETags are compared weakly (RFC 9110, 8.8.3.2), because compression on the way makes them weak.
      Dates that cannot be parsed are not compared as times.
    - The meaning of X-Cache and similar headers differs between CDNs, so they are only shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

MAX_CHARACTERS = 100
"""The maximum length of any text that came over the network."""
CACHE_HEADERS = ("Cache-Status", "X-Cache", "Via")
"""The headers in which servers report their cache: RFC 9211, a de facto standard, RFC 9110."""
LONGEST_LOOK = timedelta(seconds=8)
_ROUNDING = timedelta(seconds=1)
_OLDEST_AGE_S = 2**31
"""RFC 9111, 1.2.2: greater values are treated as this one."""


class Why(StrEnum):
    """The reason why a request did not get the page."""

    TIMEOUT = "timeout"
    REFUSED_ADDRESS = "refused-address"
    UNKNOWN_HOST = "unknown-host"
    NO_CONNECTION = "no-connection"
    UNTRUSTED = "untrusted"
    REDIRECT = "redirect"
    TOO_LARGE = "too-large"
    UNREADABLE = "unreadable"


class EdgeFinding(StrEnum):
    VERIFIED = "verified"
    UNCHANGED = "unchanged"
    COULD_NOT_TELL = "could-not-tell"


@dataclass(frozen=True, slots=True)
class EdgeSnapshot:
    """The result of one HEAD, sent at `at`.  `why` is None if it got the page; `age`: seconds."""

    url: str
    at: datetime
    status: int | None = None
    last_modified: str | None = None
    etag: str | None = None
    age: int | None = None
    cache: str | None = None
    why: Why | None = None

    @classmethod
    def of_answer(
        cls, url: str, at: datetime, status: int, header: Callable[[str], str | None]
    ) -> EdgeSnapshot:
        """Create a snapshot.  `header` returns a header's value by its name in any case."""
        return cls(
            url,
            at,
            status,
            last_modified=shown(header("Last-Modified")),
            etag=shown(header("ETag")),
            age=_seconds(header("Age")),
            cache=next((text for name in CACHE_HEADERS if (text := shown(header(name)))), None),
            why=Why.REDIRECT if status in {301, 302, 303, 307, 308} else None,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One header, or "Status", whose value differs; None if it was absent."""

    header: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a comparison.  `line` is the deciding line of the table above."""

    finding: EdgeFinding
    line: str
    differences: tuple[Difference, ...] = ()


def compare(before: EdgeSnapshot, after: EdgeSnapshot, sent_at: datetime) -> Verdict:
    """Compare the snapshots before and after a purge that was sent at `sent_at`.

    Raises: ValueError if the snapshots are of two URLs.
    """
    if before.url != after.url:
        raise ValueError("two looks at different URLs cannot be compared")
    finding, line = _decide(before, after, sent_at)
    return Verdict(finding, line, tuple(_differences(before, after)))


def shown(text: str | None) -> str | None:
    """Return a header's value made safe to store and show: printable ASCII, and short."""
    if text is None:
        return None
    return re.sub(r"[^ -~]", "?", text[:MAX_CHARACTERS]).strip() or None


def _decide(
    before: EdgeSnapshot, after: EdgeSnapshot, sent_at: datetime
) -> tuple[EdgeFinding, str]:
    if before.why or after.why:
        return EdgeFinding.COULD_NOT_TELL, "no-answer"
    if (before.status, after.status) != (200, 200):
        return EdgeFinding.COULD_NOT_TELL, "not-the-page"
    if not before.at <= sent_at <= after.at:
        return EdgeFinding.COULD_NOT_TELL, "not-around"
    if _is_from_after(after, sent_at) and _age_went_back(before, after):
        return EdgeFinding.VERIFIED, "refetched"
    match _same(before, after), _is_from_before(after, sent_at):
        case False, True:
            return EdgeFinding.COULD_NOT_TELL, "older-copy"
        case True, True:
            return EdgeFinding.UNCHANGED, "still-there"
        case False, False:
            return _changed(before, after)
        case _:
            return EdgeFinding.COULD_NOT_TELL, "no-evidence"


def _changed(before: EdgeSnapshot, after: EdgeSnapshot) -> tuple[EdgeFinding, str]:
    was, is_now = _date(before.last_modified), _date(after.last_modified)
    if was is not None and is_now is not None and is_now < was:
        return EdgeFinding.COULD_NOT_TELL, "went-back"
    return EdgeFinding.VERIFIED, "changed"


def _is_from_after(snapshot: EdgeSnapshot, sent_at: datetime) -> bool:
    return snapshot.age is not None and snapshot.at - _span(snapshot.age) - _ROUNDING >= sent_at


def _is_from_before(snapshot: EdgeSnapshot, sent_at: datetime) -> bool:
    return snapshot.age is not None and snapshot.at + LONGEST_LOOK - _span(snapshot.age) < sent_at


def _age_went_back(before: EdgeSnapshot, after: EdgeSnapshot) -> bool:
    """Return whether Age is lower than an untouched copy's Age would be, and is meaningful."""
    if before.age is None or after.age is None or before.age == after.age == 0:
        return False
    untouched = _span(before.age) + (after.at - before.at)
    return _span(after.age) + LONGEST_LOOK < untouched


def _same(before: EdgeSnapshot, after: EdgeSnapshot) -> bool | None:
    """Return True if the validators prove one copy, False if two, None if nothing."""
    pairs = [
        (before.last_modified, after.last_modified),
        (_opaque(before.etag), _opaque(after.etag)),
    ]
    if any(one and other and one != other for one, other in pairs):
        return False
    whole = [pair for pair in pairs if pair != (None, None)]
    return True if whole and all(one == other for one, other in whole) else None


def _differences(before: EdgeSnapshot, after: EdgeSnapshot) -> list[Difference]:
    pairs = [
        ("Status", before.status, after.status),
        ("Last-Modified", before.last_modified, after.last_modified),
        ("ETag", before.etag, after.etag),
        ("Age", before.age, after.age),
        ("Cache", before.cache, after.cache),
    ]
    return [Difference(name, _text(b), _text(a)) for name, b, a in pairs if b != a]


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _opaque(etag: str | None) -> str | None:
    return etag and etag.removeprefix("W/")


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _seconds(text: str | None) -> int | None:
    found = re.fullmatch("[0-9]{1,20}", (text or "").strip())
    return min(int(found[0]), _OLDEST_AGE_S) if found else None


def _span(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)

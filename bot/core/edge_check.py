"""What the edge showed before and after a purge, and what may be concluded from it.

    before ──── sent_at ──── after          one HEAD each, for the same URL

The first line that holds decides:

    no-answer      one of the looks got no answer, or not the page itself      could not tell
    not-the-page   one of the statuses is not 200                              could not tell
    not-around     the purge was not sent between the two looks                could not tell
    refetched      Age went back: the copy is from after the sending           VERIFIED
    older-copy     Age: the copy is from before the sending, and differs       could not tell
    still-there    Age: the copy is from before the sending, and is the same   UNCHANGED
    went-back      Last-Modified is now an earlier time than before            could not tell
    changed        Last-Modified or ETag differs                               VERIFIED
    no-evidence    anything else                                               could not tell

Why so.  Age is how long ago the origin gave the copy or confirmed it (RFC 9111, 5.1), so it can
tell on which side of the sending that was, whichever server answered; it is asked first.

- It is rounded and grows on the way.  "After" must hold for a second more than it says, "before"
  still when the answer took as long as a look may take; in between Age says nothing.
- Some servers always say 0.  So Age must have gone back, by more than rounding, from where an
  untouched copy would be, and two zeros say nothing.
- Two looks may meet two servers.  A copy that differs but is from before the sending was on the
  second server all along; one whose Last-Modified went back may have been.
- VERIFIED says that what is served now is from after the sending, or that it changed.  It does
  not say that every server of the CDN is as far, nor that the purge alone was the cause.
- UNCHANGED is no fault: a plain purge keeps a copy that the origin says is still the same.  "The
  same" needs a validator that both looks have, and none that differs or that only one has.
- A page that is made anew for each request differs each time, purge or not: only URLs that the
  CDN keeps are worth a look.
- ETags are compared weakly (RFC 9110, 8.8.3.2), since packing on the way makes them weak.  Texts
  of dates that cannot be read are not compared in time.
- What X-Cache and its like mean differs between CDNs: it is shown, and nothing concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

MAX_CHARACTERS = 100
"""Of whatever came over the network."""
CACHE_HEADERS = ("Cache-Status", "X-Cache", "Via")
"""Where servers tell what their cache did: RFC 9211, the customary one, RFC 9110."""
LONGEST_LOOK = timedelta(seconds=8)
_ROUNDING = timedelta(seconds=1)
_OLDEST_AGE_S = 2**31
"""RFC 9111, 1.2.2: what is greater means this."""


class Why(StrEnum):
    """Why a look did not see the page."""

    TIMEOUT = "timeout"
    REFUSED_ADDRESS = "refused-address"
    UNKNOWN_HOST = "unknown-host"
    NO_CONNECTION = "no-connection"
    UNTRUSTED = "untrusted"
    REDIRECT = "redirect"
    TOO_LARGE = "too-large"
    UNREADABLE = "unreadable"


class Finding(StrEnum):
    VERIFIED = "verified"
    UNCHANGED = "unchanged"
    COULD_NOT_TELL = "could-not-tell"


@dataclass(frozen=True, slots=True)
class EdgeSnapshot:
    """What one HEAD showed.  `at` is when it was sent; `why` is None when the page was seen."""

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
        """Read an answer; `header` gives a header's value by its name, in any case."""
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
    """One header, or "Status", whose value differs; None where it was absent."""

    header: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two looks prove.  `line` is the line of the table above that decided."""

    finding: Finding
    line: str
    differences: tuple[Difference, ...] = ()


def compare(before: EdgeSnapshot, after: EdgeSnapshot, sent_at: datetime) -> Verdict:
    """What the looks before and after a purge that was sent at `sent_at` prove.

    Raises: ValueError, when they are looks at two URLs.
    """
    if before.url != after.url:
        raise ValueError("two looks at different URLs cannot be compared")
    finding, line = _decide(before, after, sent_at)
    return Verdict(finding, line, tuple(_differences(before, after)))


def shown(text: str | None) -> str | None:
    """A header's value fit to be kept and shown: printable ASCII, and short."""
    if text is None:
        return None
    return re.sub(r"[^ -~]", "?", text[:MAX_CHARACTERS]).strip() or None


def _decide(before: EdgeSnapshot, after: EdgeSnapshot, sent_at: datetime) -> tuple[Finding, str]:
    if before.why or after.why:
        return Finding.COULD_NOT_TELL, "no-answer"
    if (before.status, after.status) != (200, 200):
        return Finding.COULD_NOT_TELL, "not-the-page"
    if not before.at <= sent_at <= after.at:
        return Finding.COULD_NOT_TELL, "not-around"
    if _is_from_after(after, sent_at) and _age_went_back(before, after):
        return Finding.VERIFIED, "refetched"
    match _same(before, after), _is_from_before(after, sent_at):
        case False, True:
            return Finding.COULD_NOT_TELL, "older-copy"
        case True, True:
            return Finding.UNCHANGED, "still-there"
        case False, False:
            return _changed(before, after)
        case _:
            return Finding.COULD_NOT_TELL, "no-evidence"


def _changed(before: EdgeSnapshot, after: EdgeSnapshot) -> tuple[Finding, str]:
    was, is_now = _date(before.last_modified), _date(after.last_modified)
    if was is not None and is_now is not None and is_now < was:
        return Finding.COULD_NOT_TELL, "went-back"
    return Finding.VERIFIED, "changed"


def _is_from_after(snapshot: EdgeSnapshot, sent_at: datetime) -> bool:
    return snapshot.age is not None and snapshot.at - _span(snapshot.age) - _ROUNDING >= sent_at


def _is_from_before(snapshot: EdgeSnapshot, sent_at: datetime) -> bool:
    return snapshot.age is not None and snapshot.at + LONGEST_LOOK - _span(snapshot.age) < sent_at


def _age_went_back(before: EdgeSnapshot, after: EdgeSnapshot) -> bool:
    """Whether Age is lower than that of an untouched copy would be, and means anything at all."""
    if before.age is None or after.age is None or before.age == after.age == 0:
        return False
    untouched = _span(before.age) + (after.at - before.at)
    return _span(after.age) + LONGEST_LOOK < untouched


def _same(before: EdgeSnapshot, after: EdgeSnapshot) -> bool | None:
    """Whether the validators tell one copy (True) or two (False), or neither (None)."""
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

"""What the edge showed before and after a purge, in lines of a card."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.core.edge_check import Difference, EdgeSnapshot, Finding, Why
from bot.core.purge.purge import Evidence
from handlers.blocks.kit import code

_SHOWN = 3
_FINDINGS = {
    Finding.VERIFIED: ":white_check_mark: verified at the edge",
    Finding.UNCHANGED: ":white_circle: unchanged: the edge keeps the same copy",
    Finding.COULD_NOT_TELL: ":grey_question: could not tell",
}
_WHY = {
    Why.TIMEOUT: "it did not answer in time",
    Why.REFUSED_ADDRESS: "its address is none of the public internet",
    Why.UNKNOWN_HOST: "its name leads nowhere",
    Why.NO_CONNECTION: "no connection",
    Why.UNTRUSTED: "its certificate is not trusted",
    Why.REDIRECT: "it leads elsewhere",
    Why.TOO_LARGE: "it answered too much",
    Why.UNREADABLE: "it answered what is no HTTP",
}


def proof_lines(evidence: tuple[Evidence, ...]) -> list[str]:
    """Give a line for each URL that was looked at, and what differed."""
    return [_line(each) for each in evidence if each.verdict is not None]


def _line(each: Evidence) -> str:
    assert each.verdict is not None, "only what was compared is shown"
    found = _FINDINGS[each.verdict.finding]
    if each.verdict.finding is Finding.COULD_NOT_TELL and (why := _why(each)):
        found = f"{found}: {why}"
    differences = ", ".join(map(_difference, each.verdict.differences[:_SHOWN]))
    return f"{code(_path(each.before.url), 120)} {found}" + (
        f" ({differences})" if differences else ""
    )


def _why(each: Evidence) -> str | None:
    looks: list[EdgeSnapshot | None] = [each.after, each.before]
    for look in looks:
        if look is not None and look.why is not None:
            return _WHY[look.why]
        if look is not None and look.status is not None and look.status != 200:
            return f"it answered HTTP {look.status}"
    return None


def _difference(each: Difference) -> str:
    before, after = each.before or "none", each.after or "none"
    return f"{each.header} {code(before, 60)} → {code(after, 60)}"


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

"""The body of a card: what is so and what comes next, what a person chose since, how far the CDN is,
and what the edge showed before and after.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from bot.core.edge_check import Difference, EdgeFinding, EdgeSnapshot, Why
from bot.core.purge.purge import CompletionStatus, Evidence, Purge, State
from handlers.blocks.kit import code, mention, moment
from handlers.blocks.naming import Called

_CELLS = 10
_SHOWN = 3
_FINDINGS = {
    EdgeFinding.VERIFIED: ":white_check_mark: verified at the edge",
    EdgeFinding.UNCHANGED: ":white_circle: unchanged: the edge keeps the same copy",
    EdgeFinding.COULD_NOT_TELL: ":grey_question: could not tell",
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
_COVERED = (
    "Covered by purge {other}, which was sent at {sent}: nothing was sent for this one. What was "
    "published after {sent} needs another /purge."
)
_CHOSEN = {
    "leave": "{who} decided to leave it.",
    "again": "{who} asked for it again: purge {purge}.",
    "force": "{who} asked for a forced purge: {purge}.",
}


def bar(percent: int) -> str:
    """Return a bar of ten cells, and the number for readers who cannot see it."""
    full = min(max(percent, 0), 100) * _CELLS // 100
    return f"{'█' * full}{'░' * (_CELLS - full)} {percent} %"


def body(purge: Purge, called: Called) -> list[str]:
    """Return the lines below the title of a card.  What is left of an end comes with the choice.

    `called` is the purge's wording.
    """
    lines = [bar(purge.percent or 0)] if purge.state is State.RUNNING else []
    lines.append(called.means)
    lines += proof_lines(purge.evidence)
    if covered := _covered(purge):
        lines.append(covered)
    if purge.choice is not None:
        lines.append(_chosen(purge))
    else:
        lines.append(called.next)
    return [line for line in lines if line]


def span(length: timedelta) -> str:
    """Return a duration as text: `45 s`, `5 min 12 s`, `2 h 5 min`."""
    seconds = int(length.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _covered(purge: Purge) -> str | None:
    """Return that the call for another purge covered an ended one, or None."""
    if purge.joined_to is None or not purge.settled or purge.sent_at is None:
        return None
    sent = moment(purge.sent_at, "{time_secs}")
    return _COVERED.format(other=code(purge.joined_to), sent=sent)


def _chosen(purge: CompletionStatus) -> str:
    choice = purge.choice
    assert choice is not None, "only what was chosen is told"
    chosen = _CHOSEN.get(choice.what, _CHOSEN["force"])
    return chosen.format(who=mention(choice.user_id), purge=code(choice.purge_id or ""))


def took(purge: Purge) -> str | None:
    """Return how long the CDN took, as text, or None if unknown, or if another one was sent."""
    if purge.state is not State.COMPLETE or purge.sent_at is None or purge.settled_at is None:
        return None
    if purge.joined_to is not None:
        return None
    return f"Took {span(purge.settled_at - purge.sent_at)}"


# What the edge showed


def proof_lines(evidence: tuple[Evidence, ...]) -> list[str]:
    """Return a line for each URL that was checked, with the differences."""
    return [_proof(each) for each in evidence if each.verdict is not None]


def _proof(each: Evidence) -> str:
    assert each.verdict is not None, "only what was compared is shown"
    found = _FINDINGS[each.verdict.finding]
    if each.verdict.finding is EdgeFinding.COULD_NOT_TELL and (why := _why(each)):
        found = f"{found}: {why}"
    differences = ", ".join(map(_difference, each.verdict.differences[:_SHOWN]))
    return f"{code(_path(each.before.url), 120)} {found}" + (
        f" ({differences})" if differences else ""
    )


def _why(each: Evidence) -> str | None:
    looks: list[EdgeSnapshot | None] = [each.after, each.before]
    for snapshot in looks:
        if snapshot is not None and snapshot.why is not None:
            return _WHY[snapshot.why]
        if snapshot is not None and snapshot.status is not None and snapshot.status != 200:
            return f"it answered HTTP {snapshot.status}"
    return None


def _difference(each: Difference) -> str:
    before, after = each.before or "none", each.after or "none"
    return f"{each.header} {code(before, 60)} → {code(after, 60)}"


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

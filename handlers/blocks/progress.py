"""The text of a card about a purge that the CDN has accepted, or does not accept yet, and about
what the edge showed before and after it.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from bot.core.cdn import errors as cdn_errors
from bot.core.edge_check import Difference, EdgeSnapshot, Finding, Why
from bot.core.purge.purge import CompletionStatus, Evidence, Purge, PurgeRequest, State
from handlers.blocks.kit import code, day, mention, moment

PLAIN_MEANS = "The edge asks the origin, and keeps what has not changed."
FORCE_MEANS = "Every edge fetches these objects from the origin again, changed or not."
USUALLY = "it usually takes 5 to 6 minutes"
_CELLS = 10
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


def bar(percent: int) -> str:
    """Return a bar of ten cells, and the number for readers who cannot see it."""
    full = min(max(percent, 0), 100) * _CELLS // 100
    return f"{'█' * full}{'░' * (_CELLS - full)} {percent} %"


def after_submission(purge: Purge) -> list[str]:
    """Return the lines of a card about what happened to a purge since it could be sent."""
    match purge.state:
        case State.HELD if purge.held_until is not None:
            return [_held(purge)]
        case State.OFFERED if purge.held_until is not None:
            at = day(purge.held_until)
            kept = " It keeps its approval; rights are looked at again." if purge.approvals else ""
            return [f"The CDN's new day begins {at}: it can be run then.{kept}"]
        case State.JOINED | State.QUEUED:
            return [_beside_another(purge)]
        case State.SUBMITTED:
            return [_means(purge), _not_reported(purge), *proof_lines(purge.evidence)]
        case State.RUNNING:
            return [bar(purge.percent or 0), _means(purge)]
        case State.COMPLETE:
            return _complete(purge)
        case State.UNKNOWN:
            chosen = [_chosen(purge)] if purge.choice else []
            return [*proof_lines(purge.evidence), *chosen]
        case _:
            return []


def span(length: timedelta) -> str:
    """Return a duration as text: `45 s`, `5 min 12 s`, `2 h 5 min`."""
    seconds = int(length.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _beside_another(purge: Purge) -> str:
    other = code(purge.joined_to or "")
    if purge.state is State.QUEUED and purge.held_until is not None:
        return (
            f"The same was sent before, as {other}, and is running. This one goes out when that one "
            f"is done, at {moment(purge.held_until)} at the latest."
        )
    return (
        f"The same was asked for just before, as {other}. One call to the CDN covers both: this one "
        "ends as that one does."
    )


def _means(purge: PurgeRequest) -> str:
    return FORCE_MEANS if purge.force else PLAIN_MEANS


def _held(purge: Purge) -> str:
    assert purge.held_until is not None, "what is held is held until a moment"
    if waits_for_new_day(purge):
        at = day(purge.held_until)
        by = f", as {mention(purge.decided_by)} wished" if purge.decided_by else ""
        return f"It is sent {at}, when the CDN's new day begins{by}."
    at = moment(purge.held_until, "{time_secs}")
    return f"I try again by myself: attempt {purge.attempt + 1} is at {at}."


def waits_for_new_day(purge: Purge) -> bool:
    """Return whether the day's quota stopped it and somebody chose to run it after the reset."""
    spent = purge.failure is not None and purge.failure.code in cdn_errors.SPENT
    return spent and purge.state is State.HELD


def _not_reported(purge: CompletionStatus) -> str:
    if purge.notified_at is not None:
        return f"Accepted; the CDN does not report its progress; {USUALLY}."
    return f"Accepted; no progress reported yet; {USUALLY}."


def _complete(purge: Purge) -> list[str]:
    lines = proof_lines(purge.evidence)
    if purge.choice is not None:
        lines.append(_chosen(purge))
    elif not purge.force:
        lines.append(
            "A plain purge keeps objects whose `Last-Modified` has not changed. "
            "If the page is still stale, that is why."
        )
    return lines


def _chosen(purge: CompletionStatus) -> str:
    choice = purge.choice
    assert choice is not None, "only what was chosen is told"
    who = mention(choice.user_id)
    match choice.what:
        case "leave":
            return f"{who} decided to leave it."
        case "again":
            return f"{who} asked for it again: purge {code(choice.purge_id or '')}."
        case _:
            return f"{who} asked for a forced purge: {code(choice.purge_id or '')}."


def took(purge: Purge) -> str | None:
    """Return how long the CDN took, as text, or None if unknown."""
    if purge.state is not State.COMPLETE or purge.sent_at is None or purge.settled_at is None:
        return None
    return f"Took {span(purge.settled_at - purge.sent_at)}"


# What the edge showed


def proof_lines(evidence: tuple[Evidence, ...]) -> list[str]:
    """Return a line for each URL that was checked, with the differences."""
    return [_proof(each) for each in evidence if each.verdict is not None]


def _proof(each: Evidence) -> str:
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

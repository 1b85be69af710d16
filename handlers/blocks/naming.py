"""What each state of a purge is called, and its three lines: title, what is so, what comes next.

`WORDING` holds the texts, for translators.  docs/words.md has a table made of them, which a test
compares.  A field in braces is filled by `facts_of`; a text without a fact is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bot.core import error_registry
from bot.core.cdn import errors as cdn_errors
from bot.core.command.parser import PurgeCommand, format_command
from bot.core.edge_check import EdgeFinding
from bot.core.purge.purge import Purge, PurgeRequest, State
from handlers.blocks.error import explained
from handlers.blocks.kit import FACT_LIMIT, code, day, mention, moment, prose

PLAIN_MEANS = "Plain: the edge asks the web server (the origin), and keeps what has not changed."
FORCE_MEANS = (
    "Forced: every edge fetches from the web server (the origin) again, changed or not. "
    "That can overload it."
)
USUALLY = "it usually takes 5 to 6 minutes"
_LONGEST_COMMAND = 1000


class Called(NamedTuple):
    """The emoji and the three lines of a card.  `{Kind}` stands for the purge's kind.

    `outcome` is the word in the history.
    """

    emoji: str
    title: str
    means: str
    next: str
    outcome: str


_SENDING = Called(
    "hourglass_flowing_sand",
    "{Kind}: sending to the CDN…",
    "The CDN has not answered yet.",
    "In a moment this card has the task ID, or says why not.",
    "being sent",
)
_UNKNOWN = Called(
    "warning",
    "{Kind}: outcome unknown",
    "{why}",
    "It may have worked: look at the page in a few minutes. If it is still old, press Purge again: "
    "a second plain purge does no harm, it only counts twice.",
    "unknown",
)
_FAILED = Called("x", "{Kind} failed: nothing was purged", "{why}", "{hint}", "failed")

WORDING: Mapping[str, Called] = {
    "requested": Called(
        "hourglass_flowing_sand",
        "{Kind}: checking your rights…",
        "I ask Slack who you are and which groups you are in.",
        "Nothing is sent before that is known.",
        "being checked",
    ),
    "refused": Called(
        "no_entry", "{Kind} refused: nothing was purged", "{why}", "{hint}", "refused"
    ),
    "refused-doubt": Called(
        "no_entry",
        "{Kind} refused: it is not tried again",
        "{why} An earlier attempt may have reached the CDN.",
        "Look at the page in a few minutes.",
        "refused",
    ),
    "waiting": Called(
        "raised_hand",
        "{Kind} waits for approval",
        "{kind_means}",
        "Nothing is sent before it is approved. It expires at {expires}.",
        "waits for approval",
    ),
    "denied": Called(
        "no_entry",
        "{Kind} denied: nothing was purged",
        "Denied by {decider} at {decided}.",
        "If it is still wanted, talk to them, and ask again with /purge.",
        "denied",
    ),
    "expired": Called(
        "alarm_clock",
        "{Kind} expired: nobody decided in time, nothing was purged",
        "Nobody approved or denied it by {expires}.",
        "If it is still wanted, ask for it again with /purge.",
        "expired",
    ),
    "expired-partly": Called(
        "alarm_clock",
        "{Kind} expired: {given} of {quorum} approvals in time, nothing was purged",
        "It needed {needs} by {expires}.",
        "If it is still wanted, ask for it again with /purge.",
        "expired",
    ),
    "cancelled": Called(
        "wastebasket",
        "{Kind} cancelled: nothing was purged",
        "Cancelled by {decider} at {decided}.",
        "If it is wanted after all, ask for it again with /purge.",
        "cancelled",
    ),
    "stopped": Called(
        "wastebasket",
        "{Kind} stopped: nothing was purged",
        "It was approved. Stopped by {decider} at {decided}, before it was sent.",
        "If it is wanted after all, ask for it again with /purge.",
        "cancelled",
    ),
    "cancelled-doubt": Called(
        "wastebasket",
        "{Kind} cancelled: it is not tried again",
        "An earlier attempt may have reached the CDN.",
        "Look at the page in a few minutes.",
        "cancelled",
    ),
    "ready": _SENDING._replace(outcome="about to be sent"),
    "undo": Called(
        "hourglass_flowing_sand",
        "{Kind} approved: it is sent at {send}",
        "Nothing was sent yet.",
        "Until then it can be stopped, by its requester and by those who may decide.",
        "about to be sent",
    ),
    "sending": _SENDING,
    "held": Called(
        "double_vertical_bar",
        "{Kind} held: the CDN does not take it now",
        "{why} {sure}",
        "I try again by myself: attempt {attempt} is at {again}.",
        "held",
    ),
    "held-doubt": Called(
        "double_vertical_bar",
        "{Kind} held: the CDN did not say whether it took it",
        "{why} A plain purge may go out twice without harm.",
        "So I try again by myself: attempt {attempt} is at {again}.",
        "held",
    ),
    "held-new-day": Called(
        "double_vertical_bar",
        "{Kind} held until the CDN's new day",
        "{why}",
        "It is sent {until}, when the CDN's new day begins, as {decider} wished.",
        "held",
    ),
    "offered": Called(
        "raised_hand",
        "{Kind} not sent: the CDN's quota is used up",
        "{why} {sure}",
        "Press Run it then, and it is sent {until}, when the CDN's new day begins. If nobody has "
        "pressed by then, the offer lapses and nothing is sent.",
        "quota used up",
    ),
    "joined": Called(
        "link",
        "{Kind} joined: another one covers it",
        "The same tags are still to be sent, as purge {other}. That call to the CDN covers this one "
        "too, so nothing is sent for this one.",
        "It ends as that one does. If that one is not sent after all, this one is.",
        "joined to another",
    ),
    "joined-sent": Called(
        "link",
        "{Kind} joined: another one covers it",
        "The same tags were sent at {sent}, as purge {other}. That covers this one too, so nothing "
        "is sent for this one.",
        "It ends as that one does. What was published after {sent} needs another /purge, which goes "
        "out when that one is done.",
        "joined to another",
    ),
    "queued": Called(
        "double_vertical_bar",
        "{Kind} held: it goes out after one of the same",
        "The same tags were sent before, as purge {other}, and that one is not done.",
        "This one is sent when that one is done, at {again} at the latest. It covers what was "
        "published since.",
        "held, after another",
    ),
    "submitted": Called(
        "outbox_tray",
        "{Kind} sent: the CDN has taken it",
        "{kind_means}",
        f"It is not complete yet: {USUALLY}. This card says when.",
        "sent",
    ),
    "submitted-silent": Called(
        "outbox_tray",
        "{Kind} sent: the CDN has taken it",
        "{kind_means}",
        f"The CDN does not report its progress; {USUALLY}. Look at the page then.",
        "sent",
    ),
    "running": Called(
        "arrows_counterclockwise",
        "{Kind} running at the CDN",
        "{kind_means}",
        "It is not complete yet. This card says when.",
        "running",
    ),
    "complete": Called(
        "white_check_mark",
        "{Kind} complete",
        "The CDN says that it is done.",
        "If the page is still old: a plain purge keeps what the web server says has not changed "
        "(the same `Last-Modified`). A forced one fetches it all the same.",
        "complete",
    ),
    "complete-forced": Called(
        "white_check_mark",
        "{Kind} complete",
        "The CDN says that it is done: every edge fetches from the web server again.",
        "If the page is still old, the web server itself has the old one.",
        "complete",
    ),
    "complete-unchanged": Called(
        "white_circle",
        "{Kind} complete, but nothing changed at the edge",
        "The CDN says that it is done; readers still get the same copy as before.",
        "If that copy is old: a plain purge keeps what the web server says has not changed (the same "
        "`Last-Modified`). A forced one fetches it all the same.",
        "complete",
    ),
    "complete-unchanged-forced": Called(
        "white_circle",
        "{Kind} complete, but nothing changed at the edge",
        "The CDN says that it is done; readers still get the same copy as before.",
        "If that copy is old, look whether the page has this tag, and what the web server has.",
        "complete",
    ),
    "unreported": Called(
        "grey_question",
        "{Kind} sent: the CDN reported no end",
        "{why}",
        "{hint}",
        "no end reported",
    ),
    "failed": _FAILED,
    "failed-task": _FAILED._replace(title="{Kind} failed: the CDN did not complete it"),
    "failed-held": _FAILED._replace(
        means="{why} I tried {tries} times in an hour, and have stopped.",
        next="Ask the operators of Purgebot how the CDN is; then you can purge again: {command}",
    ),
    "lapsed": Called(
        "x",
        "{Kind} not sent: nobody chose Run it then",
        "The CDN's quota was used up. The offer to send it when the CDN's new day began lapsed at "
        "{until}, and nothing was purged.",
        "The quota is full again, so you can purge now: {command}",
        "not sent",
    ),
    "unknown": _UNKNOWN,
    "unknown-forced": _UNKNOWN._replace(
        next="It may have worked: look at the page in a few minutes. If it is still old, press Purge "
        "again: every edge then fetches from the web server once more, which can overload it.",
    ),
    "unknown-joined": _UNKNOWN._replace(
        next="It was covered by purge {other}: its card asks what to do.",
    ),
    "unknown-decided": _UNKNOWN._replace(next=""),
}


def kind_of(purge: PurgeRequest) -> str:
    """Return the name of the purge's kind, for the middle of a sentence."""
    return "forced purge" if purge.force else "purge"


def wording(purge: Purge) -> Called:
    """Return the emoji and the three lines of a purge's card, filled in."""
    called, facts = WORDING[variant_of(purge)], facts_of(purge)
    return called._replace(
        title=called.title.format_map(facts),
        means=called.means.format_map(facts),
        next=called.next.format_map(facts),
    )


def is_unchanged(purge: Purge) -> bool:
    """Return whether the purge is complete, and every URL that was looked at is as before."""
    found = [each.verdict.finding for each in purge.evidence if each.verdict is not None]
    return purge.state is State.COMPLETE and set(found) == {EdgeFinding.UNCHANGED}


def has_lapsed(purge: Purge) -> bool:
    """Return whether it ended because nobody chose to run it after the quota's reset."""
    return purge.state is State.FAILED and _is_spent(purge) and not purge.task_id


def variant_of(purge: Purge) -> str:  # noqa: C901, PLR0911, PLR0912  (a table of states)
    """Return the key in WORDING of a purge in its current state."""
    match purge.state:
        case State.REFUSED if purge.doubt:
            return "refused-doubt"
        case State.EXPIRED if purge.approvals_counted:
            return "expired-partly"
        case State.CANCELLED if purge.doubt:
            return "cancelled-doubt"
        case State.CANCELLED if purge.send_at is not None or purge.approvals:
            return "stopped"
        case State.READY if purge.send_at is not None:
            return "undo"
        case State.HELD if _is_spent(purge):
            return "held-new-day"
        case State.HELD if _is_doubtful(purge):
            return "held-doubt"
        case State.JOINED if purge.sent_at is not None:
            return "joined-sent"
        case State.SUBMITTED if purge.notified_at is not None:
            return "submitted-silent"
        case State.COMPLETE:
            unchanged = "-unchanged" if is_unchanged(purge) else ""
            return f"complete{unchanged}{'-forced' if purge.force else ''}"
        case State.FAILED if purge.task_id:
            return "failed-task"
        case State.FAILED if has_lapsed(purge):
            return "lapsed"
        case State.FAILED if purge.held_since is not None and _is_passing(purge):
            return "failed-held"
        case State.UNKNOWN if purge.joined_to is not None:
            return "unknown-joined"
        case State.UNKNOWN if purge.choice is not None:
            return "unknown-decided"
        case State.UNKNOWN if purge.force:
            return "unknown-forced"
        case _:
            return purge.state.value


class _Facts(dict[str, str]):
    """Facts that replace a missing one by an ellipsis, so that drawing a card never fails."""

    def __missing__(self, key: str) -> str:
        return "…"


def facts_of(purge: Purge) -> _Facts:
    """Return what fills the fields of the texts, safe to show."""
    again = PurgeCommand(purge.domain, purge.tags, purge.force, purge.reason, purge.break_glass)
    command = code(format_command(again))
    facts = _Facts(
        Kind=kind_of(purge).capitalize(),
        kind_means=FORCE_MEANS if purge.force else PLAIN_MEANS,
        other=code(purge.joined_to or ""),
        attempt=str(purge.attempt + 1),
        tries=str(purge.attempt),
        given=str(purge.approvals_counted),
        quorum=str(purge.quorum),
        needs=prose(purge.needs or "more approvals", 300),
        sure="An earlier attempt may have reached the CDN."
        if purge.doubt
        else "Nothing was purged.",
        command=command if len(command) < _LONGEST_COMMAND else "/purge",
    )
    if purge.decided_by:
        facts["decider"] = mention(purge.decided_by)
    if purge.decided_at is not None:
        facts["decided"] = moment(purge.decided_at)
    if purge.held_until is not None:
        facts["until"] = day(purge.held_until)
        form = "{time_secs}" if purge.state is State.HELD else "{time}"
        facts["again"] = moment(purge.held_until, form)
    if purge.expires_at is not None:
        facts["expires"] = moment(purge.expires_at)
    if purge.send_at is not None:
        facts["send"] = moment(purge.send_at, "{time_secs}")
    if purge.sent_at is not None:
        facts["sent"] = moment(purge.sent_at, "{time_secs}")
    if purge.failure is not None:
        why, _, hint = explained(purge.failure).partition("\n")
        facts |= {"why": why, "hint": hint}
    elif purge.refusal is not None:
        facts["why"] = prose(purge.refusal.sentence, FACT_LIMIT)
    return facts


def _is_spent(purge: Purge) -> bool:
    return purge.failure is not None and purge.failure.code in cdn_errors.SPENT


def _is_doubtful(purge: Purge) -> bool:
    return purge.failure is not None and error_registry.kind(purge.failure.code).in_doubt


def _is_passing(purge: Purge) -> bool:
    return purge.failure is not None and error_registry.kind(purge.failure.code).retryable

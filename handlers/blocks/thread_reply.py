"""The thread replies below a card: the outcome for the requester, and calls for the approvers."""

from __future__ import annotations

from bot.core.purge.purge import ApprovalStatus, Purge, State
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.kit import code, listing, mention, moment, prose
from handlers.blocks.naming import USUALLY, has_lapsed, is_unchanged, kind_of, variant_of, wording
from handlers.blocks.progress import took


def outcome(purge: Purge) -> Message:
    """Return the outcome of a request on which others had a say.  It mentions the requester."""
    what = (
        f"{mention(purge.user_id)}, your {kind_of(purge)} of {code(purge.domain)} {_ending(purge)}"
    )
    denial = purge.denial if purge.state is State.DENIED else None
    return _with_words(what, "Why:", denial)


def reminder(purge: Purge) -> Message:
    """Return the only reminder of a waiting request."""
    assert purge.expires_at is not None, "only a waiting request is reminded of"
    return _calling(purge, f"still waits. It expires at {moment(purge.expires_at)}.")


def call_below(purge: Purge) -> Message:
    """Return the call in the card's thread, if the approvers' own channel cannot be reached."""
    return _calling(purge, "waits for your decision. (I could not post it in your channel.)")


def not_called(purge: Purge) -> Message:
    """Return the same for a card that only its requester sees: how somebody else can decide."""
    place = purge.briefing.channel_id if purge.briefing else None
    where = f"<#{place}>" if place else "the channel of those who may decide"
    text = (
        f"{mention(purge.user_id)}, nobody was called to decide on the {kind_of(purge)} of "
        f"{code(purge.domain)}: I cannot post in {where}. Whoever may decide can do so with "
        f"{code(f'/purge status {purge.id}')}. Tell the operators of Purgebot, too."
    )
    return kit.message(text, kit.section(text))


def glass_broken(purge: Purge) -> Message:
    """Return the message to those who could have decided that the glass was broken, and why."""
    who = listing(_called(purge))
    what = (
        f":rotating_light: {who}: {mention(purge.user_id)} broke the glass. The {kind_of(purge)} of "
        f"{code(purge.domain)} runs *without your approval*."
    )
    return _with_words(what, "Reason:", purge.reason)


def _with_words(what: str, label: str, text: str | None) -> Message:
    """Return a message with a person's text below it, if there is one."""
    if not text:
        return kit.message(what, kit.section(what))
    return kit.message(f"{what} {label} {code(text)}", kit.section(what), kit.quoted(label, text))


def _calling(purge: Purge, what: str) -> Message:
    text = (
        f"{listing(_called(purge))}: the {kind_of(purge)} of {code(purge.domain)} that "
        f"{mention(purge.user_id)} asked for {what}"
    )
    return kit.message(text, kit.section(text))


def _called(purge: ApprovalStatus) -> tuple[str, ...]:
    return purge.briefing.called if purge.briefing else purge.approvers


def _ending(purge: Purge) -> str:
    match purge.state:
        case State.DENIED:
            return f"was denied by {mention(purge.decided_by or '')}. Nothing was purged."
        case State.CANCELLED:
            sure = "It is not tried again." if purge.doubt else "Nothing was purged."
            did = "stopped" if variant_of(purge) == "stopped" else "cancelled"
            return f"was {did} by {mention(purge.decided_by or '')}. {sure}"
        case State.EXPIRED if purge.approvals_counted:
            had = f"{purge.approvals_counted} of {purge.quorum} approvals"
            return f"expired with {had}. Nothing was purged."
        case State.EXPIRED:
            return "expired: nobody decided in time. Nothing was purged."
        case State.REFUSED if purge.refusal is not None:
            return f"was not sent. {prose(purge.refusal.sentence, 500)}"
        case _:
            return f"{_granted(purge)}{_outcome(purge)}"


def _outcome(purge: Purge) -> str:
    """Return what the CDN did."""
    task = code(purge.task_id or "")
    match purge.state:
        case State.COMPLETE:
            but = ", but nothing changed at the edge" if is_unchanged(purge) else ""
            how_long = f" {ended}." if (ended := took(purge)) else ""
            return f"is complete{but}.{how_long}"
        case State.FAILED if has_lapsed(purge):
            return _lines("was not sent: nobody chose Run it then.", purge)
        case State.FAILED if purge.failure is not None:
            return _lines(f"failed{' at the CDN' if purge.task_id else ''}.", purge)
        case State.UNREPORTED:
            return f"was sent (task {task}), but the CDN reported no end of it."
        case State.UNKNOWN:
            sent = "was sent, but nobody" if purge.sent_at else "was not sent in time, and nobody"
            return (
                f"{sent} knows whether the CDN took it. "
                "Please decide on the card: purge again, or leave it."
            )
        case _:
            return f"was sent (task {task}). The CDN does not report its progress; {USUALLY}."


def _lines(ending: str, purge: Purge) -> str:
    called = wording(purge)
    return f"{ending} {called.means}\n{called.next}"


def _granted(purge: ApprovalStatus) -> str:
    people = listing(yes.user_id for yes in purge.approvals).replace(" or ", " and ")
    return f"was approved by {people}, and " if purge.approvals else ""

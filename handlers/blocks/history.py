"""Past purges, three lines each: a table is too wide for a phone.

    title      the question
    purges     outcome and time; what; who and the ID.  Newest first
    (notes)    whether there may be more, and what the asker may see at all
    (buttons)  Newer and Older: they carry the question and the position of the page

The status of one purge is its card; its buttons depend on the asker's rights.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from bot.core.command.answers import HistoryAnswer, ListedPurge, PendingAnswer
from bot.core.command.queries import HistoryQuestion, read_asked
from bot.core.purge.purge import Purge
from bot.slack.message import Block, Message
from handlers.blocks import kit
from handlers.blocks.buttons import DECIDE, voting_buttons
from handlers.blocks.kit import code, codes, day, escape, mention
from handlers.blocks.naming import WORDING
from handlers.blocks.purge import card

NEWER = "history:newer"
OLDER = "history:older"

_TAG_LIMIT = 30
_NOTHING_WAITS = "*Nothing waits for approval* that you may see"


def history(answer: HistoryAnswer) -> Message:
    """Return one page of the history."""
    notes = _sight(answer.sees)
    if answer.purges:
        notes = ["The times are when each was asked for.", *notes]
    if answer.cut_short:
        way = "Older" if answer.older else "Newer"
        more = "There may be more: I looked at many others that you did not ask for."
        notes = [f"{more} Press {way} to go on looking.", *notes]
    return _listing(_title(answer), answer.purges, notes, *kit.actions("turn", *_buttons(answer)))


def pending(answer: PendingAnswer) -> Message:
    """Return the purges that wait for approval."""
    title = "*These wait for approval*, newest first" if answer.purges else _NOTHING_WAITS
    left = [f"And {answer.more} more."] if answer.more else []
    return _listing(title, answer.purges, [*left, *_sight(answer.sees)])


def _listing(title: str, rows: Sequence[ListedPurge], notes: list[str], *buttons: Block) -> Message:
    if rows:
        notes = [*notes, f"{code('/purge status ID')} tells more of one."]
    lines = [_lines(row) for row in rows]
    around = [*([kit.context(*notes)] if notes else []), *buttons]
    text = _cut("\n".join([title, *lines]))
    return kit.message(text, kit.section(title), *map(kit.section, lines), *around)


def status(purge: Purge, votes: Collection[str] = ()) -> Message:
    """Return the card of a purge for a person who asked for its status.

    `votes`: the kinds of presses with which they may decide on it.
    """
    shown = card(purge.replace(suggestion=None))  # only the requester sees suggestions, at once
    asked = f"Asked {day(purge.requested_at)} in <#{purge.channel_id}>"
    blocks = [block for block in shown.blocks if block.get("block_id") != DECIDE]
    return kit.message(shown.text, *blocks, *voting_buttons(purge, votes), kit.context(asked))


def _title(answer: HistoryAnswer) -> str:
    question = read_asked(answer.question)
    assert isinstance(question, HistoryQuestion), "only such a question has this answer"
    of = f" of {code(question.domain)}" if question.domain else ""
    by = f" by {mention(question.user_id)}" if question.user_id else ""
    since = f" since {day(answer.since)}" if answer.since else ""
    about = f"{of}{by}{since}"
    if not answer.purges:
        so_far = "found so far" if answer.cut_short else "that you may see"
        return f"*No purges*{about} {so_far}"
    order = "newest first" if answer.is_first else "continued"
    return f"*Purges*{about}, {order}"


def _sight(patterns: Sequence[str]) -> list[str]:
    """Return what the asker may see, if that is not everything."""
    if not patterns:
        return ["You see your own purges only: no rule shows you those of others."]
    if "*" in patterns:
        return []
    return [f"You see your own purges and, as the policy says, those of {codes(patterns)}."]


def _buttons(answer: HistoryAnswer) -> list[Block]:
    """Return the buttons that turn the page.  They carry the asker, who alone may press them."""
    return [
        kit.button(action_id, label, f"{answer.asker} {question}")
        for question, action_id, label in (
            (answer.newer, NEWER, "Newer"),
            (answer.older, OLDER, "Older"),
        )
        if question
    ]


def _outcome(row: ListedPurge) -> tuple[str | None, str]:
    """Return the emoji and the text of a state, which a newer version may have added."""
    called = WORDING.get(row.state)
    if called is None:
        return None, row.state.replace("-", " ")
    return called.emoji, called.outcome


def _lines(row: ListedPurge) -> str:
    emoji, outcome = _outcome(row)
    mark = f":{emoji}: " if emoji else ""
    tags = codes([kit.cut(tag, _TAG_LIMIT) for tag in row.tags])
    more = f" and {row.more_tags} more" if row.more_tags else ""
    forced = "*forced* " if row.force else ""
    at = datetime.fromtimestamp(row.at, UTC)
    return (
        f"{mark}*{escape(outcome)}* · {day(at)}\n"
        f"{forced}{code(row.domain)} · {tags}{more}\n"
        f"{mention(row.user_id)} · {code(row.id)}"
    )


def _cut(text: str) -> str:
    """Return as many whole lines as fit, so that no mention is cut."""
    while len(text) > kit.FALLBACK_LIMIT:
        text = text.rpartition("\n")[0]
    return text

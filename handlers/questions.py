"""Questions after `/purge`, and the buttons that turn a page of their answer.

status         at once, if it is at hand who asks: it takes a look at the database and no more
history        by the worker: whether Slack takes a table shows only where it answers, which it does
               to a response URL and not to an acknowledgement
quota          by the worker, for the CDN has to be asked
Newer, Older   by the worker, in place of the page on which they were pressed
"""

from __future__ import annotations

from bot.core.ask import Ask, AskKind, Origin
from bot.core.errors import BotError
from bot.core.question_errors import NOT_YOUR_PAGE
from bot.core.questions import (
    HistoryQuestion,
    Question,
    QuotaQuestion,
    StatusQuestion,
    format_question,
    read_asked,
)
from handlers.actions import origin_of
from handlers.blocks.kit import Message
from handlers.blocks.whisper import whisper
from handlers.boundary import Body, Desk


def ask(desk: Desk, origin: Origin, question: Question) -> Message | None:
    """Answer a question, or leave it to the worker."""
    if isinstance(question, StatusQuestion):
        actor = desk.directory.at_hand(origin.team_id, origin.user_id, origin.channel_id)
        if actor is not None:
            return whisper(*desk.answers.status(question, actor))
    _write_down(desk, origin, question)
    return None


def page(desk: Desk, body: Body) -> Message | None:
    """Turn the page.  What the button carries says where to look; who may see what is asked anew.

    Slack shows the page to its asker alone; that is not relied on.
    """
    channel_id = (body.get("channel") or {}).get("id") or body["container"]["channel_id"]
    origin = origin_of(body, channel_id, body["response_url"])
    asker, _, words = str(body["actions"][0].get("value")).partition(" ")
    question = read_asked(words)
    if asker != origin.user_id or not isinstance(question, HistoryQuestion):
        raise BotError(NOT_YOUR_PAGE)
    _write_down(desk, origin, question)
    return None


def _write_down(desk: Desk, origin: Origin, question: Question) -> None:
    kind = _kind_of(question)
    said = format_question(question)
    desk.workflow.write_down(Ask.of(origin, kind, desk.workflow.now(), said=said))


def _kind_of(question: Question) -> AskKind:
    match question:
        case StatusQuestion():
            return AskKind.STATUS
        case HistoryQuestion():
            return AskKind.HISTORY
        case QuotaQuestion():
            return AskKind.QUOTA

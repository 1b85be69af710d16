"""Alerts for the operators: what is wrong and what to do, or that it is over."""

from __future__ import annotations

from datetime import datetime

from bot.core.cdn.health import GOOD_AGAIN
from bot.core.errors import Audience
from bot.core.message import Notice
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.error import explained
from handlers.blocks.kit import FACT_LIMIT, code, day, escape


def alert(notice: Notice) -> Message:
    """Return an alert.  The code says whether something is wrong or is good again."""
    return _good_again(notice) if notice.code == GOOD_AGAIN else _trouble(notice)


def _trouble(notice: Notice) -> Message:
    text = f":rotating_light: {explained(notice, Audience.OPERATORS)}"
    small = [code(notice.code), *_since(notice)]
    if asked := notice.facts.get("asked"):
        small.append(f"I had asked for {code(asked, FACT_LIMIT)}; purges may fail too")
    if request_id := notice.facts.get("request_id"):
        small.append(f"CDN request {code(request_id, FACT_LIMIT)}")
    return kit.message(text, kit.section(text), kit.context(" · ".join(small)))


def _good_again(notice: Notice) -> Message:
    lasted = escape(notice.facts.get("lasted", "some time"), FACT_LIMIT)
    text = f":white_check_mark: The CDN answers me as it should again. It did not for {lasted}."
    small = [f"It was {code(notice.facts.get('was', ''), FACT_LIMIT)}", *_since(notice)]
    return kit.message(text, kit.section(text), kit.context(" · ".join(small)))


def _since(notice: Notice) -> list[str]:
    since = notice.facts.get("since")
    return [f"since {day(datetime.fromisoformat(since))}"] if since else []

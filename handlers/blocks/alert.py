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


def alert(said: Notice) -> Message:
    """Give an alert; the code says whether something is wrong or well again."""
    return _good_again(said) if said.code == GOOD_AGAIN else _trouble(said)


def _trouble(said: Notice) -> Message:
    text = f":rotating_light: {explained(said, Audience.OPERATORS)}"
    small = [code(said.code), *_since(said)]
    if asked := said.facts.get("asked"):
        small.append(f"I had asked for {code(asked, FACT_LIMIT)}; purges may fail too")
    if request_id := said.facts.get("request_id"):
        small.append(f"CDN request {code(request_id, FACT_LIMIT)}")
    return kit.message(text, kit.section(text), kit.context(" · ".join(small)))


def _good_again(said: Notice) -> Message:
    lasted = escape(said.facts.get("lasted", "some time"), FACT_LIMIT)
    text = f":white_check_mark: The CDN answers me as it should again. It did not for {lasted}."
    small = [f"It was {code(said.facts.get('was', ''), FACT_LIMIT)}", *_since(said)]
    return kit.message(text, kit.section(text), kit.context(" · ".join(small)))


def _since(said: Notice) -> list[str]:
    since = said.facts.get("since")
    return [f"since {day(datetime.fromisoformat(since))}"] if since else []

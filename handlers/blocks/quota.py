"""The remaining quotas of the CDN today, with bars, and what was sent, because tags have no quota
there.  Also the line of a card that warns if little is left.

`▰▰▰▰▰▰▰▰▰▱`  URLs: 9,840 of 10,000 left
`▱▱▱▱▱▱▱▱▱▱`  directories: 0 of 100 left
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core import error_registry
from bot.core.cdn.quota import LowQuota
from bot.core.command.answers import QuotaAnswer
from bot.core.errors import ErrorInfo
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.error import error_text
from handlers.blocks.kit import code, day

_CELLS = 10
_FULL, _EMPTY = "▰", "▱"
_QUOTAS = (("url", "URLs"), ("dir", "directories"), ("regex", "patterns"))
_COUNTED = {"url": "URL refreshes", "dir": "directory refreshes", "regex": "regex refreshes"}
_NO_BREAK = "\u00a0"


def quota(answer: QuotaAnswer) -> Message:
    """Return the quotas, or why the CDN did not report them."""
    resets = (
        f"The CDN's day begins at midnight in UTC+8: all starts afresh {day(answer.resets_at)}."
    )
    if answer.failure is not None:
        info = ErrorInfo(error_registry.kind(answer.failure), dict(answer.failure_facts))
        told = f":warning: {error_text(info)}"
        small = [resets, code(info.code)]
    else:
        told = "\n".join(["*Left of today's quotas at the CDN*", *_bars(answer.quota)])
        small = [resets]
    ours = _ours(answer.plain, answer.forced)
    read_aloud = f"{told}\n{ours}".translate({ord(cell): None for cell in _FULL + _EMPTY})
    return kit.message(read_aloud, kit.section(told), kit.section(ours), kit.context(*small))


def _bars(quota: Mapping[str, int]) -> list[str]:
    lines = []
    for name, called in _QUOTAS:
        most, left = quota.get(f"{name}_quota"), quota.get(f"{name}_remain")
        if most is None or left is None:
            continue
        lines.append(f"{_bar(left, most)} {called}: {left:,} of {most:,} left")
    return lines


def _bar(left: int, most: int) -> str:
    """Return the bar.  It is full, or empty, only if nothing, or everything, is used up."""
    full = round(_CELLS * left / most) if most else 0
    if 0 < left < most:
        full = min(max(full, 1), _CELLS - 1)
    full = min(full, _CELLS)
    return _FULL * full + _EMPTY * (_CELLS - full)


def _ours(plain: int, forced: int) -> str:
    sent = f"{plain} plain, {forced} forced" if plain or forced else "none"
    return (
        f"*Tags:* the CDN reports no quota for purges by tag, so nobody can say what is left of "
        f"it. Sent by Purgebot since its day began: {sent}."
    )


def low_quota_line(low: LowQuota) -> str:
    """Return the line.  It must not suggest that the CDN reported anything about tags."""
    what = _COUNTED.get(low.name, "refreshes")
    return (
        f":hourglass: The CDN reports {_number(low.remain)} of {_number(low.quota)} {what} "
        "left today; for tags it reports no quota."
    )


def _number(count: int) -> str:
    """Return a number with non-breaking separators of thousands: `10 000`."""
    return f"{count:,}".replace(",", _NO_BREAK)

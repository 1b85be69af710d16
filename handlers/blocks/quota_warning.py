"""The line of a card that warns of a quota of which little is left."""

from __future__ import annotations

from bot.core.cdn.quota import LowQuota

_COUNTED = {"url": "URL refreshes", "dir": "directory refreshes", "regex": "regex refreshes"}
_NO_BREAK = "\u00a0"


def low_quota_line(low: LowQuota) -> str:
    """Give the line; it must not sound as if the CDN had said anything about tags."""
    counted = _COUNTED.get(low.name, "refreshes")
    return (
        f":hourglass: The CDN reports {_number(low.remain)} of {_number(low.quota)} {counted} "
        "left today; for tags it reports no quota."
    )


def _number(count: int) -> str:
    """Give a number with its thousands apart, in one piece: `10 000`."""
    return f"{count:,}".replace(",", _NO_BREAK)

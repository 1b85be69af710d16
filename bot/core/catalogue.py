"""Every kind of error by its code, so that a stored code can be explained at any time."""

from __future__ import annotations

from bot.core import (
    cdn_errors,
    command_errors,
    errors,
    health,
    presses,
    purge,
    question_errors,
    rulings,
    watching,
)
from bot.core.errors import ErrorKind

GONE = ErrorKind(
    code="unlisted",
    message="Something went wrong that this version of Purgebot has no words for.",
    hint="Tell the operators of Purgebot which card or button it was.",
)

KINDS: dict[str, ErrorKind] = {
    kind.code: kind
    for module in (
        cdn_errors,
        command_errors,
        errors,
        health,
        presses,
        purge,
        question_errors,
        rulings,
        watching,
    )
    for kind in module.KINDS
}


def kind(code: str) -> ErrorKind:
    """Give the kind of a code.  A row may be older, or newer, than this program: it gets GONE."""
    return KINDS.get(code, GONE)

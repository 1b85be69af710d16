"""Every kind of error by its code, so that a stored code can be explained at any time."""

from __future__ import annotations

# A kind registers itself when its module is imported; tests/architecture misses none.
import bot.core.cdn.errors
import bot.core.cdn.health
import bot.core.command.query_errors
import bot.core.decisions.authorization
import bot.core.decisions.clock
import bot.core.decisions.presses
import bot.core.decisions.requests
import bot.core.purge.tracking
import bot.core.setup_errors
import bot.core.suggestions.confirmation
import bot.core.text.errors  # noqa: F401
from bot.core.errors import REGISTERED, ErrorKind

KINDS = REGISTERED

GONE = ErrorKind(
    code="unlisted",
    message="Something went wrong that this version of Purgebot has no words for.",
    hint="Tell the operators of Purgebot which card or button it was.",
)


def kind(code: str) -> ErrorKind:
    """Give the kind of a code.  A row may be older, or newer, than this program: it gets GONE."""
    return KINDS.get(code, GONE)

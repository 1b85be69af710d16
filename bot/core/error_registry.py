"""All kinds of errors by code, so that a stored code can always be explained."""

from __future__ import annotations

# A kind registers itself when its module is imported. tests/architecture checks that none is
# missing.
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
    """Return the kind with this code.  GONE if another version of the program stored it."""
    return KINDS.get(code, GONE)

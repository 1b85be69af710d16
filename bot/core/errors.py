"""The base of all errors: each kind has a stable code that people can search for.

An error kind is data, so a card that is drawn days later can explain a failure from the code alone.
A kind registers itself when it is created; `bot.core.error_registry` imports every module that
creates kinds.  `docs/errors.md` lists them all, and a test keeps both complete.

    ErrorKind      a kind of error: code, message, hint
    ErrorInfo      an ErrorKind with the facts of one occurrence
    BotError       an exception with an ErrorInfo
      InputError   the person can correct it: shown only to the requester
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType, ModuleType

_registered: dict[str, ErrorKind] = {}
REGISTERED: Mapping[str, ErrorKind] = MappingProxyType(_registered)
"""The kinds of all modules imported so far, by code."""


class Audience(Enum):
    """The reader for whom an error's hint is written."""

    REQUESTER = auto()
    OPERATORS = auto()


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A kind of error: a kebab-case code, a message of one sentence, and what to do next.

    `message` and `hint` may contain `{name}` fields, which are filled from the facts.  `retryable`:
    the same request may succeed later without any change by a person.  `in_doubt`: the CDN may have
    carried out the request although there is no answer.  `audience`: OPERATORS if only the
    operators can act on the hint, even when people in Slack see the error.
    """

    code: str
    message: str
    hint: str
    retryable: bool = False
    in_doubt: bool = False
    audience: Audience = Audience.REQUESTER

    def __post_init__(self) -> None:
        """Register the kind.  Raises: ValueError if another kind has this code."""
        if _registered.setdefault(self.code, self) is not self:
            raise ValueError(f"two kinds of error have the code {self.code}")

    def hint_for(self, reader: Audience) -> str:
        """Return the hint, fields not filled in.  A reader it is not written for is told so."""
        if self.audience is reader or self.audience is Audience.REQUESTER:
            return self.hint
        return f"For the operators of Purgebot: {self.hint[:1].lower()}{self.hint[1:]}"


def kinds_in(module: ModuleType) -> tuple[ErrorKind, ...]:
    """Return the kinds that are attributes of a module, in the order of their definition."""
    return tuple(each for each in vars(module).values() if isinstance(each, ErrorKind))


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error kind with the facts of one occurrence, ready to be shown or stored."""

    kind: ErrorKind
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def message(self) -> str:
        """The sentence of the kind, with its fields filled in."""
        return self.kind.message.format_map(_Facts(self.facts))

    @property
    def hint(self) -> str:
        """The next step, in words for the requester."""
        return self.hint_for(Audience.REQUESTER)

    def hint_for(self, reader: Audience) -> str:
        """Return the hint in words for `reader`, with its fields filled in."""
        return self.kind.hint_for(reader).format_map(_Facts(self.facts))


class _Facts(dict[str, str]):
    """Facts that replace a missing one by its name, so that explaining an error never fails."""

    def __missing__(self, key: str) -> str:
        return f"({key.replace('_', ' ')})"


class BotError(Exception):
    """An error that the bot can explain: it has an `ErrorInfo` as `info`."""

    def __init__(self, kind: ErrorKind, /, **facts: str) -> None:
        self.info = ErrorInfo(kind, facts)
        super().__init__(f"{kind.code}: {self.info.message}")


class InputError(BotError):
    """The person's request cannot be carried out as it was written; the person can correct it."""


STORE_AWAY = ErrorKind(
    code="store-away",
    message="I cannot write your request down now, so I did not take it: nothing was purged.",
    hint="Try again in a minute. If it stays so, tell the operators of Purgebot: "
    "its database does not answer.",
    retryable=True,
)
STORE_SLOW = ErrorKind(
    code="store-slow",
    message="My database is slow, and I do not know yet whether your request was written down.",
    hint="Wait two minutes for its card before you ask again: it may still be carried out.",
    retryable=True,
)
UNEXPECTED = ErrorKind(
    code="unexpected",
    message="Something went wrong that nobody foresaw.",
    hint="Give the operators of Purgebot this reference: {reference}.",
)
PAYLOAD_UNREADABLE = ErrorKind(
    code="payload-unreadable",
    message="I could not read what Slack sent me, so I did nothing.",
    hint="Try again. If it stays so, tell the operators of Purgebot: its log names what I could "
    "not read.",
)
FROM_NEWER = ErrorKind(
    code="from-newer-version",
    message="I am being upgraded, and this is for the newer version of me: I cannot read it.",
    hint="Try again in a minute.",
    retryable=True,
)

"""What can go wrong, each under a stable code that people can search for.

An error kind is data, so that a card drawn days later can still explain a failure
from the code alone.  A kind registers itself when it is made; `bot.core.error_registry` imports every
module that makes some.  `docs/errors.md` lists them all; a test keeps both complete.

    ErrorKind      what we say about one fault: code, sentence, next step
    BotError       an exception that carries a kind and its facts
      InputError   the person can put it right: shown to the requester alone
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
    """For whom the hint of an error is."""

    REQUESTER = auto()
    OPERATORS = auto()


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One fault: a kebab-case code, one sentence, and what to do next.

    `message` and `hint` may hold `{name}` fields, filled from the raiser's facts.
    `retryable`: the same request may succeed later without anybody changing anything.
    `in_doubt`: the CDN may have carried out the request although we have no answer.
    `audience`: OPERATORS where people in Slack are told the fault, but only operators can act on
    the hint.
    """

    code: str
    message: str
    hint: str
    retryable: bool = False
    in_doubt: bool = False
    audience: Audience = Audience.REQUESTER

    def __post_init__(self) -> None:
        """Register the kind.  Raises: ValueError if another one has its code."""
        if _registered.setdefault(self.code, self) is not self:
            raise ValueError(f"two kinds of error have the code {self.code}")

    def hint_for(self, reader: Audience) -> str:
        """Give the hint, its fields unfilled, in words for `reader`: another is told whom it is for."""
        if self.audience is reader or self.audience is Audience.REQUESTER:
            return self.hint
        return f"For the operators of Purgebot: {self.hint[:1].lower()}{self.hint[1:]}"


def kinds_in(module: ModuleType) -> tuple[ErrorKind, ...]:
    """Give the kinds that a module names, in their order there."""
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
        return self.kind.message.format_map(_Facts(self.facts))

    @property
    def hint(self) -> str:
        """The next step, in words for the requester."""
        return self.hint_for(Audience.REQUESTER)

    def hint_for(self, reader: Audience) -> str:
        return self.kind.hint_for(reader).format_map(_Facts(self.facts))


class _Facts(dict[str, str]):
    """Facts in which a missing one reads as its name: explaining must never fail."""

    def __missing__(self, key: str) -> str:
        return f"({key.replace('_', ' ')})"


class BotError(Exception):
    """A fault that we know: it has a kind, so every one of them can be explained."""

    def __init__(self, kind: ErrorKind, /, **facts: str) -> None:
        self.info = ErrorInfo(kind, facts)
        super().__init__(f"{kind.code}: {self.info.message}")


class InputError(BotError):
    """The person asked for something that cannot be done as it was written."""


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

"""What can go wrong, each under a stable code that people can search for.

An error kind is data, so that a card drawn days later can still explain a failure
from the code alone.  `docs/errors.md` lists every kind; a test keeps it complete.

    ErrorKind      what we say about one fault: code, sentence, next step
    BotError       an exception that carries a kind and its facts
      Mistake      the person can put it right: shown to the requester alone
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One fault: a kebab-case code, one sentence, and what to do next.

    `message` and `hint` may hold `{name}` fields, filled from the raiser's facts.
    `retryable`: the same request may succeed later without anybody changing anything.
    `in_doubt`: the CDN may have carried out the request although we have no answer.
    """

    code: str
    message: str
    hint: str
    retryable: bool = False
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
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
        return self.kind.hint.format_map(_Facts(self.facts))


class _Facts(dict[str, str]):
    """Facts in which a missing one reads as its name: explaining must never fail."""

    def __missing__(self, key: str) -> str:
        return f"({key.replace('_', ' ')})"


class BotError(Exception):
    """A fault that we know: it has a kind, so every one of them can be explained."""

    def __init__(self, kind: ErrorKind, /, **facts: str) -> None:
        self.problem = Problem(kind, facts)
        super().__init__(f"{kind.code}: {self.problem.message}")


class Mistake(BotError):
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
FROM_NEWER = ErrorKind(
    code="from-newer-version",
    message="I am being upgraded, and this is for the newer version of me: I cannot read it.",
    hint="Try again in a minute.",
    retryable=True,
)
KINDS = (STORE_AWAY, STORE_SLOW, UNEXPECTED, FROM_NEWER)

"""A finding of `purgebot check`, and what the checks share.

ok     all is well
warn   it works, but somebody should know: `remedy` says what to do
FAIL   it does not work: `remedy` says what to do
skip   it could not be looked at, because of an earlier finding
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.config.settings import Settings
from bot.core.errors import Audience, BotError
from bot.core.network.connection_errors import Unreached
from bot.core.policy.document import Policy
from bot.slack.client import SlackClient


class CheckStatus(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Page(StrEnum):
    """Where more is said: a page of the documentation, and the heading."""

    SET_UP = "docs/operate.md#set-up"
    CHECK = "docs/operate.md#what-purgebot-check-looks-at"
    MEMBERS = "docs/operate.md#who-counts-as-a-member"
    REFUSALS = "docs/operate.md#when-slack-refuses-something"
    SETTINGS = "docs/operate.md#settings"
    PROXY = "docs/operate.md#behind-a-proxy"
    POSTGRESQL = "docs/operate.md#postgresql"
    CANARY = "docs/operate.md#the-canary"
    ROLES = "docs/policy.md#roles"
    APPROVALS = "docs/policy.md#approvals"
    RULES = "docs/policy.md#rules"
    ERRORS = "docs/errors.md"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    `code` is that of the error, if docs/errors.md lists it.  Everything but OK and SKIP has a
    remedy and a page.
    """

    name: str
    status: CheckStatus
    detail: str
    remedy: str = ""
    page: str = ""
    code: str = ""


@dataclass(slots=True)
class Setup:
    """The settings, and what the checks have found to be usable.  None: it is not."""

    settings: Settings
    policy: Policy | None = None
    slack: SlackClient | None = None


Check = Callable[[Setup], Iterator[CheckResult]]


def ok(name: str, detail: str) -> CheckResult:
    return CheckResult(name, CheckStatus.OK, detail)


def skip(name: str, why: str) -> CheckResult:
    return CheckResult(name, CheckStatus.SKIP, f"not looked at: {why}")


def warn(name: str, detail: str, remedy: str, page: Page) -> CheckResult:
    return CheckResult(name, CheckStatus.WARN, detail, remedy, page)


def fail(name: str, detail: str, remedy: str, page: Page) -> CheckResult:
    return CheckResult(name, CheckStatus.FAIL, detail, remedy, page)


def fail_of(name: str, error: BotError, page: Page = Page.ERRORS) -> CheckResult:
    """Return the finding that an error comes to."""
    hint = error.info.hint_for(Audience.OPERATORS)
    return CheckResult(name, CheckStatus.FAIL, error.info.message, hint, page, error.info.code)


def unreached(name: str, whom: str, why: Unreached, variable: str) -> CheckResult:
    """Return the finding that Slack or the CDN was not reached at the address of a variable."""
    remedy = f"{why.remedy} The address is that of {variable}."
    return fail(name, f"{whom} cannot be reached: {why}", remedy, Page.PROXY)

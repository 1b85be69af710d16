"""The CDN: does it answer to the key, which of the rights has the key, and has it the domains?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from bot.cdn.client import OPERATIONS, CdnClient
from bot.cdn.credentials import from_settings
from bot.cdn.error_codes import CdnError
from bot.cli.checks.results import (
    CheckResult,
    Page,
    Setup,
    fail,
    fail_of,
    ok,
    skip,
    unreached,
    warn,
)
from bot.config import trust
from bot.core.cdn.errors import NO_PERMISSION
from bot.core.errors import BotError
from bot.core.network.connection_errors import Unreached
from bot.core.policy.document import Policy

_NAMES = ("cdn", "cdn rights", "domains")
_LISTS_DOMAINS = "DescribeUserDomains"
_PAGE_SIZE = 500
_MOST_PAGES = 10
_WITHOUT = {
    "DescribeRefreshTaskById": "no card can follow its task",
    "DescribeRefreshTasks": "a purge whose answer was lost stays unknown",
    "DescribeRefreshQuota": "the canary and /purge quota are refused",
    _LISTS_DOMAINS: "a mistyped domain is not recognised, and domains are not compared below",
}
"""What does not work without a right.  Without any other, nothing does."""
_NEEDED = frozenset(OPERATIONS) - {"DescribeRefreshTasks", _LISTS_DOMAINS}


def check_cdn(setup: Setup) -> Iterator[CheckResult]:
    settings = setup.settings
    try:
        credentials, trusted = from_settings(settings), trust.for_cdn(settings)
        with closing(CdnClient(settings.cdn_endpoint, credentials, trust=trusted)) as client:
            yield from _looked_at(client, setup)
    except BotError as error:  # before the first call
        yield _failed(error)
        for name in _NAMES[1:]:
            yield skip(name, "the CDN cannot be used")


def _looked_at(client: CdnClient, setup: Setup) -> Iterator[CheckResult]:
    try:
        client.describe_quota()
    except CdnError as error:
        if error.info.kind is not NO_PERMISSION:
            raise
    yield ok("cdn", f"{setup.settings.cdn_endpoint} answers to the key")
    permitted: set[str] = set()
    lacking: list[str] = []
    untold: list[str] = []
    for operation in OPERATIONS:
        try:
            if client.is_permitted(operation):
                permitted.add(operation)
            else:
                lacking.append(operation)
        except CdnError as error:
            untold.append(f"cdn:{operation} ({error.info.code})")
    yield from map(_right_missing, lacking)
    if untold:
        told = f"the CDN did not tell whether the key has {', '.join(untold)}"
        yield warn("cdn rights", told, "Run purgebot check again in a minute.", Page.ERRORS)
    elif not lacking:
        yield ok("cdn rights", f"the key has all {len(permitted)}")
    if setup.policy is None or _LISTS_DOMAINS not in permitted:
        yield skip("domains", "the policy cannot be used, or the key may not list domains")
    else:
        yield _domains(client, setup.policy)


def _right_missing(operation: str) -> CheckResult:
    remedy = f"Allow cdn:{operation} in the policy of the key's RAM user or role."
    if operation in _NEEDED:
        without = _WITHOUT.get(operation, "nothing can be purged")
        told = f"the key lacks cdn:{operation}: {without}"
        return fail("cdn rights", told, remedy, Page.SET_UP)
    told = f"the key lacks cdn:{operation}, which is optional: {_WITHOUT[operation]}"
    return warn("cdn rights", told, remedy, Page.SET_UP)


def _domains(client: CdnClient, policy: Policy) -> CheckResult:
    """Compare the domains that the policy names with those of the account."""
    patterns = {domain for rule in policy.rules for domain in rule.domains}
    patterns |= {domain for approval in policy.approvals for domain in approval.domains}
    named = {pattern for pattern in patterns if "*" not in pattern}
    account: set[str] = set()
    try:
        for page in range(1, _MOST_PAGES + 1):
            found = client.describe_domains(page=page, page_size=_PAGE_SIZE)
            account |= {name.lower() for name in found.page}
            if page * _PAGE_SIZE >= found.total or not found.page:
                break
        else:
            return skip("domains", f"the account has more than {_MOST_PAGES * _PAGE_SIZE}")
    except CdnError as error:
        return skip("domains", error.info.message)
    if missing := sorted(named - account):
        told = f"the account has none of the policy's {', '.join(missing)}"
        remedy = (
            "Correct the names in the policy, or take the key of the account that has them; a "
            "domain of DCDN or ESA is no domain of the CDN."
        )
        return warn("domains", told, remedy, Page.RULES)
    return ok("domains", f"the account has all {len(named)} that the policy names in full")


def _failed(error: BotError) -> CheckResult:
    if (why := error.info.facts.get("why")) in set(Unreached):
        return unreached("cdn", "the CDN", Unreached(why), "PURGEBOT_CDN_ENDPOINT")
    found = fail_of("cdn", error)
    remedy = (
        f"{found.remedy} The settings are ALIBABA_CLOUD_ACCESS_KEY_ID, "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET and PURGEBOT_CDN_ENDPOINT."
    )
    return CheckResult("cdn", found.status, found.detail, remedy, found.page, found.code)

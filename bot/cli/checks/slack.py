"""Slack: its two tokens, the scopes of the bot's, and this machine's clock against Slack's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.app import web_client
from bot.cli.checks.results import CheckResult, Page, Setup, fail, ok, skip, unreached, warn
from bot.config.settings import Mode
from bot.health.ingress import FRESH_FOR_S, words_of
from bot.slack.client import OPTIONAL_SCOPES, SCOPES, SlackClient, granted_scopes
from bot.slack.errors import NO_ANSWER, SAID_NO, read_no, why_no_answer

CLOCK_NOTED_S = 60
"""A smaller offset of the clock is not reported: times are in seconds, and the answer took time."""
CDN_FRESH_FOR_S = 15 * 60
"""Beyond that the CDN refuses signatures.
https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
"""
_INSTALL_AGAIN = (
    "Put manifest.yml into the app's page at api.slack.com/apps, App Manifest, and install the "
    "app again."
)
_COPY_IT = "Copy the Bot User OAuth Token from the app's page, OAuth & Permissions."
_MAKE_ONE = (
    "Make an app-level token with the scope connections:write on the app's page, Basic "
    "Information, and turn Socket Mode on there."
)


def check_bot_token(setup: Setup) -> Iterator[CheckResult]:
    client = web_client(setup.settings)
    try:
        answer = client.auth_test()
    except (*SAID_NO, *NO_ANSWER) as error:
        yield _refused("slack token", setup, error, "SLACK_BOT_TOKEN", _COPY_IT)
        for name in ("scopes", "clock"):
            yield skip(name, "Slack does not answer to the token")
        return
    setup.slack = client
    yield ok("slack token", f"{answer['user']} in {answer['team']}")
    yield from _scopes(granted_scopes(answer.headers) - {""})
    yield _clock(setup, answer.headers)


def _scopes(granted: frozenset[str]) -> Iterator[CheckResult]:
    needed = frozenset(SCOPES.values())
    lacking, surplus = needed - granted, granted - needed
    if missing := sorted(lacking - OPTIONAL_SCOPES):
        told = f"the token lacks the scopes {', '.join(missing)}"
        yield fail("scopes", told, _INSTALL_AGAIN, Page.REFUSALS)
    elif surplus:
        told = f"the token also has the scopes {', '.join(sorted(surplus))}, which are never used"
        remedy = f"{_INSTALL_AGAIN} What a token may do, whoever steals it may do as well."
        yield warn("scopes", told, remedy, Page.SET_UP)
    elif lacking:
        told = f"without {', '.join(sorted(lacking))} a crash may post a card twice"
        yield warn("scopes", told, f"{_INSTALL_AGAIN} They are optional.", Page.SET_UP)
    else:
        yield ok("scopes", "those of manifest.yml, and no others")


def _clock(setup: Setup, headers: Mapping[str, str]) -> CheckResult:
    off_s = _off_s(headers)
    if off_s is None:
        return skip("clock", "Slack's answer does not tell the time")
    if abs(off_s) <= CLOCK_NOTED_S:
        return ok("clock", "within a minute of Slack's")
    told = f"this machine's clock is {words_of(off_s)}"
    remedy = "Set this machine's clock, and keep it right with NTP (timedatectl set-ntp true)."
    if setup.settings.mode is Mode.HTTP and abs(off_s) > FRESH_FOR_S:
        told = f"{told}: so none of Slack's requests can be verified"
    elif abs(off_s) > CDN_FRESH_FOR_S:
        told = f"{told}: so the CDN takes no signature"
    else:
        return warn("clock", told, remedy, Page.CHECK)
    return fail("clock", told, remedy, Page.CHECK)


def _off_s(headers: Mapping[str, str]) -> int | None:
    """Return how far this clock is behind that of an answer, in seconds; None if unknown."""
    try:
        there = parsedate_to_datetime(
            {key.lower(): value for key, value in headers.items()}["date"]
        )
        return round((there - datetime.now(UTC)).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def check_app_token(setup: Setup) -> Iterator[CheckResult]:
    token = setup.settings.slack_app_token
    if setup.settings.mode is Mode.HTTP or token is None:
        yield ok("slack socket", "not needed in http mode")
        return
    client: SlackClient = web_client(setup.settings)
    try:
        client.apps_connections_open(app_token=token.get_secret_value())
    except (*SAID_NO, *NO_ANSWER) as error:
        yield _refused("slack socket", setup, error, "SLACK_APP_TOKEN", _MAKE_ONE)
        return
    yield ok("slack socket", "app token accepted")


def _refused(name: str, setup: Setup, error: Exception, token: str, remedy: str) -> CheckResult:
    if isinstance(error, SAID_NO):
        told = f"Slack does not accept {token} ({read_no(error).code})"
        return fail(name, told, remedy, Page.REFUSALS)
    why = why_no_answer(error, setup.settings.slack_api_url)
    return unreached(name, "Slack", why, "SLACK_API_URL")

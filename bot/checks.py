"""`purgebot check`: is everything there that `purgebot run` needs?  One line each, and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import text

from bot.app import web_client
from bot.cdn.client import CdnClient
from bot.cdn.credentials import from_settings
from bot.core.errors import BotError
from bot.core.setup_errors import SCHEMA_OLD
from bot.policy_file import PolicySource
from bot.settings import Mode, Settings, read_settings
from bot.store.engine import Database
from bot.store.file import database_file
from bot.store.migrations import schema_problem
from handlers import OPTIONAL_SCOPES, SCOPES
from handlers.slack_answers import NO_ANSWER, read_no


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is empty when all is well."""

    name: str
    good: bool
    detail: str
    remedy: str = ""


class _Bad(Exception):
    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail, self.remedy = detail, remedy


def check_all() -> Iterator[Finding]:
    """Check one thing after the other; without settings there is nothing else to check."""
    try:
        settings = read_settings()
    except BotError as error:
        yield Finding("settings", False, error.problem.message, error.problem.hint)
        return
    yield Finding("settings", True, f"{settings.mode.value} mode")
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("policy", _policy),
        ("database", _database),
        ("slack token", _slack_token),
        ("slack socket", _slack_socket),
        ("cdn", _cdn),
    )
    for name, check in checks:
        yield _run(name, check, settings)


def _run(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, True, check(settings))
    except _Bad as bad:
        return Finding(name, False, bad.detail, bad.remedy)
    except BotError as error:
        return Finding(name, False, error.problem.message, error.problem.hint)


def _policy(settings: Settings) -> str:
    policy, policy_hash = PolicySource(settings.policy).current()
    return f"{len(policy.roles)} roles, {len(policy.rules)} rules ({policy_hash[:12]})"


def _database(settings: Settings) -> str:
    database_file(settings)  # makes its folder, as `run` does
    database = Database(settings.database_url.get_secret_value())
    try:
        database.write(lambda connection: connection.execute(text("SELECT 1")))
    except BotError:
        raise _Bad(
            "the database does not answer",
            "Check PURGEBOT_DATABASE_URL, and that the server runs and takes this user.",
        ) from None
    else:
        problem = schema_problem(database.engine)
    finally:
        database.close()
    # An older SQLite file is brought up to date by `run`.
    if problem is not None and not (database.is_sqlite and problem.kind is SCHEMA_OLD):
        raise _Bad(problem.message, problem.hint)
    return database.engine.dialect.name


def _slack_token(settings: Settings) -> str:
    client = web_client(settings)
    try:
        answer = client.auth_test()
    except SlackApiError as error:
        raise _Bad(
            f"Slack does not accept SLACK_BOT_TOKEN ({read_no(error).code})",
            "Copy the Bot User OAuth Token from the app's page, OAuth & Permissions.",
        ) from None
    except NO_ANSWER:
        raise _unreachable() from None
    headers = {name.lower(): value for name, value in dict(answer.headers).items()}
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    lacking = sorted(set(SCOPES.values()) - granted - OPTIONAL_SCOPES)
    if lacking:
        raise _Bad(
            f"the token lacks the scopes {', '.join(lacking)}",
            "Put manifest.yml into the app's page, App Manifest, and install the app again.",
        )
    without = sorted(OPTIONAL_SCOPES - granted)
    note = f"; without {', '.join(without)} a crash may post a card twice" if without else ""
    return f"{answer['user']} in {answer['team']}{note}"


def _slack_socket(settings: Settings) -> str:
    if settings.mode is Mode.HTTP or settings.slack_app_token is None:
        return "not needed in http mode"
    try:
        WebClient(base_url=settings.slack_api_url, retry_handlers=[]).apps_connections_open(
            app_token=settings.slack_app_token.get_secret_value()
        )
    except SlackApiError as error:
        raise _Bad(
            f"Slack does not accept SLACK_APP_TOKEN ({read_no(error).code})",
            "Make an app-level token with the scope connections:write, and turn Socket Mode on.",
        ) from None
    except NO_ANSWER:
        raise _unreachable() from None
    return "app token accepted"


def _unreachable() -> _Bad:
    return _Bad("Slack cannot be reached", "Check the network, and HTTPS_PROXY if there is one.")


def _cdn(settings: Settings) -> str:
    client = CdnClient(settings.cdn_endpoint, from_settings(settings))
    try:
        client.describe_quota()
    except BotError as error:
        hint = error.problem.hint.removeprefix("For the operators of Purgebot: ")
        raise _Bad(
            error.problem.message,
            f"{hint[0].upper()}{hint[1:]}\n        The settings are ALIBABA_CLOUD_ACCESS_KEY_ID, "
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET and PURGEBOT_CDN_ENDPOINT.",
        ) from None
    finally:
        client.close()
    return f"{settings.cdn_endpoint} answers"

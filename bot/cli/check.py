"""`purgebot check`: check what `purgebot run` needs, with one line each, and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.app import web_client
from bot.cdn.client import CdnClient
from bot.cdn.credentials import from_settings
from bot.config import trust
from bot.config.policy_file import PolicySource
from bot.config.settings import Mode, Settings, read_settings
from bot.core.errors import Audience, BotError
from bot.core.network.connection_errors import Unreached, why_database_unreached
from bot.core.policy.decision import Membership
from bot.core.policy.document import Policy, Role
from bot.core.policy.fields import EVERYBODY, Action
from bot.core.setup_errors import SCHEMA_OLD
from bot.health.ingress import FRESH_FOR_S, words_of
from bot.slack.client import OPTIONAL_SCOPES, SCOPES, SlackClient, granted_scopes
from bot.slack.directory import MOST_QUESTIONS, SlackDirectory
from bot.slack.errors import NO_ANSWER, SAID_NO, read_no, why_no_answer
from bot.slack.installation import Installation
from bot.store.database.engine import Database, info_of
from bot.store.database.probe import write_error
from bot.store.database.sqlite import database_file
from bot.store.migrations import schema_error

CLOCK_NOTED_S = 60
"""A smaller offset of the clock is not reported: times are in seconds, and the answer took time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.  Bad: `remedy` says what to do.  Good with a `remedy`: a warning."""

    name: str
    good: bool
    detail: str
    remedy: str = ""


class _Bad(Exception):
    """A check failed.  The arguments are the detail and the remedy of its Finding."""


def check_all() -> Iterator[Finding]:
    """Yield the result of each check in turn.  Without settings there is only one."""
    try:
        settings = read_settings(Settings)
    except BotError as error:
        yield Finding("settings", False, error.info.message, error.info.hint)
        return
    yield Finding("settings", True, f"{settings.mode.value} mode")
    yield _files(settings)
    yield _approval_key(settings)
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("policy", _policy),
        ("database", _database),
        ("slack token", _slack_token),
        ("slack socket", _slack_socket),
        ("approvers", _approvers),
        ("cdn", _cdn),
    )
    for name, check in checks:
        try:
            yield Finding(name, True, check(settings))
        except _Bad as bad:
            yield Finding(name, False, *bad.args)
        except BotError as error:
            yield Finding(name, False, error.info.message, error.info.hint)


def _files(settings: Settings) -> Finding:
    if not (files := " ".join(map(str, settings.writable_by_others))):
        return Finding("files", True, "the policy and .env are their owner's alone to change")
    return Finding(
        "files",
        True,
        f"others than their owner may change {files}, and with it who may purge, or the settings",
        f"chmod go-w {files}",
    )


def _approval_key(settings: Settings) -> Finding:
    if settings.approval_keys:
        return Finding("approval key", True, "approvals are signed")
    return Finding(
        "approval key",
        True,
        "there is none, so whoever can write to the database can forge approvals",
        "Set PURGEBOT_APPROVAL_KEY, for all replicas the same: openssl rand -hex 32",
    )


def _policy(settings: Settings) -> str:
    policy, policy_hash = PolicySource(settings.policy).current()
    return f"{len(policy.roles)} roles, {len(policy.rules)} rules ({policy_hash[:12]})"


def _database(settings: Settings) -> str:
    database_file(settings)  # creates its folder, as `run` does
    database = Database(settings.database_url.get_secret_value())
    try:
        database.write(lambda _: None)  # works also if there is no table yet
        info = schema_error(database.engine) or write_error(database, datetime.now(UTC))
    except BotError as error:
        if unreached := why_database_unreached(error):
            why, remedy = unreached
            raise _Bad(f"the database cannot be reached: {why}", remedy) from None
        info = info_of(error.__cause__)
    finally:
        database.close()
    # `run` updates an older SQLite file.
    if info is not None and not (database.is_sqlite and info.kind is SCHEMA_OLD):
        raise _Bad(info.message, info.hint)
    pooled = "" if database.is_direct else ", through a connection pooler"
    return f"{database.engine.dialect.name}{pooled}"


@contextmanager
def _asking_slack(settings: Settings, token: str, remedy: str) -> Iterator[None]:
    """Report that Slack refuses the token or does not answer.  Raises: _Bad."""
    try:
        yield
    except SAID_NO as error:
        parts = f"Slack does not accept {token} ({read_no(error).code})"
        raise _Bad(parts, remedy) from None
    except NO_ANSWER as error:
        why = why_no_answer(error, settings.slack_api_url)
        raise _Bad(f"Slack cannot be reached: {why}", _in_short(why, "SLACK_API_URL")) from None


def _slack_token(settings: Settings) -> str:
    client = web_client(settings)
    remedy = "Copy the Bot User OAuth Token from the app's page, OAuth & Permissions."
    with _asking_slack(settings, "SLACK_BOT_TOKEN", remedy):
        answer = client.auth_test()
    granted = granted_scopes(answer.headers)
    lacking = sorted(set(SCOPES.values()) - granted - OPTIONAL_SCOPES)
    if lacking:
        raise _Bad(
            f"the token lacks the scopes {', '.join(lacking)}",
            "Put manifest.yml into the app's page, App Manifest, and install the app again.",
        )
    parts = [f"{answer['user']} in {answer['team']}"]
    off_s = _clock_off_s(answer.headers)
    if off_s is not None and abs(off_s) > CLOCK_NOTED_S:
        parts.append(f"this machine's clock is {words_of(off_s)}")
        if settings.mode is Mode.HTTP and abs(off_s) > FRESH_FOR_S:
            raise _Bad(
                "; ".join(parts), "Set the clock: so none of Slack's requests can be verified."
            )
    if without := sorted(OPTIONAL_SCOPES - granted):
        parts.append(f"without {', '.join(without)} a crash may post a card twice")
    return "; ".join(parts)


def _clock_off_s(headers: Mapping[str, str]) -> int | None:
    """Return how far this clock is behind that of an answer, in seconds; None if unknown."""
    try:
        there = parsedate_to_datetime(
            {key.lower(): value for key, value in headers.items()}["date"]
        )
        return round((there - datetime.now(UTC)).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def _slack_socket(settings: Settings) -> str:
    if settings.mode is Mode.HTTP or settings.slack_app_token is None:
        return "not needed in http mode"
    app_token = settings.slack_app_token.get_secret_value()
    remedy = "Make an app-level token with the scope connections:write, and turn Socket Mode on."
    with _asking_slack(settings, "SLACK_APP_TOKEN", remedy):
        web_client(settings).apps_connections_open(app_token=app_token)
    return "app token accepted"


def _approvers(settings: Settings) -> str:
    """Check that the people whom the policy names are full members and enough to approve, and that
    Slack returns the members of its groups.
    """
    client = web_client(settings)
    try:
        source = PolicySource(settings.policy)
        client.auth_test()
    except (BotError, *SAID_NO, *NO_ANSWER):
        return "not looked at: the policy or Slack cannot be used"  # an earlier line reports it
    policy, _ = source.current()
    roles: dict[str, list[str]] = {}
    for name, role in policy.roles.items():
        for who in role.users:
            roles.setdefault(who, []).append(name)
    ours = Installation.of(client.identity)
    directory = SlackDirectory(client, source, lambda: datetime.now(UTC), ours)
    memberships: dict[str, Membership] = {}
    named = list(roles)
    for first in range(0, len(named), MOST_QUESTIONS):
        memberships |= directory.memberships(named[first : first + MOST_QUESTIONS])
    lost = {who for who, found in memberships.items() if found is not Membership.MEMBER}
    parts = [f"{len(memberships) - len(lost)} of {len(roles)} people named are full members"]
    if len(memberships) < len(roles):
        parts.append(f"Slack did not tell of {len(roles) - len(memberships)}")
    parts += [
        f"{who} ({', '.join(roles[who])}) {_MEMBERSHIPS[memberships[who]]}"
        for who in named
        if who in lost
    ]
    empty = sorted(name for name in _approving(policy) if _is_empty(policy.roles[name], lost))
    if empty:
        parts.append(f"nobody is left to approve in {', '.join(empty)}")
        raise _Bad("; ".join(parts), "Name people in these roles who are full members, or a group.")
    parts.append(_groups_read(client, ours, policy))
    return "; ".join(parts)


def _groups_read(client: SlackClient, ours: Installation, policy: Policy) -> str:
    """Read the members of each group, and return how many groups can be read.  Raises: _Bad."""
    groups = sorted({group for role in policy.roles.values() for group in role.groups})
    if ours.is_org:  # the workspaces depend on the person
        return f"{len(groups)} user groups not looked at, for the app is installed over an organisation"
    read = 0
    for group in groups:
        with suppress(*SAID_NO, *NO_ANSWER):
            client.usergroups_users_list(usergroup=group)
            read += 1
    if refused := sorted(map(str, client.refusals.values())):
        raise _Bad(
            f"Slack refuses {', '.join(refused)}",
            "Without it nobody's rights can be checked. docs/operate.md tells what each word means.",
        )
    return f"{read} of {len(groups)} user groups can be read"


_MEMBERSHIPS = {
    Membership.GUEST: "is a guest",
    Membership.BOT: "is a bot",
    Membership.DELETED: "is closed",
    Membership.OUTSIDER: "is of another workspace",
    Membership.UNKNOWN: "is unknown to Slack",
}


def _approving(policy: Policy) -> set[str]:
    """Return the roles whose approvals can count, or that the policy demands."""
    rules = {
        role for rule in policy.rules if Action.APPROVE in (rule.allow or ()) for role in rule.roles
    }
    asked = {role for each in policy.approvals if each.required for role in each.roles or ()}
    return (rules | asked) - {EVERYBODY}


def _is_empty(role: Role, lost: set[str]) -> bool:
    return not (role.groups or role.channels) and lost.issuperset(role.users)


def _in_short(why: Unreached, variable: str) -> str:
    return f"{why.remedy}\n        The address is that of {variable}."


def _cdn(settings: Settings) -> str:
    credentials, trusted = from_settings(settings), trust.for_cdn(settings)
    with closing(CdnClient(settings.cdn_endpoint, credentials, trust=trusted)) as client:
        try:
            client.describe_quota()
        except BotError as error:
            why = error.info.facts.get("why")
            if why in set(Unreached):
                remedy = _in_short(Unreached(why), "PURGEBOT_CDN_ENDPOINT")
            else:
                remedy = (
                    f"{error.info.hint_for(Audience.OPERATORS)}\n        The settings are "
                    "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and "
                    "PURGEBOT_CDN_ENDPOINT."
                )
            raise _Bad(error.info.message, remedy) from None
    return f"{settings.cdn_endpoint} answers"

"""Check the answers that `purgebot init` is given: by their form, and by asking Slack and the CDN.

Each check returns the answer as it is to be written, and what was found out about it.
Raises: Refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from bot.app import web_client
from bot.cdn.client import CdnClient
from bot.cdn.credentials import from_settings
from bot.config import trust
from bot.config.settings import Settings
from bot.core.errors import Audience, BotError
from bot.core.network.connection_errors import Unreached
from bot.core.policy.decision import Membership
from bot.core.policy.fields import DomainPattern, slack_id
from bot.slack.client import OPTIONAL_SCOPES, SCOPES, SlackClient, granted_scopes
from bot.slack.errors import NO_ANSWER, SAID_NO, read_no, why_no_answer
from bot.slack.installation import Installation, Person

Check = Callable[[str], tuple[str, str]]


class Refused(Exception):
    """An answer that cannot be taken.  The arguments are the reason and the remedy."""


def of_setting(name: str, settings: Settings) -> str:
    """Ask the service that a setting is for, and return what was found out."""
    checks = {
        "SLACK_BOT_TOKEN": _bot_token,
        "SLACK_APP_TOKEN": _app_token,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": _access_key,
    }
    return checks[name](settings) if name in checks else ""


def _bot_token(settings: Settings) -> str:
    slack = web_client(settings)
    with _asking(slack, "this token", "Copy the Bot User OAuth Token: OAuth & Permissions."):
        answer = slack.auth_test()
    lacking = set(SCOPES.values()) - granted_scopes(answer.headers) - OPTIONAL_SCOPES
    if lacking:
        raise Refused(
            f"it lacks the scopes {', '.join(sorted(lacking))}",
            "Put manifest.yml into the app's page, App Manifest, and install the app again.",
        )
    return f"{answer['user']} in {answer['team']}"


def _app_token(settings: Settings) -> str:
    slack = web_client(settings)
    assert settings.slack_app_token is not None
    remedy = "It takes the scope connections:write, and Socket Mode turned on."
    with _asking(slack, "this token", remedy):
        slack.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    return "Slack takes it"


def _access_key(settings: Settings) -> str:
    client = CdnClient(
        settings.cdn_endpoint, from_settings(settings), trust=trust.for_cdn(settings)
    )
    try:
        with closing(client):
            client.describe_quota()
    except BotError as error:
        why = error.info.facts.get("why")
        if why in set(Unreached):
            raise Refused(f"the CDN cannot be reached: {why}", Unreached(why).remedy) from None
        raise Refused(error.info.message, error.info.hint_for(Audience.OPERATORS)) from None
    return "the CDN takes it"


def of_sample(sample: str, slack: SlackClient | None) -> Check:
    """Return the check of what replaces a sample of a preset.  Without `slack` nobody is looked up."""
    checks = {"U": _person, "S": _group, "C": _channel}
    found = checks[sample[0]] if re.fullmatch("[USC]0[A-Z]+", sample) else _domains
    return lambda typed: found(typed, slack)


def _person(typed: str, slack: SlackClient | None) -> tuple[str, str]:
    user = _valid(Annotated[str, slack_id("UW", "person")], typed)
    if slack is None:
        return user, "not looked up"
    with _asking(slack, user):
        ours = Installation.of(slack.identity or slack.auth_test().data)  # type: ignore[arg-type]
        found = slack.users_info(user=user)["user"]
    membership = Person.of(found, user, ours).membership_at(None, ours)
    if membership is not Membership.MEMBER:
        raise Refused(
            f"{user} is no full member, but: {membership}", "Only full members have rights."
        )
    return user, f"{found.get('real_name') or found['name']}, a full member"


def _group(typed: str, slack: SlackClient | None) -> tuple[str, str]:
    if typed.startswith("@") and slack is not None:
        with _asking(slack, typed):
            groups = slack.usergroups_list()["usergroups"]
        typed = next((each["id"] for each in groups if each["handle"] == typed[1:]), typed)
    group = _valid(Annotated[str, slack_id("S", "user group")], typed)
    if slack is None:
        return group, "not looked up"
    with _asking(slack, group):
        users = slack.usergroups_users_list(usergroup=group)["users"]
    if not users:
        raise Refused(f"{group} has no members", "Add somebody to it, or give another group.")
    return group, f"{group}, members: {len(users)}"


def _channel(typed: str, _: SlackClient | None) -> tuple[str, str]:
    channel = _valid(Annotated[str, slack_id("CG", "channel")], typed)
    return channel, f"{channel}; say /invite @Purgebot there"


def _domains(typed: str, _: SlackClient | None) -> tuple[str, str]:
    patterns = [_valid(DomainPattern, each) for each in re.split(r"[\s,]+", typed) if each]
    return " ".join(patterns), " ".join(patterns)


def _valid(kind: Any, typed: str) -> str:
    try:
        return str(TypeAdapter(kind).validate_python(typed))
    except ValidationError as error:
        raise Refused(
            error.errors()[0]["msg"], "docs/policy.md shows what may stand there."
        ) from None


@contextmanager
def _asking(
    slack: SlackClient, about: str, remedy: str = "Copy the ID anew: is it one of this workspace?"
) -> Iterator[None]:
    try:
        yield
    except SAID_NO as error:
        why = f"Slack says of {about}: {read_no(error).code}"
        raise Refused(why, remedy) from None
    except NO_ANSWER as error:
        why_not = why_no_answer(error, slack.base_url)
        raise Refused(f"Slack cannot be reached: {why_not}", why_not.remedy) from None

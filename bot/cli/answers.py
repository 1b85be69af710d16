"""Check the answers that `purgebot init` is given: by their form, and by asking Slack and the CDN.

Each check returns the answer as it is to be written, and what was found out about it.
Raises: Refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from bot.cli.checks.cdn import check_cdn
from bot.cli.checks.results import CheckStatus, Setup
from bot.cli.checks.slack import check_app_token, check_bot_token
from bot.config.settings import Settings
from bot.core.policy.decision import Membership
from bot.core.policy.fields import DomainPattern, slack_id
from bot.slack.client import SlackClient
from bot.slack.errors import NO_ANSWER, SAID_NO, read_no, why_no_answer
from bot.slack.installation import Installation, Person

Check = Callable[[str], tuple[str, str]]


class Refused(Exception):
    """An answer that cannot be taken.  The arguments are the reason and the remedy."""


def of_setting(name: str, settings: Settings) -> str:
    """Look at a setting as `purgebot check` does, and return what was found."""
    checks = {
        "SLACK_BOT_TOKEN": check_bot_token,
        "SLACK_APP_TOKEN": check_app_token,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": check_cdn,
    }
    told: list[str] = []
    for found in checks[name](Setup(settings)) if name in checks else ():
        if found.status is CheckStatus.FAIL:
            raise Refused(found.detail, f"{found.remedy} ({found.page})")
        if found.status is CheckStatus.WARN or not told:
            told.append(found.detail)
    return "; ".join(told)


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
def _asking(slack: SlackClient, about: str) -> Iterator[None]:
    try:
        yield
    except SAID_NO as error:
        why = f"Slack says of {about}: {read_no(error).code}"
        raise Refused(why, "Copy the ID anew: is it one of this workspace?") from None
    except NO_ANSWER as error:
        why_not = why_no_answer(error, slack.base_url)
        raise Refused(f"Slack cannot be reached: {why_not}", why_not.remedy) from None

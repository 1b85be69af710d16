"""`purgebot check`: look at everything that `purgebot run` needs, and say what to do about it.

Exit codes:

    0    all is well, or there are warnings alone
    1    something fails
    130  it was stopped by Ctrl-C
"""

from __future__ import annotations

import json
import os
import platform
import signal
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.cli.checks.results import CheckResult


def check(
    *,
    cards: Annotated[
        bool, typer.Option("--cards", help="Have Slack look over every kind of card, too.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, for programs and for reports.")
    ] = False,
) -> None:
    """Say whether settings, policy, database, Slack and CDN are good, and what to do if not."""
    from bot.cli.checks.results import CheckStatus
    from bot.telemetry.logs import set_up_logs

    set_up_logs("CRITICAL")
    # At once: there is nothing to clean up, and Python ignores exceptions in a destructor.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    found: list[CheckResult] = []
    for each in check_all(cards=cards):
        found.append(each)
        if not as_json:
            _say(each)
    good = all(each.status is not CheckStatus.FAIL for each in found)
    if as_json:
        typer.echo(json.dumps(_report(found, good=good), indent=2))
    if not good:
        raise typer.Exit(1)


def check_all(*, cards: bool = False) -> Iterator[CheckResult]:
    """Yield the results of all checks in turn.  Without settings there is only one."""
    from bot.cli.checks import cdn, database, files, policy_names, slack
    from bot.cli.checks.cards import check_cards
    from bot.cli.checks.results import Page, Setup, fail_of, ok
    from bot.config.settings import Settings, read_settings
    from bot.core.errors import BotError

    try:
        settings = read_settings(Settings)
    except BotError as error:
        yield fail_of("settings", error, Page.SETTINGS)
        return
    yield ok("settings", f"{settings.mode.value} mode")
    setup = Setup(settings)
    for run in (
        files.check_files,
        files.check_approval_key,
        files.check_policy,
        database.check_database,
        slack.check_bot_token,
        slack.check_app_token,
        policy_names.check_names,
        cdn.check_cdn,
        *((check_cards,) if cards else ()),
    ):
        yield from run(setup)


def _say(found: CheckResult) -> None:
    word = {"fail": "FAIL"}.get(found.status, found.status)
    typer.echo(f"{word:<4}  {found.name}: {found.detail}")
    if found.remedy:
        typer.echo(f"      → {found.remedy}\n        See {found.page}")


def _report(found: list[CheckResult], *, good: bool) -> dict[str, object]:
    """Return the findings for a program.  No secret is in them; IDs and host names are."""
    from importlib.metadata import version

    return {
        "ok": good,
        "purgebot": version("purgebot"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "findings": [asdict(each) for each in found],
    }

"""`purgebot`: run, demo, check, policy explain, policy schema, audit export, audit verify.

Errors go to stderr.  Exit codes:

    0    done; the checks are good; the policy says yes; run and demo were told to stop
    1    a check or the audit is bad; the policy says no; a played conversation went otherwise
    2    the command line, the settings, the policy file, or what the bot needs cannot be used
    3    something nobody foresaw
    130  another command was stopped by Ctrl-C
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli_audit import audit_app
from bot.core.errors import BotError

if TYPE_CHECKING:
    from types import FrameType

    from bot.app import Bot
    from bot.core.policy import Action

app = typer.Typer(
    help="Clear Alibaba Cloud CDN caches from Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
policy_app = typer.Typer(help="Look into the policy file.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")


def main() -> None:
    """Run the command line; every error becomes a sentence on stderr and an exit code."""
    try:
        app()
    except BotError as error:
        print(f"{error.problem.message}\n{error.problem.hint}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001  (the last line of defence: the user gets a code, not silence)
        traceback.print_exc()
        sys.exit(3)


@app.command()
def run() -> None:
    """Run the bot: Socket Mode with SLACK_APP_TOKEN, signed HTTP with SLACK_SIGNING_SECRET."""
    from bot.app import build
    from bot.logs import set_up_logs
    from bot.settings import Mode, read_settings

    set_up_logs()
    settings = read_settings()
    bot = build(settings)
    _reload_on_sighup(bot)
    stopping = _stop_signals()  # the HTTP server catches them first, and hands them on at its end
    try:
        bot.start()
        if settings.mode is Mode.HTTP:
            from bot.web import serve

            serve(bot, *settings.bind)
        else:
            stopping.wait()
    finally:
        bot.stop()


@app.command()
def demo(
    *,
    play: Annotated[
        Path | None, typer.Option(help="Play a conversation from a file and print it.")
    ] = None,
    no_bot: Annotated[
        bool, typer.Option("--no-bot", help="Start the simulators only, without the bot.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --no-bot: print one JSON line of settings.")
    ] = False,
    port: Annotated[int, typer.Option(help="The page's port; 0 takes a free one.")] = 0,
    verbose: Annotated[bool, typer.Option(help="Show the bot's log.")] = False,
) -> None:
    """Try everything in a browser: the real bot, a pretend Slack and a pretend CDN."""
    from bot.logs import set_up_logs

    set_up_logs("INFO" if verbose else "ERROR")
    if play is not None:
        from bot.playground.play import play_file

        sys.exit(play_file(play))
    from bot.playground.town import town

    stopping = _stop_signals()
    with ExitStack() as stack:
        try:
            place = stack.enter_context(town(page_port=port, with_bot=not no_bot))
        except OSError as error:
            raise typer.BadParameter(f"port {port} cannot be used: {error.strerror}") from None
        if as_json:
            typer.echo(json.dumps(place.handles()))
        else:
            typer.echo(f"Purgebot demo: {place.urls['page']}  (Ctrl-C ends it)")
        if place.bot is not None:
            place.bot.worker.start()
        stopping.wait()


@app.command()
def check() -> None:
    """Say whether settings, policy, database, Slack and CDN are good, and what to do if not."""
    from bot.checks import check_all
    from bot.logs import set_up_logs

    set_up_logs("CRITICAL")
    good = True
    for found in check_all():
        good = good and found.good
        typer.echo(f"{'ok  ' if found.good else 'FAIL'}  {found.name}: {found.detail}")
        if not found.good:
            typer.echo(f"      → {found.remedy}")
    if not good:
        raise typer.Exit(1)


@policy_app.command()
def explain(
    user: Annotated[str, typer.Option(help="Slack user ID, U…")],
    action: Annotated[str, typer.Option(help="purge, force, approve, view or admin")],
    domain: Annotated[str, typer.Option(help="The domain")],
    tag: Annotated[str, typer.Option(help="The tag")],
    group: Annotated[
        list[str] | None, typer.Option(help="A user group the person is in, S… (repeatable)")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="The channel they speak in, C…")] = None,
    policy: Annotated[
        Path | None, typer.Option(envvar="PURGEBOT_POLICY", help="The policy file")
    ] = None,
) -> None:
    """Say what the policy decides for a person, and which rules made it so."""
    from bot.core.domains import normalise_domain
    from bot.core.policy import Actor, Standing, decide
    from bot.policy_file import PolicySource

    if policy is None:
        raise typer.BadParameter("give --policy FILE or set PURGEBOT_POLICY")
    rules, policy_hash = PolicySource(policy).current()
    actor = Actor("T", user, Standing.MEMBER, frozenset(group or ()), channel)
    decision = decide(rules, actor, _action(action), normalise_domain(domain), tag)
    typer.echo(f"{'yes' if decision.allowed else 'no'}: {decision.sentence}")
    for reason in decision.reasons:
        typer.echo(f"  {reason.code}: {reason.sentence}")
    if not decision.allowed and decision.needed_roles:
        typer.echo(f"  role needed: {' or '.join(decision.needed_roles)}")
        typer.echo(f"  held by: {', '.join(decision.holders.ids) or 'nobody'}")
    typer.echo(f"  policy {policy_hash[:12]}")
    if not decision.allowed:
        raise typer.Exit(1)


@policy_app.command()
def schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    from bot.policy_file import policy_schema

    typer.echo(json.dumps(policy_schema(), indent=2))


def _action(word: str) -> Action:
    from bot.core.policy import Action

    try:
        return Action(word)
    except ValueError:
        raise typer.BadParameter(f"{word} is none of {', '.join(Action)}") from None


def _stop_signals() -> threading.Event:
    """Give the event that SIGTERM and Ctrl-C set."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping


def _reload_on_sighup(bot: Bot) -> None:
    def reload(_signal: int, _frame: FrameType | None) -> None:
        # Not in the handler itself: it runs between any two instructions of the main thread.
        threading.Thread(target=bot.policy.reload, kwargs={"force": True}, daemon=True).start()

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, reload)

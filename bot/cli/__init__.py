"""`purgebot`: run, demo, check, migrate, policy explain, policy schema, audit export, audit verify.

Errors go to stderr.  Exit codes:

    0    done; the checks are good; the policy says yes; run and demo were told to stop
    1    a check or the audit is bad; the policy says no; a played conversation went otherwise
    2    the command line, the settings, the policy file, or what the bot needs cannot be used
    3    something nobody foresaw
    75   what the bot needs cannot be used now, but may be later: whoever started it may try again
    130  another command was stopped by Ctrl-C
    143  SIGTERM came to another command, or before the bot was up
"""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.audit import audit_app
from bot.cli.migrate import migrate
from bot.core.errors import BotError

if TYPE_CHECKING:
    from bot.core.policy.fields import Action

EXIT_WITHIN_S = 9.0
"""After SIGTERM: who started the bot kills it after 10 s, if it is Docker."""

app = typer.Typer(
    help="Clear Alibaba Cloud CDN caches from Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
policy_app = typer.Typer(help="Look into the policy file.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")
app.command()(migrate)


def main() -> None:
    """Run the command line; every error becomes a sentence on stderr and an exit code."""
    # The kernel spares process 1, which this is in a container, every signal that it does not ask
    # for.  `run` and `demo` ask anew when they are up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _make_do_without_a_home()
    try:
        app()
    except BotError as error:
        print(f"{error.problem.message}\n{error.problem.hint}", file=sys.stderr)  # noqa: T201
        sys.exit(75 if error.problem.kind.retryable else 2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001  (the last line of defence: the user gets a code, not silence)
        traceback.print_exc()
        sys.exit(3)


@app.command()
def run() -> None:
    """Run the bot: Socket Mode with SLACK_APP_TOKEN, signed HTTP with SLACK_SIGNING_SECRET."""
    import structlog

    from bot.app import build
    from bot.config.settings import Mode, Settings, read_settings
    from bot.telemetry.logs import set_up_logs

    set_up_logs()
    settings = read_settings(Settings)
    for file in settings.writable_by_others:
        log = structlog.get_logger("purgebot.app")
        log.warning("file-writable-by-others", file=str(file), remedy=f"chmod go-w {file}")
    bot = build(settings)
    # What is built stays.  A full collection that looks through all of it stops every thread for
    # 50 ms, and now and then somebody's click would be in the middle of that.
    gc.freeze()
    # Not in the handler itself: it runs between any two instructions of the main thread.
    reload = partial(bot.policy.reload, force=True)
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=reload, daemon=True).start())
    stopping = _stop_signals(bot.worker.take_no_more)
    try:
        bot.start()
        if settings.mode is Mode.HTTP:
            from bot.web.server import serve

            serve(bot, *settings.bind, stopping)
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
    from bot.telemetry.logs import set_up_logs

    set_up_logs("INFO" if verbose else "ERROR")
    if play is not None:
        from bot.demo.play import play_file

        sys.exit(play_file(play))
    from bot.demo.town import town

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
    from bot.cli.check import check_all
    from bot.telemetry.logs import set_up_logs

    set_up_logs("CRITICAL")
    # At once: there is nothing to put away, and in a destructor Python would drop an exception.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    good = True
    for found in check_all():
        good = good and found.good
        word = "FAIL" if not found.good else "warn" if found.remedy else "ok  "
        typer.echo(f"{word}  {found.name}: {found.detail}")
        if found.remedy:
            typer.echo(f"      → {found.remedy}")
    if not good:
        raise typer.Exit(1)


@policy_app.command()
def explain(
    user: Annotated[str, typer.Option(help="Slack user ID, U…")],
    action: Annotated[str, typer.Option(help="purge, force, approve, view or admin")],
    domain: Annotated[str, typer.Option(help="The domain")],
    tag: Annotated[str, typer.Option(help="The tag, as in a command")],
    group: Annotated[
        list[str] | None, typer.Option(help="A user group the person is in, S… (repeatable)")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="The channel they speak in, C…")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy file; else that of PURGEBOT_POLICY.")
    ] = None,
) -> None:
    """Say what the policy decides for a person, and which rules made it so."""
    from bot.config.policy_file import PolicySource
    from bot.config.settings import PolicySettings, read_settings
    from bot.core.command.parser import spelt_tag
    from bot.core.policy.decision import Actor, Membership, decide
    from bot.core.text.domain_name import normalise_domain

    policy = policy or read_settings(PolicySettings).policy
    if policy is None:
        raise typer.BadParameter("give --policy FILE or set PURGEBOT_POLICY")
    rules, policy_hash = PolicySource(policy).current()
    actor = Actor("T", user, Membership.MEMBER, frozenset(group or ()), channel)
    domain = normalise_domain(domain)
    decision = decide(rules, actor, _action(action), domain, spelt_tag(tag, domain))
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
    from bot.config.policy_file import policy_schema

    typer.echo(json.dumps(policy_schema(), indent=2))


def _make_do_without_a_home() -> None:
    """Let a user without one (a number that a container was given) run Purgebot.

    Slack's libraries ask for it as they are loaded, for folders that are not used here, and fail:
    https://github.com/slackapi/python-slack-sdk/blob/main/slack_sdk/oauth/state_store/file/__init__.py
    """
    try:
        Path.home()
    except RuntimeError:
        from bot.config.settings import NOWHERE

        os.environ["HOME"] = NOWHERE


def _action(word: str) -> Action:
    from bot.core.policy.fields import Action

    try:
        return Action(word)
    except ValueError:
        raise typer.BadParameter(f"{word} is none of {', '.join(Action)}") from None


class _SignalledEvent(threading.Event):
    """An event for the main thread to wait for, which looks up every second.

    Python handles signals there, and one that arrives just as it falls asleep does not wake it.
    """

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(1.0):
            pass
        return True


def _stop_signals(at_once: Callable[[], None] = lambda: None) -> threading.Event:
    """Give the event that SIGTERM and Ctrl-C set; `at_once` is done before anybody waits for it.

    From then on there are EXIT_WITHIN_S: what has not ended by then (a call that hangs, a database
    that does not answer) is what a crash leaves, and nothing is lost by that.
    """
    stopping = _SignalledEvent()
    # The handler runs between any two instructions of the main thread, which may hold any lock:
    # of all that it could do, only this is sure not to wait for one.
    told: queue.SimpleQueue[None] = queue.SimpleQueue()

    def stop() -> None:
        told.get()
        at_once()
        stopping.set()
        time.sleep(EXIT_WITHIN_S)  # the main thread ends the process sooner, if nothing hangs
        os._exit(0)

    threading.Thread(target=stop, name="stop", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.put(None))
    return stopping

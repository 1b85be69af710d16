"""The command line: init, run, demo, check, migrate, manifest, policy and audit commands.

Errors go to stderr.  Exit codes:

    0    success; all checks are good; the policy allows it; run and demo were told to stop
    1    a check or the audit is bad; the policy refuses; a played conversation differs
    2    the command line, the settings, the policy file, or a dependency cannot be used
    3    an unexpected error
    75   a dependency cannot be used now, but may be later: the caller may try again
    130  another command was stopped by Ctrl-C
    143  SIGTERM came to another command, or before the bot was up
"""

from __future__ import annotations

import gc
import json
import os
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
from bot.cli.check import check
from bot.cli.init import init
from bot.cli.manifest import manifest
from bot.cli.migrate import migrate
from bot.cli.output import use_plain_forms
from bot.core.errors import BotError

if TYPE_CHECKING:
    from bot.config.policy_file import LoadedPolicy
    from bot.core.policy.fields import Action

EXIT_WITHIN_S = 9.0
"""After SIGTERM, in seconds.  Docker kills the process after 10 s."""

app = typer.Typer(
    help="Clear Alibaba Cloud CDN caches from Slack.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help with rich takes three times as long, and is boxed for wide screens
)
policy_app = typer.Typer(help="Look into the policy file.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")
app.command()(init)
app.command()(check)
app.command()(migrate)
app.command()(manifest)


@app.callback()
def options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Clear Alibaba Cloud CDN caches from Slack."""


def main() -> None:
    """Run the command line.  Every error becomes a message on stderr and an exit code."""
    # The kernel does not deliver a signal without a handler to process 1, which this is in a
    # container.  `run` and `demo` set their own handlers when they are up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _make_do_without_a_home()
    use_plain_forms()
    try:
        app(prog_name="purgebot")  # also as python -m bot: completion goes by the name
    except BotError as error:
        print(f"{error.info.message}\n{error.info.hint}", file=sys.stderr)  # noqa: T201
        sys.exit(75 if error.info.kind.retryable else 2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001  (the user must get an exit code)
        traceback.print_exc()
        sys.exit(3)


@app.command()
def run() -> None:
    """Run the bot: Socket Mode with SLACK_APP_TOKEN, signed HTTP with SLACK_SIGNING_SECRET."""
    _import_structlog()
    import structlog

    from bot.app import build
    from bot.config.settings import Mode, Settings, read_settings
    from bot.one_core import stay_on_one_core
    from bot.telemetry.logs import set_up_logs

    set_up_logs()
    settings = read_settings(Settings)
    for file in settings.writable_by_others:
        log = structlog.get_logger("purgebot.app")
        log.warning("file-writable-by-others", file=str(file), remedy=f"chmod go-w {file}")
    bot = build(settings)
    # These objects stay.  A full garbage collection over them would stop every thread for 50 ms,
    # and delay a click that arrives in that time.
    gc.freeze()
    gc.enable()
    stopping = _stop_signals(
        bot.worker.take_no_more, hang_up=partial(bot.policy.reload, force=True)
    )
    if settings.one_core:
        stay_on_one_core()
    try:
        bot.start()
        if settings.mode is Mode.HTTP:
            from bot.web.server import serve

            serve(bot, *settings.bind, stopping)
        else:
            stopping.wait()
    finally:
        bot.stop()


def _import_structlog() -> None:
    """Import structlog without rich, which it imports where it is installed, and Typer installs it.

    The log is JSON, so nothing of rich is used, and it takes 50 ms to import.
    """
    had = sys.modules.get("rich")
    sys.modules["rich"] = None  # type: ignore[assignment]  # how an import is made to fail
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
        if had is not None:
            sys.modules["rich"] = had


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


@policy_app.command()
def explain(
    user: Annotated[str, typer.Option(help="Slack user ID, U…")],
    action: Annotated[str, typer.Option(help="purge, force, approve, view or admin")],
    domain: Annotated[str, typer.Option(help="The domain")],
    tag: Annotated[str, typer.Option(help="One tag, as in a command")],
    group: Annotated[
        list[str] | None, typer.Option(help="A user group the person is in, S… (repeatable)")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="The channel they speak in, C…")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy file; else that of PURGEBOT_POLICY.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Say what the policy decides for a person, why, and what else it takes until the CDN hears."""
    from bot.core.command.parser import spelt_tag
    from bot.core.decisions.explaining import explain as explained
    from bot.core.policy.decision import Actor, Membership, decide
    from bot.core.text.domain_name import normalise_domain

    rules, policy_hash = _policy(policy)
    actor = Actor("T", user, Membership.MEMBER, frozenset(group or ()), channel)
    domain = normalise_domain(domain)
    if len(tag.replace(",", " ").split()) != 1:
        raise typer.BadParameter("give one --tag, and ask for each tag by itself")
    tag = spelt_tag(tag, domain)
    found = explained(rules, actor, _action(action), domain, tag)
    if as_json:
        from dataclasses import asdict

        decided = asdict(decide(rules, actor, _action(action), domain, tag))
        whole = decided | asdict(found) | {"policy": policy_hash}
        typer.echo(json.dumps(whole, ensure_ascii=False))
        raise typer.Exit(0 if found.allowed else 1)
    typer.echo(f"{'yes' if found.allowed else 'no'}: {found.sentence}")
    for step in found.steps:
        typer.echo(f"  {step}")
    typer.echo(f"  policy {policy_hash[:12]}")
    if not found.allowed:
        raise typer.Exit(1)


@policy_app.command("test")
def check_expectations(
    table: Annotated[Path, typer.Argument(metavar="FILE", help="The expected decisions.")],
    policy: Annotated[
        Path | None, typer.Option(help="The policy file; else that of PURGEBOT_POLICY.")
    ] = None,
) -> None:
    """Say whether the policy decides as a table expects: ana may purge www.example.com hero."""
    from bot.cli.expectations import read_table

    expectations = read_table(table)
    rules, policy_hash = _policy(policy)
    differing = 0
    for each in expectations:
        if difference := each.difference(rules):
            differing += 1
            typer.echo(f"{table}:{each.line}: {each.text}\n      → {difference}")
    as_expected = len(expectations) - differing
    typer.echo(f"{as_expected} of {len(expectations)} as expected, policy {policy_hash[:12]}")
    if differing:
        raise typer.Exit(1)


@policy_app.command()
def schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    from bot.config.policy_file import policy_schema

    typer.echo(json.dumps(policy_schema(), indent=2))


def _make_do_without_a_home() -> None:
    """Let Purgebot run as a user without a home directory (a numeric user in a container).

    Importing Slack's libraries looks the home directory up, for unused folders, and fails:
    https://github.com/slackapi/python-slack-sdk/blob/main/slack_sdk/oauth/state_store/file/__init__.py
    """
    try:
        Path.home()
    except RuntimeError:
        from bot.config.settings import NOWHERE

        os.environ["HOME"] = NOWHERE


def _policy(path: Path | None) -> LoadedPolicy:
    """Return the policy of a file, or of PURGEBOT_POLICY."""
    from bot.config.policy_file import PolicySource
    from bot.config.settings import PolicySettings, read_settings

    path = path or read_settings(PolicySettings).policy
    if path is None:
        raise typer.BadParameter("give --policy FILE or set PURGEBOT_POLICY")
    return PolicySource(path).current()


def _action(word: str) -> Action:
    from bot.core.policy.fields import Action

    try:
        return Action(word)
    except ValueError:
        raise typer.BadParameter(f"{word} is none of {', '.join(Action)}") from None


def _stop_signals(
    at_once: Callable[[], None] = lambda: None, *, hang_up: Callable[[], object] | None = None
) -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set, after `at_once` was called.

    SIGHUP calls `hang_up`.  The process ends EXIT_WITHIN_S after the first signal to stop at the latest.
    Whatever has not ended by then (a hanging call, a database that does not answer) is left as after
    a crash, which loses nothing.
    """
    stopping = threading.Event()
    # Handlers of Python run on the main thread, which may hold any lock then, and which a signal that
    # arrives just before it blocks does not wake.  So the number of the signal goes to a thread.
    # https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    reads, writes = os.pipe()
    os.set_blocking(writes, False)

    def listen() -> None:
        while (number := os.read(reads, 1)[0]) not in stops:
            if number == signal.SIGHUP and hang_up is not None:
                threading.Thread(target=hang_up, daemon=True).start()
        at_once()
        stopping.set()
        time.sleep(EXIT_WITHIN_S)  # the main thread ends the process sooner, if nothing hangs
        os._exit(0)

    stops = {signal.SIGTERM, signal.SIGINT}
    signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    for number in stops | ({signal.SIGHUP} if hang_up is not None else set()):
        signal.signal(number, lambda *_: None)  # from here on none is missed
    threading.Thread(target=listen, name="signals", daemon=True).start()
    return stopping

"""The command line: exit codes, errors on stderr, and a bot that comes and goes as it is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config.settings import Mode
from bot.demo.town import SAMPLE_POLICY, Town
from tests.support.messages import cards, only_card, whispers, words
from tests.support.purgebot import PATIENCE_S, command, environment, listening, purgebot, running
from tests.support.waiting import until


def submitted(place: Town, count: int = 1) -> bool:
    return sum("sent: the CDN has taken it" in words(card) for card in cards(place)) == count


@pytest.mark.parametrize("words", [[], ["audit"], ["audit", "verify"], ["check"]], ids=" ".join)
def test_help_is_plain_text_that_any_terminal_shows(tmp_path: Path, words: list[str]) -> None:
    ended = purgebot(*words, "--help", folder=tmp_path, PYTHONIOENCODING="latin-1", COLUMNS="40")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Usage: purgebot")
    assert not {"│", "╭", "\\"} & set(ended.out)


# run


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_bot_serves_until_it_is_told_to_stop(
    site: Town, tmp_path: Path, mode: Mode, how: signal.Signals
) -> None:
    site.mode = mode
    variables = site.variables() | {"PURGEBOT_HTTP_BIND": "127.0.0.1:0"}
    with running(tmp_path, variables) as bot:
        bot.until("started")
        if mode is Mode.HTTP:
            address = bot.until("listening")["address"]
            site.slack.request_url = f"http://{address}/slack/events"
        assert site.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        until(site, lambda: submitted(site))
        assert bot.end(how) == 0
        assert json.loads(bot.said[-1])["event"] == "stopped"
        assert bot.process.stdout is not None
        assert bot.process.stdout.read() == ""
    assert site.purges_sent()[0]["task_id"] in words(only_card(site))


def test_a_changed_policy_is_taken_and_a_broken_one_is_not(site: Town, tmp_path: Path) -> None:
    granted = SAMPLE_POLICY.read_text().replace('"campaign-*"', '"*"')
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        site.says("U0LEO", "/purge www.example.com hero")
        until(site, lambda: "refused" in "".join(whispers(site, "U0LEO")))
        site.policy.write_text(granted)
        bot.until("policy-loaded")
        site.says("U0LEO", "/purge www.example.com hero")
        until(site, lambda: submitted(site))
        site.policy.write_text(granted.replace("marketing:", "marketting:"))
        complaint = bot.until("policy-file-invalid")
        assert "marketing" in complaint["mistakes"]
        site.says("U0LEO", "/purge www.example.com banner")
        until(site, lambda: submitted(site, 2))
        assert bot.end() == 0


def test_sighup_takes_a_policy_that_looks_unchanged_on_disk(site: Town, tmp_path: Path) -> None:
    def write(text: str) -> None:
        """Change the file so that its size and its time stay as they are."""
        before = site.policy.stat()
        site.policy.write_text(text)
        os.utime(site.policy, ns=(before.st_atime_ns, before.st_mtime_ns))

    granted = SAMPLE_POLICY.read_text().replace('"campaign-*"', '"*"         ')
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        write(granted)
        bot.process.send_signal(signal.SIGHUP)
        bot.until("policy-loaded")
        site.says("U0LEO", "/purge www.example.com hero")
        until(site, lambda: submitted(site))
        write(granted.replace("version", "Version"))
        bot.process.send_signal(signal.SIGHUP)
        bot.until("policy-file-invalid")
        site.says("U0LEO", "/purge www.example.com banner")
        until(site, lambda: submitted(site, 2))
        assert bot.end() == 0


def test_a_second_bot_on_the_same_file_is_refused(site: Town, tmp_path: Path) -> None:
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        second = purgebot("run", folder=tmp_path, **site.variables())
        assert (second.code, second.out) == (2, "")
        assert "Another Purgebot works with the database file" in second.err
        assert bot.end() == 0


UNUSABLE: dict[str, tuple[dict[str, str], str]] = {
    "no token": ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is missing"),
    "bot token": ({"SLACK_BOT_TOKEN": "xoxb-sesame"}, "Check SLACK_BOT_TOKEN"),
    "app token": ({"SLACK_APP_TOKEN": "xapp-sesame"}, "Check SLACK_APP_TOKEN"),
    "no Slack": ({"SLACK_API_URL": "http://127.0.0.1:9/"}, "Slack cannot be reached"),
    "no policy": ({"PURGEBOT_POLICY": "gone.yaml"}, "The policy gone.yaml cannot be read"),
    "broken policy": ({"PURGEBOT_POLICY": "broken.yaml"}, "line 1: "),
    "no SQLite folder": ({"PURGEBOT_DATABASE_URL": "sqlite:////proc/no/x"}, "/proc/no: "),
    "a misspelt setting": (
        {"PURGEBOT_DATABSE_URL": "postgresql://me:sesame@127.0.0.1:9/x"},
        "PURGEBOT_DATABSE_URL is no setting; did you mean PURGEBOT_DATABASE_URL?",
    ),
    "a home that cannot be written to": (
        {"PURGEBOT_DATABASE_URL": "", "HOME": "/proc/no"},
        "/proc/no/.local/share/purgebot: ",
    ),
    "no PostgreSQL": (
        {"PURGEBOT_DATABASE_URL": "postgresql://me:sesame@127.0.0.1:9/x"},
        "Check PURGEBOT_DATABASE_URL",
    ),
    "address": (
        {
            "PURGEBOT_MODE": "http",
            "SLACK_SIGNING_SECRET": "sesame",
            "PURGEBOT_HTTP_BIND": "192.0.2.1:80",
        },
        "The bot cannot listen on 192.0.2.1:80",
    ),
}


@pytest.mark.parametrize(("wrong", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_bot_that_cannot_start_says_why_and_what_to_do(
    site: Town, tmp_path: Path, wrong: dict[str, str], says: str
) -> None:
    (tmp_path / "broken.yaml").write_text("rules: 5")
    ended = purgebot("run", folder=tmp_path, **(site.variables() | wrong))
    passing = says in {"Slack cannot be reached", "Check PURGEBOT_DATABASE_URL"}
    passing |= says.startswith("/proc/no")
    assert (ended.code, ended.out) == (75 if passing else 2, "")
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert "sesame" not in ended.err


NO_USER = "import os; os.getuid = lambda: 54321; from bot.cli import main; main()"
"""Purgebot under a number that is no user's, as a container may be given one."""


def without_a_home(variables: dict[str, str], folder: Path) -> dict[str, str]:
    given = environment(folder, variables)
    del given["HOME"]
    return given


def test_a_user_without_a_home_can_run_the_bot(site: Town, tmp_path: Path) -> None:
    given = without_a_home(site.variables(), tmp_path)
    with listening([sys.executable, "-c", NO_USER, "run"], tmp_path, given) as bot:
        bot.until("started")
        assert bot.end() == 0


@pytest.mark.parametrize("word", ["run", "check", "migrate"])
def test_a_user_without_a_home_is_told_to_name_the_database(
    site: Town, tmp_path: Path, word: str
) -> None:
    given = without_a_home(site.variables() | {"PURGEBOT_DATABASE_URL": ""}, tmp_path)
    ended = subprocess.run(
        [sys.executable, "-c", NO_USER, word],
        cwd=tmp_path,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == (1 if word == "check" else 2)
    assert "PURGEBOT_DATABASE_URL is missing" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("as_process_1", [False, True], ids=["as any process", "as process 1"])
def test_a_bot_that_is_not_up_yet_can_be_told_to_stop(
    site: Town, tmp_path: Path, *, as_process_1: bool
) -> None:
    """Process 1, which it is in a container, is not told of a signal that it does not ask for."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child"] if as_process_1 else []
    if as_process_1 and subprocess.run([*unshare, "true"], check=False).returncode != 0:
        pytest.skip("a namespace for processes takes root and util-linux")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        variables = site.variables() | {"SLACK_API_URL": url}
        with subprocess.Popen(
            [*unshare, *command("run")], env=environment(tmp_path, variables), cwd=tmp_path
        ) as process:
            call, _ = silent.accept()  # it waits for Slack's answer now
            pid = process.pid
            if as_process_1:
                pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
            os.kill(pid, signal.SIGTERM)
            try:
                assert process.wait(timeout=PATIENCE_S) == 143
            finally:
                process.kill()
                call.close()


# What all have in common


@pytest.mark.parametrize(
    ("line", "code"),
    [(["--help"], 0), (["run", "--help"], 0), (["purge"], 2), (["run", "--fast"], 2)],
    ids=["help", "help for run", "another command", "another option"],
)
def test_a_command_line_that_is_none_ends_with_2(
    tmp_path: Path, line: list[str], code: int
) -> None:
    ended = purgebot(*line, folder=tmp_path)
    assert ended.code == code
    assert bool(ended.err) == bool(code)
    assert bool(ended.out) != bool(code)

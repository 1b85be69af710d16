"""The pretend Slack before bots in Python that nobody here wrote, each in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uv

from tests.conftest import missing
from tests.simulators.slack_sim import Slack, running_slack

FOLDER = Path(__file__).parents[1] / "python"
NO_NETWORK = re.compile(r"Failed to fetch|dns error|error sending request|Connection refused")
EVENTS = ["message.channels", "message.im", "app_mention"]
SCOPES = (
    *("channels:read", "groups:read", "im:read", "mpim:read", "team:read"),
    *("reactions:write", "channels:join", "app_mentions:read"),
)
"""What they ask for beside Purgebot's own."""


def environment(name: str, folder: Path) -> Path:
    """Give the Python of a new environment with the locked packages of one bot."""
    place = folder / "venv"
    program = uv.find_uv_bin()
    subprocess.run([program, "venv", "-q", "-p", sys.executable, str(place)], check=True)
    python = place / "bin" / "python"
    wanted = ["--require-hashes", "-r", str(FOLDER / f"{name}.txt"), "-p", str(python)]
    done = subprocess.run(
        [program, "pip", "install", "-q", *wanted], capture_output=True, text=True, check=False
    )
    if found := NO_NETWORK.search(done.stderr):
        missing("the Python package index", found[0])
    assert done.returncode == 0, done.stderr
    return python


@contextmanager
def connected(name: str, folder: Path) -> Iterator[Slack]:
    """Give a Slack to which the bot is connected."""
    python = environment(name, folder)
    with running_slack() as slack:
        slack.post("settings", events=EVENTS, scopes=[*slack.sim.workspace.scopes, *SCOPES])
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERRBOT_FOLDER": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SLACK_API_URL": f"{slack.api_url}/api/",
            "SLACK_APP_TOKEN": slack.sim.app_token,
            "SLACK_BOT_TOKEN": slack.sim.bot_token,
        }
        program = FOLDER / f"run_{name.replace('-', '_')}.py"
        with subprocess.Popen([python, program], cwd=FOLDER, env=variables) as running:
            try:
                slack.until(lambda: slack.state()["connections"] == 1)
                yield slack
            finally:
                running.terminate()
        assert slack.get("violations")["violations"] == []


def test_slack_machine_hears_what_is_said_and_answers(tmp_path: Path) -> None:
    with connected("slack-machine", tmp_path) as slack:
        slack.say("U0ANA", "ping")
        slack.until(lambda: "pong" in slack.texts("U0LEO"))


def test_errbot_answers_a_command_that_it_is_given_directly(tmp_path: Path) -> None:
    with connected("errbot", tmp_path) as slack:
        slack.say("U0ANA", "!about", "D0ANABOT")
        slack.until(lambda: any("Errbot" in text for text in slack.texts(channel="D0ANABOT")))

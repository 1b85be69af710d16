"""Slack's command line (`slack run`) starts the bot by the hooks in .slack/hooks.json.

`SlackCli` does what its source does where no protocol is agreed on but the default one: it runs a
hook with a shell, in an environment of the shell's own variables over those in `.env` over its own
two tokens, and takes what a hook but `start` prints for its answer.  It stops the shell, not what runs
in it: hence `exec`.
https://github.com/slackapi/slack-cli/tree/main/internal/hooks
https://docs.slack.dev/tools/slack-cli/reference/hooks
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config.settings import VARIABLES
from bot.demo.town import Town
from tests.support.first_purge import purges_and_stops
from tests.support.purgebot import PATIENCE_S, ROOT, environment

HOOKS: dict[str, Any] = json.loads((ROOT / ".slack" / "hooks.json").read_text())


@dataclass(frozen=True)
class SlackCli:
    project: Path
    shell: Mapping[str, str]

    def words(self, hook: str) -> list[str]:
        return ["sh", "-c", HOOKS["hooks"][hook]]

    def variables(self, tokens: Mapping[str, str]) -> dict[str, str]:
        env = self.project / ".env"
        lines = env.read_text().splitlines() if env.exists() else []
        saved = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return {**tokens, **saved, **self.shell}

    def answer(self, hook: str) -> Any:
        done = subprocess.run(
            self.words(hook),
            cwd=self.project,
            env=self.variables({}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert done.stderr == ""
        return json.loads(done.stdout.strip())


@pytest.fixture
def cli(tmp_path: Path) -> SlackCli:
    """Give it with a `purgebot` on its PATH, as from pipx or in the `.venv` that it activates."""
    programs, project = tmp_path / "bin", tmp_path / "project"
    programs.mkdir()
    project.mkdir()
    purgebot = programs / "purgebot"
    purgebot.write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n')
    purgebot.chmod(0o755)
    shell = environment(tmp_path, {})
    return SlackCli(project, shell | {"PATH": f"{programs}:{shell['PATH']}"})


def test_the_hooks_are_those_that_it_knows_by_the_default_protocol() -> None:
    assert HOOKS["hooks"].keys() == {"get-manifest", "start"}
    assert HOOKS["runtime"] == "python"
    # Not by message boundaries, for which each hook would have to take two more options.
    assert HOOKS["config"]["protocol-version"] == ["default"]
    # The bot opens its socket itself; else each event would be another start.
    assert HOOKS["config"]["sdk-managed-connection-enabled"] is True


def test_it_is_told_the_manifest_wherever_it_is_run(cli: SlackCli) -> None:
    assert cli.answer("get-manifest") == yaml.safe_load((ROOT / "manifest.yml").read_text())


def test_it_starts_the_bot_with_the_tokens_that_it_sets_and_stops_it(
    site: Town, cli: SlackCli
) -> None:
    settings = site.variables()
    tokens = {name: settings.pop(name) for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")}
    del settings["PURGEBOT_MODE"]
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (cli.project / ".env").write_text("# as purgebot init leaves it\n" + "".join(lines))
    purges_and_stops(site, cli.words("start"), cli.project, cli.variables(tokens))


def test_the_example_of_a_dot_env_leaves_its_tokens_in_force_and_names_only_settings() -> None:
    """`slack env init` copies it, and `.env` goes before the tokens that the command line sets."""
    text = (ROOT / ".env.example").read_text()
    assert re.findall(r"^([A-Z_]+)=", text, re.MULTILINE) == ["PURGEBOT_POLICY"]
    named = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    assert named <= VARIABLES
    assert named >= {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PURGEBOT_APPROVAL_KEY"}


def test_the_icon_is_one_that_slack_takes() -> None:
    """A square of 512 to 2000 pixels: https://docs.slack.dev/reference/methods/apps.icon.set/"""
    head = (ROOT / "assets" / "icon.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    assert width == height
    assert 512 <= width <= 2000

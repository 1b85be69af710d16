"""The wheel in an empty environment: docs/start.md is played there, word for word, to a purge.

The environment has the libraries of this one, so that nothing is fetched, but not this checkout.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo.town import Town, town
from tests.packaging.variables import ROOT
from tests.support.first_purge import purges_and_stops
from tests.support.purgebot import PATIENCE_S
from tests.support.terminal import terminal

PAGE = (ROOT / "docs" / "start.md").read_text()
NOT_SHOWN = {
    "Bot token": "bot_token",
    "App-level token": "app_token",
    "Its secret": "access_key_secret",
}


@dataclass(frozen=True)
class Installed:
    """A folder to work in, and the variables of a shell in which the wheel is installed."""

    folder: Path
    shell: dict[str, str]
    purgebot: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.purgebot, *arguments],
            cwd=self.folder,
            env=self.shell,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    [site] = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(folder / "venv" / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    install = [*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "venv"


@pytest.fixture
def place() -> Iterator[Town]:
    with town(with_bot=False) as built:
        yield built


@pytest.fixture
def installed(environment: Path, tmp_path: Path, place: Town) -> Installed:
    """Give an empty folder, and a shell that knows the pretend services and no more."""
    folder = tmp_path / "bot"
    folder.mkdir()
    shell = {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "COLUMNS": "200",
        "SLACK_API_URL": place.handles()["slack_api_url"],
        "PURGEBOT_CDN_ENDPOINT": place.handles()["cdn_endpoint"],
    }
    return Installed(folder, shell, environment / "bin" / "purgebot")


def session(heading: str) -> dict[str, list[str]]:
    """Give the commands of a played session, and the lines that each prints."""
    text = PAGE[PAGE.index(f"\n## {heading}\n") :].partition("```console\n")[2].partition("```")[0]
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part.splitlines()[1:] for part in parts}


def typed_in(line: str, place: Town) -> tuple[str, str] | None:
    """Give question and answer, where a line of the session is a question."""
    if re.match(r"ok |wrote |FAIL |Next: |No Slack app | {6}", line):
        return None
    question, _, answer = f"{line} ".rpartition(": ")
    for begins, handle in NOT_SHOWN.items():
        if question.startswith(begins):
            return question, place.handles()[handle]
    return question, answer.strip()


def set_up(installed: Installed, place: Town) -> None:
    """Play the session's `purgebot init` at a terminal, and compare what stands there then."""
    lines = session("Played")["purgebot init"]
    with terminal([str(installed.purgebot), "init"], installed.folder, installed.shell) as screen:
        for line in lines:
            if asked := typed_in(line, place):
                screen.answers(*asked)
        assert screen.ends() == 0, screen.text
    shown = screen.text.replace(place.urls["cdn"], "https://cdn.aliyuncs.com")
    assert [line.rstrip() for line in shown.splitlines()] == lines


def test_the_session_in_the_docs_goes_as_it_is_written_to_a_purge(
    installed: Installed, place: Town
) -> None:
    assert list(session("Played")) == [
        *("purgebot init", "purgebot policy test policy.tests", "purgebot check", "purgebot run")
    ]
    set_up(installed, place)
    tested = installed.run("policy", "test", "policy.tests")
    assert tested.stdout.splitlines() == session("Played")["purgebot policy test policy.tests"]
    checked = installed.run("check")
    assert (checked.returncode, "FAIL" in checked.stdout) == (0, False)
    run = [str(installed.purgebot), "run"]
    purges_and_stops(place, run, installed.folder, installed.shell)


def test_and_so_does_the_one_with_slacks_command_line(installed: Installed, place: Town) -> None:
    set_up(installed, place)
    written = installed.run("init", "--with", "slack-cli")
    expected = session("With Slack's command line")
    assert list(expected) == ["purgebot init --with slack-cli", "slack run"]
    assert written.stdout.splitlines() == expected["purgebot init --with slack-cli"]
    # What `slack run` does with tokens of its own: see tests/scenarios/test_slack_cli.py.
    env = installed.folder / ".env"
    env.write_text(re.sub("^SLACK_.*\n", "", env.read_text(), flags=re.MULTILINE))
    hooks = json.loads((installed.folder / ".slack" / "hooks.json").read_text())["hooks"]
    manifest = subprocess.run(
        ["sh", "-c", hooks["get-manifest"]],
        cwd=installed.folder,
        env=installed.shell,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert json.loads(manifest.stdout) == json.loads((ROOT / "manifest.json").read_text())
    tokens = {
        "SLACK_BOT_TOKEN": place.handles()["bot_token"],
        "SLACK_APP_TOKEN": place.handles()["app_token"],
    }
    start = ["sh", "-c", hooks["start"]]
    purges_and_stops(place, start, installed.folder, tokens | installed.shell)

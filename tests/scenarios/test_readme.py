"""The README: its commands work, its policy is one, its links lead somewhere, and it stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.demo.town import Town
from tests.support.purgebot import ROOT, purgebot

README = (ROOT / "README.md").read_text()
COMMANDS = [line.strip() for line in re.findall(r"^    (\S.*)$", README, re.MULTILINE)]
LINKS = sorted({*re.findall(r"\]\(([^)]+)\)", README), *re.findall(r'src="([^"]+)"', README)})
HERE = [link for link in LINKS if "://" not in link]
[POLICY] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
ON_GITHUB = "../../actions/"
"""Where GitHub shows a repository's workflows, seen from a file of it."""


def test_there_are_commands_and_links() -> None:
    assert "make demo" in COMMANDS
    assert "purgebot check" in COMMANDS
    assert len(HERE) > 10


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("purgebot ")])
def test_each_command_of_purgebot_is_one(tmp_path: Path, command: str) -> None:
    ended = purgebot(*command.split()[1:], "--help", folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("make ")])
def test_each_target_of_make_is_one(command: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert command.split()[1] in targets


def test_no_other_command_is_named() -> None:
    others = [each for each in COMMANDS if not each.startswith(("make ", "purgebot "))]
    assert others == ["pipx install ."]


@pytest.mark.parametrize("link", HERE)
def test_each_link_leads_to_a_file_and_a_heading(link: str) -> None:
    if link.startswith(ON_GITHUB):
        workflow = link.removeprefix(ON_GITHUB).removesuffix("/badge.svg")
        assert (ROOT / ".github" / workflow).is_file()
        return
    file, _, anchor = link.partition("#")
    assert (ROOT / file).is_file()
    headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE) if anchor else []
    assert not anchor or anchor in {each.lower().replace(" ", "-") for each in headings}


def test_every_page_of_the_documentation_is_within_reach() -> None:
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {link.partition("#")[0] for link in LINKS}


@pytest.mark.parametrize(
    ("who", "action", "answer"),
    [
        (["--user", "U0ANA", "--group", "S0EDITORS"], "force", "yes"),
        (["--user", "U0ANA", "--group", "S0EDITORS"], "approve", "no"),
        (["--user", "U0SAM"], "approve", "yes"),
        (["--user", "U0LEO"], "purge", "no"),
    ],
)
def test_its_policy_says_what_it_seems_to_say(
    tmp_path: Path, who: list[str], action: str, answer: str
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    about = ["--action", action, "--domain", "www.example.com", "--tag", "hero"]
    ended = purgebot("policy", "explain", *who, *about, "--policy", "policy.yaml", folder=tmp_path)
    assert ended.out.startswith(f"{answer}:")


def test_its_policy_passes_the_check(site: Town, tmp_path: Path) -> None:
    site.policy.write_text(POLICY)
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert ended.code == 0, ended.out


def test_it_is_short_enough_to_be_read_on_a_phone() -> None:
    assert len(README.splitlines()) <= 80
    assert max(map(len, POLICY.splitlines())) <= 46, "longer lines have to be scrolled aside"
    assert len(POLICY.splitlines()) <= 12

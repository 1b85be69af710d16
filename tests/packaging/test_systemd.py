"""The unit is what systemd takes, and locks the bot in."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.variables import ROOT, unknown

UNIT = (ROOT / "deploy" / "systemd" / "purgebot.service").read_text()
EXPOSURE = 20
"""Ten times what `systemd-analyze security` may find at most: 0 is locked in, 100 is unsafe."""


def analyze(text: str, folder: Path, *words: str) -> tuple[int, str]:
    """Give the exit code and the complaints of systemd-analyze about a unit."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    unit = folder / "purgebot.service"
    # The program is looked for, and is not installed where tests run.
    unit.write_text(text.replace("/opt/purgebot/bin/purgebot", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", *words, unit], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def security(text: str, folder: Path) -> int:
    return analyze(text, folder, "security", "--offline=yes", f"--threshold={EXPOSURE}")[0]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert analyze(UNIT, tmp_path, "verify") == (0, "")


@pytest.mark.parametrize(
    ("written", "instead"),
    [("ProtectClock", "ProtectClocks"), ("ExecStart=", "ExecStart=no/such/"), ("30s", "soon")],
)
def test_systemd_complains_of_a_slip_of_the_pen(tmp_path: Path, written: str, instead: str) -> None:
    assert analyze(UNIT.replace(written, instead), tmp_path, "verify") != (0, "")


def test_the_bot_is_locked_in(tmp_path: Path) -> None:
    assert security(UNIT, tmp_path) == 0


def test_a_bot_that_is_not_locked_in_is_found_out(tmp_path: Path) -> None:
    assert security(re.sub("(SystemCallFilter|ProtectSystem)=.*", "", UNIT), tmp_path) != 0


def test_every_variable_that_it_sets_is_a_setting() -> None:
    names = re.findall(r"^Environment=(\w+)=", UNIT, re.MULTILINE)
    assert "PURGEBOT_POLICY" in names
    assert unknown(names) == []

"""Shells complete what is typed after `purgebot`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.purgebot import PATIENCE_S, environment

TYPED = {"po": "policy", "policy t": "test", "init --pre": "--preset", "manifest --l": "--link"}
SCRIPT = """
eval "$(_PURGEBOT_COMPLETE=source_bash purgebot)"
complete -p purgebot
COMP_WORDS=(purgebot $1)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_purgebot_completion purgebot
echo "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(("typed", "completed"), TYPED.items(), ids=TYPED)
def test_bash_completes_commands_and_options(tmp_path: Path, typed: str, completed: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not here")
    program = tmp_path / "purgebot"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n')
    program.chmod(0o755)
    variables = environment(tmp_path, {})
    done = subprocess.run(
        [bash, "-c", SCRIPT, "bash", typed],
        env=variables | {"PATH": f"{tmp_path}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == completed

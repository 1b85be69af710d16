"""`purgebot check`: what is bad, by name and with its remedy."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from importlib.metadata import version
from inspect import isfunction
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from bot.cli.checks import samples
from bot.cli.checks.results import Page
from bot.config.settings import Mode
from bot.core.purge.purge import State
from bot.demo.town import Town
from tests.support.loopback_servers import answer, gateway, hear_then, listening, say
from tests.support.policies import write_policy
from tests.support.purgebot import ROOT, Ended, purgebot, running


def findings(ended: Ended) -> dict[str, str]:
    """Give each finding's line and its remedy, by name."""
    found: dict[str, str] = {}
    for line in ended.out.splitlines():
        if line.startswith(("ok", "warn", "FAIL", "skip")):
            found[line[6:].partition(":")[0]] = line
        else:
            found[next(reversed(found))] += "\n" + line
    return found


NAMES = (
    *("settings", "files", "approval key", "policy", "database"),
    *("slack token", "scopes", "clock", "slack socket"),
    *("people", "user groups", "approvers", "channels"),
    *("cdn", "cdn rights", "domains"),
)


@pytest.mark.parametrize("mode", Mode)
def test_check_finds_all_well_before_the_first_run(site: Town, tmp_path: Path, mode: Mode) -> None:
    site.mode = mode
    site.settings["PURGEBOT_APPROVAL_KEY"] = "k" * 32
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert (ended.code, ended.err) == (0, "")
    found = findings(ended)
    assert list(found) == list(NAMES)
    assert all(line.startswith("ok") for line in found.values())
    assert "4 roles, 5 rules" in found["policy"]
    assert "purgebot in Acme Web" in found["slack token"]
    assert "1 of 1 people named are full members" in found["people"]
    assert "3 of 3 user groups can be read" in found["user groups"]
    assert "the key has all 5" in found["cdn rights"]
    assert site.get("cdn/state")["tasks"] == []
    assert [(asked["params"]["DomainName"], asked["outcome"]) for asked in site.purges_sent()] == [
        ("purgebot-check.invalid", "InvalidDomain.NotFound")
    ]
    assert all(
        call["status"] != 200 or call["method"] != "chat.postMessage" or not call["answer"]["ok"]
        for call in site.get("slack/calls")["calls"]
    )
    assert site.get("slack/violations")["violations"] == []


def test_check_warns_where_approvals_are_not_signed_and_is_content_all_the_same(
    site: Town, tmp_path: Path
) -> None:
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert ended.code == 0
    assert findings(ended)["approval key"].startswith("warn")
    assert "PURGEBOT_APPROVAL_KEY" in findings(ended)["approval key"]


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
        "Check host and port in PURGEBOT_DATABASE_URL",
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
    assert (ended.code, ended.err, len(found)) == (1, "", len(NAMES))
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


@pytest.mark.parametrize(
    ("mode", "off", "word", "says"),
    [
        (Mode.HTTP, timedelta(0), "ok", None),
        (Mode.HTTP, timedelta(minutes=3), "warn", "s behind Slack's"),
        (Mode.HTTP, timedelta(minutes=-10), "FAIL", "s ahead of Slack's"),
        (Mode.SOCKET, timedelta(minutes=10), "warn", "s behind Slack's"),
        (Mode.HTTP, None, "skip", None),
    ],
    ids=["right", "behind", "far ahead", "far behind, but nothing is signed", "not told"],
)
def test_check_compares_the_clock_with_slacks(
    site: Town,
    tmp_path: Path,
    mode: Mode,
    off: timedelta | None,
    word: str,
    says: str | None,
) -> None:
    site.mode = mode
    scopes = f"x-oauth-scopes: {','.join(site.slack.workspace.scopes)}"
    date = [] if off is None else [f"Date: {format_datetime(datetime.now(UTC) + off, usegmt=True)}"]
    told = {"ok": True, "user": "purgebot", "team": "Acme Web"}
    with gateway(answer(200, told, scopes, *date, "Connection: close")) as slack:
        variables = site.variables() | {"SLACK_API_URL": f"{slack.url}/api/"}
        found = findings(purgebot("check", folder=tmp_path, **variables))["clock"]
    assert found.startswith(word)
    assert ("this machine's clock is" in found) == (says is not None)
    assert (says or "") in found


ELSEWHERE = {
    "SLACK_API_URL": "https://slack.example/api/",
    "PURGEBOT_CDN_ENDPOINT": "https://cdn.example",
}


@pytest.mark.parametrize(
    ("answer", "says", "remedy"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "asks for a login",
            "user:password@",
        ),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy refused", "NO_PROXY"),
        (None, "the proxy cannot be reached", "NO_PROXY"),
    ],
    ids=["login", "refuses", "away"],
)
def test_check_says_of_slack_and_the_cdn_that_it_is_the_proxy(
    site: Town, tmp_path: Path, answer: bytes | None, says: str, remedy: str
) -> None:
    with listening(hear_then(say(answer or b""))) as proxy:
        port = proxy.port if answer else 9
        through = ELSEWHERE | {"HTTPS_PROXY": f"http://me:sesame@127.0.0.1:{port}"}
        ended = purgebot("check", folder=tmp_path, **(site.variables() | through))
    found = findings(ended)
    for name in ("slack token", "slack socket", "cdn"):
        assert says in found[name]
        assert remedy in found[name].partition("→")[2]
    assert "sesame" not in ended.out + ended.err


def test_check_without_settings_names_them_all(tmp_path: Path) -> None:
    ended = purgebot("check", folder=tmp_path)
    assert ended.code == 1
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PURGEBOT_POLICY"):
        assert f"{name} is missing" in ended.out


@pytest.mark.parametrize("command", ["check", "migrate"])
def test_a_misspelt_setting_is_told_and_nothing_is_made_instead(
    site: Town, tmp_path: Path, command: str
) -> None:
    (tmp_path / ".env").write_text("PURGEBOT_DATABSE_URL=postgresql://u@h/d\n")
    given = site.variables() | {"PURGEBOT_DATABASE_URL": ""}
    ended = purgebot(command, folder=tmp_path, **given)
    assert ended.code == (1 if command == "check" else 2)
    assert "did you mean PURGEBOT_DATABASE_URL?" in ended.out + ended.err
    assert list(tmp_path.rglob("*.sqlite3")) == []


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
    assert says in findings(ended)["scopes"]
    assert "manifest.yml" in findings(ended)["scopes"]


LEADS = """
  leads:
    title: Leads
    users: [U0DEL, U0GUS, U0EVE, U0BOT, U0NOBODY{more}]
"""


@pytest.mark.parametrize(
    ("more", "code"),
    [("", 1), (", U0KIM", 0), ("]\n    groups: [S0SRE", 0), ("]\n    channels: [C0WEB", 0)],
    ids=["nobody left", "one member", "a group", "a channel"],
)
def test_check_names_who_of_the_policy_is_no_full_member(
    site: Town, tmp_path: Path, more: str, code: int
) -> None:
    write_policy(tmp_path, roles=LEADS.format(more=more))
    ended = purgebot("check", folder=tmp_path, **site.variables())
    said = findings(ended)["people"]
    for who, what in (
        ("U0DEL", "closed"),
        ("U0GUS", "a guest"),
        ("U0EVE", "of another workspace"),
        ("U0BOT", "a bot"),
        ("U0NOBODY", "unknown to Slack"),
    ):
        assert f"{who} (leads) is {what}" in said
    assert "U0ADA" not in said
    assert ended.code == code
    left = findings(ended)["approvers"]
    assert ("nobody is left to approve in leads" in left) == bool(code)
    assert ("full members, or a group" in left) == bool(code)


def test_a_role_that_approves_nothing_may_be_empty(site: Town, tmp_path: Path) -> None:
    policy = write_policy(tmp_path)
    policy.write_text(policy.read_text().replace("users: [U0ADA]", "users: [U0DEL]", 1))
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert "U0DEL (admins) is closed" in findings(ended)["people"]
    assert ended.code == 0


def test_check_goes_on_where_slack_does_not_tell_of_somebody(site: Town, tmp_path: Path) -> None:
    write_policy(tmp_path, roles=LEADS.format(more=""))
    busy = {"method": "users.info", "error": "ratelimited", "times": None}
    site.post("slack/faults", {"web_api": [busy]})
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert "Slack did not tell of 6" in findings(ended)["people"]
    assert ended.code == 0


def test_check_can_be_read_where_stdout_lacks_arrows_and_quotes(site: Town, tmp_path: Path) -> None:
    site.settings["PURGEBOT_OPERATORS_CHANNEL"] = "C0RANDOM"
    latin = site.variables() | {"PYTHONIOENCODING": "latin-1", "SLACK_APP_TOKEN": "xapp-sesame"}
    policy = site.policy.read_text().replace("channel: C0OPS", "channel: C0RANDOM")
    site.policy.write_text(policy.replace("decided in #cdn-ops", "decided — “价格” —"))
    ended = purgebot("check", folder=tmp_path, **latin)
    assert (ended.code, ended.err) == (1, "")
    assert "      -> Make an app-level token" in ended.out
    assert list(findings(ended)) == list(NAMES)


def test_check_says_the_same_to_programs(site: Town, tmp_path: Path) -> None:
    ended = purgebot("check", "--json", folder=tmp_path, **site.variables())
    report = json.loads(ended.out)
    assert (ended.code, report["ok"], report["purgebot"]) == (0, True, version("purgebot"))
    assert {"python", "system"} < report.keys()
    assert [found["name"] for found in report["findings"]] == list(NAMES)
    assert {found["status"] for found in report["findings"]} == {"ok", "warn"}
    for secret in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        assert site.variables()[secret] not in ended.out


# Cards

DRAWS = (
    *("alert", "denial", "doubt", "ephemeral", "error", "help", "history", "purge", "quota"),
    *("tags_form", "thread_reply"),
)


def test_slack_looks_over_every_kind_of_card(site: Town, tmp_path: Path) -> None:
    ended = purgebot("check", "--cards", folder=tmp_path, **site.variables())
    assert ended.code == 0
    assert re.search(r"Slack takes all \d\d kinds", findings(ended)["cards"])
    looked_at = site.get("slack/calls?method=blocks.validate")["calls"]
    contents = " ".join(str(call["arguments"]) for call in looked_at)
    for block in ("section", "plain_text_input", "actions", "context"):
        assert block in contents
    assert '"type": "modal"' in contents
    assert site.sees("U0ANA") == []


def test_a_card_that_slack_refuses_is_named(site: Town, tmp_path: Path) -> None:
    site.post("slack/faults", {"refuse_blocks": ["input"]})
    ended = purgebot("check", "--cards", "--json", folder=tmp_path, **site.variables())
    assert ended.code == 1
    refused = [
        found["detail"]
        for found in json.loads(ended.out)["findings"]
        if found["name"] == "cards" and found["status"] == "fail"
    ]
    assert len(refused) == 1
    assert refused[0].startswith("Slack refuses the form of a denial: unsupported type")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("unknown_method", "Slack answers unknown_method to blocks.validate"),
        ("drop", "Slack does not answer to blocks.validate"),
    ],
)
def test_a_slack_that_cannot_look_at_cards_is_no_failure(
    site: Town, tmp_path: Path, error: str, says: str
) -> None:
    fault = {"method": "blocks.validate", "error": error, "times": None}
    site.post("slack/faults", {"web_api": [fault]})
    ended = purgebot("check", "--cards", folder=tmp_path, **site.variables())
    assert ended.code == 0
    assert findings(ended)["cards"].startswith("skip")
    assert says in findings(ended)["cards"]


def test_check_waits_as_slacks_limit_asks(site: Town, tmp_path: Path) -> None:
    limited = {"method": "blocks.validate", "error": "ratelimited", "retry_after": 1}
    site.post("slack/faults", {"web_api": [limited]})
    ended = purgebot("check", "--cards", folder=tmp_path, **site.variables())
    assert "Slack takes all" in findings(ended)["cards"]


def test_every_state_and_every_message_is_among_the_samples() -> None:
    names = [name for name, _ in samples.messages()]
    assert len(names) == len(set(names))
    assert {f"card: {state.value}" for state in State if state is not State.REQUESTED} < {*names}
    drawn = called(lambda: [*samples.messages(), *samples.forms()])
    wanted = {function.__code__ for module in DRAWING for function in whole_messages(module)}
    assert [code.co_qualname for code in wanted - drawn] == []
    assert len(wanted) > 20


DRAWING = [import_module(f"handlers.blocks.{each}") for each in DRAWS]


def whole_messages(module: ModuleType) -> Iterator[FunctionType]:
    """Give the public functions of a module that draw a whole message or form."""
    for name, value in vars(module).items():
        if not isfunction(value) or name.startswith("_") or value.__module__ != module.__name__:
            continue
        if value.__annotations__.get("return") in {"Message", "Block"}:
            yield value


def called(act: Callable[[], object]) -> set[CodeType]:
    """Give the code of all functions that are called meanwhile."""
    codes: set[CodeType] = set()
    sys.setprofile(lambda frame, *_: codes.add(frame.f_code))
    try:
        act()
    finally:
        sys.setprofile(None)
    return codes


@pytest.mark.parametrize("page", Page)
def test_the_pages_that_check_names_are_there(page: Page) -> None:
    file, _, anchor = page.partition("#")
    headings = re.findall("^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
    assert not anchor or anchor in anchors


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

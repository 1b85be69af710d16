"""The command line: exit codes, errors on stderr, and a bot that comes and goes as it is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from slack_sdk import WebClient

from bot.playground.town import SAMPLE_POLICY, Town, town
from bot.settings import Mode
from tests.purgebot import Ended, purgebot, running
from tests.talk import cards, only_card, whispers, words
from tests.waiting import until, until_at

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Town]:
    """Give a town without a bot, for `purgebot` itself to meet, with a policy to write in."""
    policy = tmp_path / "policy.yaml"
    shutil.copy(SAMPLE_POLICY, policy)
    url = f"sqlite:///{tmp_path}/data/purgebot.sqlite3"
    with town(database_url=url, policy=policy, with_bot=False) as place:
        yield place


def submitted(place: Town, count: int = 1) -> bool:
    return sum("submitted" in words(card) for card in cards(place)) == count


# run


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_bot_serves_until_it_is_told_to_stop(
    site: Town, tmp_path: Path, mode: Mode, how: signal.Signals
) -> None:
    site.mode = mode
    variables = site.variables() | {"PURGEBOT_HTTP_BIND": "127.0.0.1:0"}
    with running(tmp_path, variables) as bot:
        bot.until("started")
        if mode is Mode.HTTP:
            address = bot.until("listening")["address"]
            site.slack.request_url = f"http://{address}/slack/events"
        assert site.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
        until(site, lambda: submitted(site))
        assert bot.end(how) == 0
        assert json.loads(bot.said[-1])["event"] == "stopped"
        assert bot.process.stdout is not None
        assert bot.process.stdout.read() == ""
    assert site.purges_sent()[0]["task_id"] in words(only_card(site))


def test_a_changed_policy_is_taken_and_a_broken_one_is_not(site: Town, tmp_path: Path) -> None:
    granted = SAMPLE_POLICY.read_text().replace('"campaign-*"', '"*"')
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        site.says("U0LEO", "/purge www.example.com hero")
        until(site, lambda: "refused" in "".join(whispers(site, "U0LEO")))
        site.policy.write_text(granted)
        bot.until("policy-loaded")
        site.says("U0LEO", "/purge www.example.com hero")
        until(site, lambda: submitted(site))
        site.policy.write_text(granted.replace("marketing:", "marketting:"))
        complaint = bot.until("policy-file-invalid")
        assert "marketing" in complaint["mistakes"]
        site.says("U0LEO", "/purge www.example.com banner")
        until(site, lambda: submitted(site, 2))
        assert bot.end() == 0


def test_sighup_takes_a_policy_that_looks_unchanged_on_disk(site: Town, tmp_path: Path) -> None:
    def write(text: str) -> None:
        """Change the file so that its size and its time stay as they are."""
        before = site.policy.stat()
        site.policy.write_text(text)
        os.utime(site.policy, ns=(before.st_atime_ns, before.st_mtime_ns))

    granted = SAMPLE_POLICY.read_text().replace('"campaign-*"', '"*"         ')
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        write(granted)
        bot.process.send_signal(signal.SIGHUP)
        bot.until("policy-loaded")
        site.says("U0LEO", "/purge www.example.com hero")
        until(site, lambda: submitted(site))
        write(granted.replace("version", "Version"))
        bot.process.send_signal(signal.SIGHUP)
        bot.until("policy-file-invalid")
        site.says("U0LEO", "/purge www.example.com banner")
        until(site, lambda: submitted(site, 2))
        assert bot.end() == 0


def test_a_second_bot_on_the_same_file_is_refused(site: Town, tmp_path: Path) -> None:
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        second = purgebot("run", folder=tmp_path, **site.variables())
        assert (second.code, second.out) == (2, "")
        assert "Another Purgebot works with the database file" in second.err
        assert bot.end() == 0


UNUSABLE: dict[str, tuple[dict[str, str], str]] = {
    "no token": ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is missing"),
    "bot token": ({"SLACK_BOT_TOKEN": "xoxb-sesame"}, "Check SLACK_BOT_TOKEN"),
    "app token": ({"SLACK_APP_TOKEN": "xapp-sesame"}, "Check SLACK_APP_TOKEN"),
    "no Slack": ({"SLACK_API_URL": "http://127.0.0.1:9/"}, "Slack cannot be reached"),
    "no policy": ({"PURGEBOT_POLICY": "gone.yaml"}, "The policy gone.yaml cannot be read"),
    "broken policy": ({"PURGEBOT_POLICY": "broken.yaml"}, "line 1: "),
    "no SQLite folder": ({"PURGEBOT_DATABASE_URL": "sqlite:////proc/no/x"}, "/proc/no: "),
    "no PostgreSQL": (
        {"PURGEBOT_DATABASE_URL": "postgresql://me:sesame@127.0.0.1:9/x"},
        "Check PURGEBOT_DATABASE_URL",
    ),
    "address": (
        {
            "PURGEBOT_MODE": "http",
            "SLACK_SIGNING_SECRET": "sesame",
            "PURGEBOT_HTTP_BIND": "192.0.2.1:80",
        },
        "The bot cannot listen on 192.0.2.1:80",
    ),
}


@pytest.mark.parametrize(("wrong", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_bot_that_cannot_start_says_why_and_what_to_do(
    site: Town, tmp_path: Path, wrong: dict[str, str], says: str
) -> None:
    (tmp_path / "broken.yaml").write_text("rules: 5")
    ended = purgebot("run", folder=tmp_path, **(site.variables() | wrong))
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert "sesame" not in ended.err


# check


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


# policy


def explain(tmp_path: Path, *words: str, policy: Path = SAMPLE_POLICY) -> Ended:
    return purgebot("policy", "explain", *words, folder=tmp_path, PURGEBOT_POLICY=str(policy))


def asking(user: str, action: str, domain: str, tag: str, *more: str) -> list[str]:
    return ["--user", user, "--action", action, "--domain", domain, "--tag", tag, *more]


@pytest.mark.parametrize(
    ("question", "code", "says"),
    [
        (
            asking("U1", "purge", "WWW.example.com", "hero", "--group", "S0EDITORS"),
            0,
            ["yes: ", "policy-allowed: ", "Editors may purge the site"],
        ),
        (
            asking("U1", "purge", "www.example.com", "hero"),
            1,
            ["no: ", "policy-no-rule: ", "role needed: editors or sre", "S0EDITORS, S0SRE"],
        ),
        (
            asking("U1", "force", "shop.example.com", "checkout-1", "--group", "S0SRE"),
            1,
            ["no: ", "policy-denied: ", "Nobody forces the shop's checkout"],
        ),
    ],
    ids=["yes", "no rule", "denied"],
)
def test_explain_tells_the_decision_and_its_reasons(
    tmp_path: Path, question: list[str], code: int, says: list[str]
) -> None:
    ended = explain(tmp_path, *question)
    assert (ended.code, ended.err) == (code, "")
    for sentence in says:
        assert sentence in ended.out


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (asking("U1", "clear", "www.example.com", "hero"), "clear is none of purge, force"),
        (asking("U1", "purge", "www..com", "hero"), "www..com"),
        (["--user", "U1"], "--action"),
    ],
    ids=["unknown action", "no domain", "options missing"],
)
def test_a_question_that_makes_no_sense_is_a_usage_error(
    tmp_path: Path, question: list[str], says: str
) -> None:
    ended = explain(tmp_path, *question)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_explain_without_a_usable_policy_is_no_answer(tmp_path: Path) -> None:
    question = asking("U1", "purge", "www.example.com", "hero")
    gone = explain(tmp_path, *question, policy=tmp_path / "gone.yaml")
    assert (gone.code, gone.out) == (2, "")
    assert "gone.yaml cannot be read" in gone.err
    unset = purgebot("policy", "explain", *question, folder=tmp_path)
    assert unset.code == 2
    assert "PURGEBOT_POLICY" in unset.err


def test_the_schema_is_one_and_fits_the_sample(tmp_path: Path) -> None:
    ended = purgebot("policy", "schema", folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    schema = json.loads(ended.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    sample = yaml.safe_load(SAMPLE_POLICY.read_text())
    assert wrong(sample, schema, schema) == []
    assert wrong(sample | {"rule": []}, schema, schema) != []
    assert wrong(sample | {"roles": {"x": {"title": 5}}}, schema, schema) != []
    sample["rules"][0]["allow"] = ["purging"]
    assert wrong(sample, schema, schema) != []


def wrong(value: Any, schema: Any, root: Any, at: str = "") -> list[str]:
    """Judge by the words of JSON Schema that the policy's schema uses; others fail the test."""
    known = {"$ref", "$defs", "$schema", "additionalProperties", "anyOf", "const", "default"}
    known |= {"description", "enum", "examples", "items", "maxItems", "maxLength", "minItems"}
    known |= {"minLength", "minProperties", "pattern", "properties", "propertyNames", "required"}
    known |= {"title", "type", "uniqueItems"}
    assert set(schema) <= known, f"another word of JSON Schema: {set(schema) - known}"
    if "$ref" in schema:
        return wrong(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        tries = [wrong(value, choice, root, at) for choice in schema["anyOf"]]
        return [] if [] in tries else tries[0]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    kinds |= {"null": type(None)}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{at} is no {schema['type']}"]
    found = []
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at} is another value")
    if isinstance(value, list):
        for number, entry in enumerate(value):
            found += wrong(entry, schema.get("items", {}), root, f"{at}/{number}")
    if isinstance(value, dict):
        found += [
            f"{at}/{name} is missing" for name in set(schema.get("required", ())) - set(value)
        ]
        others = schema.get("additionalProperties", {})
        for name, entry in value.items():
            inner = schema.get("properties", {}).get(name, others)
            found += [f"{at}/{name}?"] if inner is False else wrong(entry, inner or {}, root, name)
    return found


# demo

EIGHT = {
    "slack_api_url",
    "bot_token",
    "app_token",
    "signing_secret",
    "cdn_endpoint",
    "access_key_id",
    "access_key_secret",
    "page_url",
}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_the_simulators_alone_print_their_settings_as_one_line(
    tmp_path: Path, how: signal.Signals
) -> None:
    with running(tmp_path, {}, "demo", "--no-bot", "--json") as demo:
        assert demo.process.stdout is not None
        handles = json.loads(demo.process.stdout.readline())
        assert set(handles) == EIGHT
        client = WebClient(handles["bot_token"], handles["slack_api_url"], retry_handlers=[])
        assert client.auth_test()["ok"]
        assert requests.get(handles["page_url"], timeout=10).status_code == 200
        assert demo.end(how) == 0
        assert demo.process.stdout.read() == ""
        assert demo.said == []


def test_the_demo_meets_its_own_simulators_whatever_the_operator_has_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PURGEBOT_HTTP_BIND=nonsense\nSLACK_API_URL=https://slack.com\n")
    theirs = {"ALIBABA_CLOUD_SECURITY_TOKEN": "sesame", "HTTPS_PROXY": "http://127.0.0.1:9"}
    with running(tmp_path, theirs, "demo") as demo:
        assert demo.process.stdout is not None
        greeting = demo.process.stdout.readline()
        page = greeting.split()[2]
        said = {"as": "U0ANA", "channel": "C0WEB", "text": "/purge www.example.com hero"}
        assert (
            requests.post(f"{page}/slack/say", json=said, timeout=10).json()["outcome"] == "acked"
        )
        state = f"{page}/slack/state?as=U0ANA"
        until_at(page, lambda: "Purge submitted" in requests.get(state, timeout=10).text)
        assert demo.end() == 0
        assert demo.said == []


def test_a_port_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = purgebot("demo", "--port", port, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert port in ended.err
    assert "Traceback" not in ended.err


# What all have in common


@pytest.mark.parametrize(
    ("line", "code"),
    [(["--help"], 0), (["run", "--help"], 0), (["purge"], 2), (["run", "--fast"], 2)],
    ids=["help", "help for run", "another command", "another option"],
)
def test_a_command_line_that_is_none_ends_with_2(
    tmp_path: Path, line: list[str], code: int
) -> None:
    ended = purgebot(*line, folder=tmp_path)
    assert ended.code == code
    assert bool(ended.err) == bool(code)
    assert bool(ended.out) != bool(code)

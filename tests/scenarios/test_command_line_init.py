"""`purgebot init`: from an empty folder to one in which `purgebot run` runs, each answer checked."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config.policy_file import load_policy
from bot.demo.town import Town
from tests.support.purgebot import ROOT, Ended, command, environment, purgebot
from tests.support.terminal import terminal

SAMPLES: Mapping[str, list[str]] = {
    "small-team": ["www.example.com", "U0SAM", "U0KIM"],
    "editors-and-sre": ["www.example.com, img.example.com", "@editors", "S0SRE"],
    "several-brands": [
        *("www.example.com", "S0EDITORS", "U0ANA"),
        *("shop.example.com", "S0MARKETING", "U0LEO", "S0SRE"),
    ],
    "strict": ["*.example.com", "S0EDITORS", "@sre", "C0OPS"],
}
"""Answers to what the presets ask for."""

Init = Callable[..., Ended]


def tokens(place: Town) -> list[str]:
    """The answers up to the policy: where it runs, two tokens, the key and its secret."""
    slack, cdn = place.slack, place.cdn
    return ["", slack.bot_token, slack.app_token, cdn.access_key_id, cdn.access_key_secret]


def services(place: Town) -> dict[str, str]:
    return {name: place.variables()[name] for name in ("SLACK_API_URL", "PURGEBOT_CDN_ENDPOINT")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "bot"
    made.mkdir()
    return made


@pytest.fixture
def init(site: Town, folder: Path) -> Init:
    """Give a function that runs `purgebot init` in an empty folder, with answers, a line each."""

    def run(*options: str, answers: list[str] | None = None, **variables: str) -> Ended:
        typed = "".join(f"{answer}\n" for answer in answers or [])
        return purgebot(
            "init", *options, folder=folder, typed=typed, **(services(site) | variables)
        )

    return run


def env_of(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("preset", SAMPLES)
def test_from_nothing_to_a_bot_that_checks_well(
    site: Town, folder: Path, init: Init, preset: str
) -> None:
    ended = init(answers=[*tokens(site), preset, *SAMPLES[preset]])
    assert (ended.code, ended.err) == (0, "")
    for found in ("purgebot in Acme Web", "app token accepted"):
        assert f"ok    {found}\n" in ended.out
    assert sorted(each.name for each in folder.iterdir()) == [".env", "policy.tests", "policy.yaml"]
    checked = purgebot("check", folder=folder, **services(site))
    assert (checked.code, "FAIL" in checked.out) == (0, False), checked.out
    tested = purgebot("policy", "test", "policy.tests", folder=folder)
    assert (tested.code, tested.err) == (0, "")
    assert is_the_preset_with_answers((folder / "policy.yaml").read_text(), preset)
    asked = {sent["params"]["DomainName"] for sent in site.purges_sent()}
    assert asked == {
        "purgebot-check.invalid"
    }  # whether the key may purge, of a domain that is none


def is_the_preset_with_answers(written: str, preset: str) -> bool:
    """Whether a written policy says what its preset does, of this team."""
    original = (ROOT / f"examples/policies/{preset}.yaml").read_text()
    assert written.splitlines()[0] == original.splitlines()[0]
    assert "Replace these" not in written
    assert "policy.tests says" in written
    ours, theirs = (load_policy(text, "test") for text in (written, original))
    assert [rule.rule for rule in ours.rules] == [rule.rule for rule in theirs.rules]
    handles = {"@editors": "S0EDITORS", "@sre": "S0SRE"}
    answers = [part for answer in SAMPLES[preset] for part in answer.split(", ")]
    return all(handles.get(part, part) in written for part in answers)


def test_the_secrets_are_their_owners_alone_to_read_and_are_not_shown(
    site: Town, folder: Path, init: Init
) -> None:
    ended = init(answers=[*tokens(site), "small-team", *SAMPLES["small-team"]])
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "policy.yaml").stat().st_mode) == 0o644
    settings = env_of(folder)
    assert settings["SLACK_BOT_TOKEN"] == site.slack.bot_token
    assert len(settings["PURGEBOT_APPROVAL_KEY"]) == 64
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        assert settings[name] not in ended.out
    assert settings["PURGEBOT_APPROVAL_KEY"] not in ended.out


def test_signed_http_takes_the_signing_secret_instead(site: Town, folder: Path, init: Init) -> None:
    answers = ["", site.slack.bot_token, "", site.slack.signing_secret, "", "small-team"]
    assert init(answers=[*answers, *SAMPLES["small-team"]]).code == 0
    settings = env_of(folder)
    assert settings["SLACK_SIGNING_SECRET"] == site.slack.signing_secret
    assert not {"SLACK_APP_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_ID"} & settings.keys()


# Answers that are refused


REFUSED: Mapping[str, tuple[Callable[[Town], list[str]], str, str]] = {
    "swapped tokens": (lambda t: ["", t.slack.app_token], "must begin with xoxb-", "Bot token"),
    "a token of nobody": (lambda _: ["", "xoxb-1-2-3"], "invalid_auth", "Copy the Bot User OAuth"),
    "a bot token twice": (
        lambda t: ["", t.slack.bot_token, t.slack.bot_token],
        "must begin with xapp-",
        "App-level token",
    ),
    "an app token of nobody": (
        lambda t: ["", t.slack.bot_token, "xapp-1-2-3"],
        "invalid_auth",
        "connections:write",
    ),
    "a wrong secret": (
        lambda t: [*tokens(t)[:-1], "sesame"],
        "",
        "See that the secret belongs to the access key",
    ),
    "no preset": (lambda t: [*tokens(t), "lax"], "there is no lax", "small-team, strict"),
    "nothing": (lambda t: [*tokens(t), ""], "it is needed", "Which of these policies"),
    "no domain": (lambda t: [*tokens(t), "small-team", "www..com"], "is no domain", "docs/policy"),
    "no ID": (
        lambda t: [*tokens(t), "small-team", "www.example.com", "@sam"],
        "“@sam” is no Slack ID of a person",
        "docs/policy.md",
    ),
    "a guest": (
        lambda t: [*tokens(t), "small-team", "www.example.com", "U0GUS"],
        "U0GUS is no full member, but: guest",
        "Only full members",
    ),
    "a closed account": (
        lambda t: [*tokens(t), "small-team", "www.example.com", "U0DEL"],
        "U0DEL is no full member, but: deleted",
        "Only full members",
    ),
    "nobody": (
        lambda t: [*tokens(t), "small-team", "www.example.com", "U0NOBODY"],
        "Slack says of U0NOBODY: user_not_found",
        "Copy the ID anew",
    ),
    "no group": (
        lambda t: [*tokens(t), "editors-and-sre", "www.example.com", "S0NONE"],
        "Slack says of S0NONE: no_such_subteam",
        "Copy the ID anew",
    ),
    "no such handle": (
        lambda t: [*tokens(t), "editors-and-sre", "www.example.com", "@nobody"],
        "“@nobody” is no Slack ID of a user group",
        "docs/policy.md",
    ),
    "a channel's name": (
        lambda t: [*tokens(t), "strict", "www.example.com", "S0EDITORS", "S0SRE", "#cdn-ops"],
        "“#cdn-ops” is no Slack ID of a channel",
        "docs/policy.md",
    ),
    "no place": (lambda _: ["cloud"], "there is no cloud", "compose, systemd, kubernetes"),
}


@pytest.mark.parametrize(("answers", "why", "remedy"), REFUSED.values(), ids=REFUSED)
def test_an_answer_that_cannot_be_taken_says_why_and_writes_nothing_of_it(
    site: Town,
    folder: Path,
    init: Init,
    answers: Callable[[Town], list[str]],
    why: str,
    remedy: str,
) -> None:
    ended = init(answers=answers(site))
    assert (ended.code, ended.err) == (1, "")
    [line, advice] = ended.out[ended.out.index("FAIL") :].splitlines()
    assert why in line
    assert remedy in advice
    assert "sesame" not in ended.out
    assert not (folder / "policy.yaml").exists()
    settled = len(answers(site)) > len(tokens(site))
    assert (folder / ".env").exists() == settled


def test_a_token_without_a_scope_names_it(site: Town, init: Init) -> None:
    site.slack.workspace.scopes.remove("users:read")
    ended = init(answers=["", site.slack.bot_token])
    assert ended.code == 1
    assert "the token lacks the scopes users:read" in ended.out
    assert "install the app again" in " ".join(ended.out.split())


def test_a_key_that_may_not_purge_is_told_which_right_it_lacks(site: Town, init: Init) -> None:
    site.post("cdn/settings", {"denied_actions": ["RefreshObjectCacheByCacheTag"]})
    ended = init(answers=tokens(site))
    assert ended.code == 1
    assert "the key lacks cdn:RefreshObjectCacheByCacheTag" in ended.out
    assert "Allow cdn:RefreshObjectCacheByCacheTag in the policy" in ended.out


def test_a_token_without_what_may_be_left_out_is_taken(site: Town, init: Init) -> None:
    for scope in ("channels:history", "groups:history", "im:history"):
        site.slack.workspace.scopes.remove(scope)
    answers = [*tokens(site), "small-team", *SAMPLES["small-team"]]
    assert init(answers=answers).code == 0


def test_a_group_without_members_approves_nothing(site: Town, init: Init) -> None:
    site.slack.workspace.groups["S0SRE"].users.clear()
    answers = [*tokens(site), "editors-and-sre", "www.example.com", "S0EDITORS", "S0SRE"]
    assert "S0SRE has no members" in init(answers=answers).out


@pytest.mark.parametrize("away", ["SLACK_API_URL", "PURGEBOT_CDN_ENDPOINT"])
def test_a_service_that_cannot_be_reached_is_told_as_that(
    site: Town, init: Init, away: str
) -> None:
    ended = init(answers=tokens(site), **{away: "http://127.0.0.1:9"})
    assert ended.code == 1
    assert "cannot be reached: it refuses connections" in ended.out


def test_answers_that_are_missing_are_named(site: Town, folder: Path, init: Init) -> None:
    ended = init(answers=tokens(site)[:2])  # nothing for the app token is an answer: signed HTTP
    assert ended.code == 2
    assert "no answer was given for SLACK_SIGNING_SECRET" in ended.err
    unasked = init("--no-input")
    assert unasked.code == 2
    assert "SLACK_BOT_TOKEN is not set" in unasked.err
    assert list(folder.iterdir()) == []


def test_at_a_terminal_a_secret_is_not_shown_and_a_refused_answer_is_asked_for_again(
    site: Town, folder: Path
) -> None:
    variables = environment(folder, services(site))
    with terminal(command("init"), folder, variables) as screen:
        screen.answers("Where will it run", "nowhere")
        screen.answers("Where will it run", "")
        screen.answers("Bot token", "xoxb-wrong-token")
        screen.answers("Bot token", site.slack.bot_token)
        screen.answers("App-level token", site.slack.app_token)
        screen.answers("Access key ID", "LTAI5tOfSomebody")
        screen.answers("Its secret", site.cdn.access_key_secret)
        screen.answers("Access key ID", site.cdn.access_key_id)
        screen.answers("Its secret", site.cdn.access_key_secret)
        screen.answers("Which of these", "small-team")
        screen.answers("domain", "www.example.com")
        screen.answers("one who approves", "U0GUS")
        screen.answers("one who approves", "U0SAM")
        screen.answers("another who approves", "U0KIM")
        assert screen.ends() == 0
    assert screen.text.count("FAIL") == 4
    for secret in ("wrong-token", site.slack.bot_token, site.cdn.access_key_secret):
        assert secret not in screen.text
    assert "U0SAM" in screen.text
    assert env_of(folder)["SLACK_BOT_TOKEN"] == site.slack.bot_token


# Again


@pytest.fixture
def done(site: Town, folder: Path, init: Init) -> dict[str, bytes]:
    """Set up, and give the content of each file."""
    answers = [*tokens(site), "small-team", *SAMPLES["small-team"]]
    answers[0] = "compose"
    assert init(answers=answers).code == 0
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_again_it_asks_nothing_and_changes_nothing(
    folder: Path, init: Init, done: dict[str, bytes]
) -> None:
    for options in ((), ("--no-input",), ("--with", "compose")):
        again = init(*options)
        assert (again.code, again.err) == (0, "")
        assert "kept  .env" in again.out
        assert "kept  config/policy.yaml" in again.out
        assert contents(folder) == done


def test_again_it_changes_the_one_setting_that_is_given_and_no_other_line(
    site: Town, folder: Path, init: Init, done: dict[str, bytes]
) -> None:
    env = folder / ".env"
    before = f"# ours\n\nOTHER='kept as it is'\nexport {env.read_text()}PURGEBOT_CANARY_MINUTES=5\n"
    env.write_text(before)
    env.chmod(0o644)
    name = "PURGEBOT_CANARY_MINUTES"
    assert init("--set", f"{name}=0").code == 0
    assert env.read_text() == before.replace(f"{name}=5", f"{name}=0")
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    refused = init("--set", f"{name}=often")
    assert (refused.code, f"FAIL  {name}: " in refused.out) == (1, True)
    assert env.read_text() == before.replace(f"{name}=5", f"{name}=0")
    asked = init("--ask", "SLACK_BOT_TOKEN", answers=[site.slack.bot_token])
    assert (asked.code, asked.out.count("Bot token")) == (0, 1)
    assert contents(folder) | {".env": b""} == done | {".env": b""}


def test_a_policy_that_is_there_is_never_replaced(
    folder: Path, init: Init, done: dict[str, bytes]
) -> None:
    for options in (("--preset", "strict"), ("--set", "U0FIRST=U0ANA")):
        refused = init(*options)
        assert (refused.code, "is there already" in refused.err) == (2, True)
        assert contents(folder) == done


def test_a_dot_env_that_cannot_be_used_is_told_and_left_as_it_is(
    folder: Path, init: Init, done: dict[str, bytes]
) -> None:
    env = folder / ".env"
    good = env.read_bytes()
    for wrong, says in (
        (good + b"PURGEBOT_CANARY_MINUTES=often\n", "PURGEBOT_CANARY_MINUTES"),
        (good + b"X=caf\xe9\n", "no text in UTF-8"),
    ):
        env.write_bytes(wrong)
        told = init("--set", "PURGEBOT_LOW_QUOTA_SHARE=0.2")
        assert (told.code, says in told.err, "Traceback" in told.err) == (2, True, False)
        assert env.read_bytes() == wrong
    put_right = good + b"PURGEBOT_CANARY_MINUTES=often\n"
    env.write_bytes(put_right)
    assert init("--set", "PURGEBOT_CANARY_MINUTES=5").code == 0
    assert env.read_bytes() == put_right.replace(b"often", b"5")


def test_a_file_that_was_changed_by_hand_is_kept(
    folder: Path, init: Init, done: dict[str, bytes]
) -> None:
    (folder / "compose.yaml").write_text("services: {}\n")
    kept = init("--with", "compose")
    assert "kept  compose.yaml, which is not as Purgebot would write it" in kept.out
    assert (folder / "compose.yaml").read_text() == "services: {}\n"


def test_what_the_environment_sets_is_neither_asked_for_nor_written(
    site: Town, folder: Path, init: Init
) -> None:
    secret = {name: site.variables()[name] for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")}
    answers = ["", *tokens(site)[3:], "small-team", *SAMPLES["small-team"]]
    ended = init(answers=answers, **secret)
    assert ended.code == 0
    assert "kept  SLACK_BOT_TOKEN, which the environment sets" in ended.out
    assert not secret.keys() & env_of(folder).keys()


# For scripts


def test_everything_may_be_given_as_options(site: Town, folder: Path, init: Init) -> None:
    settings = {
        name: site.variables()[name]
        for name in (
            *("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            *("PURGEBOT_CDN_ENDPOINT", "SLACK_API_URL", "SLACK_APP_TOKEN", "SLACK_BOT_TOKEN"),
        )
    }
    given = settings | {"www.example.com": "www.example.com", "U0FIRST": "U0SAM"}
    options = [f"--set={name}={value}" for name, value in (given | {"U0SECOND": "U0KIM"}).items()]
    # Neither service is in the environment, so the addresses that are given must be used at once.
    ended = purgebot("init", "--no-input", "--preset", "small-team", *options, folder=folder)
    assert (ended.code, ended.err) == (0, "")
    assert env_of(folder).items() >= settings.items()
    assert purgebot("check", folder=folder).code == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--set", "PURGEBOT_POLICI=x"), "PURGEBOT_POLICI is none of "),
        (("--set", "SLACK_BOT_TOKEN"), "is not of the form NAME=VALUE"),
        (("--ask", "SLACK_TOKEN"), "SLACK_TOKEN is none of "),
        (("--with", "nomad"), "nomad is none of compose, kubernetes, slack-cli, systemd"),
        (("--preset", "lax"), "lax is none of editors-and-sre, several-brands, small-team, strict"),
    ],
)
def test_an_option_that_means_nothing_is_a_usage_error(
    site: Town, folder: Path, init: Init, options: tuple[str, ...], says: str
) -> None:
    variables = {n: v for n, v in site.variables().items() if n != "PURGEBOT_POLICY"}
    ended = init("--no-input", *(("--preset", "small-team") if "--preset" not in options else ()),
                 *options, **variables)  # fmt: skip
    assert ended.code == 2
    assert says in " ".join(ended.err.replace("│", " ").split())
    assert not (folder / "policy.yaml").exists()


def test_without_a_network_the_answers_are_judged_by_their_form(folder: Path) -> None:
    answers = ["", "xoxb-1-2-3", "xapp-1-2-3", "id", "secret", "strict"]
    typed = "\n".join([*answers, "www.example.com", "S0EDITORS", "S0SRE", "C0OPS", ""])
    nowhere = {"SLACK_API_URL": "http://127.0.0.1:9", "PURGEBOT_CDN_ENDPOINT": "http://127.0.0.1:9"}
    ended = purgebot("init", "--no-check", folder=folder, typed=typed, **nowhere)
    assert (ended.code, ended.err) == (0, "")
    swapped = purgebot(
        "init", "--no-check", "--set", "SLACK_BOT_TOKEN=xapp-1-2-3", folder=folder, **nowhere
    )
    assert (swapped.code, "must begin with xoxb-" in swapped.out) == (1, True)


def test_a_folder_that_cannot_be_written_to_is_told(site: Town) -> None:
    variables = {n: v for n, v in site.variables().items() if n != "PURGEBOT_POLICY"}
    ended = purgebot("init", "--no-input", folder=Path("/proc"), **variables)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "/proc" in ended.err


# Files to deploy with


def deployed(site: Town, init: Init, where: str) -> Ended:
    answers = [*tokens(site), "small-team", *SAMPLES["small-team"]]
    answers[0] = where
    ended = init(answers=answers)
    assert (ended.code, ended.err) == (0, "")
    return ended


def test_compose_gets_a_password_the_policys_folder_and_an_image(
    site: Town, folder: Path, init: Init
) -> None:
    deployed(site, init, "compose")
    settings, compose = env_of(folder), yaml.safe_load((folder / "compose.yaml").read_text())
    assert len(settings["POSTGRES_PASSWORD"]) >= 32
    assert settings["PURGEBOT_POLICY"] == "config/policy.yaml"
    service = compose["services"]["purgebot"]
    assert "./config:/etc/purgebot:ro" in service["volumes"]
    assert service["image"] == "purgebot:latest"
    assert "build" not in service  # there is nothing here to build it of
    assert purgebot("check", folder=folder, **services(site)).code == 0


def test_compose_added_later_says_where_the_policy_must_go(
    site: Town, folder: Path, init: Init
) -> None:
    deployed(site, init, "")
    later = init("--with", "compose")
    assert "reads config/policy.yaml: move policy.yaml there" in later.out
    assert "POSTGRES_PASSWORD" in env_of(folder)


def test_kubernetes_gets_an_overlay_with_the_policy(site: Town, folder: Path, init: Init) -> None:
    deployed(site, init, "kubernetes")
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here, so the overlay cannot be rendered")
    done = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    documents: list[Any] = list(yaml.safe_load_all(done.stdout))
    [policy] = [each for each in documents if each["kind"] == "ConfigMap"]
    assert policy["data"]["policy.yaml"] == (folder / "policy.yaml").read_text()
    assert {each["kind"] for each in documents} >= {"Deployment", "NetworkPolicy"}


def test_systemd_gets_its_unit(site: Town, folder: Path, init: Init) -> None:
    deployed(site, init, "systemd")
    written = (folder / "deploy/systemd/purgebot.service").read_text()
    assert written == (ROOT / "deploy/systemd/purgebot.service").read_text()


def test_slacks_command_line_gets_its_hooks(site: Town, folder: Path, init: Init) -> None:
    deployed(site, init, "slack-cli")
    for name in (".slack/hooks.json", "manifest.json", "assets/icon.png"):
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()

"""`purgebot init`: ask for what `purgebot run` needs, check each answer at once, write it down.

    .env               the settings, readable by their owner alone
    policy.yaml        one of the presets in examples/policies, with the IDs of this workspace
    policy.tests       what it is expected to decide, for `purgebot policy test`
    --with compose …   files to deploy it with

What is set already, in `.env` or the environment, is kept and not asked for, unless by --ask; other
lines of `.env`, and files that are there, are not touched.  An answer comes from --set, else from a
line of stdin.  One that is refused is asked for again at a terminal, and elsewhere ends the command
with exit code 1.  A missing one ends it with 2.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.shipped import shipped

if TYPE_CHECKING:
    from bot.cli.answers import Check
    from bot.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """A question for a setting, for an option, or for what replaces a sample of a preset."""

    name: str
    text: str
    secret: bool = False
    optional: bool = False
    begins_anew: bool = False
    """Where it is refused at a terminal, the question before it is asked again as well."""


_BOT_TOKEN = Question("SLACK_BOT_TOKEN", "Bot token, xoxb-… (app's page, OAuth)", secret=True)
_APP_TOKEN = Question(
    "SLACK_APP_TOKEN",
    "App-level token, xapp-…, with connections:write (Basic Information; Enter: signed HTTP)",
    secret=True,
    optional=True,
)
_SIGNING_SECRET = Question(
    "SLACK_SIGNING_SECRET", "Signing secret (Basic Information)", secret=True
)
_KEY_ID = Question(
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "Access key ID of the RAM user (Enter: the machine's role)",
    optional=True,
)
_KEY_SECRET = Question(
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "Its secret", secret=True, begins_anew=True
)
_ASKED = {
    each.name: each for each in (_BOT_TOKEN, _APP_TOKEN, _SIGNING_SECRET, _KEY_ID, _KEY_SECRET)
}

DEPLOYMENTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "compose": (
        ("compose.yaml",),
        "docs/deploy.md, “Compose”: build the image purgebot in a checkout, and docker compose up -d",
    ),
    "systemd": (
        ("deploy/systemd/purgebot.service",),
        "docs/deploy.md, “systemd”: PURGEBOT_POLICY is the unit's, so leave it out of purgebot.env",
    ),
    "kubernetes": (
        ("deploy/kubernetes/base", "deploy/kubernetes/http", "deploy/kubernetes/overlay.example"),
        "docs/deploy.md, “Kubernetes”: PURGEBOT_DATABASE_URL into .env, which makes the secret",
    ),
    "slack-cli": ((".slack/hooks.json", "manifest.json", "assets/icon.png"), "slack run"),
}
"""What --with takes: the files that are copied, and what to do then."""
_SAMPLE = re.compile(r"^#   (\S+)  +(.+)$", re.MULTILINE)
"""In a preset: what is to be replaced, and what it is."""
_SAMPLES = re.compile(r"^# Replace these.*?(?=^# docs)", re.MULTILINE | re.DOTALL)


def init(
    preset: Annotated[
        str | None, typer.Option(help="The policy to begin with: one of examples/policies.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting, or what a preset asks for."),
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option("--ask", metavar="NAME", help="Ask for a setting that is there already."),
    ] = None,
    wanted: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="WHAT", help=f"Also write: {', '.join(DEPLOYMENTS)}"),
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask for nothing.")] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not ask Slack and the CDN about the answers.")
    ] = False,
) -> None:
    """Set Purgebot up in this folder: .env, policy.yaml, and files to deploy it with."""
    from bot.telemetry.logs import set_up_logs

    set_up_logs("CRITICAL")
    try:
        setup = _Setup(_pairs(given or ()), may_ask=not no_input, checks=not no_check)
        if wanted is None:
            wanted = [] if setup.env.exists() else setup.choose_deployments()
        for name in wanted:
            _one_of(name, DEPLOYMENTS)
        setup.settings(again or (), in_folder="compose" in wanted)
        setup.policy(preset)
        for name in wanted:
            setup.deployment(name)
    except UnicodeDecodeError:
        raise typer.BadParameter("the file .env is no text in UTF-8") from None
    except OSError as error:
        raise typer.BadParameter(f"{error.filename}: {error.strerror}") from None
    typer.echo("Next: purgebot check, then purgebot run, and in Slack: /purge help")
    for name in wanted:
        typer.echo(f"      {name}: {DEPLOYMENTS[name][1]}")


class _Setup:
    """What is known so far, and the steps that write it down."""

    def __init__(self, given: dict[str, str], *, may_ask: bool, checks: bool) -> None:
        from pydantic_settings import DotEnvSettingsSource

        from bot.config.settings import ENV_FILE, VARIABLES, Settings

        self.env = Path(ENV_FILE)
        self._names = VARIABLES
        self._given = given
        self._may_ask = may_ask
        self._checks = checks
        known = (*DotEnvSettingsSource(Settings).env_vars.items(), *os.environ.items())
        self._known = {name: value for name, value in known if value}
        self._new: dict[str, str] = {}

    def choose_deployments(self) -> list[str]:
        """Ask where the bot will run."""
        from bot.cli.answers import Refused

        def verify(typed: str) -> tuple[str, str]:
            names = typed.replace(",", " ").split()
            if unknown := set(names) - DEPLOYMENTS.keys():
                raise Refused(f"there is no {unknown.pop()}", question.text)
            return " ".join(names), ""

        text = f"Where will it run: {', '.join(DEPLOYMENTS)} (Enter: here)"
        question = Question("--with", text, optional=True)
        return self._answer(question, verify).split()

    def settings(self, again: Collection[str], *, in_folder: bool) -> None:
        """Ask for the settings that are not known, and write them into `.env`."""
        given = sorted(self._given.keys() & self._names, key=lambda name: (name in _ASKED, name))
        for name in (*again, *given):  # the addresses of services go before what these are asked
            self._known.pop(_one_of(name, self._names), None)
        for name in given:
            self._obtain(_ASKED.get(name, Question(name, "docs/operate.md tells of it")))
        if self._may_ask and not self._known.get(_BOT_TOKEN.name):
            typer.echo(
                "No Slack app yet? `purgebot manifest --link` prints the page to make it on."
            )
        self._obtain(_BOT_TOKEN)
        if not self._known.get(_SIGNING_SECRET.name):
            self._obtain(_APP_TOKEN)
        if not self._known.get(_APP_TOKEN.name):
            self._obtain(_SIGNING_SECRET)
        self._obtain(_KEY_ID)
        while self._known.get(_KEY_ID.name) and not self._obtain(_KEY_SECRET):
            self._known.pop(_KEY_ID.name)
            self._obtain(_KEY_ID)
        for name in again:
            self._obtain(_ASKED.get(name, Question(name, name)))
        self._add("PURGEBOT_POLICY", "config/policy.yaml" if in_folder else "policy.yaml")
        self._add("PURGEBOT_APPROVAL_KEY", secrets.token_hex(32))
        self._write_env()

    def policy(self, preset: str | None) -> None:
        """Write a preset with the IDs of this workspace, and its table, unless there is a policy."""
        from bot.app import web_client
        from bot.cli.answers import of_sample

        path = Path(self._known["PURGEBOT_POLICY"])
        if path.exists():
            if preset is not None or self._given:
                raise typer.BadParameter(f"{path} is there already: move it away first")
            typer.echo(f"kept  {path}")
            return
        presets = {each.stem: each for each in sorted(shipped("examples/policies").glob("*.yaml"))}
        if preset is None:
            for name, each in presets.items():
                title = each.read_text(encoding="utf-8").partition("\n")[0]
                typer.echo(f"      {name}: {title.partition(': ')[2]}")
            question = Question("--preset", "Which of these policies to begin with")
            preset = self._answer(question, lambda typed: _chosen(typed, presets))
        source = presets[_one_of(preset, presets)]
        samples = dict(_SAMPLE.findall(source.read_text(encoding="utf-8")))
        for name in self._given:
            _one_of(name, samples)
        slack = web_client(self._settings()) if self._checks else None
        answers = {
            sample: self._answer(
                Question(sample, meaning[0].upper() + meaning[1:]), of_sample(sample, slack)
            )
            for sample, meaning in samples.items()
        }
        _write_policy(source, path, answers)

    def deployment(self, name: str) -> None:
        """Copy the files of a deployment; those that are there stay."""
        policy = self._known["PURGEBOT_POLICY"]
        for each in DEPLOYMENTS[name][0]:
            source = shipped(each)
            for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
                content = file.read_bytes()
                target = Path(each) / file.relative_to(source)
                if target == Path("compose.yaml") and not Path("Dockerfile").exists():
                    content = content.replace(b"  build: .\n", b"")  # made in a checkout
                if each.endswith("overlay.example"):
                    target = Path(file.name)
                    content = content.replace(b"=policy.yaml", f"={policy}".encode())
                _write_new(target, content)
        if name == "compose":
            if Path(policy).parent.name != "config":
                typer.echo(f"      compose.yaml reads config/policy.yaml: move {policy} there")
            self._add("POSTGRES_PASSWORD", secrets.token_urlsafe(24))
            self._write_env()

    # Settings

    def _add(self, name: str, value: str) -> None:
        """Add a setting that nobody has to think about, unless it is there."""
        if not self._known.get(name):
            self._known[name] = self._new[name] = value

    def _obtain(self, question: Question) -> bool:
        """Ask for a setting, unless it is known.  Return whether it is known now."""
        if self._known.get(question.name):
            if question.name in os.environ:
                typer.echo(f"kept  {question.name}, which the environment sets")
            return True
        if answer := self._answer(question, lambda typed: self._verified(question, typed)):
            self._known[question.name] = self._new[question.name] = answer
        return bool(answer)

    def _verified(self, question: Question, value: str) -> tuple[str, str]:
        from bot.cli.answers import Refused, of_setting

        if not re.fullmatch("[ -&(-~]+", value):
            raise Refused("it holds a sign that .env cannot hold", question.text)
        settings = self._settings(question, value)
        return value, of_setting(question.name, settings) if self._checks else ""

    def _settings(self, question: Question | None = None, value: str = "") -> Settings:
        """Return the settings so far, with stand-ins for those that are missing.

        Raises: Refused if `value` is no answer to the question; SettingsInvalid for others.
        """
        from bot.cli.answers import Refused
        from bot.config.settings import SettingsInvalid, settings_from

        known = {name: each for name, each in self._known.items() if name in self._names and each}
        if question is not None:
            known[question.name] = value
        stand_ins = {"SLACK_BOT_TOKEN": "xoxb-none-yet", "PURGEBOT_POLICY": "policy.yaml"}
        if _SIGNING_SECRET.name not in known:
            stand_ins[_APP_TOKEN.name] = "xapp-none-yet"
        if _KEY_ID.name in known:
            stand_ins[_KEY_SECRET.name] = "none-yet"
        try:
            return settings_from(stand_ins | known)
        except SettingsInvalid as error:
            lines = error.info.facts["mistakes"].splitlines()
            about = f"  {question.name} " if question else " "
            mistakes = [line.removeprefix(about) for line in lines if line.startswith(about)]
            if question is None or not mistakes:
                raise
        raise Refused("; ".join(mistakes), question.text)

    def _write_env(self) -> None:
        """Put what is new into `.env`.  Its other lines stay as they are."""
        if not self._new:
            typer.echo(f"kept  {self.env}")
            return
        text = self.env.read_text(encoding="utf-8-sig") if self.env.exists() else ""
        lines = text.splitlines()
        for name, value in self._new.items():
            plain = re.fullmatch(r"[\w./:@%+,=-]*", value, re.ASCII)
            line = f"{name}={value}" if plain else f"{name}='{value}'"
            ours = re.compile(rf"\s*(export\s+)?{name}\s*=")
            places = [place for place, each in enumerate(lines) if ours.match(each)]
            lines = [line if place in places else each for place, each in enumerate(lines)]
            lines += [] if places else [line]
        _write(self.env, "".join(f"{line}\n" for line in lines).encode(), mode=0o600)
        typer.echo(f"wrote {self.env}: {', '.join(self._new)}")
        self._new.clear()

    # Questions

    def _answer(self, question: Question, verify: Check) -> str:
        """Return an answer as `verify` gives it, "" if there is none and none is needed."""
        from bot.cli.answers import Refused
        from bot.config.variables import bare

        while True:
            given = self._given.pop(question.name, None)
            typed = bare(self._read(question) if given is None else given)
            label = "" if given is None else f"{question.name}: "
            if not typed and question.optional:
                return ""
            try:
                if not typed:
                    raise Refused("it is needed", question.text)  # noqa: TRY301
                answer, found = verify(typed)
            except Refused as refused:
                why, remedy = refused.args
                typer.echo(f"FAIL  {label}{why}\n      → {remedy}")
                if given is not None or not sys.stdin.isatty():
                    raise typer.Exit(1) from None
                if question.begins_anew:
                    return ""
            else:
                if found:
                    typer.echo(f"ok    {label}{found}")
                return answer

    def _read(self, question: Question) -> str:
        """Read a line.  At a terminal, a secret is not shown."""
        if not self._may_ask:
            if question.optional:
                return ""
            raise typer.BadParameter(f"{question.name} is not set ({question.text})")
        prompt = f"{question.text}: "
        try:
            if sys.stdin.isatty():
                return getpass.getpass(prompt) if question.secret else input(prompt)
            typer.echo(prompt)
            return input()
        except EOFError:
            if question.optional:
                return ""
            raise typer.BadParameter(f"no answer was given for {question.name}") from None


def _pairs(given: Collection[str]) -> dict[str, str]:
    pairs = dict[str, str]()
    for each in given:
        name, sign, value = each.partition("=")
        if not (name and sign):
            raise typer.BadParameter(f"“{name}” is not of the form NAME=VALUE")
        pairs[name] = value
    return pairs


def _one_of(word: str, known: Collection[str]) -> str:
    """Return the word.  Raises: BadParameter."""
    if word not in known:
        raise typer.BadParameter(f"{word} is none of {', '.join(sorted(known))}")
    return word


def _chosen(word: str, known: Collection[str]) -> tuple[str, str]:
    """Return the word.  Raises: Refused, so that it is asked for again."""
    from bot.cli.answers import Refused

    if word not in known:
        raise Refused(f"there is no {word}", f"Choose one of {', '.join(known)}.")
    return word, ""


def _write_policy(source: Path, path: Path, answers: Mapping[str, str]) -> None:
    """Write a preset and its table with the answers in place of their samples."""
    from bot.cli.expectations import read_expectations
    from bot.config.policy_file import load_policy

    table = path.with_suffix(".tests")
    texts = {}
    for target, suffix, form in ((path, ".yaml", _in_list), (table, ".tests", _in_table)):
        text = _SAMPLES.sub("", source.with_suffix(suffix).read_text(encoding="utf-8"))
        text = _replaced(text, {sample: form(answer) for sample, answer in answers.items()})
        text = text.replace(f"{source.stem}.tests", table.name)
        texts[target] = text.replace(f"{source.stem}.yaml", path.name)
    policy = load_policy(texts[path], str(path))
    expected = read_expectations(texts[table], str(table))
    for target, text in texts.items():
        _write_new(target, text.encode())
    held = sum(each.difference(policy) is None for each in expected)
    typer.echo(f"ok    {held} of {len(expected)} decisions are as {table} expects")


def _replaced(text: str, by_sample: Mapping[str, str]) -> str:
    samples = "|".join(map(re.escape, by_sample))
    whole = re.compile(rf"(?<![\w.-])({samples})(?![\w.-])")
    return whole.sub(lambda found: by_sample[found[0]], text)


def _in_list(answer: str) -> str:
    """Return domains or an ID as they stand within the brackets of a list."""
    return ", ".join(f'"{each}"' if "*" in each else each for each in answer.split())


def _in_table(answer: str) -> str:
    """Return one domain in full, or an ID."""
    first = answer.split(maxsplit=1)[0]
    return "www.example.com" if first == "*" else first.replace("*", "www")


def _write_new(path: Path, content: bytes) -> None:
    if not path.exists():
        _write(path, content, mode=0o644)
        typer.echo(f"wrote {path}")
    elif path.read_bytes() != content:
        typer.echo(f"kept  {path}, which is not as Purgebot would write it")


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Put a file in its place at once, whole and with its rights."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:  # its user's alone
        file.write(content)
        os.fchmod(file.fileno(), mode)
    Path(file.name).replace(path)

"""Set-ups that are broken: `purgebot check` names each cause, its remedy and the page where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.config.settings import Mode
from bot.demo.town import Town
from bot.store.migrations import migrate
from bot.store.store import Store
from tests.support.certificates import write_certificate
from tests.support.databases import Postgresql
from tests.support.loopback_servers import hear_then, listening, say
from tests.support.policies import LEADS, LEADS_APPROVE, write_policy
from tests.support.purgebot import purgebot
from tests.support.tls_proxy import tls_front


@dataclass
class Place:
    """A set-up that works, to be broken."""

    town: Town
    folder: Path
    request: pytest.FixtureRequest
    lasting: ExitStack
    variables: dict[str, str] = field(default_factory=dict)

    def sets(self, **variables: str) -> Self:
        self.variables |= variables
        return self

    def scopes(self, *, lacking: str = "", surplus: str = "") -> Self:
        scopes = [each for each in self.town.slack.workspace.scopes if each != lacking]
        self.town.slack.workspace.scopes = [*scopes, *filter(None, [surplus])]
        return self

    def slack_says(self, method: str, error: str) -> None:
        fault = {"method": method, "error": error, "times": None}
        self.town.post("slack/faults", {"web_api": [fault]})

    def leads(self, entry: str) -> None:
        """The leads, who approve, are these alone."""
        write_policy(self.folder, roles=LEADS.replace("users: [U0ADA]", entry))

    def asks_each(self, entry: str) -> None:
        """A purge takes an approval each of two roles, which are both these alone."""
        leads = LEADS.replace("users: [U0ADA]", entry)
        duty = leads.replace("leads", "duty").replace("Leads", "Duty")
        each = (
            "\n  - approval: Both\n    domains: [www.example.com]"
            "\n    roles: [duty, leads]\n    one_of_each: true\n"
        )
        approve = LEADS_APPROVE + LEADS_APPROVE.replace("leads", "duty").replace("Leads", "Duty")
        write_policy(self.folder, each, roles=leads + duty, rules=approve)

    def rewrites(self, old: str, new: str) -> None:
        text = self.town.policy.read_text()
        assert old in text
        self.town.policy.write_text(text.replace(old, new, 1))

    def cdn_says(self, code: str) -> None:
        self.town.breaks(kind="error", code=code, times=None)

    def denies(self, operation: str) -> None:
        self.town.post("cdn/settings", {"denied_actions": [operation]})

    def empties_group(self, group: str) -> None:
        self.town.slack.workspace.groups[group].users.clear()

    def http(self) -> Self:
        self.town.mode = Mode.HTTP
        return self

    def postgresql(self, *commands: str, empty: bool = False, encoding: str = "UTF8") -> None:
        """Use a database with our tables, or an empty one, after these commands of its owner."""
        server: Postgresql = self.request.getfixturevalue("postgresql")
        url = self.lasting.enter_context(server.empty())
        name = url.rpartition("/")[2]
        if encoding != "UTF8":
            server.server.execute(f'DROP DATABASE "{name}"')
            server.server.execute(
                f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
                " TEMPLATE template0"
            )
        elif not empty:
            store = Store(url)
            migrate(store.engine)
            store.close()
        with psycopg.connect(url, autocommit=True) as owner:
            for command in commands:
                owner.execute(command.replace("NAME", name).encode())
        if commands and "ROLE" in commands[0]:
            self.lasting.callback(drop_role, server, url)
            url = re.sub("//[^@]*@", f"//clerk_{name}@", url)
        self.sets(PURGEBOT_DATABASE_URL=url)

    def secure(self, days: tuple[int, int] = (-1, 1), host: str = "localhost") -> None:
        """The CDN speaks TLS, with a certificate of its own."""
        certificate = write_certificate(self.folder / "cdn.pem", host, days)
        url = self.lasting.enter_context(tls_front(self.town.urls["cdn"], certificate))
        port = urlsplit(url).port
        self.sets(PURGEBOT_CDN_ENDPOINT=f"https://localhost:{port}", NO_PROXY="localhost,127.0.0.1")
        if days != (-1, 1) or host != "localhost":
            self.sets(PURGEBOT_CA_BUNDLE=str(certificate))

    def proxy(self, says: bytes | None) -> None:
        port = 9
        if says is not None:
            port = self.lasting.enter_context(listening(hear_then(say(says)))).port
        self.sets(
            PURGEBOT_CDN_ENDPOINT="https://cdn.example",
            HTTPS_PROXY=f"http://me:sesame@127.0.0.1:{port}",
        )


def drop_role(server: Postgresql, url: str) -> None:
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f'DROP OWNED BY "clerk_{name}"'.encode())
    server.server.execute(f'DROP ROLE "clerk_{name}"'.encode())


CLERK = (
    'CREATE ROLE "clerk_NAME" LOGIN',
    "REVOKE CREATE ON SCHEMA public FROM public",
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "clerk_NAME"',
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "clerk_NAME"',
)

Break = Callable[[Place], object]

# The finding, its status, what is broken, what is said of it, and what to do.
BROKEN: dict[str, tuple[str, str, Break, str, str]] = {
    # The settings
    "no app token": (
        "settings", "fail",
        lambda it: it.sets(SLACK_APP_TOKEN=""), "SLACK_APP_TOKEN is missing", ".env",
    ),
    "swapped tokens": (
        "settings", "fail",
        lambda it: it.sets(SLACK_BOT_TOKEN="xapp-1-sesame", SLACK_APP_TOKEN="xoxb-sesame"),
        "SLACK_BOT_TOKEN must begin with xoxb-", ".env",
    ),
    "misspelt setting": (
        "settings", "fail",
        lambda it: it.sets(PURGEBOT_POLICI="x"), "did you mean PURGEBOT_POLICY?", ".env",
    ),
    "half a key pair": (
        "settings", "fail",
        lambda it: it.sets(ALIBABA_CLOUD_ACCESS_KEY_ID=""), "go together", ".env",
    ),
    "short approval key": (
        "settings", "fail",
        lambda it: it.sets(PURGEBOT_APPROVAL_KEY="sesame"), "at least 32", ".env",
    ),
    "channel by its name": (
        "settings", "fail",
        lambda it: it.sets(PURGEBOT_OPERATORS_CHANNEL="#ops"), "must be the ID", ".env",
    ),
    "no such CA bundle": (
        "settings", "fail",
        lambda it: it.sets(PURGEBOT_CA_BUNDLE="gone.pem"), "PURGEBOT_CA_BUNDLE", ".env",
    ),
    ".env in ISO-8859-1": (
        "settings", "fail",
        lambda it: (it.folder / ".env").write_bytes(b"PURGEBOT_MODE=socket # \xe9t\xe9\n"),
        "no text in UTF-8", ".env",
    ),
    "no approval key": (
        "approval key", "warn",
        lambda it: it.sets(PURGEBOT_APPROVAL_KEY=""), "can forge approvals", "openssl rand -hex 32",
    ),
    "policy that others may change": (
        "files", "warn",
        lambda it: it.town.policy.chmod(0o666), "others than their owner", "chmod go-w",
    ),
    # The policy
    "no policy": (
        "policy", "fail",
        lambda it: it.sets(PURGEBOT_POLICY="gone.yaml"), "cannot be read", "Check the path",
    ),
    "broken policy": (
        "policy", "fail",
        lambda it: it.town.policy.write_text("rules: 5"), "cannot be used", "Put the lines right",
    ),
    "policy in ISO-8859-1": (
        "policy", "fail",
        lambda it: it.town.policy.write_bytes(it.town.policy.read_bytes() + b"# \xe9t\xe9\n"),
        "UTF-8", "Put the lines right",
    ),
    # Slack
    "wrong bot token": (
        "slack token", "fail",
        lambda it: it.sets(SLACK_BOT_TOKEN="xoxb-sesame"), "invalid_auth", "OAuth & Permissions",
    ),
    "revoked bot token": (
        "slack token", "fail",
        lambda it: it.slack_says("auth.test", "token_revoked"),
        "token_revoked", "OAuth & Permissions",
    ),
    "wrong app token": (
        "slack socket", "fail",
        lambda it: it.sets(SLACK_APP_TOKEN="xapp-sesame"), "invalid_auth", "connections:write",
    ),
    "no Slack": (
        "slack token", "fail",
        lambda it: it.sets(SLACK_API_URL="http://127.0.0.1:9/"),
        "it refuses connections", "SLACK_API_URL",
    ),
    "missing scope": (
        "scopes", "fail",
        lambda it: it.scopes(lacking="users:read"), "lacks the scopes users:read", "manifest.yml",
    ),
    "missing optional scope": (
        "scopes", "warn",
        lambda it: it.scopes(lacking="groups:history"), "may post a card twice", "optional",
    ),
    "scope too many": (
        "scopes", "warn",
        lambda it: it.scopes(surplus="files:write"), "also has the scopes files:write",
        "manifest.yml",
    ),
    "clock ten minutes off, over HTTP": (
        "clock", "fail",
        lambda it: it.http().town.post("slack/wait", {"seconds": 600}),
        "none of Slack's requests can be verified", "NTP",
    ),
    "clock ten minutes off, over a socket": (
        "clock", "warn",
        lambda it: it.town.post("slack/wait", {"seconds": 600}), "s behind Slack's", "NTP",
    ),
    "clock twenty minutes off": (
        "clock", "fail",
        lambda it: it.town.post("slack/wait", {"seconds": 1200}),
        "the CDN takes no signature", "NTP",
    ),
    "closed approver": (
        "approvers", "fail",
        lambda it: it.leads("users: [U0DEL]"), "nobody is left to approve in leads",
        "full members, or a group",
    ),
    "guest among others": (
        "people", "warn",
        lambda it: it.leads("users: [U0GUS, U0KIM]"), "U0GUS (leads) is a guest", "correct their",
    ),
    "person that does not exist": (
        "people", "warn",
        lambda it: it.leads("users: [U0NOBODY, U0KIM]"), "U0NOBODY (leads) is unknown", "correct",
    ),
    "group that does not exist": (
        "user groups", "fail",
        lambda it: it.leads("groups: [S0GONE]"), "S0GONE (leads) does not exist", "Copy group ID",
    ),
    "group to call that does not exist": (
        "user groups", "fail",
        lambda it: it.rewrites("groups: [S0SRE]}", "groups: [S0GONE]}"),
        "S0GONE (call) does not exist", "Copy group ID",
    ),
    "group without members": (
        "user groups", "warn",
        lambda it: it.empties_group("S0MARKETING"), "S0MARKETING (marketing) has no members",
        "Add people",
    ),
    "only group of approvers without members": (
        "approvers", "fail",
        lambda it: it.empties_group("S0SRE"), "nobody is left to approve in sre", "a group that",
    ),
    "fewer approvers than approvals": (
        "approvers", "fail",
        lambda it: it.rewrites("    call: {channel", "    count: 3\n    call: {channel"),
        "takes 3 approvals", "ask for fewer",
    ),
    "one approver in two roles": (
        "approvers", "fail",
        lambda it: it.asks_each("users: [U0KIM]"), "takes one approval each of duty and leads",
        "Add people",
    ),
    "force that nobody approves": (
        "approvers", "fail",
        lambda it: it.rewrites("[purge, force, approve, view]", "[purge, force, view]"),
        "takes one approval", "Add people",
    ),
    "plan without groups": (
        "user groups", "fail",
        lambda it: it.slack_says("usergroups.users.list", "plan_upgrade_required"),
        "plan_upgrade_required", "nobody's rights can be checked",
    ),
    "bot not in the operators' channel": (
        "channels", "fail",
        lambda it: it.sets(PURGEBOT_OPERATORS_CHANNEL="C0RANDOM"),
        "the bot is not in C0RANDOM (PURGEBOT_OPERATORS_CHANNEL)", "/invite",
    ),
    "bot not in the channel that is called": (
        "channels", "fail",
        lambda it: it.rewrites("channel: C0OPS", "channel: C0RANDOM"),
        "the bot is not in C0RANDOM (called for", "/invite",
    ),
    "the same without the scope to read it": (
        "channels", "fail",
        lambda it: it.scopes(lacking="channels:history").sets(
            PURGEBOT_OPERATORS_CHANNEL="C0RANDOM"
        ),
        "the bot is not in C0RANDOM", "/invite",
    ),
    "channel that does not exist": (
        "channels", "fail",
        lambda it: it.sets(PURGEBOT_OPERATORS_CHANNEL="C0GONE"), "C0GONE", "correct the ID",
    ),
    "private channel without the bot": (
        "channels", "fail",
        lambda it: it.sets(PURGEBOT_OPERATORS_CHANNEL="C0LAUNCH"), "is private", "/invite",
    ),
    "archived channel": (
        "channels", "fail",
        lambda it: setattr(it.town.slack.workspace.channels["C0OPS"], "is_archived", True),
        "C0OPS (PURGEBOT_OPERATORS_CHANNEL) is archived", "Unarchive it",
    ),
    "role of a channel that does not exist": (
        "channels", "warn",
        lambda it: it.leads("channels: [C0GONE]"), "C0GONE (leads) does not exist", "correct the",
    ),
    "name in place of a shared channel's ID": (
        "settings", "fail",
        lambda it: it.sets(PURGEBOT_SHARED_CHANNELS="C0WEB,#web"), "must be the ID", ".env",
    ),
    "shared channel that does not exist": (
        "channels", "warn",
        lambda it: it.sets(PURGEBOT_SHARED_CHANNELS="C0GONE"),
        "C0GONE (PURGEBOT_SHARED_CHANNELS) does not exist", "correct the",
    ),
    "people called in a shared channel": (
        "channels", "fail",
        lambda it: it.sets(PURGEBOT_SHARED_CHANNELS="C0OPS", PURGEBOT_OPERATORS_CHANNEL="C0WEB"),
        "is in PURGEBOT_SHARED_CHANNELS", "Name another channel",
    ),
    "nobody called for those who ask in a shared channel": (
        "channels", "warn",
        lambda it: it.sets(PURGEBOT_SHARED_CHANNELS="C0WEB"),
        "Editors may purge the site and its images, by force too", "Name a channel in call",
    ),
    # The CDN
    "wrong CDN key": (
        "cdn", "fail",
        lambda it: it.sets(ALIBABA_CLOUD_ACCESS_KEY_ID="LTAIsesame"),
        "does not accept my access key", "exists and is enabled",
    ),
    "disabled CDN key": (
        "cdn", "fail",
        lambda it: it.town.post("cdn/settings", {"key_active": False}),
        "does not accept my access key", "exists and is enabled",
    ),
    "wrong CDN secret": (
        "cdn", "fail",
        lambda it: it.sets(ALIBABA_CLOUD_ACCESS_KEY_SECRET="sesame"),
        "does not accept my signature", "the secret belongs to the access key",
    ),
    "service that is not opened": (
        "cdn", "fail",
        lambda it: it.cdn_says("CdnServiceNotFound"), "not opened", "CDN console",
    ),
    "endpoint of another product": (
        "cdn", "fail",
        lambda it: it.cdn_says("InvalidApi.NotFound"), "does not offer tag purges",
        "PURGEBOT_CDN_ENDPOINT",
    ),
    "region that does not exist": (
        "cdn", "fail",
        lambda it: it.sets(PURGEBOT_CDN_ENDPOINT="https://cdn.mars-1.invalid"),
        "its name was not found", "PURGEBOT_CDN_ENDPOINT",
    ),
    "no CDN at the port": (
        "cdn", "fail",
        lambda it: it.sets(PURGEBOT_CDN_ENDPOINT="http://127.0.0.1:9"),
        "it refuses connections", "PURGEBOT_CDN_ENDPOINT",
    ),
    **{
        f"key without {operation}": (
            "cdn rights", status,
            lambda it, operation=operation: it.denies(operation),  # type: ignore[misc]
            f"lacks cdn:{operation}", f"Allow cdn:{operation}",
        )
        for operation, status in {
            "RefreshObjectCacheByCacheTag": "fail",
            "DescribeRefreshTaskById": "fail",
            "DescribeRefreshQuota": "fail",
            "DescribeRefreshTasks": "warn",
            "DescribeUserDomains": "warn",
        }.items()
    },
    "domain of another account": (
        "domains", "warn",
        lambda it: it.town.post("cdn/settings", {"domains": ["www.example.com"]}),
        "none of the policy's img.example.com, shop.example.com", "the key of the account",
    ),
    # TLS and proxies
    "certificate of no known authority": (
        "cdn", "fail", lambda it: it.secure(), "is not trusted", "PURGEBOT_CA_BUNDLE",
    ),
    "certificate that has expired": (
        "cdn", "fail", lambda it: it.secure((-2, -1)), "has expired", "clock",
    ),
    "certificate for another name": (
        "cdn", "fail", lambda it: it.secure(host="other.example"), "another name", "Check the host",
    ),
    "proxy that is away": (
        "cdn", "fail", lambda it: it.proxy(None), "the proxy cannot be reached", "NO_PROXY",
    ),
    "proxy that wants a login": (
        "cdn", "fail",
        lambda it: it.proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
        "asks for a login", "user:password@",
    ),
    # The database
    "folder that is read-only": (
        "database", "fail",
        lambda it: it.sets(PURGEBOT_DATABASE_URL="sqlite:////proc/no/x"),
        "The database cannot be used", "PURGEBOT_DATABASE_URL",
    ),
    "no PostgreSQL at the port": (
        "database", "fail",
        lambda it: it.sets(PURGEBOT_DATABASE_URL="postgresql://me:sesame@127.0.0.1:9/x"),
        "it refuses connections", "Check host and port",
    ),
    "PostgreSQL in ISO-8859-1": (
        "database", "fail",
        lambda it: it.postgresql(encoding="LATIN1"), "encoding LATIN1", "--encoding=UTF8",
    ),
    "PostgreSQL without tables": (
        "database", "fail",
        lambda it: it.postgresql(empty=True), "or none yet", "purgebot migrate",
    ),
    "PostgreSQL that lets no table be made": (
        "database", "fail",
        lambda it: it.postgresql(*CLERK[:2], empty=True), "CREATE tables", "the owner",
    ),
    "PostgreSQL that lets nobody insert": (
        "database", "fail",
        lambda it: it.postgresql(*CLERK, 'REVOKE INSERT ON purges FROM "clerk_NAME"'),
        "lacks the right to INSERT into purges", "GRANT",
    ),
    "PostgreSQL that is read-only": (
        "database", "fail",
        lambda it: it.postgresql('ALTER DATABASE "NAME" SET default_transaction_read_only = on'),
        "takes no writes", "read-only",
    ),
}  # fmt: skip


@pytest.fixture
def place(site: Town, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with ExitStack() as lasting:
        yield Place(site, tmp_path, request, lasting, {"PURGEBOT_APPROVAL_KEY": "k" * 32})


@pytest.mark.parametrize(
    ("name", "status", "broken", "cause", "remedy"), BROKEN.values(), ids=BROKEN
)
def test_check_names_cause_and_remedy(
    place: Place, name: str, status: str, broken: Break, cause: str, remedy: str
) -> None:
    broken(place)
    given = place.town.variables() | place.variables
    ended = purgebot("check", "--json", folder=place.folder, **given)
    assert ended.err == ""
    report = json.loads(ended.out)
    named = [
        each
        for each in report["findings"]
        if each["name"] == name and cause in each["detail"] and remedy in each["remedy"]
    ]
    assert [each["status"] for each in named] == [status], report
    assert (ended.code, report["ok"]) == ((1, False) if status == "fail" else (0, True))
    assert all(each["page"] for each in report["findings"] if each["remedy"])
    assert "sesame" not in ended.out.replace("LTAIsesame", "")

"""Behind a proxy that opens TLS: one file of certificates serves Slack, its socket and the CDN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.demo.town import Town
from tests.support.certificates import write_certificate
from tests.support.loopback_servers import hear_then, listening, say
from tests.support.messages import APPROVE, cards, only_card, whispers, words
from tests.support.purgebot import purgebot, running
from tests.support.tls_proxy import tls_front
from tests.support.waiting import until

VARIABLES = ("PURGEBOT_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "company.pem", "localhost")


@pytest.fixture
def behind_tls(site: Town, certificate: Path) -> Iterator[dict[str, str]]:
    """Give the variables of a town whose Slack and CDN speak TLS, with a certificate of their own."""
    with ExitStack() as stack:
        slack, cdn = (
            stack.enter_context(tls_front(site.urls[name], certificate))
            for name in ("slack", "cdn")
        )
        site.slack.base_url = slack
        yield site.variables() | {"SLACK_API_URL": f"{slack}/api/", "PURGEBOT_CDN_ENDPOINT": cdn}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_purge_travels_over_tls_with_the_certificate_that_either_variable_names(
    site: Town, tmp_path: Path, behind_tls: dict[str, str], certificate: Path, name: str
) -> None:
    with running(tmp_path, behind_tls | {name: str(certificate)}) as bot:
        bot.until("started")
        site.says("U0ANA", "/purge www.example.com hero --force")
        until(site, lambda: len(cards(site)) == 1)
        site.presses("U0ANA", APPROVE, only_card(site))  # is answered at a response URL
        until(site, lambda: whispers(site, "U0ANA") != [])
        site.presses("U0SAM", APPROVE, only_card(site))
        until(site, lambda: "\nTask `" in words(only_card(site)))
        assert bot.end() == 0
    assert len(site.purges_sent()) == 1


def test_check_finds_all_well_over_tls(
    tmp_path: Path, behind_tls: dict[str, str], certificate: Path
) -> None:
    ended = purgebot(
        "check", folder=tmp_path, **behind_tls, PURGEBOT_CA_BUNDLE=f'"{certificate}"\n'
    )
    assert ended.code == 0


def test_what_no_proxy_names_is_reached_without_the_proxy(
    site: Town, tmp_path: Path, behind_tls: dict[str, str], certificate: Path
) -> None:
    given = behind_tls | {"PURGEBOT_CA_BUNDLE": str(certificate), "NO_PROXY": "localhost"}
    with (
        listening(hear_then(say(b"HTTP/1.1 403 Forbidden\r\n\r\n"))) as proxy,
        running(tmp_path, given | {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}) as bot,
    ):
        bot.until("started")
        site.says("U0ANA", "/purge www.example.com hero --force")
        until(site, lambda: len(cards(site)) == 1)
        site.presses("U0ANA", APPROVE, only_card(site))  # is answered at a response URL
        until(site, lambda: whispers(site, "U0ANA") != [])
        assert bot.end() == 0
        assert proxy.connections == 0


def test_without_it_the_bot_does_not_start_and_says_which_setting_would_help(
    tmp_path: Path, behind_tls: dict[str, str]
) -> None:
    ended = purgebot("run", folder=tmp_path, **behind_tls)
    assert ended.code == 75
    assert "Slack cannot be reached: its certificate is not trusted" in ended.err
    assert "PURGEBOT_CA_BUNDLE" in ended.err


def test_a_socket_that_alone_is_not_trusted_is_told(
    site: Town, tmp_path: Path, behind_tls: dict[str, str]
) -> None:
    """Slack's socket is on another host than its Web API."""
    plain = {"SLACK_API_URL": site.urls["slack"] + "/api/"}
    ended = purgebot("run", folder=tmp_path, **(behind_tls | plain))
    assert ended.code == 75
    assert "Slack cannot be reached: its certificate is not trusted" in ended.err


def test_a_proxy_that_lets_everything_through_but_the_socket_is_told(
    site: Town, tmp_path: Path
) -> None:
    site.slack.base_url = "https://slack.example"
    login = say(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    with listening(hear_then(login)) as proxy:
        through = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
        ended = purgebot("run", folder=tmp_path, **site.variables(), **through)
    assert ended.code == 75
    assert "Slack cannot be reached: the proxy asks for a login" in ended.err


def test_without_it_check_says_so_of_slack_and_the_cdn(
    tmp_path: Path, behind_tls: dict[str, str]
) -> None:
    ended = purgebot("check", folder=tmp_path, **behind_tls)
    assert ended.code == 1
    assert ended.out.count("its certificate is not trusted") == 3  # token, socket, CDN
    assert ended.out.count("PURGEBOT_CA_BUNDLE") == 3


def test_a_file_that_is_gone_is_a_mistake_before_anything_is_asked(
    tmp_path: Path, behind_tls: dict[str, str]
) -> None:
    ended = purgebot("run", folder=tmp_path, **behind_tls, SSL_CERT_FILE="/nowhere/ca.pem")
    assert ended.code == 2
    assert "SSL_CERT_FILE names a file that cannot be read" in ended.err

"""However slowly or much Slack sends, wherever it points: a call ends, and goes nowhere else."""

from __future__ import annotations

import resource
import ssl
from collections.abc import Callable
from contextlib import suppress
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from slack_sdk.errors import SlackApiError

from bot.exchange import AnswerTooLarge
from bot.slack.client import SlackClient, respond
from bot.slack.errors import read_no, read_reply
from bot.slack.wire import MAX_ANSWER_BYTES
from tests.support.certificates import write_certificate
from tests.support.loopback_servers import (
    DRIPS,
    HUGE,
    START,
    TLS_RECORD,
    answer,
    drip,
    gateway,
    hear_then,
    letter_by_letter,
    listening,
    say,
    with_tls,
)
from tests.support.proxies import forget_proxies

BRIEF_S = 0.3
"""The deadline of a whole exchange, where it is to be missed."""
PATIENT_S = 60


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "localhost.pem", "localhost")


def call(url: str, within_s: Any, trust: ssl.SSLContext | None = None) -> object:
    client = SlackClient(token="xoxb-1", base_url=url + "/api/", timeout=within_s, ssl=trust)
    return client.auth_test().data


def use_response_url(url: str, within_s: Any, trust: ssl.SSLContext | None = None) -> object:
    return respond(url + "/commands/1", within_s, trust, text="hello").status_code


WAYS = pytest.mark.parametrize("way", [call, use_response_url], ids=["web API", "response URL"])
Way = Callable[..., object]


@WAYS
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("what", DRIPS)
def test_a_call_of_slack_whose_answer_never_ends_is_given_up(
    what: str, secure: bool, way: Way, certificate: Path
) -> None:
    deed = hear_then(DRIPS[what])
    with listening(with_tls(certificate, deed) if secure else deed) as server:
        trust = ssl.create_default_context(cafile=certificate) if secure else None
        with pytest.raises(TimeoutError):
            way(f"{'https' if secure else 'http'}://localhost:{server.port}", BRIEF_S, trust)
    assert server.connections == 1


@WAYS
def test_a_handshake_of_slack_that_never_ends_is_given_up(way: Way) -> None:
    # Whether the time is over in the middle of a wait or between two is chance.
    over = "timed out|took too long"
    with listening(drip(TLS_RECORD, b"\x00")) as server, pytest.raises(OSError, match=over):
        way(f"https://localhost:{server.port}", BRIEF_S)


@WAYS
def test_a_slow_answer_of_slack_within_the_deadline_is_taken(way: Way) -> None:
    with listening(hear_then(letter_by_letter(answer(200, {"ok": True})))) as server:
        assert way(f"http://localhost:{server.port}", PATIENT_S) in ({"ok": True}, 200)


@WAYS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_slack_is_not_followed(status: int, way: Way) -> None:
    with gateway(answer(200, {"ok": True})) as elsewhere:
        there = elsewhere.url.replace("127.0.0.1", "localhost")
        with gateway(answer(status, b"", f"Location: {there}/api/auth.test")) as slack:
            if way is call:
                with pytest.raises(SlackApiError) as caught:
                    call(slack.url, PATIENT_S)
                no = read_no(caught.value)
            else:
                reply = respond(slack.url, PATIENT_S, None, text="hello")
                found = read_reply(reply.status_code, reply.headers, reply.body)
                assert found is not None
                no = found
    assert elsewhere.requests == []
    assert (no.code, no.passing) == (f"http_{status}", True)


@WAYS
def test_through_a_proxy_a_redirect_of_slack_is_not_followed_either(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway(answer(200, {"ok": True})) as elsewhere:
        there = f"Location: {elsewhere.url}/api/auth.test"
        with gateway(answer(302, b"", there)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # where it leads to is met without it
            with suppress(SlackApiError):  # a response URL gives its status
                way("http://slack.example", PATIENT_S)
    assert proxy.requests != []
    assert elsewhere.requests == []


@WAYS
@pytest.mark.parametrize("how", HUGE)
def test_of_an_answer_of_slack_that_is_too_large_little_is_kept(how: str, way: Way) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listening(HUGE[how]) as server, pytest.raises(AnswerTooLarge):
        way(f"http://localhost:{server.port}", PATIENT_S)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 4 * MAX_ANSWER_BYTES


def test_a_large_answer_of_slack_within_the_bounds_is_taken() -> None:
    text = "x" * (MAX_ANSWER_BYTES - 100_000)
    with gateway(answer(200, {"ok": True, "text": text})) as slack:
        assert call(slack.url, PATIENT_S) == {"ok": True, "text": text}
        sent = slack.requests[0]
    assert "Authorization: Bearer xoxb-1" in sent
    assert urlsplit(sent.split(" ")[1]).path == "/api/auth.test"


def test_an_answer_of_slack_that_breaks_off_is_none() -> None:
    half = hear_then(say(answer(200, {"ok": True})[:-1]))
    with listening(half) as slack, pytest.raises(IncompleteRead):
        call(f"http://localhost:{slack.port}", PATIENT_S)


@pytest.mark.parametrize(
    "words",
    [
        START + b"Content-Ty",
        START + b"Content-Length: 0\r\n\r\n",
        answer(200, b"<p>Please log in to this network.</p>"),
    ],
    ids=["breaks off in its headers", "empty", "somebody else's page"],
)
def test_what_is_no_answer_of_slacks_is_no_refusal(words: bytes) -> None:
    """Slack may have carried out what it was asked: so it is looked for, and tried again."""
    with listening(hear_then(say(words))) as slack, pytest.raises(SlackApiError) as caught:
        call(f"http://localhost:{slack.port}", PATIENT_S)
    no = read_no(caught.value)
    assert (no.code, no.passing) == ("http_200", True)

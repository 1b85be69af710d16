"""`purgebot demo`: the simulators, alone or with the bot."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest
import requests
from slack_sdk import WebClient

from tests.conftest import MACHINE_S
from tests.support.purgebot import purgebot, running
from tests.support.waiting import until_at

NINE = {
    "slack_api_url",
    "bot_token",
    "app_token",
    "signing_secret",
    "cdn_endpoint",
    "edge_address",
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
        assert set(handles) == NINE
        client = WebClient(handles["bot_token"], handles["slack_api_url"], retry_handlers=[])
        assert client.auth_test()["ok"]
        assert requests.get(handles["page_url"], timeout=60).status_code == 200
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
        patient = {"ack_timeout_s": MACHINE_S}
        assert requests.post(f"{page}/slack/faults", json=patient, timeout=60).ok
        said = {"as": "U0ANA", "channel": "C0WEB", "text": "/purge www.example.com hero"}
        assert (
            requests.post(f"{page}/slack/say", json=said, timeout=60).json()["outcome"] == "acked"
        )
        state = f"{page}/slack/state?as=U0ANA"
        until_at(page, lambda: "Purge sent" in requests.get(state, timeout=60).text)
        assert demo.end() == 0
        assert demo.said == []


def test_a_port_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = purgebot("demo", "--port", port, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert port in ended.err
    assert "Traceback" not in ended.err

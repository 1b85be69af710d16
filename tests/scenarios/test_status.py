"""Whoever runs the bot can ask it whether it lives, and whether it can do its work, and why not."""

from __future__ import annotations

import json
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.config.settings import Mode
from bot.demo.town import Town
from bot.health import endpoint
from bot.health.checks import DEAD_S, IDLE_S
from bot.health.endpoint import IDLE_S as IDLE_ON_THE_LINE_S
from bot.health.endpoint import MOST_CONNECTIONS
from bot.web.server import serve
from tests.conftest import OpenTown
from tests.support.database_outage import away
from tests.support.http_door import http_door
from tests.support.logged_failures import Expect
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import Running, purgebot, running
from tests.support.waiting import poll

POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def at_work(live_place: Town) -> Town:
    """Give a town whose bot works by itself."""
    bot_of(live_place).worker.start()
    return live_place


def tells(place: Town, path: str) -> tuple[int, dict[str, Any]]:
    page = bot_of(place).status.page(path)
    assert page is not None
    return page.status, json.loads(page.body)


def why_not(place: Town) -> dict[str, str]:
    """Give the reasons of every part that is not good."""
    _, said = tells(place, "/readyz")
    return {name: check["reason"] for name, check in said["checks"].items() if not check["good"]}


def is_ready(place: Town) -> bool:
    return tells(place, "/readyz")[0] == 200


def soon(holds: Callable[[], bool]) -> None:
    """Ask again and again until it is so: an answer of the database is kept for a moment."""
    for _ in range(400):
        if holds():
            return
        threading.Event().wait(0.05)
    pytest.fail("it did not come to be so")


def stands_still(place: Town) -> None:
    """Let the worker's loops end without anybody knowing."""
    worker = bot_of(place).worker
    worker.take_no_more()
    worker._stopped.set()
    for thread in worker._threads:
        thread.join()
    worker._stopping.clear()


# Ready, or why not


def test_a_bot_at_work_is_ready_and_says_so_of_every_part(at_work: Town) -> None:
    status, said = tells(at_work, "/readyz")
    assert (status, said["status"]) == (200, "ready")
    assert list(said["checks"]) == [
        *("database", "engine", "socket", "http", "signatures", "credentials", "slack", "cdn")
    ]
    assert said["checks"]["socket"]["reason"] == "connected"
    assert why_not(at_work) == {}


@SQLITE
def test_a_bot_whose_worker_has_not_started_is_not_ready(place: Town) -> None:
    assert not is_ready(place)
    assert why_not(place) == {"engine": "the worker has not started"}


@SQLITE
def test_in_http_mode_no_socket_is_missed(open_town: OpenTown) -> None:
    place = open_town(mode=Mode.HTTP)
    bot_of(place).worker.start()
    with http_door(place):
        assert is_ready(place)
    assert tells(place, "/readyz")[1]["checks"]["socket"]["reason"] == "not used in HTTP mode"


@SQLITE
def test_in_http_mode_a_bot_is_ready_as_long_as_its_door_is_open(open_town: OpenTown) -> None:
    place = open_town(mode=Mode.HTTP)
    bot_of(place).worker.start()
    assert why_not(place) == {"http": "it does not listen"}
    stopping = threading.Event()
    thread = threading.Thread(target=serve, args=[bot_of(place), "127.0.0.1", 0, stopping])
    thread.start()
    soon(lambda: is_ready(place))
    stopping.set()
    thread.join()
    assert not is_ready(place)
    assert why_not(place) == {"http": "it does not listen"}


def test_whoever_is_told_that_a_process_is_ready_gets_an_answer_at_its_door(
    site: Town, tmp_path: Path
) -> None:
    """A load balancer sends requests from the first yes on."""
    site.mode = Mode.HTTP
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with running(tmp_path, site.variables() | STATUS | {"PURGEBOT_HTTP_BIND": address}) as bot:
        url = address_of(bot)
        while requests.get(f"{url}/readyz", timeout=60).status_code != 200:
            pass
        assert requests.get(f"http://{address}/slack/events", timeout=60).status_code == 405
        assert bot.end() == 0


@POSTGRES
def test_without_its_database_a_bot_is_not_ready_and_lives_and_is_ready_again_with_it(
    at_work: Town,
) -> None:
    with away(at_work.database_url):
        soon(lambda: "database" in why_not(at_work))
        assert not is_ready(at_work)
        soon(lambda: why_not(at_work)["database"] == "it cannot be used (database-away)")
        assert tells(at_work, "/healthz")[0] == 200
    soon(lambda: is_ready(at_work))


@SQLITE
def test_a_database_without_our_tables_is_not_ready(at_work: Town) -> None:
    engine = bot_of(at_work).store.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE posts RENAME TO elsewhere")
    soon(lambda: "database" in why_not(at_work))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO posts")
    soon(lambda: is_ready(at_work))


@SQLITE
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("DELETE FROM alembic_version", "database-schema-old"),
        ("UPDATE alembic_version SET version_num = '0001'", "database-schema-too-old"),
    ],
)
def test_tables_of_another_version_are_named_by_their_code(
    at_work: Town, change: str, code: str
) -> None:
    with bot_of(at_work).store.engine.begin() as connection:
        connection.exec_driver_sql(change)
    soon(lambda: why_not(at_work) == {"database": f"it cannot be used ({code})"})


@SQLITE
def test_a_bot_whose_leases_run_out_is_not_ready(at_work: Town) -> None:
    holder = bot_of(at_work).worker._owner
    holder._renewed -= 16
    assert "nothing is sent" in why_not(at_work)["engine"]
    assert not is_ready(at_work)
    holder.renewed()
    assert is_ready(at_work)


@SQLITE
def test_a_socket_that_is_gone_is_told(at_work: Town) -> None:
    no_new_one = {"method": "apps.connections.open", "error": "internal_error", "times": None}
    at_work.post("slack/faults", {"web_api": [no_new_one]})
    at_work.post("slack/sockets", {"action": "disconnect", "reason": "link_disabled"})
    soon(lambda: why_not(at_work).get("socket") == "not connected to Slack")
    soon(lambda: "internal_error since" in why_not(at_work).get("slack", ""))
    assert not is_ready(at_work)
    assert tells(at_work, "/healthz")[0] == 200


@SQLITE
def test_a_token_that_slack_refuses_makes_a_bot_unready_until_slack_takes_it_again(
    at_work: Town,
) -> None:
    revoked = {"method": "*", "error": "token_revoked", "times": None}
    at_work.post("slack/faults", {"web_api": [revoked]})
    at_work.says("U0ANA", "/purge help")
    soon(lambda: not is_ready(at_work))
    assert why_not(at_work) == {"credentials": "Slack refuses SLACK_BOT_TOKEN (token_revoked)"}
    at_work.post("slack/faults", {"web_api": []})
    at_work.says("U0SAM", "/purge help")
    soon(lambda: is_ready(at_work))


@SQLITE
def test_a_key_that_the_cdn_refuses_is_told_and_people_are_still_answered(at_work: Town) -> None:
    at_work.post("cdn/settings", {"key_active": False})
    at_work.waits(minutes=10)
    at_work.looks()
    soon(lambda: "credentials" in why_not(at_work))
    assert "cdn-key-refused" in why_not(at_work)["credentials"]
    assert is_ready(at_work)
    at_work.post("cdn/settings", {"key_active": True})
    at_work.waits(minutes=10)
    at_work.looks()
    soon(lambda: why_not(at_work) == {})
    assert "so does the CDN" in tells(at_work, "/readyz")[1]["checks"]["credentials"]["reason"]


# Alive, or to be started again


@SQLITE
@pytest.mark.parametrize("loop", ["worker", "beat"])
def test_a_process_whose_loop_stands_still_is_to_be_started_again(at_work: Town, loop: str) -> None:
    turned = bot_of(at_work).worker._turned
    stands_still(at_work)
    turned[loop] -= DEAD_S - 5
    assert tells(at_work, "/healthz")[0] == 200
    turned[loop] -= 10
    status, said = tells(at_work, "/healthz")
    assert (status, said["status"]) == (503, "stuck")
    assert said["reason"].startswith(f"{loop}: no turn")


@SQLITE
def test_a_worker_that_has_long_stood_still_is_not_ready(at_work: Town) -> None:
    stands_still(at_work)
    bot_of(at_work).worker._turned["worker"] -= IDLE_S + 1
    assert "has not turned" in why_not(at_work)["engine"]


@POSTGRES
def test_a_process_that_waits_for_its_database_is_not_started_again_in_vain(
    at_work: Town,
) -> None:
    with away(at_work.database_url):
        stands_still(at_work)
        bot_of(at_work).worker._turned["worker"] -= DEAD_S + 1
        soon(lambda: tells(at_work, "/healthz")[0] == 200)
        assert "waiting for the database" in tells(at_work, "/healthz")[1]["reason"]


# Where it is told


def address_of(bot: Running) -> str:
    return f"http://{bot.until('status-listening')['address']}"


def wait_for_the_door(bot: Running) -> str:
    """Give the address of the HTTP door when it answers: only then it hears signals."""
    address = str(bot.until("listening")["address"])
    assert requests.get(f"http://{address}/healthz", timeout=60).status_code == 200
    return address


@pytest.mark.parametrize("mode", Mode)
def test_a_process_tells_it_at_an_address_of_its_own(
    site: Town, tmp_path: Path, mode: Mode
) -> None:
    site.mode = mode
    with running(tmp_path, site.variables() | STATUS) as bot:
        url = address_of(bot)
        bot.until("started")
        if mode is Mode.HTTP:
            wait_for_the_door(bot)
        assert requests.get(f"{url}/healthz", timeout=60).json()["status"] == "alive"
        assert requests.get(f"{url}/readyz?verbose", timeout=60).json()["status"] == "ready"
        assert "purgebot_ready 1.0" in requests.get(f"{url}/metrics", timeout=60).text
        assert requests.get(f"{url}/", timeout=60).status_code == 404
        assert requests.post(f"{url}/healthz", timeout=60).status_code == 501
        assert bot.end() == 0


def test_without_the_setting_nothing_listens(site: Town, tmp_path: Path) -> None:
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        bot.end()
        assert "status-listening" not in "".join(bot.said)


def test_an_address_that_is_taken_is_told_at_the_start(site: Town, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = purgebot("run", folder=tmp_path, **site.variables(), PURGEBOT_STATUS_BIND=address)
    assert ended.code == 2
    assert address in ended.err


@SQLITE
def test_a_caller_who_says_nothing_keeps_no_other_from_an_answer(place: Town) -> None:
    status = bot_of(place).status
    status._address = ("127.0.0.1", 0)
    status.listen()
    assert status._server is not None
    host, port = status._server.server_address[:2]
    with socket.create_connection((str(host), int(port))) as silent:
        silent.sendall(b"GET /healthz")
        patience_s = IDLE_ON_THE_LINE_S - 2  # else the silent one is hung up on, and all is well
        url = f"http://127.0.0.1:{port}/healthz"
        assert requests.get(url, timeout=patience_s).status_code == 200


@pytest.fixture
def listener(place: Town, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """Give the address of a listener with patience for silent callers."""
    monkeypatch.setattr(endpoint, "IDLE_S", 60)
    status = bot_of(place).status
    status._address = ("127.0.0.1", 0)
    status.listen()
    assert status._server is not None
    host, port = status._server.server_address[:2]
    return str(host), int(port)


def url_of(listener: tuple[str, int]) -> str:
    host, port = listener
    return f"http://{host}:{port}/healthz"


@SQLITE
def test_the_listener_answers_however_many_others_there_are(listener: tuple[str, int]) -> None:
    """Each of them has sent something, and holds a thread."""
    with ExitStack() as others:
        for _ in range(4 * MOST_CONNECTIONS):
            other = others.enter_context(socket.create_connection(listener))
            other.sendall(b"GET /healthz")
            assert requests.get(url_of(listener), timeout=60).status_code == 200
        threads = [each for each in threading.enumerate() if "process_request" in each.name]
        assert len(threads) <= MOST_CONNECTIONS


@SQLITE
def test_the_listener_keeps_callers_up_to_its_bound(listener: tuple[str, int]) -> None:
    with ExitStack() as others:
        callers = [
            others.enter_context(socket.create_connection(listener))
            for _ in range(MOST_CONNECTIONS - 1)
        ]
        assert requests.get(url_of(listener), timeout=60).status_code == 200
        for caller in callers:
            caller.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert caller.recv(100).startswith(b"HTTP/1.0 200")


@SQLITE
def test_what_fails_in_the_listener_is_one_line_of_the_log(
    listener: tuple[str, int],
    place: Town,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    expected_failures: Expect,
) -> None:
    expected_failures("status-request-failed")
    with monkeypatch.context() as broken:
        broken.setattr(bot_of(place).status.health_checks, "alive", lambda: 1 / 0)
        with pytest.raises(requests.ConnectionError):
            requests.get(url_of(listener), timeout=60)
    assert "Exception occurred during processing" not in capfd.readouterr().err


@SQLITE
def test_a_caller_who_leaves_is_nothing_to_log(
    listener: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        with socket.create_connection(listener) as caller:
            caller.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert requests.get(url_of(listener), timeout=60).status_code == 200
    assert "Exception" not in capfd.readouterr().err


@SQLITE
def test_the_public_door_tells_health_without_metrics_and_without_secrets(
    open_town: OpenTown,
) -> None:
    place = open_town(mode=Mode.HTTP)
    bot_of(place).worker.start()
    with http_door(place) as door:
        answers = [requests.get(f"{door.url}{path}", timeout=60) for path in PATHS]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    told = "".join(answer.text + str(answer.headers) for answer in answers)
    for name, value in place.variables().items():
        assert name == "PURGEBOT_MODE" or value not in told


PATHS = ("/healthz", "/readyz", "/metrics")


def test_a_process_that_lets_its_work_end_before_it_stops_is_not_ready_any_more(
    site: Town, tmp_path: Path
) -> None:
    with running(tmp_path, site.variables() | STATUS) as bot:
        url = address_of(bot)
        bot.until("started")
        site.breaks(kind="delay", action="RefreshObjectCacheByCacheTag", seconds=6)
        site.says("U0ANA", "/purge www.example.com hero")
        poll(lambda: bool(site.purges_sent()))
        bot.process.send_signal(signal.SIGTERM)
        soon(lambda: requests.get(f"{url}/readyz", timeout=60).status_code == 503)
        assert requests.get(f"{url}/readyz", timeout=60).json()["status"] == "stopping"
        assert requests.get(f"{url}/healthz", timeout=60).status_code == 200
        assert bot.end() == 0


def test_a_process_that_lets_requests_end_before_it_stops_is_not_ready_any_more(
    site: Town, tmp_path: Path
) -> None:
    site.mode = Mode.HTTP
    with running(tmp_path, site.variables() | STATUS) as bot:
        url = address_of(bot)
        host, _, port = wait_for_the_door(bot).rpartition(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1")
            soon(lambda: requests.get(f"{url}/readyz", timeout=60).status_code == 200)
            bot.process.send_signal(signal.SIGTERM)
            soon(lambda: requests.get(f"{url}/readyz", timeout=60).status_code == 503)
        assert bot.end() == 0


STATUS = {"PURGEBOT_STATUS_BIND": "127.0.0.1:0", "PURGEBOT_HTTP_BIND": "127.0.0.1:0"}

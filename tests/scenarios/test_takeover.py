"""Several replicas over one PostgreSQL: what one leaves behind another finishes, and nobody does
harm who was paused, cut off, or has a clock that is wrong by a minute.
"""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.app import build
from bot.demo.town import Town
from bot.store.database.writers import StoreUnavailable
from bot.store.schema.tables import rates
from bot.store.store import Store
from tests.conftest import OpenTown, missing
from tests.support.certificates import write_certificate
from tests.support.faults import PURGE
from tests.support.loopback_servers import listening, shake_hands_then
from tests.support.messages import APPROVE, buttons, cards, only_card, words
from tests.support.processes import UNLIMITED, start_bot, wait_until_connected
from tests.support.waiting import PATIENCE_S, poll, until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
"""Of Debian's package faketime."""
IDLE_TIMEOUT = "idle_in_transaction_session_timeout"
FORCED = "/purge www.example.com hero --force"


@contextmanager
def replica(place: Town, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a bot as a process of its own, once its socket is open."""
    open_before = place.get("slack/state", {"as": "U0DEL"})["connections"]
    process = start_bot(place, **more)
    try:
        wait_until_connected(place, open_before + 1)
        yield process
    finally:
        process.kill()
        process.wait()


def with_clock_wrong_by(seconds: int) -> dict[str, str]:
    if not FAKETIME:
        missing("libfaketime", "its package is faketime")
    # A real clock that is wrong is so for dates alone: what measures spans of time is not.
    return {
        "LD_PRELOAD": str(FAKETIME[0]),
        "FAKETIME": f"{seconds:+}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def test_clocks_that_differ_by_two_minutes_do_no_harm(open_town: OpenTown) -> None:
    """Each takes work while another is at it, and nobody takes another's for abandoned."""
    place = open_town(with_bot=False)
    place.settings |= UNLIMITED
    place.breaks(kind="slow_answer", seconds=2, action=PURGE, times=None)
    with (
        replica(place, **with_clock_wrong_by(-60)),
        replica(place, **with_clock_wrong_by(60)),
        replica(place),
    ):
        for number in range(12):
            place.says("U0ANA", f"/purge www.example.com tag-{number} --force")
        until(place, lambda: sum("Approve" in buttons(card) for card in cards(place)) == 12)
        for card in cards(place):
            place.presses("U0SAM", APPROVE, card)
        until(
            place,
            lambda: sum("\nTask `" in words(card) for card in cards(place)) == 12,
        )
    assert len(place.purges_sent()) == 12


@pytest.mark.slow
def test_a_purge_whose_sender_is_paused_at_the_last_moment_is_not_sent_by_it(
    open_town: OpenTown, tmp_path: Path
) -> None:
    """Longer than its lease lasts, so that a person has had it sent again by another meanwhile."""
    place = open_town(with_bot=False)
    certificate = write_certificate(tmp_path / "localhost.pem", "localhost")
    gate, left, heard = threading.Event(), threading.Event(), []

    def hear(connection: socket.socket, over: threading.Event) -> None:
        heard.append(connection.recv(1))

    def serve(connection: socket.socket, over: threading.Event) -> None:
        gate.wait()
        with suppress(OSError):  # it may have no time left for the handshake
            shake_hands_then(hear, tls)(connection, over)
        left.set()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with listening(serve) as cdn:
        gated = {
            "PURGEBOT_CDN_ENDPOINT": f"https://localhost:{cdn.port}",
            "REQUESTS_CA_BUNDLE": str(certificate),
            "PURGEBOT_CANARY_MINUTES": "0",
        }
        with replica(place, **gated) as paused:
            place.says("U0ANA", FORCED)
            until(place, lambda: [buttons(card)[:1] for card in cards(place)] == [["Approve"]])
            place.presses("U0SAM", APPROVE, only_card(place))
            poll(lambda: cdn.connections == 1)  # the intent is written down, the handshake begins
            paused.send_signal(signal.SIGSTOP)
            with replica(place):
                poll(lambda: "Purge again" in buttons(only_card(place)))
                place.presses("U0ANA", "purge:again", only_card(place))
                poll(lambda: sum("Approve" in buttons(card) for card in cards(place)) == 1)
                place.presses("U0SAM", APPROVE, cards(place)[-1])
                poll(lambda: len(place.purges_sent()) == 1)
                gate.set()
                assert left.wait(5) is False
                paused.send_signal(signal.SIGCONT)
                assert left.wait(PATIENCE_S)
                assert heard in ([], [b""])
    assert len(place.purges_sent()) == 1


@pytest.mark.deadlines
def test_whoever_was_paused_in_the_middle_of_a_transaction_holds_nobody_up(
    database_url: str,
) -> None:
    """What it has locked is locked for all, such as a rate that the whole cluster keeps to."""
    paused, other = Store(database_url), Store(database_url)
    now = other.clock().now()

    def takes() -> bool:
        with suppress(StoreUnavailable):
            return other.task_polling.try_take_token(now) is None
        return False

    poll(takes)
    with paused.engine.connect() as connection:
        is_ended_after = connection.scalar(text(f"SHOW {IDLE_TIMEOUT}"))
        connection.execute(text(f"SET LOCAL {IDLE_TIMEOUT} = 0"))
        connection.execute(select(rates).with_for_update())
        assert not takes()
        connection.execute(text(f"SET LOCAL {IDLE_TIMEOUT} = '{is_ended_after}'"))
        poll(takes)
        connection.invalidate()  # the server has ended it
    paused.close()
    other.close()


def test_a_card_that_was_shown_after_its_lease_is_shown_again_as_it_is(place: Town) -> None:
    """A call to Slack that took longer than a lease must not have the last word."""
    place.post("cdn/settings", {"task_seconds": 1000})
    place.says("U0ANA", FORCED)
    place.settle()
    place.presses("U0SAM", APPROVE, only_card(place))
    late = {"method": "chat.update", "error": "slow", "delay_s": 3}
    place.post("slack/faults", {"web_api": [late]})
    assert place.bot is not None
    other = build(place.bot_settings(), place.now)
    with ThreadPoolExecutor(1) as pool:
        place.waits(seconds=3, settle=False)
        slow = pool.submit(place.bot.worker.drain)
        poll(lambda: place.slack.workspace.faults.web_api == [])
        for _ in range(2):  # a card is edited no more often than that
            place.waits(minutes=1, settle=False)
            other.worker.drain()
        assert "Forced purge running at the CDN" in words(only_card(place))
        slow.result()
    assert "Forced purge running at the CDN" not in words(only_card(place))
    place.waits(seconds=3)
    assert "Forced purge running at the CDN" in words(only_card(place))
    other.stop()

"""A CDN that answers for ever holds nothing up: its purge is in doubt, and the others are sent."""

from __future__ import annotations

import socket
import threading
from itertools import takewhile

import pytest

from bot.cdn import client
from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.loopback_servers import DRIPS, answer, listening
from tests.support.messages import cards, words


def drip_for_slow(connection: socket.socket, over: threading.Event) -> None:
    """Answer requests about the tag "slow" for ever, all others at once."""
    with connection.makefile("rb") as lines:
        while head := b"".join(takewhile(b"\r\n".__ne__, lines)):
            if b"CacheTag=slow" in head:
                DRIPS["headers"](connection, over)
            connection.sendall(answer())


def test_purges_after_those_with_an_endless_answer_are_sent(
    place: Town, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_EXCHANGE_S", 0.3)
    with listening(drip_for_slow) as cdn:
        place.stop_bot()
        place.start_bot(PURGEBOT_CDN_ENDPOINT=f"http://127.0.0.1:{cdn.port}")
        for number in range(3):
            place.says("U0ANA", f"/purge www.example.com slow{number}")
        ana.types("/purge www.example.com quick")
        *slow, quick = (words(card) for card in cards(place))
        place.stop_bot()
    assert ["outcome unknown" in card for card in slow] == [True] * 3
    assert "Purge sent" in quick

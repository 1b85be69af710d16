"""Answers to presses that could not be taken, through their response URLs.

Slack's acknowledgement of a press carries no text, and nothing is stored, because most of these
answers say that the database is away.  So an answer that Slack does not take now is kept in memory
and sent again, for as long as its response URL lives.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from bot.slack.client import respond
from bot.slack.delivery import RESPONSE_URL_LIFE
from bot.slack.errors import NO_ANSWER, read_reply
from bot.slack.message import Message

log = structlog.get_logger("purgebot.listener")

TIMEOUT_S = 5
RETRY_S = 5.0
MOST_KEPT = 500
"""Older answers are dropped: whoever pressed so long ago has seen that nothing came of it."""


@dataclass(frozen=True, slots=True)
class _Reply:
    response_url: str
    message: Message
    since: float = field(default_factory=time.monotonic)


class Replies:
    """Sends answers that only the presser sees, on threads of its own.

    `trust` are the trusted certificates for response URLs.
    """

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="reply")
        self._left: deque[_Reply] = deque(maxlen=MOST_KEPT)
        self._timer: threading.Timer | None = None
        """Sends again what is left.  There is none while nothing is left."""
        self._keeping = threading.Lock()

    def send(self, response_url: str, message: Message) -> None:
        """Send an answer, now and again until Slack has taken or refused it."""
        self._submit(_Reply(response_url, message))

    def retry(self) -> int:
        """Send again what Slack did not take, and return how many answers that are."""
        with self._keeping:
            self._timer, left = None, list(self._left)
            self._left.clear()
        for reply in left:
            self._submit(reply)
        return len(left)

    def close(self) -> None:
        """Wait for the answers that are being sent.  Those that were kept are lost."""
        self._pool.shutdown()
        with self._keeping:
            if self._timer is not None:
                self._timer.cancel()

    def _keep(self, reply: _Reply) -> None:
        with self._keeping:
            self._left.append(reply)
            if self._timer is None:
                self._timer = threading.Timer(RETRY_S, self.retry)
                self._timer.daemon = True
                self._timer.start()

    def _submit(self, reply: _Reply) -> None:
        with suppress(RuntimeError):  # everything is being closed
            self._pool.submit(self._send, reply)

    def _send(self, reply: _Reply) -> None:
        body = reply.message.body | {"response_type": "ephemeral", "replace_original": False}
        try:
            answer = respond(reply.response_url, TIMEOUT_S, self._trust, **body)
            no = read_reply(answer.status_code, answer.headers, answer.body)
            why, passes = (no.code, no.passing) if no else ("", False)
        except NO_ANSWER as error:  # said twice is better than never: it changes nothing
            why, passes = type(error).__name__, True
        except Exception:
            log.exception("reply-not-sent")
            return
        if passes and time.monotonic() - reply.since < RESPONSE_URL_LIFE.total_seconds():
            self._keep(reply)
        elif why:
            log.warning("reply-not-sent", why=why)

"""The ways to deliver messages in Slack: post, edit, send through a response URL, and find again.

They translate Slack's errors: permanent (`Refused`) or temporary (`DeliveryDeferred`,
`RateLimited`).  Answers are read by models.  One of another shape is told as a trouble; what was
posted with it is posted, but nobody knows where.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, StringConstraints, ValidationError
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.core.message import Post, Route
from bot.core.retry import DeliveryDeferred, RateLimited
from bot.slack.client import SlackClient, leads_to_slack, respond
from bot.slack.errors import NO_ANSWER, read_no, read_reply
from bot.slack.message import Message
from bot.telemetry.troubles import SLACK_AWAY

RESPONSE_URL_LIFE = timedelta(minutes=29)
RESPONSE_URL_USES = 5
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""Slack's codes for a message that can never be edited again: deleted, or not the bot's."""
TIMEOUT_S = 10
METADATA_EVENT = "purge_card"
MOST_PAGES = 25
"""How many pages of 200 messages `find` reads: more than a channel gets in the minutes it goes back."""

_ChannelId = Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9]{0,31}$")]
_Ts = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}\.[0-9]{1,10}$")]


class _Posted(BaseModel):
    channel: _ChannelId
    ts: _Ts


class _Linked(BaseModel):
    permalink: str


class _Found(BaseModel):
    ts: _Ts
    metadata: Any = None

    @property
    def marks(self) -> dict[str, Any]:
        """The marks of a message that this app posted, or whatever others have there."""
        event = self.metadata if isinstance(self.metadata, dict) else {}
        payload = event.get("event_payload")
        return payload if isinstance(payload, dict) else {}


class _More(BaseModel):
    next_cursor: str | None = None


class _Page(BaseModel):
    messages: list[_Found]
    response_metadata: _More | None = None


A = TypeVar("A", bound=BaseModel)


class Refused(Exception):
    """Slack refused this way of delivery permanently."""


class SlackDelivery:
    """The delivery of posts through Slack's Web API and its response URLs.

    `finish` puts the last touch to each message.  To a channel of `shared` nothing goes that
    others than its reader see: that is refused like a channel that Slack does not open.
    """

    def __init__(
        self,
        client: SlackClient,
        now: Callable[[], datetime],
        finish: Callable[[Message], Message] = lambda message: message,
        shared: Collection[str] = (),
    ) -> None:
        self._finish = finish
        self._shared = shared
        self._client = client
        self._api_url = client.base_url
        self._now = now

    def find(
        self, post: Post, marks: dict[str, str], among: Callable[..., SlackResponse], **where: Any
    ) -> str | None:
        """Find a message that may have been posted already, by the `marks` in its metadata, in the
        newest messages of a channel or thread.  Return its `ts`, or None if it is not found.

        Raises: as `call`.  Without the history scopes it is refused.
        """
        assert post.trying_since is not None, "only what was tried can be there"
        oldest = str((post.trying_since - timedelta(minutes=2)).timestamp())

        where |= {"oldest": oldest, "limit": 200, "include_all_metadata": True}
        cursor = None
        for _ in range(MOST_PAGES):
            page = self._read(_Page, self.call(among, **where, cursor=cursor), among)
            for message in page.messages:
                if marks.items() <= message.marks.items():
                    return message.ts
            cursor = page.response_metadata.next_cursor if page.response_metadata else None
            if not cursor:
                break
        return None

    def placed(self, post: Post, route: Route, answer: Any) -> Post:
        """Return a post with the place that Slack's answer names.

        If the answer has another shape, the post has no place: it was posted, but cannot be edited.
        """
        try:
            where = self._read(_Posted, answer, self._client.chat_postMessage)
        except DeliveryDeferred:
            return replace(post, route=route, place=None, ts=None)
        return replace(post, route=route, place=where.channel, ts=where.ts)

    def _read(self, model: type[A], answer: Any, method: Callable[..., Any]) -> A:
        """Read an answer, or tell that it cannot be read.  Raises: DeliveryDeferred."""
        try:
            return model.model_validate(answer)
        except ValidationError:
            self._client.troubles.met(SLACK_AWAY, "answer-unreadable", method.__name__)
            raise DeliveryDeferred from None

    def edit(self, post: Post, message: Message) -> Post:
        """Replace the message of a post.  Raises: as `call`; Refused if it has no place."""
        if post.ts is None:
            raise Refused("message_not_found")
        self._keep_private(post.place)
        self.call(self._client.chat_update, channel=post.place, ts=post.ts, **self.body(message))
        return post

    def post_message(
        self, channel: str, message: Message, marks: dict[str, str] | None = None, **more: Any
    ) -> Any:
        """Post a message with `marks`, by which `find` finds it.  Raises: as `call`."""
        self._keep_private(channel)
        metadata = {"event_type": METADATA_EVENT, "event_payload": marks} if marks else None
        return self.call(
            self._client.chat_postMessage,
            channel=channel,
            **self.body(message),
            unfurl_links=False,
            unfurl_media=False,
            metadata=metadata,
            **more,
        )

    def body(self, message: Message) -> dict[str, Any]:
        """Return a message as arguments of Slack's methods."""
        return self._finish(message).body

    def call(self, method: Callable[..., SlackResponse], **arguments: Any) -> Any:
        """Call the Web API.  Raises: Refused (permanent), DeliveryDeferred (temporary)."""
        try:
            return method(**arguments).data
        except SlackApiError as error:
            no = read_no(error)
            if no.passing:
                raise _not_now(no.retry_after_s) from error
            raise Refused(no.code) from None
        except NO_ANSWER as error:
            raise DeliveryDeferred from error

    def _keep_private(self, channel: str | None) -> None:
        if channel in self._shared:
            raise Refused("shared-channel")

    def is_gone(self, post: Post) -> bool:
        """Return whether Slack confirms that a message was deleted.  False if it does not say."""
        try:
            self._link(post)
        except Refused as refused:
            return str(refused) in GONE
        except DeliveryDeferred:
            return False
        return False

    def link(self, post: Post) -> str | None:
        """Return the permalink of a message, or None if Slack returns none."""
        with suppress(Refused, DeliveryDeferred):
            return self._link(post)
        return None

    def _link(self, post: Post) -> str | None:
        if post.ts is None:
            return None
        where = {"channel": post.place, "message_ts": post.ts}
        method = self._client.chat_getPermalink
        return self._read(_Linked, self.call(method, **where), method).permalink

    def use_response_url(self, post: Post, message: Message, **more: Any) -> Post:
        """Send through the response URL of a post, and count the use.  Raises: as `call`."""
        if more.get("response_type") != "ephemeral":
            self._keep_private(post.channel_id)
        fresh = self._now() - post.response_url_at < RESPONSE_URL_LIFE
        if not fresh or post.response_uses >= RESPONSE_URL_USES or not post.response_url:
            raise Refused("response-url-used-up")
        if not leads_to_slack(post.response_url, self._api_url):
            # Others can write to the database, and the message must go to Slack only.
            raise Refused("response-url-elsewhere")
        content = self.body(message) | more
        try:
            answer = respond(post.response_url, TIMEOUT_S, self._client.ssl, **content)
        except NO_ANSWER as error:
            raise DeliveryDeferred from error
        if no := read_reply(answer.status_code, answer.headers, answer.body):
            if no.passing:
                raise _not_now(no.retry_after_s)
            raise Refused(f"response-url-{no.code}")
        return replace(post, response_uses=post.response_uses + 1)


def _not_now(wait_s: float | None) -> DeliveryDeferred:
    return DeliveryDeferred() if wait_s is None else RateLimited(wait_s)

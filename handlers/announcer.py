"""Keeps one message a purge true, and whispers to single readers.

The ways to readers, in order (the first that Slack accepts is kept, and used for edits):

    chat.postMessage   in the channel; its `ts` lets the card be edited for ever
    response_url       where the bot is no member: any channel or DM, five uses in thirty minutes
    direct message     when both are closed

A card is posted once.  `trying_since` is on disk before the first try; a try found without its
outcome looks for the card by its metadata before it posts another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.core.post import Post, PostKind, Route
from bot.core.purge import Purge, State
from bot.core.rulings import HELP, REMINDER
from bot.steps import NotPosted
from handlers.blocks.error import notice
from handlers.blocks.help import help_message
from handlers.blocks.kit import Message
from handlers.blocks.note import outcome, reminder
from handlers.blocks.purge import card as card_of
from handlers.slack_answers import NO_ANSWER, read_no, retry_after_s

log = structlog.get_logger("purgebot.announcer")

RESPONSE_URL_LIFE = timedelta(minutes=29)
RESPONSE_URL_USES = 5
TIMEOUT_S = 10
GIVE_UP_AFTER = timedelta(hours=24)
METADATA_EVENT = "purge_card"


class _Refused(Exception):
    """Slack said no to this way, for good."""


class SlackAnnouncer:
    """Implements `bot.steps.Announcer` over the Web API and response URLs."""

    def __init__(self, client: WebClient, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now

    def announce(
        self, post: Post, purge: Purge | None, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Show a post as it should be now, and give where it went.  Raises: NotPosted."""
        if post.route is Route.NOWHERE:
            return post
        if post.kind is PostKind.WHISPER:
            return self._whisper(post, _words(post))
        assert purge is not None, "cards and notes belong to a purge"
        if post.kind is PostKind.NOTE:
            return self._note(post, purge, card)
        shown = replace(post, shown_version=purge.version)
        message = card_of(purge)
        if purge.state is State.REFUSED and post.route is None:
            # Nobody but the requester needs to know; once a card is up, it has to say so.
            return self._whisper(shown, message)
        if purge.state is State.REQUESTED:
            return shown
        return self._show(shown, purge, message, save)

    # The card

    def _show(
        self, post: Post, purge: Purge, message: Message, save: Callable[[Post], bool]
    ) -> Post:
        try:
            match post.route:
                case None:
                    return self._post(post, purge, message, save)
                case Route.CHANNEL | Route.DIRECT:
                    return self._edit(post, message)
                case _:
                    if purge.state in {State.READY, State.SENDING}:
                        return post  # the five uses of a response URL are kept for what matters
                    return self._respond(post, message)
        except _Refused:
            return self._direct(post, message)

    def _post(
        self, post: Post, purge: Purge, message: Message, save: Callable[[Post], bool]
    ) -> Post:
        if post.trying_since is not None:
            found = self._find(post, purge)
            if found is not None:
                return self._edit(
                    replace(post, route=Route.CHANNEL, place=post.channel_id, ts=found), message
                )
        elif not save(replace(post, trying_since=self._now(), shown_version=0)):
            raise NotPosted
        metadata = {"event_type": METADATA_EVENT, "event_payload": {"purge_id": purge.id}}
        post = replace(post, trying_since=post.trying_since or self._now())
        try:
            answer = self._say(post.channel_id, message, metadata=metadata)
        except _Refused:
            return self._respond(post, message)
        return replace(post, route=Route.CHANNEL, place=answer["channel"], ts=answer["ts"])

    def _find(self, post: Post, purge: Purge) -> str | None:
        """Look for a card that may have been posted already; None if it is not to be found."""
        assert post.trying_since is not None, "only a card that was tried can be there"
        oldest = str((post.trying_since - timedelta(minutes=2)).timestamp())
        cursor = None
        for _ in range(5):
            try:
                page = self._call(
                    self._client.conversations_history,
                    channel=post.channel_id,
                    oldest=oldest,
                    limit=200,
                    cursor=cursor,
                    include_all_metadata=True,
                )
            except _Refused as refused:
                # Without the history scopes a crash in this very moment can post a card twice.
                log.warning("card-not-looked-up", purge=purge.id, why=str(refused))
                return None
            for found in page["messages"]:
                payload = (found.get("metadata") or {}).get("event_payload") or {}
                if payload.get("purge_id") == purge.id:
                    return str(found["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        return None

    def _edit(self, post: Post, message: Message) -> Post:
        self._call(
            self._client.chat_update,
            channel=post.place,
            ts=post.ts,
            text=message.text,
            blocks=list(message.blocks),
        )
        return post

    def _respond(self, post: Post, message: Message) -> Post:
        replaces = post.route is Route.REPLACE
        more = {"replace_original": True} if replaces else {"response_type": "in_channel"}
        used = self._use_response_url(post, message, **more)
        return replace(used, route=Route.REPLACE if replaces else Route.RESPONSE)

    def _direct(self, post: Post, message: Message) -> Post:
        """Send to the requester alone: the last way, and it is kept for what is to come."""
        try:
            answer = self._say(post.user_id, message)
        except _Refused as refused:
            log.error("not-announced", purge=post.purge_id, user=post.user_id, why=str(refused))  # noqa: TRY400  (no traceback is wanted)
            if self._now() - post.response_url_at < GIVE_UP_AFTER:
                raise NotPosted(60.0) from None
            return replace(post, route=Route.NOWHERE)
        return replace(post, route=Route.DIRECT, place=answer["channel"], ts=answer["ts"])

    # Notes

    def _note(self, post: Post, purge: Purge, card: Post | None) -> Post:
        """Tell those whom it concerns, below the card; an edit of the card calls nobody."""
        assert post.notice is not None, "a note has words"
        if card is None or (card.route is None and card.shown_version == 0):
            raise NotPosted(1.0)  # the card comes first
        reminds = post.notice.code == REMINDER
        message = reminder(purge) if reminds else outcome(purge)
        if card.route in {Route.CHANNEL, Route.DIRECT} and card.place is not None:
            try:
                self._say(card.place, message, thread_ts=card.ts, reply_broadcast=reminds)
            except _Refused:
                return self._direct(post, message)
            return replace(post, route=card.route)
        if reminds:  # the bot is no member there, and its response URL may be kept for the card
            return replace(post, route=Route.NOWHERE)
        return self._direct(post, message)

    # Whispers

    def _whisper(self, post: Post, message: Message) -> Post:
        """Tell one reader: beside what they typed or pressed, or else by direct message."""
        try:
            return self._use_response_url(
                post, message, response_type="ephemeral", replace_original=False
            )
        except _Refused:
            pass
        try:
            self._call(
                self._client.chat_postEphemeral,
                channel=post.channel_id,
                user=post.user_id,
                text=message.text,
                blocks=list(message.blocks),
            )
        except _Refused:
            return self._direct(post, message)
        return post

    # Slack

    def _say(self, channel: str, message: Message, **more: Any) -> Any:
        return self._call(
            self._client.chat_postMessage,
            channel=channel,
            text=message.text,
            blocks=list(message.blocks),
            unfurl_links=False,
            unfurl_media=False,
            **more,
        )

    def _call(self, method: Callable[..., SlackResponse], **arguments: Any) -> Any:
        """Call the Web API.  Raises: _Refused (it certainly said no), NotPosted (try again)."""
        try:
            return method(**arguments).data
        except SlackApiError as error:
            no = read_no(error)
            if no.passing:
                raise NotPosted(no.retry_after_s) from error
            raise _Refused(no.code) from None
        except NO_ANSWER as error:
            raise NotPosted from error

    def _use_response_url(self, post: Post, message: Message, **more: Any) -> Post:
        fresh = self._now() - post.response_url_at < RESPONSE_URL_LIFE
        if not fresh or post.response_uses >= RESPONSE_URL_USES or not post.response_url:
            raise _Refused("response-url-used-up")
        hook = WebhookClient(post.response_url, timeout=TIMEOUT_S, retry_handlers=[])
        try:
            answer = hook.send(text=message.text, blocks=list(message.blocks), **more)
        except NO_ANSWER as error:
            raise NotPosted from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise NotPosted(retry_after_s(answer.headers))
        if answer.status_code != 200:
            raise _Refused(f"response-url-{answer.status_code}")
        return replace(post, response_uses=post.response_uses + 1)


def _words(post: Post) -> Message:
    assert post.notice is not None, "a whisper has words"
    return help_message(post.notice.facts) if post.notice.code == HELP else notice(post.notice)

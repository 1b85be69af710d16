"""Keeps one message a purge true, and whispers to single readers.

The ways to readers, in order (the first that Slack accepts is kept, and used for edits):

    chat.postMessage   in the channel; its `ts` lets the card be edited for ever
    response_url       where the bot is no member: any channel or DM, five uses in thirty minutes
    direct message     when both are closed

Where the policy calls people to decide in a channel of their own, the card stands there too.
An alert goes into the operators' channel, and nowhere else.
Each is posted once, but for whispers.  `trying_since` is on disk before the first try; a try found
without its outcome looks for the message by its metadata before it posts another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from slack_sdk import WebClient

from bot.core.ask import Ask
from bot.core.post import Post, PostKind, Route
from bot.core.purge import Purge, State
from bot.core.rulings import GLASS, OUTCOME, REMINDER
from bot.later import NotPosted
from handlers.blocks.alert import alert
from handlers.blocks.denial import denial_form
from handlers.blocks.kit import Message
from handlers.blocks.note import call_below, glass_broken, outcome, reminder
from handlers.blocks.purge import card as card_of
from handlers.blocks.whisper import whisper
from handlers.ways import Refused, Ways

log = structlog.get_logger("purgebot.announcer")

GIVE_UP_AFTER = timedelta(hours=24)


class SlackAnnouncer:
    """Implements `bot.steps.Announcer` over the Web API and response URLs."""

    def __init__(self, client: WebClient, now: Callable[[], datetime]) -> None:
        self._client = client
        self._ways = Ways(client, now)
        self._now = now

    def announce(
        self, post: Post, purge: Purge | None, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Show a post as it should be now, and give where it went.  Raises: NotPosted."""
        if post.route is Route.NOWHERE:
            return replace(post, shown_version=purge.version if purge else 0)
        if post.kind is PostKind.WHISPER:
            assert post.notice is not None, "a whisper has words"
            return self._whisper(post, whisper(post.notice, purge))
        if post.kind is PostKind.ALERT:
            return self._alert(post, save)
        assert purge is not None, "cards and notes belong to a purge"
        if post.kind is PostKind.NOTE:
            return self._note(post, purge, card, save)
        if post.kind is PostKind.CALL:
            return self._call_to_decide(post, purge, card, save)
        shown = replace(post, shown_version=purge.version)
        message = card_of(purge)
        if purge.state is State.REFUSED and post.route is None:
            # Nobody but the requester needs to know; once a card is up, it has to say so.
            return self._whisper(shown, message)
        if purge.state is State.REQUESTED:
            return shown
        return self._show(shown, purge, message, save)

    def open_denial(self, ask: Ask, purge: Purge) -> bool:
        """Show the form that asks why somebody denies a purge.  False: it is too late for it."""
        try:
            self._ways.call(
                self._client.views_open,
                trigger_id=ask.trigger_id,
                view=denial_form(ask, purge),
            )
        except (Refused, NotPosted) as refused:
            # What Slack gave to open a form with lives for three seconds, so this is the end of it.
            log.warning("form-not-opened", purge=purge.id, user=ask.user_id, why=str(refused))
            return False
        return True

    # The card

    def _call_to_decide(
        self, post: Post, purge: Purge, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Keep the card true that stands where people are called to decide.

        Where the bot cannot post there, they are called below the card instead.
        """
        shown = replace(post, shown_version=purge.version)
        message = card_of(purge, calls=True)
        try:
            if post.route is None:
                return self._post(shown, purge, message, save)
            return self._ways.edit(shown, message)
        except Refused as refused:
            log.error("not-called", purge=purge.id, channel=post.channel_id, why=str(refused))  # noqa: TRY400  (no traceback is wanted)
        if purge.state is State.WAITING:
            self._below(post, card, call_below(purge), save, broadcast=True)
        return replace(shown, route=Route.NOWHERE)

    def _show(
        self, post: Post, purge: Purge, message: Message, save: Callable[[Post], bool]
    ) -> Post:
        try:
            match post.route:
                case None:
                    return self._post(post, purge, message, save)
                case Route.CHANNEL | Route.DIRECT:
                    return self._ways.edit(post, message)
                case _:
                    if purge.state in {State.READY, State.SENDING}:
                        return post  # the five uses of a response URL are kept for what matters
                    return self._respond(post, message)
        except Refused:
            return self._direct(post, message)

    def _post(
        self, post: Post, purge: Purge | None, message: Message, save: Callable[[Post], bool]
    ) -> Post:
        marks = {"purge_id": purge.id} if purge else {"alert_id": str(post.id)}
        if post.trying_since is not None:
            found = self._ways.find(
                post, marks, self._client.conversations_history, channel=post.channel_id
            )
            if found is not None:
                return self._ways.edit(
                    replace(post, route=Route.CHANNEL, place=post.channel_id, ts=found), message
                )
        post = replace(post, trying_since=post.trying_since or self._now())
        # Just before it is said: whoever was paused until somebody else had it must not say it too.
        if not save(replace(post, shown_version=0)):
            raise NotPosted
        try:
            answer = self._ways.say(post.channel_id, message, marks=marks)
        except Refused:
            if post.kind in {PostKind.CALL, PostKind.ALERT}:
                raise
            return self._respond(post, message)
        return replace(post, route=Route.CHANNEL, place=answer["channel"], ts=answer["ts"])

    def _respond(self, post: Post, message: Message) -> Post:
        replaces = post.route is Route.REPLACE
        more = {"replace_original": True} if replaces else {"response_type": "in_channel"}
        used = self._ways.use_response_url(post, message, **more)
        return replace(used, route=Route.REPLACE if replaces else Route.RESPONSE)

    def _direct(self, post: Post, message: Message) -> Post:
        """Send to the requester alone: the last way, and it is kept for what is to come."""
        try:
            answer = self._ways.say(post.user_id, message)
        except Refused as refused:
            log.error("not-announced", purge=post.purge_id, user=post.user_id, why=str(refused))  # noqa: TRY400  (no traceback is wanted)
            if self._now() - post.response_url_at < GIVE_UP_AFTER:
                raise NotPosted(60.0) from None
            return replace(post, route=Route.NOWHERE)
        return replace(post, route=Route.DIRECT, place=answer["channel"], ts=answer["ts"])

    # Alerts

    def _alert(self, post: Post, save: Callable[[Post], bool]) -> Post:
        """Tell the operators; where the bot is not let in, it tries on, for it may be invited."""
        assert post.notice is not None, "an alert has words"
        try:
            return self._post(post, None, alert(post.notice), save)
        except Refused as refused:
            log.error(  # noqa: TRY400  (no traceback is wanted)
                "not-alerted", code=post.notice.code, channel=post.channel_id, why=str(refused)
            )
        if self._now() - post.response_url_at < GIVE_UP_AFTER:
            raise NotPosted
        return replace(post, route=Route.NOWHERE)

    # Notes

    def _note(
        self, post: Post, purge: Purge, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Tell those whom it concerns, below the card; an edit of the card calls nobody."""
        assert post.notice is not None, "a note has words"
        calls = post.notice.code in {REMINDER, GLASS}
        message = _NOTES[post.notice.code](purge)
        try:
            route = self._below(post, card, message, save, broadcast=calls)
        except Refused:
            return self._direct(post, message)
        if route is not None:
            return replace(post, route=route)
        if calls:  # the bot is no member there, and its response URL may be kept for the card
            return replace(post, route=Route.NOWHERE)
        return self._direct(post, message)

    def _below(
        self,
        post: Post,
        card: Post | None,
        message: Message,
        save: Callable[[Post], bool],
        *,
        broadcast: bool,
    ) -> Route | None:
        """Post below a card, and give how; None where nothing can be posted below it."""
        if card is None or (card.route is None and card.shown_version == 0):
            raise NotPosted(1.0)  # the card comes first
        if card.route not in {Route.CHANNEL, Route.DIRECT} or card.place is None:
            return None
        marks = {"note_id": str(post.id)}
        thread = {"channel": card.place, "ts": card.ts}
        tried = post.trying_since is not None
        if tried and self._ways.find(post, marks, self._client.conversations_replies, **thread):
            return card.route
        if not save(replace(post, trying_since=post.trying_since or self._now())):
            raise NotPosted
        self._ways.say(
            card.place,
            message,
            thread_ts=card.ts,
            reply_broadcast=broadcast,
            marks=marks,
        )
        return card.route

    # Whispers

    def _whisper(self, post: Post, message: Message) -> Post:
        """Tell one reader: beside what they typed or pressed, or else by direct message."""
        more = {"response_type": "ephemeral", "replace_original": post.route is Route.REPLACE}
        for form in message.forms:
            with contextlib.suppress(Refused):
                return self._ways.use_response_url(post, form, **more)
        message = message.forms[-1]
        try:
            self._ways.call(
                self._client.chat_postEphemeral,
                channel=post.channel_id,
                user=post.user_id,
                text=message.text,
                blocks=list(message.blocks),
            )
        except Refused:
            return self._direct(post, message)
        return post


_NOTES: dict[str, Callable[[Purge], Message]] = {
    OUTCOME: outcome,
    REMINDER: reminder,
    GLASS: glass_broken,
}

"""Keep one message per purge up to date, and send ephemeral messages.

The ways to readers, in order.  The first that Slack accepts is stored and used for edits:

    chat.postMessage   in the channel; with its `ts` the card can always be edited
    response_url       if the bot is not a member: any channel or DM, five uses within 30 minutes
    direct message     if both are impossible, or the channel is shared with outsiders

A message from a response URL cannot be edited, so it gets a new message only for news
(`bot.core.purge.milestones`); after a press on it, it can be replaced for 30 minutes.  A deleted
message is posted again if people have to decide, or if there is news.

If the policy calls people in another channel, that channel has a copy of the card.  Alerts go only
to the operators' channel.  Everything but ephemeral messages is posted once: `trying_since` is on
disk before the first attempt, and after an attempt without a saved outcome the message is looked
for by its metadata before it is posted again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.web import SlackResponse

from bot.core.decisions.clock import REMINDER
from bot.core.decisions.rulings import BREAK_GLASS
from bot.core.decisions.transition import OUTCOME
from bot.core.interaction import Interaction
from bot.core.message import Post, PostKind, Route
from bot.core.purge.milestones import has_changed, is_news, milestone, waits_for_people
from bot.core.purge.purge import Purge, State
from bot.core.retry import CardGone, DeliveryDeferred
from bot.slack.client import SlackClient
from bot.slack.delivery import GONE, RESPONSE_URL_LIFE, RESPONSE_URL_USES, Refused, SlackDelivery
from bot.slack.message import Message
from handlers.blocks.alert import alert
from handlers.blocks.denial import denial_form
from handlers.blocks.ephemeral import ephemeral_message
from handlers.blocks.purge import card as card_of
from handlers.blocks.purge import unedited
from handlers.blocks.refusal import refusal
from handlers.blocks.tags_form import tags_form, turn_of
from handlers.blocks.thread_reply import call_below, glass_broken, not_called, outcome, reminder

log = structlog.get_logger("purgebot.announcer")

GIVE_UP_AFTER = timedelta(hours=24)

Save = Callable[[Post], bool]
"""Saves a post in its current state.  False: the lease was lost, and nothing was saved."""


class SlackAnnouncer:
    """Implements `bot.worker.executor.Announcer` with the Web API and response URLs."""

    def __init__(
        self,
        client: SlackClient,
        now: Callable[[], datetime],
        finish: Callable[[Message], Message],
        shared: Collection[str] = (),
    ) -> None:
        self._client = client
        self._delivery = SlackDelivery(client, now, finish, shared)
        self._now = now

    def announce(self, post: Post, purge: Purge | None, card: Post | None, save: Save) -> Post:
        """Show a post in its current state; return it with its place.  Raises: DeliveryDeferred."""
        if post.route is Route.NOWHERE:
            return replace(post, shown_version=purge.version if purge else 0)
        if post.kind is PostKind.EPHEMERAL:
            assert post.notice is not None, "an ephemeral message has words"
            return self._send_ephemeral(post, ephemeral_message(post.notice, purge))
        if post.kind is PostKind.ALERT:
            return self._alert(post, save)
        assert purge is not None, "cards and notes belong to a purge"
        if post.kind is PostKind.THREAD_REPLY:
            return self._send_thread_reply(post, purge, card, save)
        if post.kind is PostKind.APPROVAL_CARD:
            return self._show_approval_card(post, purge, card, save)
        shown = replace(post, shown_version=purge.version)
        message = card_of(purge)
        if purge.refusal is not None and purge.refusal.other is not None and card is not None:
            is_theirs = card.route is not Route.DIRECT or card.user_id == purge.user_id
            message = refusal(purge, self._delivery.link(card) if is_theirs else None)
        if purge.state is State.REFUSED and post.route is None:
            # Only the requester needs to know.  But if there is a card, it must show it.
            return self._send_ephemeral(shown, message)
        if purge.state is State.REQUESTED:
            return shown
        return self._show(shown, purge, message, save)

    def open_denial(self, interaction: Interaction, purge: Purge) -> bool:
        """Open the form that asks for the reason of a denial.  False if it is too late."""
        try:
            view = denial_form(interaction, purge)
            self._delivery.call(
                self._client.views_open, trigger_id=interaction.trigger_id, view=view
            )
        except (Refused, DeliveryDeferred) as refused:
            # Slack's trigger ID for opening a form expires after three seconds, so there is no
            # retry: https://docs.slack.dev/surfaces/modals/
            log.warning(
                "form-not-opened", purge=purge.id, user=interaction.user_id, why=str(refused)
            )
            return False
        return True

    def show_tags(self, interaction: Interaction, purge: Purge) -> bool:
        """Show all tags of a purge, or turn the page.  False if it is too late."""
        view_id, page = turn_of(interaction)
        view = tags_form(interaction, purge, page)
        try:
            if view_id is None:
                self._delivery.call(
                    self._client.views_open, trigger_id=interaction.trigger_id, view=view
                )
            else:
                self._delivery.call(self._client.views_update, view_id=view_id, view=view)
        except (Refused, DeliveryDeferred) as refused:
            if view_id is not None and str(refused) == "not_found":
                return True  # its reader has closed it
            log.warning(
                "tags-not-shown", purge=purge.id, user=interaction.user_id, why=str(refused)
            )
            return False
        return True

    # The card

    def _show_approval_card(self, post: Post, purge: Purge, card: Post | None, save: Save) -> Post:
        """Keep the card up to date in the channel where people are called to decide.

        If the bot cannot post there, they are called at the card of the requester instead.
        """
        shown = replace(post, shown_version=purge.version)
        message = card_of(purge, calls=True)
        try:
            if post.route is None:
                return self._post(shown, purge, message, save)
            return self._edit(shown, purge, message, save)
        except Refused as refused:
            log.error("not-called", purge=purge.id, channel=post.channel_id, why=str(refused))  # noqa: TRY400  (no traceback is wanted)
        if purge.state is State.WAITING:
            self._call_at(card, post, purge, save)
        return replace(shown, route=Route.NOWHERE)

    def _call_at(self, card: Post | None, post: Post, purge: Purge, save: Save) -> None:
        """Call people below the card or, if its requester alone sees it, tell them of that."""
        alone = card is not None and card.route is Route.DIRECT
        message = not_called(purge) if alone else call_below(purge)
        below: Route | None = None
        with contextlib.suppress(Refused):
            below = self._below(post, card, message, save, broadcast=not alone)
        if below is None and card is not None:
            self._beside(card, message)

    def _beside(self, card: Post, message: Message) -> Route:
        """Call people in the channel, if the bot cannot post in a thread.  Return the route.

        This is not counted as a use of the card's response URL: such calls are few, and if no use
        is left at the end, there are other ways.
        """
        more = {"response_type": "in_channel", "replace_original": False}
        try:
            self._delivery.use_response_url(card, message, **more)
        except Refused as refused:
            log.error("not-called", purge=card.purge_id, channel=card.channel_id, why=str(refused))  # noqa: TRY400  (no traceback is wanted)
            return Route.NOWHERE
        return Route.RESPONSE

    def _show(self, post: Post, purge: Purge, message: Message, save: Save) -> Post:
        try:
            match post.route:
                case None:
                    return self._post(post, purge, message, save)
                case Route.CHANNEL | Route.DIRECT:
                    return self._edit(post, purge, message, save)
                case _ if self._is_worth_a_use(post, purge):
                    return self._respond(post, purge, message)
                case _:
                    return post
        except Refused:
            return self._otherwise(post, purge, message)

    def _edit(self, post: Post, purge: Purge, message: Message, save: Save) -> Post:
        """Edit a card.  If it was deleted, post it again if somebody still waits for it."""
        try:
            return _said(self._delivery.edit(post, message), purge)
        except Refused as refused:
            if str(refused) not in GONE:
                raise
            wanted = waits_for_people(purge) or is_news(purge, post.told)
            log.warning("card-gone", purge=purge.id, why=str(refused), posted_anew=wanted)
        if not wanted:
            return post
        lost = replace(post, route=None, place=None, ts=None, trying_since=None)
        return self._post(lost, purge, message, save)

    @staticmethod
    def _is_worth_a_use(post: Post, purge: Purge) -> bool:
        """Return whether to use the response URL now: at most five times, the last for the end."""
        if post.response_uses >= RESPONSE_URL_USES - 1 and not purge.settled:
            return False
        replaces = post.route is Route.REPLACE
        return is_news(purge, post.told) or (replaces and has_changed(purge))

    def _otherwise(self, post: Post, purge: Purge, message: Message) -> Post:
        """Post it if the bot is a member now, else send it to the requester only."""
        if post.route in {Route.RESPONSE, Route.REPLACE}:
            with contextlib.suppress(Refused):
                marks = {"purge_id": purge.id}
                answer = self._delivery.post_message(post.channel_id, message, marks=marks)
                return _said(self._delivery.placed(post, Route.CHANNEL, answer), purge)
        return _said(self._direct(post, message), purge)

    def _post(self, post: Post, purge: Purge | None, message: Message, save: Save) -> Post:
        marks = {"purge_id": purge.id} if purge else {"alert_id": str(post.id)}
        if post.trying_since is not None:
            history = self._client.conversations_history
            found = self._found(post, marks, history, channel=post.channel_id)
            if found is not None:
                there = replace(post, route=Route.CHANNEL, place=post.channel_id, ts=found)
                with contextlib.suppress(Refused):  # as for a message that it has just replaced
                    return _said(self._delivery.edit(there, message), purge)
        post = replace(post, trying_since=post.trying_since or self._now())
        # Just before posting: a worker that was paused until another one took over must not post
        # it.
        if not save(replace(post, shown_version=0)):
            raise DeliveryDeferred
        try:
            answer = self._delivery.post_message(post.channel_id, message, marks=marks)
        except Refused:
            if purge is None or post.kind is PostKind.APPROVAL_CARD:
                raise
            return self._respond(post, purge, message)
        placed = self._delivery.placed(post, Route.CHANNEL, answer)
        return _said(placed if placed.ts else self._seek(placed, marks), purge)

    def _seek(self, post: Post, marks: dict[str, str]) -> Post:
        """Look for what was posted where Slack's answer did not say where.

        Only if it can be seen that nothing is there, it may be posted again.
        Raises: DeliveryDeferred.
        """
        history = self._client.conversations_history
        try:
            ts = self._delivery.find(post, marks, history, channel=post.channel_id)
        except Refused:
            return post
        if ts is None:
            raise DeliveryDeferred
        return replace(post, place=post.channel_id, ts=ts)

    def _found(
        self, post: Post, marks: dict[str, str], among: Callable[..., SlackResponse], **where: Any
    ) -> str | None:
        """Return the `ts` of a message that may have been posted already, or None."""
        try:
            return self._delivery.find(post, marks, among, **where)
        except Refused as refused:
            # Without the history scopes, a crash at this moment can post it twice.
            log.warning("post-not-looked-up", purge=post.purge_id, why=str(refused))
            return None

    def _respond(self, post: Post, purge: Purge, message: Message) -> Post:
        replaces = post.route is Route.REPLACE
        more = {"replace_original": True} if replaces else {"response_type": "in_channel"}
        route = Route.REPLACE if replaces else Route.RESPONSE
        message = unedited(message, purge, route, post.response_url_at + RESPONSE_URL_LIFE)
        used = self._delivery.use_response_url(post, message, **more)
        return _said(replace(used, route=route), purge)

    def _direct(self, post: Post, message: Message) -> Post:
        """Send to the requester only.  This is the last way, and later messages use it too."""
        try:
            answer = self._delivery.post_message(post.user_id, message)
        except Refused as refused:
            log.error("not-announced", purge=post.purge_id, user=post.user_id, why=str(refused))  # noqa: TRY400  (no traceback is wanted)
            if self._now() - post.response_url_at < GIVE_UP_AFTER:
                raise DeliveryDeferred(60.0) from None
            return replace(post, route=Route.NOWHERE)
        return self._delivery.placed(post, Route.DIRECT, answer)

    # Alerts

    def _alert(self, post: Post, save: Save) -> Post:
        """Alert the operators.  Retry if the bot is not in their channel: it may be invited."""
        assert post.notice is not None, "an alert has words"
        try:
            return self._post(post, None, alert(post.notice), save)
        except Refused as refused:
            log.error(  # noqa: TRY400  (no traceback is wanted)
                "not-alerted", code=post.notice.code, channel=post.channel_id, why=str(refused)
            )
        if self._now() - post.response_url_at < GIVE_UP_AFTER:
            raise DeliveryDeferred
        return replace(post, route=Route.NOWHERE)

    # Notes

    def _send_thread_reply(self, post: Post, purge: Purge, card: Post | None, save: Save) -> Post:
        """Reply in the thread of the card, because Slack notifies nobody of an edit."""
        assert post.notice is not None, "a note has words"
        code = post.notice.code
        calls = code in {REMINDER, BREAK_GLASS}
        if code == REMINDER and purge.state is not State.WAITING:
            return replace(post, route=Route.NOWHERE)  # Slack accepted it too late
        message = _NOTES[code](purge)
        if code != BREAK_GLASS and card is not None and self._delivery.is_gone(card):
            if calls:
                raise CardGone(1.0)
            return self._direct(post, message)
        was_removed = False
        try:
            route = self._below(post, card, message, save, broadcast=calls)
        except Refused:
            route, was_removed = None, True
        if route is None and calls and card is not None:
            route = self._beside(card, message)
        # The direct message to the requester is last, because it calls nobody.
        if route is None or (was_removed and route is Route.NOWHERE):
            return self._direct(post, message)
        return replace(post, route=route)

    def _below(
        self,
        post: Post,
        card: Post | None,
        message: Message,
        save: Save,
        *,
        broadcast: bool,
    ) -> Route | None:
        """Post in the thread of a card, and return the route.  None if that is not possible."""
        if card is None or (card.route is None and card.shown_version == 0):
            raise DeliveryDeferred(1.0)  # the card comes first
        if card.route not in {Route.CHANNEL, Route.DIRECT} or card.place is None:
            return None
        marks = {"note_id": str(post.id)}
        thread = {"channel": card.place, "ts": card.ts}
        tried = post.trying_since is not None
        if tried and self._found(post, marks, self._client.conversations_replies, **thread):
            return card.route
        if not save(replace(post, trying_since=post.trying_since or self._now())):
            raise DeliveryDeferred
        where = {"thread_ts": card.ts, "reply_broadcast": broadcast}
        self._delivery.post_message(card.place, message, marks=marks, **where)
        return card.route

    # Whispers

    def _send_ephemeral(self, post: Post, message: Message) -> Post:
        """Send to one reader: next to their command or press, else as a direct message."""
        more = {"response_type": "ephemeral", "replace_original": post.route is Route.REPLACE}
        with contextlib.suppress(Refused):
            return self._delivery.use_response_url(post, message, **more)
        reader = {"channel": post.channel_id, "user": post.user_id}
        try:
            self._delivery.call(
                self._client.chat_postEphemeral, **reader, **self._delivery.body(message)
            )
        except Refused:
            return self._direct(post, message)
        return post


def _said(post: Post, purge: Purge | None) -> Post:
    """Return the post with the milestone that its readers were just told."""
    return replace(post, told=milestone(purge)) if purge is not None else post


_NOTES: dict[str, Callable[[Purge], Message]] = {
    OUTCOME: outcome,
    REMINDER: reminder,
    BREAK_GLASS: glass_broken,
}

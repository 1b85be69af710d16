"""Answer questions: the state of a purge, past purges, pending ones, the remaining quotas.

    question ──► may they see it? ──► a notice for the asker only, or all tags in a form

Questions change nothing, so they are not in the audit trail.  Rights are checked at each question
and at each turn of a page: the value of a button is a position, not a right.
`bot.core.command.queries` has the codes of the notices, `handlers.blocks` their texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.cdn.client import CdnClient
from bot.cdn.error_codes import CdnRefused
from bot.config.policy_file import PolicySource
from bot.core.cdn.quota import day_began_at, resets_at
from bot.core.command import query_errors as kinds
from bot.core.command.answers import HistoryAnswer, ListedPurge, PendingAnswer, QuotaAnswer
from bot.core.command.queries import (
    HISTORY,
    LATEST,
    PENDING,
    QUOTA,
    STATUS,
    Cursor,
    HistoryQuestion,
    Key,
    PendingQuestion,
    Question,
    QuotaQuestion,
    StatusQuestion,
    began_at,
    format_question,
    read_asked,
)
from bot.core.decisions.presses import PRESS_UNKNOWN, votes_open_to
from bot.core.decisions.transition import ephemeral_of
from bot.core.interaction import Interaction
from bot.core.message import Notice, Route
from bot.core.policy.decision import ANYTHING, Actor, Membership, decide, decide_all, domains_for
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.purge.purge import Purge, PurgeRequest
from bot.core.retry import DirectoryRefused, DirectoryUnavailable
from bot.store.change import InteractionAnswered, NewPosts
from bot.store.reads.history import PAGE, Search
from bot.store.store import Store

log = structlog.get_logger("purgebot.answers")

TAGS_SHOWN = 3
"""How many tags of a purge the history lists; the others are counted."""


@dataclass(eq=False)
class Answers:
    """The answers to questions, with the checks of rights.

    `_shared`: the channels that outsiders read, so that who presses there may be one.
    """

    _store: Store
    _policy: PolicySource
    _cdn: CdnClient
    _now: Callable[[], datetime]
    _shared: frozenset[str] = frozenset()

    def answer(
        self, interaction: Interaction, actor: Actor | None, *, lasting: bool = False
    ) -> None:
        """Answer a question that was saved.  `actor` is None if Slack did not return them.

        `lasting`: it will not, until somebody changes the app's permissions.
        Raises: StoreUnavailable.
        """
        question = read_asked(interaction.text or "")
        purge = None
        if actor is None:
            notice = Notice((kinds.ASKER_LOOKUP_REFUSED if lasting else kinds.ASKER_UNKNOWN).code)
        elif actor.membership is not Membership.MEMBER:
            notice = Notice(kinds.NOT_A_MEMBER.code)
        else:
            notice, purge = self._found(question, actor)
        reply = ephemeral_of(interaction, notice)
        if purge is not None:
            reply = replace(reply, purge_id=purge.id)
        if isinstance(question, HistoryQuestion) and question.cursor is not None:
            reply = replace(reply, route=Route.REPLACE)  # the page replaces the one before
        self._store.apply(
            InteractionAnswered(interaction.trigger_id), NewPosts((reply,), self._now())
        )
        log.info(
            "answered",
            question=interaction.kind.value,
            notice=notice.code,
            user=interaction.user_id,
        )

    def status(self, question: StatusQuestion, actor: Actor) -> tuple[Notice, Purge | None]:
        """Return the purge with this ID.  Only those who may see it learn that it exists."""
        if actor.membership is not Membership.MEMBER:
            return Notice(kinds.NOT_A_MEMBER.code), None
        policy, _ = self._policy.current()
        if question.id == LATEST:
            latest = self._store.history.latest(actor.team_id, actor.ids)
            return Notice(STATUS if latest else kinds.NONE_OF_YOURS.code), latest
        for purge in self._store.history.find(question.id):
            votes = self._votes(policy, actor, purge)
            if votes or _may_see(policy, actor, purge):
                return Notice(STATUS, {"votes": ",".join(votes)} if votes else {}), purge
        see_all = decide(policy, actor, Action.VIEW, ANYTHING, ANYTHING).holders.ids
        facts = {"part": question.id, "holders": ",".join(see_all)}
        return Notice(kinds.PURGE_UNKNOWN.code, facts), None

    def history(self, question: HistoryQuestion, actor: Actor) -> Notice:
        """Return a page of the purges that a full member may see."""
        policy, _ = self._policy.current()
        patterns = domains_for(policy, actor, Action.VIEW)
        since = began_at(question.since, self._now())
        aliases = tuple(sorted(actor.aliases))
        search = Search(actor.user_id, patterns, question.domain, question.user_id, since, aliases)
        page = self._store.history.page(
            search, lambda purge: _may_see(policy, actor, purge), question.cursor
        )

        def turned(key: Key | None, *, newer: bool) -> str | None:
            if key is None:
                return None
            return format_question(replace(question, cursor=Cursor(key, newer)))

        answer = HistoryAnswer(
            asker=actor.user_id,
            question=format_question(replace(question, cursor=None)),
            is_first=question.cursor is None or page.newer is None,
            sees=tuple(patterns),
            cut_short=page.cut_short,
            purges=tuple(map(_listed, page.purges)),
            since=since,
            newer=turned(page.newer, newer=True),
            older=turned(page.older, newer=False),
        )
        return Notice(HISTORY, answer=answer)

    def pending(self, actor: Actor) -> Notice:
        """Return the waiting purges that a full member may see, newest first."""
        policy, _ = self._policy.current()
        waiting = [
            purge for purge in self._store.history.waiting() if _may_see(policy, actor, purge)
        ]
        sees = tuple(domains_for(policy, actor, Action.VIEW))
        listed = tuple(map(_listed, waiting[:PAGE]))
        return Notice(PENDING, answer=PendingAnswer(listed, max(0, len(waiting) - PAGE), sees))

    def press(self, trigger_id: str) -> Interaction | None:
        """Return a saved press.  Raises: StoreUnavailable, FromNewer."""
        return self._store.jobs.interaction(trigger_id)

    def show_tags(
        self,
        interaction: Interaction,
        fetch: Callable[[], Actor],
        show: Callable[[Interaction, Purge], bool],
    ) -> None:
        """Answer a press that asks for all tags of a purge, or for another page of them.

        `show` opens or turns the page; it returns False if it is too late.
        Raises: StoreUnavailable.
        """
        purge = self._store.purge(interaction.purge_id) if interaction.purge_id else None
        notice = None
        try:
            if purge is None or not self._may_read_tags(interaction, purge, fetch):
                notice = Notice(PRESS_UNKNOWN.code)
            elif not show(interaction, purge):
                notice = Notice(kinds.TAGS_NOT_SHOWN.code)
        except DirectoryRefused:
            notice = Notice(kinds.ASKER_LOOKUP_REFUSED.code)
        except DirectoryUnavailable:  # when they are known, it will be too late for the press
            notice = Notice(kinds.TAGS_NOT_SHOWN.code)
        posts = () if notice is None else (ephemeral_of(interaction, notice),)
        self._store.apply(InteractionAnswered(interaction.trigger_id), NewPosts(posts, self._now()))
        log.info("tags-shown" if notice is None else notice.code, user=interaction.user_id)

    def _may_read_tags(
        self, interaction: Interaction, purge: Purge, fetch: Callable[[], Actor]
    ) -> bool:
        """Return whether they pressed where the card is shown, or may see the purge anyway."""
        if purge.team_id != interaction.team_id:
            return False
        called_in = purge.briefing.channel_id if purge.briefing else None
        if interaction.channel_id in {purge.channel_id, called_in} - self._shared:
            return True
        actor = fetch()
        if actor.membership is not Membership.MEMBER:
            return False
        policy, _ = self._policy.current()
        # A person who may decide on a purge may read what they decide on.
        return bool(self._votes(policy, actor, purge)) or _may_see(policy, actor, purge)

    def _votes(self, policy: Policy, actor: Actor, purge: Purge) -> list[str]:
        """Return the kinds of presses with which a full member may decide on a purge now."""
        if purge.team_id != actor.team_id:
            return []
        return sorted(votes_open_to(purge, policy, actor, self._now()))

    def _found(self, question: Question | None, actor: Actor) -> tuple[Notice, Purge | None]:
        match question:
            case StatusQuestion():
                return self.status(question, actor)
            case HistoryQuestion():
                return self.history(question, actor), None
            case PendingQuestion():
                return self.pending(actor), None
            case QuotaQuestion():
                return self._quota(), None
            case None:  # saved by another version
                return Notice(kinds.NOT_YOUR_PAGE.code), None

    def _quota(self) -> Notice:
        now = self._now()
        sent = self._store.history.sent_since(day_began_at(now))
        answer = QuotaAnswer(resets_at(now), sent.plain, sent.forced)
        try:
            answer = replace(answer, quota=self._cdn.describe_quota())
        except CdnRefused as refused:
            info = refused.info
            answer = replace(answer, failure=info.code, failure_facts=info.facts)
        return Notice(QUOTA, answer=answer)


def _may_see(policy: Policy, actor: Actor, purge: PurgeRequest) -> bool:
    """Return whether a full member may see a purge: their own, or one whose tags they may view."""
    if purge.team_id != actor.team_id:
        return False
    own = not actor.ids.isdisjoint(purge.requester_ids)
    return own or decide_all(policy, actor, Action.VIEW, purge.domain, purge.tags).allowed


def _listed(purge: Purge) -> ListedPurge:
    return ListedPurge(
        id=purge.id,
        at=int(purge.requested_at.timestamp()),
        domain=purge.domain,
        tags=tuple(tag[:80] for tag in purge.tags[:TAGS_SHOWN]),
        more_tags=max(0, len(purge.tags) - TAGS_SHOWN),
        force=purge.force,
        user_id=purge.user_id,
        state=purge.state.value,
    )

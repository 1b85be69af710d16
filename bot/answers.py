"""Answers questions: what became of a purge, what was purged, what is left of the quotas.

    question ──► may they see it? ──► a notice for the asker alone

Nothing is changed by asking, so nothing is written into the audit trail.  Rights are decided at
each question and at each turn of a page: what a button carries is a place to look at, not a right.
What a notice is called is in `bot.core.questions`; how it reads, in `handlers.blocks`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import structlog

from bot.cdn.client import CdnClient
from bot.cdn.faults import CdnRefused
from bot.core import question_errors as kinds
from bot.core.ask import Ask
from bot.core.policy import (
    ANYTHING,
    Action,
    Actor,
    Policy,
    Standing,
    decide,
    decide_all,
    domains_for,
)
from bot.core.post import Notice, Route
from bot.core.purge import Purge
from bot.core.questions import (
    HISTORY,
    QUOTA,
    STATUS,
    Cursor,
    HistoryQuestion,
    Key,
    Question,
    QuotaQuestion,
    StatusQuestion,
    began_at,
    format_question,
    read_asked,
)
from bot.core.quota import day_began_at, resets_at
from bot.core.records import whisper_of
from bot.policy_file import PolicySource
from bot.store.history import Page, Search
from bot.store.store import Change, Store

log = structlog.get_logger("purgebot.answers")

TAGS_SHOWN = 3
"""So many tags of a purge are listed in the history; the others are counted."""


class Answers:
    """What may be told to whom."""

    def __init__(
        self, store: Store, policy: PolicySource, cdn: CdnClient, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._policy = policy
        self._cdn = cdn
        self._now = now

    def answer(self, ask: Ask, actor: Actor | None) -> None:
        """Answer a question that was written down; `actor` is None if Slack would not name them.

        Raises: StoreUnavailable.
        """
        question = read_asked(ask.said or "")
        purge = None
        if actor is None:
            notice = Notice(kinds.ASKER_UNKNOWN.code)
        elif actor.standing is not Standing.MEMBER:
            notice = Notice(kinds.NOT_A_MEMBER.code)
        else:
            notice, purge = self._found(question, actor)
        whisper = whisper_of(ask, notice)
        if purge is not None:
            whisper = replace(whisper, purge_id=purge.id)
        if isinstance(question, HistoryQuestion) and question.cursor is not None:
            whisper = replace(whisper, route=Route.REPLACE)  # a page is turned where it stands
        self._store.commit(
            Change(answered=ask.trigger_id, posts=(whisper,), posts_due_at=self._now())
        )
        log.info("answered", question=ask.kind.value, notice=notice.code, user=ask.user_id)

    def status(self, question: StatusQuestion, actor: Actor) -> tuple[Notice, Purge | None]:
        """Give the purge with this ID; that there is one is told only to those who may see it."""
        if actor.standing is not Standing.MEMBER:
            return Notice(kinds.NOT_A_MEMBER.code), None
        policy, _ = self._policy.current()
        for purge in self._store.history.find(question.id):
            if _may_see(policy, actor, purge):
                return Notice(STATUS), purge
        see_all = decide(policy, actor, Action.VIEW, ANYTHING, ANYTHING).holders.ids
        facts = {"part": question.id, "holders": ",".join(see_all)}
        return Notice(kinds.PURGE_UNKNOWN.code, facts), None

    def history(self, question: HistoryQuestion, actor: Actor) -> Notice:
        """Give a page of what a full member may see of the purges."""
        policy, _ = self._policy.current()
        patterns = domains_for(policy, actor, Action.VIEW)
        since = began_at(question.since, self._now())
        search = Search(actor.user_id, patterns, question.domain, question.user_id, since)
        page = self._store.history.page(
            search, lambda purge: _may_see(policy, actor, purge), question.cursor
        )
        facts = {
            "asker": actor.user_id,
            "question": format_question(replace(question, cursor=None)),
            "first": str(question.cursor is None or page.newer is None).lower(),
            "sees": ",".join(patterns),
            "cut_short": str(page.cut_short).lower(),
            "purges": json.dumps([_row(purge) for purge in page.purges]),
            "since": since.isoformat() if since else "",
        }
        return Notice(HISTORY, facts | _turns(question, page))

    def _found(self, question: Question | None, actor: Actor) -> tuple[Notice, Purge | None]:
        match question:
            case StatusQuestion():
                return self.status(question, actor)
            case HistoryQuestion():
                return self.history(question, actor), None
            case QuotaQuestion():
                return self._quota(), None
            case None:  # written by another version
                return Notice(kinds.NOT_YOUR_PAGE.code), None

    def _quota(self) -> Notice:
        now = self._now()
        sent = self._store.history.sent_since(day_began_at(now))
        facts = {
            "resets_at": resets_at(now).isoformat(),
            "plain": str(sent.plain),
            "forced": str(sent.forced),
        }
        try:
            quota = self._cdn.describe_quota()
        except CdnRefused as refused:
            problem = refused.problem
            return Notice(QUOTA, {**problem.facts, **facts, "failure": problem.code})
        told = {name: str(value) for name, value in asdict(quota).items() if value is not None}
        return Notice(QUOTA, facts | told)


def _may_see(policy: Policy, actor: Actor, purge: Purge) -> bool:
    """Whether a full member may see a purge: it is their own, or the policy shows all its tags."""
    if purge.team_id != actor.team_id:
        return False
    own = purge.user_id == actor.user_id
    return own or decide_all(policy, actor, Action.VIEW, purge.domain, purge.tags).allowed


def _turns(question: HistoryQuestion, page: Page) -> dict[str, str]:
    """Give the questions for the pages before and after this one."""

    def turned(key: Key, *, newer: bool) -> str:
        return format_question(replace(question, cursor=Cursor(key, newer)))

    turns = {}
    if page.newer is not None:
        turns["newer"] = turned(page.newer, newer=True)
    if page.older is not None:
        turns["older"] = turned(page.older, newer=False)
    return turns


def _row(purge: Purge) -> dict[str, Any]:
    """Give what the history shows of a purge."""
    return {
        "id": purge.id,
        "at": int(purge.requested_at.timestamp()),
        "domain": purge.domain,
        "tags": [tag[:80] for tag in purge.tags[:TAGS_SHOWN]],
        "more_tags": max(0, len(purge.tags) - TAGS_SHOWN),
        "force": purge.force,
        "user_id": purge.user_id,
        "state": purge.state.value,
    }

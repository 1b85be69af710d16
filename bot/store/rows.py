"""Values to rows and rows to values; nothing else knows how they are written down.

While replicas are upgraded one by one, a newer one may write what this one does not know.  Such a
row is left alone: read in part and written back, it would lose what only the newer one can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from bot.core.approval import Yes
from bot.core.ask import Ask, AskKind
from bot.core.audit import AuditEntry, Link
from bot.core.briefing import Briefing, Traffic
from bot.core.errors import FROM_NEWER, BotError
from bot.core.post import Notice, Post, PostKind, Route
from bot.core.proof import Look, Verdict
from bot.core.purge import Choice, Evidence, Failure, Purge, Refusal, State
from bot.core.quota import LowQuota
from bot.core.watching import Watched
from bot.store.due import lane_of_post

Row = Any
"""A row of SQLAlchemy: its columns are attributes."""


class FromNewer(BotError):
    """A row holds what this version does not know: it is for a newer one."""


@contextmanager
def _as_known() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise FromNewer(FROM_NEWER) from error


def purge_to_row(purge: Purge) -> dict[str, Any]:
    row = {name: getattr(purge, name) for name in Purge.__slots__}
    return row | {
        "tags": list(purge.tags),
        "approvers": list(purge.approvers),
        "yeses": [
            {"user_id": yes.user_id, "at": yes.at.isoformat(), "roles": list(yes.roles)}
            for yes in purge.yeses
        ],
        "state": purge.state.value,
        "briefing": asdict(purge.briefing) if purge.briefing else None,
        "choice": purge.choice and asdict(purge.choice) | {"at": purge.choice.at.isoformat()},
        "evidence": [_from_evidence(each) for each in purge.evidence] or None,
        "low_quota": asdict(purge.low_quota) if purge.low_quota else None,
        "refusal": asdict(purge.refusal) if purge.refusal else None,
        "failure": asdict(purge.failure) if purge.failure else None,
        "doubt": asdict(purge.doubt) if purge.doubt else None,
    }


@_as_known()
def row_to_purge(row: Row) -> Purge:
    """Give the purge.  Raises: FromNewer."""
    values = {name: getattr(row, name) for name in Purge.__slots__}
    refusal = values["refusal"]
    failure = values["failure"]
    return Purge(
        **values
        | {
            "tags": tuple(values["tags"]),
            "approvers": tuple(values["approvers"]),
            "yeses": tuple(
                Yes(yes["user_id"], datetime.fromisoformat(yes["at"]), tuple(yes["roles"]))
                for yes in values["yeses"]
            ),
            "state": State(values["state"]),
            "briefing": values["briefing"] and _briefing(values["briefing"]),
            "choice": values["choice"] and _choice(values["choice"]),
            "evidence": tuple(map(_evidence, values["evidence"] or ())),
            "low_quota": values["low_quota"] and LowQuota(**values["low_quota"]),
            "refusal": refusal
            and Refusal(
                refusal["code"],
                refusal["sentence"],
                tuple(refusal["roles"]),
                tuple(refusal["holders"]),
            ),
            "failure": failure and Failure(failure["code"], failure["facts"]),
            "doubt": values["doubt"] and Failure(**values["doubt"]),
        }
    )


def row_to_watched(row: Row) -> Watched:
    """Give what a look needs to know, for which State is all that has to be known of a row."""
    values = {name: getattr(row, name) for name in Watched.__slots__}
    return Watched(**values | {"state": State(values["state"])})


def _briefing(said: dict[str, Any]) -> Briefing:
    traffic = said["traffic"] and Traffic(**said["traffic"])
    lists = {"titles": tuple(said["titles"]), "called": tuple(said["called"])}
    return Briefing(**said | lists | {"traffic": traffic})


def _choice(said: dict[str, Any]) -> Choice:
    return Choice(**said | {"at": datetime.fromisoformat(said["at"])})


def _from_evidence(each: Evidence) -> dict[str, Any]:
    return {
        "before": each.before.as_json(),
        "after": each.after and each.after.as_json(),
        "verdict": each.verdict and each.verdict.as_json(),
    }


def _evidence(said: dict[str, Any]) -> Evidence:
    after, verdict = said["after"], said["verdict"]
    return Evidence(
        Look.of_json(said["before"]),
        after and Look.of_json(after),
        verdict and Verdict.of_json(verdict),
    )


def ask_to_row(ask: Ask) -> dict[str, Any]:
    return asdict(ask) | {"kind": ask.kind.value}


@_as_known()
def row_to_ask(row: Row) -> Ask:
    """Give the ask.  Raises: FromNewer."""
    values = {field.name: getattr(row, field.name) for field in fields(Ask)}
    return Ask(**values | {"kind": AskKind(values["kind"])})


def post_to_row(post: Post) -> dict[str, Any]:
    row = {name: getattr(post, name) for name in Post.__slots__ if name not in {"id", "notice"}}
    return row | {
        "kind": post.kind.value,
        "route": post.route.value if post.route else None,
        "body": asdict(post.notice) if post.notice else None,
        "lane": lane_of_post(post),
    }


@_as_known()
def row_to_post(row: Row) -> Post:
    """Give the post.  Raises: FromNewer."""
    values = {name: getattr(row, name) for name in Post.__slots__ if name != "notice"}
    return Post(
        **values
        | {
            "kind": PostKind(values["kind"]),
            "route": Route(values["route"]) if values["route"] else None,
            "notice": row.body and Notice(row.body["code"], row.body["facts"]),
        }
    )


def link_to_row(linked: Link) -> dict[str, Any]:
    return {name: getattr(linked.entry, name) for name in AuditEntry.__slots__} | {
        "seq": linked.seq,
        "previous": linked.previous,
        "hash": linked.hash,
    }


def row_to_link(row: Row) -> Link:
    values = {name: getattr(row, name) for name in AuditEntry.__slots__}
    return Link(AuditEntry(**values), row.seq, row.previous, row.hash)

"""Values to rows and rows to values; nothing else knows how they are written down."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from bot.core.approval import Yes
from bot.core.ask import Ask, AskKind
from bot.core.audit import AuditEntry, Link
from bot.core.post import Notice, Post, PostKind, Route
from bot.core.purge import Failure, Purge, Refusal, State

Row = Any
"""A row of SQLAlchemy: its columns are attributes."""


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
        "refusal": asdict(purge.refusal) if purge.refusal else None,
        "failure": asdict(purge.failure) if purge.failure else None,
    }


def row_to_purge(row: Row) -> Purge:
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
            "refusal": refusal
            and Refusal(
                refusal["code"],
                refusal["sentence"],
                tuple(refusal["roles"]),
                tuple(refusal["holders"]),
            ),
            "failure": failure and Failure(failure["code"], failure["facts"]),
        }
    )


def ask_to_row(ask: Ask) -> dict[str, Any]:
    return asdict(ask) | {"kind": ask.kind.value}


def row_to_ask(row: Row) -> Ask:
    values = {field.name: getattr(row, field.name) for field in fields(Ask)}
    return Ask(**values | {"kind": AskKind(values["kind"])})


def post_to_row(post: Post) -> dict[str, Any]:
    row = {name: getattr(post, name) for name in Post.__slots__ if name not in {"id", "notice"}}
    return row | {
        "kind": post.kind.value,
        "route": post.route.value if post.route else None,
        "body": asdict(post.notice) if post.notice else None,
    }


def row_to_post(row: Row) -> Post:
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
    return asdict(linked.entry) | {
        "seq": linked.seq,
        "previous": linked.previous,
        "hash": linked.hash,
    }


def row_to_link(row: Row) -> Link:
    values = {name: getattr(row, name) for name in AuditEntry.__slots__}
    return Link(AuditEntry(**values), row.seq, row.previous, row.hash)

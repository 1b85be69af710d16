"""How a purge is written down: what earlier versions wrote is read, and they can read what we write."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bot.core.cdn.quota import LowQuota
from bot.core.command.answers import (
    Answer,
    HistoryAnswer,
    ListedPurge,
    PendingAnswer,
    QuotaAnswer,
    TagDoubt,
)
from bot.core.edge_check import Difference, EdgeFinding, EdgeSnapshot, Verdict, Why
from bot.core.message import Notice, Post, PostKind
from bot.core.policy.approvers import Briefing, Traffic
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Choice, Evidence, Failure, Purge, Refusal, State
from bot.store.schema.mapping import FromNewer, post_to_row, row_to_post
from tests.support.builders import a_purge
from tests.support.stored_purges import json_of, kept_purge, read_with

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
AT = "2026-03-04T12:00:00+00:00"
URL = "https://www.example.com/"
PLAIN = a_purge(force=False, tags=("hero", "bücher"), requested_at=NOON)
SEEN = EdgeSnapshot(URL, NOON, 200, "Mon", "v1", 7, "HIT")
FULL = a_purge(
    State.COMPLETE,
    requested_at=NOON,
    approvers=("U1",),
    approvals=(Approval("U1", NOON, ("sre",), "C0", ("W1",), "s"),),
    aliases=("W0",),
    unreachable=("U9:guest",),
    new_tags=("hero",),
    briefing=Briefing(("SRE",), 3, ("U1",), "C1", traffic=Traffic(1, 2, 3, 4, 5)),
    refusal=Refusal("a", "b", ("sre",), ("U1",), "P0"),
    failure=Failure("a", {"b": "c"}),
    doubt=Failure("a"),
    choice=Choice("again", "U0", NOON, "P2"),
    low_quota=LowQuota("url", 42, 1000),
    evidence=(
        Evidence(
            SEEN,
            EdgeSnapshot(URL, NOON, why=Why.TIMEOUT),
            Verdict(EdgeFinding.VERIFIED, "changed", (Difference("ETag", "v1", None),)),
        ),
        Evidence(SEEN),
    ),
)
_NOTHING = dict.fromkeys(("status", "last_modified", "etag", "age", "cache", "why"))
_SEEN = {"url": URL, "at": AT, "status": 200, "last_modified": "Mon", "etag": "v1"}
_SEEN |= {"age": 7, "cache": "HIT", "why": None}
_TRAFFIC = {"forced_hour": 1, "plain_hour": 2, "forced_day": 3, "plain_day": 4, "in_flight": 5}
WRITTEN: dict[str, Any] = {
    "tags": ["hero"],
    "approvers": ["U1"],
    "yeses": [
        {
            "user_id": "U1",
            "at": AT,
            "roles": ["sre"],
            "channel_id": "C0",
            "aliases": ["W1"],
            "signature": "s",
        }
    ],
    "aliases": ["W0"],
    "unreachable": ["U9:guest"],
    "new_tags": ["hero"],
    "briefing": {
        "titles": ["SRE"],
        "people": 3,
        "called": ["U1"],
        "channel_id": "C1",
        "peak": None,
        "traffic": _TRAFFIC,
    },
    "refusal": {
        "code": "a",
        "sentence": "b",
        "roles": ["sre"],
        "holders": ["U1"],
        "other": "P0",
    },
    "failure": {"code": "a", "facts": {"b": "c"}},
    "doubt": {"code": "a", "facts": {}},
    "choice": {"what": "again", "user_id": "U0", "at": AT, "purge_id": "P2"},
    "low_quota": {"name": "url", "remain": 42, "quota": 1000},
    "evidence": [
        {
            "before": _SEEN,
            "after": {"url": URL, "at": AT} | _NOTHING | {"why": "timeout"},
            "verdict": {
                "finding": "verified",
                "line": "changed",
                "differences": [{"header": "ETag", "before": "v1", "after": None}],
            },
        },
        {"before": _SEEN, "after": None, "verdict": None},
    ],
}
"""What every version wrote of FULL since there is one."""


def test_what_is_written_is_what_earlier_versions_can_read() -> None:
    written = {name: json.loads(text) for name, text in json_of(FULL).items()}
    assert written == WRITTEN


def test_of_what_there_is_none_nothing_is_written() -> None:
    written = {name: json.loads(text) for name, text in json_of(PLAIN).items()}
    assert written == {"tags": ["hero", "bücher"], "approvers": [], "yeses": []}


@pytest.mark.parametrize("purge", [PLAIN, FULL], ids=["plain", "full"])
def test_a_purge_is_the_same_after_it_was_kept(purge: Purge) -> None:
    again = kept_purge(purge)
    assert again == purge
    assert {each.name: type(getattr(again, each.name)) for each in fields(Purge)} == {
        each.name: type(getattr(purge, each.name)) for each in fields(Purge)
    }


def test_what_an_earlier_version_did_not_know_is_as_if_there_was_none() -> None:
    yes: dict[str, Any] = {"user_id": "U1", "at": AT, "roles": [], "channel_id": None}
    assert read_with(FULL, yeses=json.dumps([yes])).approvals == (Approval("U1", NOON),)


@pytest.mark.parametrize("path", sorted(WRITTEN.keys() - {"failure", "doubt"}))
def test_facts_of_a_newer_version_are_not_read_in_part(path: str) -> None:
    said = WRITTEN[path]
    more = [*said, {"mood": "new"}] if isinstance(said, list) else said | {"mood": "new"}
    with pytest.raises(FromNewer):
        read_with(FULL, **{path: json.dumps(more)})


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("yeses", [WRITTEN["yeses"][0] | {"mood": "new"}]),
        ("yeses", [{"user_id": "U1"}]),
        ("briefing", WRITTEN["briefing"] | {"traffic": _TRAFFIC | {"mood": 1}}),
        ("evidence", [WRITTEN["evidence"][1] | {"after": _SEEN | {"why": "a new one"}}]),
        ("failure", WRITTEN["failure"] | {"mood": "new"}),
    ],
    ids=["a field more", "a field less", "a field within", "a value", "a failure"],
)
def test_nor_are_they_deep_within(column: str, said: object) -> None:
    with pytest.raises(FromNewer):
        read_with(FULL, **{column: json.dumps(said)})


POST = Post(PostKind.EPHEMERAL, "C1", "U1", "", NOON)
LISTED = ListedPurge("P1", 1772625600, "www.example.com", ("hero",), 2, True, "U1", "waiting")
ANSWERS = [
    HistoryAnswer("U1", "history", True, ("*",), False, (LISTED,), NOON, "newer", None),
    PendingAnswer((LISTED, LISTED), 3, ()),
    QuotaAnswer(NOON, 1, 2, {"url_quota": 5}, "cdn-unreachable", {"why": "no route"}),
    TagDoubt("www.example.com", True, (("heroo", "hero"),), 1, "t1 0", None),
]


def kept_notice(notice: Notice, **more: object) -> Notice | None:
    row = post_to_row(replace(POST, notice=notice))
    body = json.loads(json.dumps(row["body"])) | more
    return row_to_post(SimpleNamespace(**row | {"id": 1, "body": body})).notice


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_an_answer_is_read_as_it_was_written(answer: Answer) -> None:
    assert kept_notice(Notice("x", answer=answer)) == Notice("x", answer=answer)


def test_a_sentence_is_written_as_earlier_versions_read_it() -> None:
    notice = Notice("not-allowed", {"role": "sre"})
    body = {"code": "not-allowed", "facts": {"role": "sre"}}
    assert post_to_row(replace(POST, notice=notice))["body"] == body
    assert kept_notice(notice) == notice


def test_an_answer_of_a_newer_version_is_not_read_in_part() -> None:
    answer = {"purges": [], "more": 0, "sees": [], "mood": "new"}
    with pytest.raises(FromNewer):
        kept_notice(Notice("x"), answer=answer)

"""What a signature binds, and which keys count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.interaction import InteractionKind
from bot.core.purge.signatures import ApprovalKeys
from tests.support.builders import NOW, a_purge, an_approval, an_interaction

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = ApprovalKeys((OLD,))

CHANGES: list[dict[str, Any]] = [
    {"id": "P2"},
    {"team_id": "T0OTHER"},
    {"user_id": "U0EVE"},
    {"domain": "shop.example.com"},
    {"tags": ("hero", "checkout")},
    {"tags": ("hero,checkout",)},
    {"force": False},
]
ids = [str(change) for change in CHANGES]


@pytest.mark.parametrize("change", CHANGES, ids=ids)
def test_an_approval_counts_for_exactly_what_was_approved(change: dict[str, Any]) -> None:
    purge = a_purge()
    given = an_approval("U0SAM")
    signed = replace(given, signature=KEYS.sign_approval(purge, given))
    assert KEYS.verify_approval(purge, signed)
    assert not KEYS.verify_approval(replace(purge, **change), signed)


@pytest.mark.parametrize(
    "change",
    [{"user_id": "U0KIM"}, {"at": NOW + timedelta(seconds=1)}, {"channel_id": "C0OPS"}],
    ids=str,
)
def test_an_approval_is_of_one_person_at_one_moment_in_one_place(change: dict[str, Any]) -> None:
    purge, given = a_purge(), an_approval("U0SAM")
    signed = replace(given, signature=KEYS.sign_approval(purge, given))
    assert not KEYS.verify_approval(purge, replace(signed, **change))


@pytest.mark.parametrize(
    "change", [*CHANGES, {"break_glass": True}, {"channel_id": "C0OPS"}], ids=str
)
def test_a_request_is_what_was_asked_for(change: dict[str, Any]) -> None:
    signed = replace(a_purge(), signature=KEYS.sign_request(a_purge()))
    assert KEYS.verify_request(signed)
    assert not KEYS.verify_request(replace(signed, **change))


def test_a_request_is_no_approval() -> None:
    purge, given = a_purge(), an_approval("U0SAM")
    assert not KEYS.verify_approval(purge, replace(given, signature=KEYS.sign_request(purge)))


@pytest.mark.parametrize(
    "change",
    [
        {"trigger_id": "2"},
        {"kind": InteractionKind.CANCEL},
        {"team_id": "T0OTHER"},
        {"user_team_id": "T0OTHER"},
        {"user_id": "U0KIM"},
        {"channel_id": "C0OPS"},
        {"at": NOW + timedelta(seconds=1)},
        {"purge_id": "P2"},
        {"text": "x"},
    ],
    ids=str,
)
def test_a_press_is_of_one_person_on_one_request_once(change: dict[str, Any]) -> None:
    ask = an_interaction(InteractionKind.APPROVE, "U0SAM")
    signed = replace(ask, signature=KEYS.sign_press(ask))
    assert KEYS.verify_press(signed)
    assert not KEYS.verify_press(replace(signed, **change))
    assert not KEYS.verify_press(replace(signed, signature=None))
    assert ApprovalKeys().verify_press(ask)


@pytest.mark.parametrize("signature", [None, "", "0" * 64, "ü"])
def test_what_is_not_signed_does_not_count(signature: str | None) -> None:
    assert not KEYS.verify_request(a_purge(signature=signature))
    assert not KEYS.verify_approval(a_purge(), an_approval("U0SAM", signature=signature))


def test_without_a_key_nothing_is_signed_and_all_counts() -> None:
    none = ApprovalKeys()
    assert none.sign_request(a_purge()) is None
    assert none.sign_approval(a_purge(), an_approval("U0SAM")) is None
    assert none.verify_request(a_purge())
    assert none.verify_approval(a_purge(), an_approval("U0SAM"))


def test_of_two_keys_the_first_signs_and_both_count() -> None:
    both = ApprovalKeys((NEW, OLD))
    old, new = (replace(a_purge(), signature=k.sign_request(a_purge())) for k in (KEYS, both))
    assert both.verify_request(old)
    assert both.verify_request(new)
    assert ApprovalKeys((NEW,)).verify_request(new)
    assert not ApprovalKeys((NEW,)).verify_request(old)
    assert not KEYS.verify_request(new)


def test_no_key_is_ever_shown() -> None:
    assert "oooo" not in repr(KEYS)

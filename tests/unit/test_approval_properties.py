"""However a tag is spelt, it needs no fewer approvals, and is exempt only as the policy writes it."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from bot.core.policy.decision import Actor, Membership, decide
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import ApprovalRequirements, needs_of

WWW = "www.example.com"
SAM = Actor("T0TOWN", "U0SAM", Membership.MEMBER, frozenset())
PATTERNS = ["price-*", "Price-1", "*-thumb", "hero", "ｈero", "h%65ro", "中*", "*"]

patterns = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2, unique=True)
named = st.sampled_from(["price-1", "hero", "a-thumb", "中国", "straße"])
tags = named | named | named | st.text(max_size=12)
actions = st.sampled_from([Action.PURGE, Action.FORCE])
approvals = st.lists(
    st.fixed_dictionaries(
        {
            "actions": st.lists(actions, min_size=1, unique=True),
            "tags": patterns,
            "required": st.booleans(),
            "count": st.integers(1, 3),
        },
        optional={"roles": st.just(["sre"]), "break_glass": st.just(["sre"])},
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def variants(draw: st.DrawFn, tag: str) -> str:
    """Spell the tag otherwise, so that somebody may take it for the same or for more."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(tag) - 1, 0)))
        before, letter, after = tag[:place], tag[place : place + 1], tag[place + 1 :]
        tag = draw(
            st.sampled_from(
                [
                    f"{before}{letter.upper() if len(letter.upper()) == 1 else letter}{after}",
                    f"{before}{full_width(letter)}{after}",
                    f"{before}{encoded(letter)}{after}",
                    f"{before}{encoded('%' + encoded(letter)[1:])}{after}" if letter else tag,
                    f"{before}\u200b{letter}{after}",
                    f"{before}%E2%80%8B{letter}{after}",
                    f"{before}*{after}",
                    f"{before}{letter}＊{after}",
                    f"{before}%2a{after}",
                ]
            )
        )
    return tag


def full_width(letter: str) -> str:
    return chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter


def encoded(letter: str) -> str:
    if letter.isascii():
        return "".join(f"%{ord(c):02X}" for c in letter)
    return quote(letter, safe="", errors="replace")


both = tags.flatmap(lambda tag: st.tuples(st.just(tag), variants(tag)))


def policy(written: list[dict[str, object]], denied: list[str] | None = None) -> Policy:
    rule = {"roles": ["*"], "domains": ["*"]}
    return Policy.model_validate(
        {
            "version": 1,
            "roles": {"sre": {"title": "SRE", "users": ["U0SAM"]}},
            "rules": [
                {**rule, "rule": "All may", "allow": ["force"]},
                {**rule, "rule": "Not these", "deny": ["force"], "tags": denied or ["nothing"]},
            ],
            "approvals": [
                {"approval": f"Approval {n}", "domains": [WWW], **each}
                for n, each in enumerate(written)
            ],
        }
    )


def needs(written: list[dict[str, object]], action: Action, tag: str) -> ApprovalRequirements:
    return needs_of(policy(written), action, WWW, (tag,))


@given(approvals, actions, both)
def test_a_tag_spelt_otherwise_needs_no_fewer_approvals(
    written: list[dict[str, object]], action: Action, pair: tuple[str, str]
) -> None:
    required = [{**each, "required": True} for each in written]
    plain, variant = (needs(required, action, tag) for tag in pair)
    # Where none asks for the plain tag, what asks for the variant may ask somebody else.
    written_down = [quorum for quorum in plain.quorums if quorum.roles or quorum.count > 1]
    assert set(written_down) <= set(variant.quorums)
    assert variant.progress(())[1] >= plain.progress(())[1]
    assert variant.expires_after <= plain.expires_after


@given(approvals, both)
def test_nothing_is_exempt_but_what_a_pattern_fits_as_it_is_written(
    written: list[dict[str, object]], pair: tuple[str, str]
) -> None:
    for tag in pair:
        asked = needs(written, Action.FORCE, tag)
        if not asked.quorums:
            exempting = [p for each in written if not each["required"] for p in patterns_of(each)]
            assert any(plainly_fits(pattern, tag) for pattern in exempting)
            assert "*" not in tag
        if asked.may_break_glass(("sre",)) and asked.quorums:
            breaking = [p for each in written if "break_glass" in each for p in patterns_of(each)]
            assert any(plainly_fits(pattern, tag) for pattern in breaking)
            assert "*" not in tag


@given(patterns, both)
def test_a_tag_that_is_forbidden_is_forbidden_however_it_is_spelt(
    denied: list[str], pair: tuple[str, str]
) -> None:
    rules = policy([], denied)
    tag, variant = pair
    if not decide(rules, SAM, Action.FORCE, WWW, tag).allowed:
        assert not decide(rules, SAM, Action.FORCE, WWW, variant).allowed


def patterns_of(approval: dict[str, object]) -> list[str]:
    listed = approval["tags"]
    assert isinstance(listed, list)
    return listed


def plainly_fits(pattern: str, tag: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return tag == pattern
    return len(tag) >= len(before) + len(after) and tag.startswith(before) and tag.endswith(after)

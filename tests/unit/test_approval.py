"""How many yeses count, by whom, and who need not wait for them: each rule with its mirror."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import DEFAULT_EXPIRY, Approval, ApprovalRequirements, Quorum, needs_of

PURGE, FORCE = Action.PURGE, Action.FORCE
WWW, IMAGES = "www.example.com", "img.example.com"
ONE_BY_ANYBODY = Quorum()
TWO = Quorum(count=2)


def yes(*roles: str, by: str = "U0SAM") -> Approval:
    return Approval(by, datetime(2026, 12, 1, tzinfo=UTC), roles)


def policy(*approvals: Mapping[str, object]) -> Policy:
    """A policy of the roles sre, lead and duty, with these approvals for WWW."""
    return Policy.model_validate(
        {
            "version": 1,
            "roles": {
                name: {"title": name.title(), "users": [f"U0{name.upper()}"]}
                for name in ("sre", "lead", "duty")
            },
            "rules": [{"rule": "All", "roles": ["*"], "allow": ["purge"], "domains": ["*"]}],
            "approvals": [
                {"approval": f"Approval {number}", "domains": [WWW], **approval}
                for number, approval in enumerate(approvals)
            ],
        }
    )


def needs(
    *approvals: Mapping[str, object],
    tags: tuple[str, ...] = ("hero",),
    action: Action = FORCE,
    domain: str = WWW,
) -> ApprovalRequirements:
    return needs_of(policy(*approvals), action, domain, tags)


# Which yeses count

SRE, LEAD, BOTH, NEITHER = ("sre",), ("lead",), ("sre", "lead"), ("duty",)


@pytest.mark.parametrize(
    ("quorum", "given", "counted"),
    [
        pytest.param(Quorum(), [], 0, id="none"),
        pytest.param(Quorum(), [()], 1, id="anybody who may approve"),
        pytest.param(TWO, [()], 1, id="one of two"),
        pytest.param(TWO, [(), ()], 2, id="two"),
        pytest.param(TWO, [(), (), ()], 2, id="no more than it takes"),
        pytest.param(Quorum(SRE), [NEITHER], 0, id="of another role"),
        pytest.param(Quorum(SRE), [NEITHER, BOTH], 1, id="of the role among others"),
        pytest.param(Quorum(("*",)), [()], 1, id="a star is everybody"),
        pytest.param(Quorum(SRE, count=2), [SRE, SRE], 2, id="two of SRE where two are asked"),
        pytest.param(Quorum(SRE, count=2), [SRE, LEAD], 1, id="a lead is not of SRE"),
        pytest.param(Quorum(BOTH, count=2), [SRE, SRE], 2, id="two of either role"),
        pytest.param(Quorum(BOTH, one_of_each=True), [SRE, SRE], 1, id="two of SRE are one"),
        pytest.param(Quorum(BOTH, one_of_each=True), [SRE, LEAD], 2, id="one of each"),
        pytest.param(Quorum(BOTH, one_of_each=True), [LEAD, SRE], 2, id="in any order"),
        pytest.param(Quorum(BOTH, one_of_each=True), [BOTH], 1, id="nobody stands for two"),
        pytest.param(Quorum(BOTH, one_of_each=True), [BOTH, BOTH], 2, id="two of both"),
        pytest.param(
            Quorum(BOTH, one_of_each=True), [BOTH, SRE], 2, id="who is both makes room for SRE"
        ),
        pytest.param(
            Quorum(BOTH, one_of_each=True), [BOTH, LEAD], 2, id="who is both makes room for a lead"
        ),
        pytest.param(Quorum(BOTH, one_of_each=True), [BOTH, NEITHER], 1, id="and for no other"),
        pytest.param(
            Quorum(("sre", "lead", "duty"), one_of_each=True),
            [("sre", "lead"), ("lead", "duty"), ("sre",)],
            3,
            id="three make room for each other",
        ),
        pytest.param(
            Quorum(("sre", "lead", "duty"), one_of_each=True),
            [("sre", "lead"), ("sre", "lead"), ("sre", "lead")],
            2,
            id="three of two roles are two of three",
        ),
    ],
)
def test_a_yes_counts_for_whom_it_was_asked_of_and_once(
    quorum: Quorum, given: list[tuple[str, ...]], counted: int
) -> None:
    approvals = [yes(*roles, by=f"U0{place}") for place, roles in enumerate(given)]
    assert quorum.satisfied_by(approvals) == counted


@pytest.mark.parametrize(
    ("quorum", "total", "sentence"),
    [
        (Quorum(), 1, "one approval"),
        (TWO, 2, "2 approvals"),
        (Quorum(("*",), count=2), 2, "2 approvals"),
        (Quorum(SRE), 1, "1 of sre"),
        (Quorum(BOTH, count=3), 3, "3 of sre or lead"),
        (Quorum(BOTH, one_of_each=True), 2, "one approval each of sre and lead"),
    ],
)
def test_a_demand_says_how_many_it_takes_and_of_whom(
    quorum: Quorum, total: int, sentence: str
) -> None:
    assert (quorum.total, quorum.sentence) == (total, sentence)


def test_several_demands_must_all_be_met_and_each_counts_for_itself() -> None:
    both = needs({"roles": ["sre"]}, {"count": 2})
    assert both.sentence == "1 of sre, and 2 approvals"
    assert both.progress([]) == (0, 3)
    assert both.progress([yes("lead"), yes("duty")]) == (2, 3)
    assert not both.satisfied_by([yes("lead"), yes("duty")])
    assert not both.satisfied_by([yes("sre")])
    assert both.satisfied_by([yes("lead"), yes("sre")])


def test_who_is_asked_for_none_of_the_demands_does_not_count() -> None:
    asked = needs({"roles": ["sre"]}, {"roles": ["lead"]})
    assert asked.accepts(yes("lead", "duty"))
    assert not asked.accepts(yes("duty"))
    assert ApprovalRequirements(()).accepts(yes("duty"))


# What is demanded

PRICES = {"tags": ["price-*"], "count": 2}
THUMBNAILS = {"tags": ["thumb-*"], "required": False}


@pytest.mark.parametrize(
    ("approvals", "tags", "quorums"),
    [
        pytest.param([], ["hero"], [ONE_BY_ANYBODY], id="no approval"),
        pytest.param([PRICES], ["hero"], [ONE_BY_ANYBODY], id="for another tag"),
        pytest.param([PRICES], ["price-1"], [TWO], id="for this tag"),
        pytest.param([PRICES], ["PRICE-1"], [TWO], id="in another case"),
        pytest.param([PRICES], ["%70rice-1"], [TWO], id="encoded"),
        pytest.param([PRICES], ["*"], [TWO], id="a star"),
        pytest.param([PRICES], ["hero*"], [TWO], id="a star behind another tag"),
        pytest.param([PRICES], ["hero", "price-1"], [ONE_BY_ANYBODY, TWO], id="two tags"),
        pytest.param([PRICES], ["price-1", "price-2"], [TWO], id="two tags of one demand"),
        pytest.param([THUMBNAILS], ["thumb-1"], [], id="exempt"),
        pytest.param([THUMBNAILS], ["thumb-1", "thumb-2"], [], id="both exempt"),
        pytest.param([THUMBNAILS], ["thumb-1", "hero"], [ONE_BY_ANYBODY], id="one of them not"),
        pytest.param([THUMBNAILS], ["THUMB-1"], [ONE_BY_ANYBODY], id="not in another case"),
        pytest.param([THUMBNAILS], ["thumb-*"], [ONE_BY_ANYBODY], id="no star is exempt"),
        pytest.param([{"required": False}], ["hero"], [], id="all tags exempt"),
        pytest.param([{"required": False}], ["*"], [ONE_BY_ANYBODY], id="but no star"),
        pytest.param([{"required": False}, PRICES], ["hero"], [], id="beside a demand"),
        pytest.param([{"required": False}, PRICES], ["price-1"], [TWO], id="a demand wins"),
        pytest.param([PRICES, {"required": False}], ["price-1"], [TWO], id="in any order"),
        pytest.param([{"required": False}, PRICES], ["PRICE-1"], [TWO], id="and in any case"),
        pytest.param([{"required": False}, PRICES], ["*"], [TWO], id="also for a star"),
        pytest.param(
            [PRICES, {"roles": ["sre"]}], ["price-1"], [TWO, Quorum(SRE)], id="two demands"
        ),
        pytest.param(
            [{"roles": ["sre", "lead"], "one_of_each": True}],
            ["hero"],
            [Quorum(BOTH, one_of_each=True)],
            id="one of each",
        ),
        pytest.param(
            [{"roles": ["sre", "lead"], "count": 2}], ["hero"], [Quorum(BOTH, count=2)], id="two of"
        ),
    ],
)
def test_a_forced_purge_takes_what_the_approvals_demand(
    approvals: list[Mapping[str, object]], tags: list[str], quorums: list[Quorum]
) -> None:
    assert list(needs(*approvals, tags=tuple(tags)).quorums) == quorums


@pytest.mark.parametrize(
    ("actions", "tag", "quorums"),
    [
        (["force"], "price-1", []),
        (["purge", "force"], "price-1", [TWO]),
        (["purge"], "PRICE-1", [TWO]),
        (["purge"], "*", [TWO]),
        (["purge"], "hero", []),
    ],
)
def test_a_plain_purge_takes_nothing_but_what_is_demanded_of_it(
    actions: list[str], tag: str, quorums: list[Quorum]
) -> None:
    plain = needs({**PRICES, "actions": actions}, tags=(tag,), action=PURGE)
    assert list(plain.quorums) == quorums


def test_an_approval_is_about_its_domains_and_actions_only() -> None:
    assert needs({"count": 2}, domain=IMAGES).quorums == (ONE_BY_ANYBODY,)
    assert needs({"count": 2, "domains": ["*.example.com"]}, domain=IMAGES).quorums == (TWO,)
    assert needs({"required": False}, domain=IMAGES).quorums == (ONE_BY_ANYBODY,)
    assert needs({"required": False, "actions": ["purge"]}).quorums == (ONE_BY_ANYBODY,)


# How long, and who is called


def test_of_two_approvals_the_shorter_expiry_and_the_longer_undo_count() -> None:
    long, short = {"expires_after": "2h", "undo": "10s"}, {"expires_after": "5m", "undo": "3s"}
    for pair in ([long, short], [short, long]):
        both = needs(*pair)
        assert both.expires_after == timedelta(minutes=5)
        assert both.undo == timedelta(seconds=10)


def test_an_approval_for_another_tag_sets_no_time() -> None:
    hero = needs({**PRICES, "expires_after": "5m", "undo": "10s", "call": {"channel": "C0DUTY"}})
    assert (hero.expires_after, hero.undo, hero.call_channel) == (
        DEFAULT_EXPIRY,
        timedelta(0),
        None,
    )
    exempt = needs({"required": False, "undo": "10s", "expires_after": "5m"})
    assert (exempt.expires_after, exempt.undo) == (DEFAULT_EXPIRY, timedelta(0))


def test_all_groups_are_called_once_and_the_first_channel() -> None:
    called = needs(
        {"call": {"groups": ["S0ONE", "S0TWO"]}},
        {"call": {"groups": ["S0TWO", "S0SIX"], "channel": "C0DUTY"}},
        {"call": {"channel": "C0OPS"}},
        tags=("hero", "front"),
    )
    assert called.call_groups == ("S0ONE", "S0TWO", "S0SIX")
    assert called.call_channel == "C0DUTY"


# Who need not wait


@pytest.mark.parametrize(
    ("approvals", "tags", "roles", "breaks"),
    [
        pytest.param([{}], ["hero"], SRE, False, id="nobody is named"),
        pytest.param([], ["hero"], SRE, False, id="where none asks for it"),
        pytest.param([{"break_glass": ["sre"]}], ["hero"], SRE, True, id="who is named"),
        pytest.param([{"break_glass": ["sre"]}], ["hero"], LEAD, False, id="who is not"),
        pytest.param([{"break_glass": ["sre"]}], ["hero"], (), False, id="who holds no role"),
        pytest.param([{"break_glass": "*"}], ["hero"], (), True, id="every full member"),
        pytest.param([{"break_glass": "*"}, {}], ["hero"], SRE, False, id="but not for all"),
        pytest.param(
            [{"break_glass": ["sre"]}, {"count": 2, "break_glass": ["lead"]}],
            ["hero"],
            SRE,
            False,
            id="named by one of two",
        ),
        pytest.param(
            [{"break_glass": ["sre"]}, {"count": 2, "break_glass": ["lead"]}],
            ["hero"],
            BOTH,
            True,
            id="named by both",
        ),
        *(
            pytest.param([{**PRICES, "break_glass": ["sre"]}], tags, SRE, breaks, id=" ".join(tags))
            for tags, breaks in (
                (["price-1"], True),
                (["price-1", "price-2"], True),
                (["price-1", "hero"], False),
                (["*"], False),
                (["price-*"], False),
                (["price-1", "*"], False),
                (["price-%2A"], False),
                (["PRICE-1"], False),
                (["%70rice-1"], False),
            )
        ),
        pytest.param([{"break_glass": ["sre"]}], ["*"], SRE, False, id="no star without tags"),
        pytest.param([{"break_glass": "*"}], ["a*"], SRE, False, id="no star for everybody"),
    ],
)
def test_the_glass_is_broken_by_whom_every_demand_names_for_that_very_tag(
    approvals: list[Mapping[str, object]], tags: list[str], roles: tuple[str, ...], breaks: bool
) -> None:
    assert needs(*approvals, tags=tuple(tags)).may_break_glass(roles) is breaks


def test_named_as_breakers_are_only_those_who_can_break_it_alone() -> None:
    one, other = {"break_glass": ["sre", "duty"]}, {"count": 2, "break_glass": ["duty", "lead"]}
    assert needs(one, other).break_glass_roles == ("duty",)
    assert needs(one).break_glass_roles == ("sre", "duty")
    assert needs(one, tags=("*",)).break_glass_roles == ()

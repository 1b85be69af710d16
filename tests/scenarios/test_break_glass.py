"""Break-glass: those whom the policy names need not wait, and nobody overlooks that they did not."""

from __future__ import annotations

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, cards, notes, only_card, whispers, words
from tests.support.policies import WithPolicy

BREAKS = '--force --break-glass --reason "wrong prices"'
PRICES = """
  - approval: Prices of the site take one approval, even plainly
    actions: [purge, force]
    domains: [www.example.com]
    tags: [prices]
    break_glass: [editors]
  - approval: Nothing else of the site is forced alone
    domains: [www.example.com]
    tags: [hero]
"""


def breaks(place: Town, command: str, person: str = "U0SAM", channel: str = "C0WEB") -> None:
    Person(place, person, channel).types(f"/purge {command}")
    place.waits(seconds=1)


def test_it_runs_at_once_and_the_card_says_so(place: Town) -> None:
    breaks(place, f"shop.example.com prices {BREAKS}")
    (sent,) = place.purges_sent()
    assert sent["params"]["Force"] == "true"
    card = only_card(place, "U0SAM")
    assert "Break-glass" in words(card)
    assert "wrong prices" in words(card)
    assert sent["task_id"] in words(card)
    assert buttons(card) == []


def test_those_who_could_have_decided_are_told_loudly_where_they_are_called(place: Town) -> None:
    breaks(place, f"shop.example.com prices {BREAKS}")
    card = only_card(place, "U0SAM", "C0OPS")
    assert "Break-glass" in words(card)
    told = notes(place, "U0SAM", "C0OPS")[-1]
    assert "<!subteam^S0SRE>" in told
    assert "<@U0SAM> broke the glass" in told
    assert "wrong prices" in told


def test_without_a_channel_of_their_own_they_are_told_below_the_card(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(PRICES)
    breaks(place, f"www.example.com prices {BREAKS}", "U0ANA")
    assert "broke the glass" in notes(place)[0]
    assert "<!subteam^S0SRE>" in notes(place)[0]


def test_whom_the_policy_does_not_name_cannot_break_it_and_learns_who_can(place: Town) -> None:
    breaks(place, f"www.example.com hero {BREAKS}", "U0ANA")
    assert place.purges_sent() == []
    assert "does not let you skip the approval" in whispers(place)[-1]
    assert "Ask for it without --break-glass" in whispers(place)[-1]


def test_who_may_break_it_still_needs_the_right_to_force(with_policy: WithPolicy) -> None:
    place = with_policy(PRICES.replace("[editors]", "[marketing]"))
    breaks(place, f"www.example.com prices {BREAKS}", "U0LEO")
    assert place.purges_sent() == []
    assert "No rule lets you force" in whispers(place, "U0LEO")[-1]


def test_of_two_approvals_both_must_name_them(with_policy: WithPolicy) -> None:
    place = with_policy(PRICES)
    breaks(place, f"www.example.com prices,hero {BREAKS}", "U0ANA")
    assert place.purges_sent() == []
    assert "does not let you skip" in whispers(place)[-1]


def test_a_plain_purge_that_would_wait_can_break_it_too(with_policy: WithPolicy) -> None:
    place = with_policy(PRICES)
    breaks(place, 'www.example.com prices --break-glass --reason "wrong prices"', "U0ANA")
    assert [sent["params"]["Force"] for sent in place.purges_sent()] == ["false"]
    assert "Break-glass" in words(only_card(place))


def test_where_nobody_is_asked_there_is_no_glass_to_break(with_policy: WithPolicy) -> None:
    place = with_policy(
        "  - {approval: Images may be forced, domains: [img.example.com], required: no}"
    )
    breaks(place, f"img.example.com hero {BREAKS}", "U0ANA")
    assert len(place.purges_sent()) == 1
    assert "Break-glass" not in words(only_card(place))
    assert notes(place) == []


def test_it_takes_a_reason(place: Town) -> None:
    breaks(place, "shop.example.com prices --force --break-glass")
    assert place.purges_sent() == []
    assert cards(place) == []
    assert "takes a reason" in whispers(place, "U0SAM")[-1]


def test_without_the_option_they_wait_like_everybody(place: Town, kim: Person) -> None:
    breaks(place, 'shop.example.com prices --force --reason "wrong prices"')
    assert place.purges_sent() == []
    kim.approves(only_card(place))
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1


def test_the_audit_trail_marks_it(place: Town) -> None:
    breaks(place, f"shop.example.com prices {BREAKS}")
    assert place.bot is not None
    purge_id = only_card(place)["metadata"]["event_payload"]["purge_id"]
    trail = [each.entry for each in place.bot.store.audit.chain(purge_id)]
    assert [entry.event for entry in trail] == ["request", "break-glass", "send", "accept"]
    assert trail[1].detail["break_glass"] == "true"
    assert trail[1].detail["reason"] == "wrong prices"

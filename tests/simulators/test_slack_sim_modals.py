"""Modals and Home: opened by the app, filled in by people, changed by what the app answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.slack_sim import BUTTONS, INPUT, Json, Slack, modal, refusal, running_slack

answers: list[Json] = []  # what the app acks submissions with, next one first


def acked(envelope: Json) -> Json | None:
    is_submission = envelope["payload"].get("type") == "view_submission"
    return answers.pop(0) if answers and is_submission else None


@pytest.fixture(scope="module")
def running() -> Iterator[Slack]:
    with running_slack() as slack, slack.app(acked):
        yield slack


@pytest.fixture
def slack(running: Slack) -> Slack:
    answers.clear()
    return running.as_new()


def open_modal(slack: Slack, view: Json | None = None, method: str = "views.open") -> Json:
    trigger = slack.say("U0ANA", "/purge a b")["trigger_id"]
    body = {"trigger_id": trigger, "view": view or modal(callback_id="ask")}
    opened: Json = slack.bot.api_call(method, json=body)["view"]
    return opened


def submit(slack: Slack, view: Json, value: Any = "because") -> Json:
    place = {"as": "U0ANA", "view_id": view["id"]}
    return slack.post("submit", **place, values={"why": {"reason": value}})


def open_views(slack: Slack) -> list[Json]:
    found: list[Json] = slack.state("U0ANA")["views"]
    return found


def last(slack: Slack) -> Json:
    payload: Json = slack.get("deliveries")["deliveries"][-1]["payload"]
    return payload


def test_a_submission_tells_what_was_entered_and_closes_the_modal(slack: Slack) -> None:
    view = open_modal(slack, modal(callback_id="ask", private_metadata="p1"))
    assert submit(slack, view)["outcome"] == "acked"
    payload = last(slack)
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", "U0ANA")
    shown = payload["view"]
    assert (shown["id"], shown["callback_id"]) == (view["id"], "ask")
    assert (shown["private_metadata"], shown["root_view_id"]) == ("p1", view["id"])
    value = {"type": "plain_text_input", "value": "because"}
    assert shown["state"]["values"] == {"why": {"reason": value}}
    assert open_views(slack) == []


def test_a_modal_is_not_sent_before_it_is_complete(slack: Slack) -> None:
    view = open_modal(slack)
    body = {"as": "U0ANA", "view_id": view["id"], "values": {}}
    assert "why" in slack.control("POST", "submit", body).json()["error"]
    assert last(slack)["command"] == "/purge"
    optional = open_modal(slack, modal({**INPUT, "optional": True}))
    assert submit(slack, optional, value="")["outcome"] == "acked"
    assert last(slack)["view"]["state"]["values"]["why"]["reason"]["value"] is None


@pytest.mark.parametrize(
    ("element", "given", "entry"),
    [
        ("static_select", "2", ("selected_option", "2")),
        ("multi_static_select", ["1", "2"], ("selected_options", ["1", "2"])),
        ("radio_buttons", {"selected_option": "1"}, ("selected_option", "1")),
        ("checkboxes", ["2"], ("selected_options", ["2"])),
        ("users_select", "U0SAM", ("selected_user", "U0SAM")),
        ("datepicker", "2026-03-04", ("selected_date", "2026-03-04")),
    ],
)
def test_each_kind_of_input_has_its_own_key(
    slack: Slack, element: str, given: Any, entry: tuple[str, Any]
) -> None:
    options = {n: {"text": {"type": "plain_text", "text": n}, "value": n} for n in "12"}
    more = {} if element in {"users_select", "datepicker"} else {"options": list(options.values())}
    shown = {"type": element, "action_id": "reason", **more}
    submit(slack, open_modal(slack, modal({**INPUT, "element": shown})), given)
    key, value = entry
    if more:
        value = [options[n] for n in value] if isinstance(value, list) else options[value]
    state = last(slack)["view"]["state"]["values"]["why"]["reason"]
    assert state == {"type": element, key: value}


# What the ack of a submission does


def test_errors_keep_the_modal_open_and_stand_at_their_block(slack: Slack) -> None:
    answers.append({"response_action": "errors", "errors": {"why": "Too short"}})
    view = open_modal(slack)
    assert submit(slack, view)["shown"] is None
    assert open_views(slack)[0]["errors"] == {"why": "Too short"}
    submit(slack, view)
    assert open_views(slack) == []


def test_an_update_takes_the_modals_place(slack: Slack) -> None:
    new = modal(callback_id="new")
    answers.append({"response_action": "update", "view": new})
    view = open_modal(slack)
    submit(slack, view)
    (shown,) = open_views(slack)
    assert (shown["id"], shown["callback_id"]) == (view["id"], "new")
    assert shown["hash"] != view["hash"]


def test_a_push_lies_on_top_until_it_is_sent_or_closed(slack: Slack) -> None:
    answers.append({"response_action": "push", "view": modal(callback_id="top")})
    view = open_modal(slack)
    submit(slack, view)
    bottom, top = open_views(slack)
    assert (top["callback_id"], top["previous_view_id"]) == ("top", bottom["id"])
    slack.post("close", **{"as": "U0ANA", "view_id": top["id"]})
    assert [shown["id"] for shown in open_views(slack)] == [view["id"]]


def test_clear_closes_all(slack: Slack) -> None:
    answers.extend(
        [{"response_action": "push", "view": modal()}, {"response_action": "clear"}],
    )
    submit(slack, open_modal(slack))
    submit(slack, open_views(slack)[1])
    assert open_views(slack) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors"},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "explode"},
    ],
    ids=["unknown block", "no errors", "bad view", "unknown action"],
)
def test_an_answer_that_makes_no_sense_is_trouble_to_the_user(slack: Slack, answer: Json) -> None:
    answers.append(answer)
    view = open_modal(slack)
    assert submit(slack, view)["shown"] == "We had some trouble connecting. Try again?"
    assert [shown["id"] for shown in open_views(slack)] == [view["id"]]


def test_without_an_app_the_modal_stays_and_says_so(slack: Slack) -> None:
    with running_slack() as lonely:
        trigger = lonely.say("U0ANA", "/purge a b")["trigger_id"]
        view = lonely.bot.views_open(trigger_id=trigger, view=modal())["view"]
        sent = submit(lonely, view)
        assert sent["outcome"] == "dispatch_failed"
        assert sent["shown"] == "We had some trouble connecting. Try again?"
        assert len(open_views(lonely)) == 1


# views.*


def test_a_modal_is_updated_by_whoever_knows_its_present_hash(slack: Slack) -> None:
    view = open_modal(slack, modal(external_id="mine"))
    place = {"view_id": view["id"], "view": modal(callback_id="new")}
    answer = refusal(slack, "views.update", **place, hash="old")
    assert answer["error"] == "hash_conflict"
    assert slack.bot.views_update(**place, hash=view["hash"])["view"]["callback_id"] == "new"
    assert refusal(slack, "views.update", view_id="V0", view=modal())["error"] == "not_found"


def test_an_external_id_names_one_modal(slack: Slack) -> None:
    open_modal(slack, modal(external_id="mine"))
    other = slack.press("U0SAM", _asked(slack))["trigger_id"]
    answer = refusal(slack, "views.open", trigger_id=other, view=modal(external_id="mine"))
    assert answer["error"] == "duplicate_external_id"
    assert slack.bot.views_update(external_id="mine", view=modal())["ok"]


def test_three_modals_lie_on_each_other_at_most(slack: Slack) -> None:
    open_modal(slack)
    open_modal(slack, method="views.push")
    top = open_modal(slack, method="views.push")
    trigger = slack.say("U0ANA", "/purge a b")["trigger_id"]
    answer = refusal(slack, "views.push", trigger_id=trigger, view=modal())
    assert answer["error"] == "push_limit_reached"
    assert [shown["id"] for shown in open_views(slack)][2] == top["id"]
    assert len({shown["root_view_id"] for shown in open_views(slack)}) == 1


def test_opening_a_modal_closes_the_one_that_was_open(slack: Slack) -> None:
    open_modal(slack)
    view = open_modal(slack)
    assert [shown["id"] for shown in open_views(slack)] == [view["id"]]


def test_bad_views_are_refused_with_reasons_and_big_ones_by_name(slack: Slack) -> None:
    def refused(view: Json) -> Any:
        trigger = slack.say("U0ANA", "/purge a b")["trigger_id"]
        return refusal(slack, "views.open", trigger_id=trigger, view=view)

    answer = refused(modal({"type": "banner"}))
    assert answer["error"] == "invalid_arguments"
    assert "/view/blocks/0/type" in answer["response_metadata"]["messages"][0]
    text = {"type": "mrkdwn", "text": "x" * 3000}
    assert refused(modal(*[{"type": "section", "text": text}] * 90))["error"] == "view_too_large"
    assert open_views(slack) == []


def test_closing_is_told_only_to_an_app_that_asked(slack: Slack) -> None:
    for notify in (False, True):
        view = open_modal(slack, modal(notify_on_close=notify))
        slack.post("close", **{"as": "U0ANA", "view_id": view["id"]})
    kinds = [row["payload"].get("type") for row in slack.get("deliveries")["deliveries"]]
    assert kinds == [None, None, "view_closed"]
    assert last(slack)["is_cleared"] is False
    assert open_views(slack) == []


def test_home_is_each_persons_own_and_its_buttons_work(slack: Slack) -> None:
    home = {"type": "home", "blocks": BUTTONS}
    view = slack.bot.views_publish(user_id="U0ANA", view=home)["view"]
    assert slack.state("U0SAM")["home"] is None
    assert slack.state("U0ANA")["home"]["blocks"] == BUTTONS
    press = {"as": "U0ANA", "view_id": view["id"], "action_id": "ok"}
    assert slack.post("press", **press)["outcome"] == "acked"
    payload = last(slack)
    assert payload["container"] == {"type": "view", "view_id": view["id"]}
    assert slack.bot.views_publish(user_id="U0ANA", view=home)["view"]["id"] == view["id"]
    answer = refusal(slack, "views.publish", user_id="U0ANA", view=home, hash=view["hash"])
    assert answer["error"] == "hash_conflict"


def _asked(slack: Slack) -> Json:
    slack.bot.chat_postMessage(channel="C0WEB", text="?", blocks=BUTTONS)
    return slack.messages("U0SAM")[-1]

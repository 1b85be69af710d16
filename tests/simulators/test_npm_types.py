"""Our messages, and what the pretend Slack sends, before the types that Slack publishes.

tests/npm/slack.ts   the types of @slack/bolt, @slack/types and @slack/web-api, for JSON
tests/npm/wrong.ts   what the compiler must refuse
"""

from __future__ import annotations

from pathlib import Path

from bot.core.purge.purge import State
from bot.demo.town import Town, town
from bot.simulators.slack.web_api.api import METHODS
from handlers.blocks.buttons import APPROVE, CANCEL, DENY
from tests.simulators.npm_packages import Row, check_types, compiled, type_name
from tests.simulators.slack_sim import (
    BUTTON,
    BUTTONS,
    INPUT,
    Json,
    Slack,
    modal,
    refusal,
    running_slack,
)
from tests.support.messages import cards, words
from tests.support.waiting import until


def test_the_compiler_tells_wrong_from_right(npm: Path) -> None:
    assert compiled(npm, "wrong.ts") == []


# What the bot sends


def test_every_message_of_the_bot_is_made_of_what_slack_knows(npm: Path) -> None:
    with town() as place:
        ask_for_everything(place)
        calls = place.get("slack/calls")["calls"]
        people = place.get("slack/state", {"as": "U0ANA"})["people"]
        shown = [message for person in people for message in from_bot(place, person["id"])]
    sent = [call for call in calls if "blocks" in call["arguments"]]
    assert {call["method"] for call in sent} == {*KINDS_OF_POSTS, "response_url"}
    said = "\n".join(words(message) for message in [*shown, *(call["arguments"] for call in sent)])
    assert CARDS.keys() == set(State) - {State.REQUESTED}, "a request that is read has no card yet"
    assert [part for part in [*CARDS.values(), *OTHERS] if part not in said] == []
    rows: list[Row] = [("KnownBlock[]", message["blocks"]) for message in shown]
    for call in sent:
        is_api = call["method"] in KINDS_OF_POSTS
        kind = type_name(call["method"], "Arguments") if is_api else "bolt.RespondArguments"
        rows += [(kind, call["arguments"]), ("KnownBlock[]", call["arguments"]["blocks"])]
    check_types(npm, rows)


KINDS_OF_POSTS = {"chat.postMessage", "chat.postEphemeral", "chat.update"}
CARDS = {
    State.REFUSED: "refused",
    State.WAITING: "waits for approval",
    State.DENIED: "denied",
    State.EXPIRED: "expired",
    State.CANCELLED: "cancelled: nothing was purged",
    State.READY: "sending to the CDN",
    State.SENDING: "sending to the CDN",
    State.HELD: "held",
    State.OFFERED: "quota is used up",
    State.UNREPORTED: "reported no end",
    State.JOINED: "joined: another one covers it",
    State.QUEUED: "held: it goes out after one of the same",
    State.SUBMITTED: "sent: the CDN has taken it",
    State.RUNNING: "running",
    State.COMPLETE: "complete",
    State.FAILED: "failed",
    State.UNKNOWN: "outcome unknown",
}
OTHERS = [
    "Clear what the CDN has cached",
    "Did you mean",
    "may not decide",
    "still waits",
    "your own request",
]


def ask_for_everything(place: Town) -> None:
    """Bring out every card, whisper, help and error, by every way that leads to readers."""

    def says(person: str, text: str, channel: str = "C0WEB", wait_s: int = 40) -> None:
        place.says(person, f"/purge {text}", channel)
        place.waits(seconds=wait_s, settle=False)
        place.settle()

    forced = 'www.example.com hero --force --reason "new <logo>"'
    for person in ("U0ANA", "U0LEO", "U0GUS"):
        says(person, "help")
    for text in ("*.example.com a", "www.example.com a --froce", "shop.example.com a"):
        says("U0ANA", text)
    not_there = {"kind": "error", "code": "InvalidDomain.NotFound"}
    not_now = {"kind": "error", "code": "TooMany.Refresh"}
    for tag, fault in (
        ("a,tag:<!channel>", not_there),
        ("b", {"kind": "lose_answer"}),
        ("c", not_now),
    ):
        place.breaks(action="RefreshObjectCacheByCacheTag", **fault)
        says("U0ANA", f"www.example.com {tag}")
    says("U0SAM", "www.example.com c", wait_s=0)
    place.waits(seconds=10)
    place.waits(seconds=3)
    place.waits(minutes=2)
    tries = ["U0ANA", "U0LEO", "U0EVE", "U0SAM"]
    for action, people in ((APPROVE, tries), (DENY, tries), (CANCEL, ["U0SAM", "U0ANA"]), ("", [])):
        says("U0ANA", forced)
        card = cards(place)[-1]
        for person in people:
            place.presses(person, action, card)
            place.settle()
            place.sends_form(person, "no")
            place.settle()
        for _ in range(2):
            place.waits(minutes=16)
    # Where the bot is no member it answers through the response URL, which lives half an hour.
    says("U0ANA", forced, "C0LAUNCH")
    place.denies("U0SAM", cards(place, "U0SAM", "C0LAUNCH")[-1], "no", "C0LAUNCH")
    place.settle()
    says("U0ANA", "www.example.com a", "C0LAUNCH", wait_s=1900)
    says("U0LEO", "shop.example.com a", wait_s=1900)
    says("U0ANA", "www.example.com moving", wait_s=0)
    place.waits(seconds=6)
    says("U0SAM", "www.example.com moving", wait_s=0)
    for _ in range(3):
        place.waits(seconds=6)
    place.post("cdn/settings", {"knows_tag_tasks": False})
    says("U0ANA", "www.example.com never-told")
    place.waits(days=4)
    # Only a CDN that is slower than a card's post lets people see that a purge is on its way.
    assert place.bot is not None
    place.breaks(kind="slow_answer", seconds=2, action="RefreshObjectCacheByCacheTag")
    place.says("U0ANA", "/purge www.example.com slow")
    place.bot.worker.start()
    until(place, lambda: "sending to the CDN" in words(cards(place)[-1]))
    place.breaks(kind="error", code="QuotaExceeded.Refresh", action="RefreshObjectCacheByCacheTag")
    place.says("U0ANA", "/purge www.example.com one-too-many")
    until(place, lambda: "quota is used up" in words(cards(place)[-1]))


def from_bot(place: Town, person: str) -> list[Json]:
    messages = place.get("slack/state", {"as": person})["messages"]
    return [seen for place in messages.values() for seen in place if seen["user"] == "U0BOT"]


# What the simulator sends


def test_everything_the_simulator_sends_has_the_shape_that_slack_publishes(npm: Path) -> None:
    with running_slack() as slack:
        slack.post("settings", events=EVENTS, scopes=SCOPES, limits={"on": False})
        with slack.app():
            people_do_everything(slack)
            the_app_calls_everything(slack)
            slack.until(lambda: all(row["outcome"] for row in deliveries(slack)))
            calls, delivered = slack.get("calls")["calls"], deliveries(slack)
    assert {call["method"] for call in calls} == set(METHODS) - UNTYPED
    assert {delivered_type(row["payload"]) for row in delivered} == DELIVERED
    answers = [(f"slack.Answer<{type_name(c['method'], 'Response')}>", c["answer"]) for c in calls]
    check_types(npm, answers)
    check_types(npm, [(delivered_type(row["payload"]), row["payload"]) for row in delivered])


UNTYPED = {"blocks.validate"}
"""What @slack/web-api 7.19 has no types for."""
EVENTS = [
    "app_home_opened",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.im",
    "subteam_members_changed",
]
SCOPES = [
    f"{stem}:{right}" for stem in ("channels", "groups", "im") for right in ("history", "read")
] + [
    "channels:join",
    "chat:write",
    "im:write",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
]
DELIVERED = {
    "bolt.SlashCommand",
    "slack.Press",
    "slack.PressInView",
    "slack.Submission",
    "slack.Closing",
    "slack.Message",
    "slack.HomeOpened",
    "slack.Event<'member_joined_channel'>",
    "slack.Event<'member_left_channel'>",
    "slack.Event<'subteam_members_changed'>",
}


def delivered_type(payload: Json) -> str:
    match payload:
        case {"command": _}:
            return "bolt.SlashCommand"
        case {"type": "block_actions", "view": _}:
            return "slack.PressInView"
        case {"type": "event_callback", "event": {"type": "message"}}:
            return "slack.Message"
        case {"type": "event_callback", "event": {"type": "app_home_opened"}}:
            return "slack.HomeOpened"
        case {"type": "event_callback", "event": {"type": name}}:
            return f"slack.Event<'{name}'>"
    kinds = {"block_actions": "Press", "view_submission": "Submission", "view_closed": "Closing"}
    return f"slack.{kinds[payload['type']]}"


def deliveries(slack: Slack) -> list[Json]:
    rows: list[Json] = slack.get("deliveries")["deliveries"]
    return rows


PLAIN = {"type": "plain_text", "text": "Pick"}
OPTIONS = [{"text": PLAIN, "value": "x"}, {"text": PLAIN, "value": "y"}]
PICKS: dict[str, tuple[Json, object]] = {
    "static_select": ({"options": OPTIONS}, "x"),
    "multi_static_select": ({"options": OPTIONS}, ["x", "y"]),
    "radio_buttons": ({"options": OPTIONS}, "x"),
    "checkboxes": ({"options": OPTIONS}, ["x"]),
    "overflow": ({"options": OPTIONS}, "y"),
    "users_select": ({}, "U0ANA"),
    "multi_users_select": ({}, ["U0ANA"]),
    "conversations_select": ({}, "C0WEB"),
    "multi_conversations_select": ({}, ["C0WEB"]),
    "channels_select": ({}, "C0WEB"),
    "multi_channels_select": ({}, ["C0WEB"]),
    "datepicker": ({}, "2026-12-24"),
    "timepicker": ({}, "18:30"),
}


def people_do_everything(slack: Slack) -> None:
    """Do everything that an app is told of."""
    for channel in ("C0WEB", "C0LAUNCH", "D0ANABOT"):
        slack.say("U0ANA", "/purge a b", channel)
    picks = [{"type": kind, "action_id": kind, **more} for kind, (more, _) in PICKS.items()]
    blocks = [*BUTTONS, {"type": "actions", "elements": picks}]
    slack.bot.chat_postMessage(channel="C0WEB", text="a", blocks=blocks)
    message = slack.messages()[-1]
    slack.press("U0EVE", message)
    for kind, (_, choice) in PICKS.items():
        slack.press("U0ANA", message, action_id=kind, selected=choice)
    slack.bot.chat_postEphemeral(channel="C0WEB", user="U0SAM", text="b", blocks=BUTTONS)
    slack.press("U0SAM", slack.messages("U0SAM")[-1])
    attachments = [{"fallback": "c", "blocks": BUTTONS}]
    slack.bot.chat_postMessage(
        channel="C0WEB", text="c", attachments=attachments, thread_ts=message["ts"]
    )
    trigger = slack.press("U0SAM", slack.messages("U0SAM")[-1])["trigger_id"]
    more = {"type": "section", "text": PLAIN, "accessory": BUTTON}
    view = modal(INPUT, more, notify_on_close=True)
    root = slack.bot.views_open(trigger_id=trigger, view=view)["view"]["id"]
    sam = {"as": "U0SAM", "view_id": root}
    trigger = slack.post("press", **sam, action_id="ok")["trigger_id"]
    top = slack.bot.views_push(trigger_id=trigger, view=view)["view"]["id"]
    slack.bot.views_update(view_id=root, view=view)
    slack.post("close", **{**sam, "view_id": top})
    slack.post("submit", **sam, values={"why": {"reason": "x"}})
    for _ in range(2):
        slack.post("open_home", **{"as": "U0SAM"})
        slack.bot.views_publish(user_id="U0SAM", view={"type": "home", "blocks": BUTTONS})
    for channel in ("C0WEB", "D0ANABOT"):
        slack.say("U0ANA", "hello", channel)
    slack.post("person", id="U0LEO", groups=["S0SRE"])
    for move in ("join", "leave"):
        slack.post(move, channel="C0OPS", user="U0ANA")


def the_app_calls_everything(slack: Slack) -> None:
    """Call the methods that are left, on every kind of person and conversation; some refuse."""
    bot, config = slack.bot, slack.sim.workspace.config_token
    ts = slack.messages()[0]["ts"]
    bot.api_test(foo="bar")
    bot.auth_test()
    bot.team_info()
    bot.bots_info(bot="B0BOT")
    bot.chat_update(channel="C0WEB", ts=ts, text="d", blocks=BUTTONS)
    bot.chat_getPermalink(channel="C0WEB", message_ts=ts)
    for channel in ("C0WEB", "D0ANABOT"):
        bot.conversations_history(channel=channel, include_all_metadata=True)
        bot.conversations_info(channel=channel, include_num_members=True)
    bot.conversations_replies(channel="C0WEB", ts=ts)
    bot.conversations_join(channel="C0RANDOM")
    bot.conversations_list(types="public_channel,private_channel,im")
    bot.conversations_members(channel="C0WEB")
    bot.conversations_open(users="U0SAM", return_im=True)
    bot.reactions_add(channel="C0WEB", timestamp=ts, name="eyes")
    bot.usergroups_list(include_users=True)
    bot.usergroups_users_list(usergroup="S0SRE")
    for person in ("U0ANA", "U0ADA", "U0GUS", "U0EVE", "U0DEL", "U0BOT", "USLACKBOT"):
        bot.users_info(user=person)
    bot.users_list()
    bot.chat_delete(channel="C0WEB", ts=ts)
    good = {"manifest": {"display_information": {"name": "Purgebot"}}}
    slack.client(config).api_call("apps.manifest.validate", json=good)
    refusal(slack, "apps.manifest.validate", config, manifest={})
    refusal(slack, "chat.postMessage", channel="C0WEB", text="e", blocks=[{"type": "banner"}])
    refusal(slack, "chat.postMessage", channel="C0NONE", text="e")
    refusal(slack, "users.info", "another token")

"""Where the pretend Slack lets the bot write, and what becomes of its messages."""

from __future__ import annotations

import pytest

from tests.simulators.slack_sim import BUTTONS, Slack, refusal

# Where the bot may write


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0WEB", None),
        ("#web-publishing", None),
        ("D0ANABOT", None),
        ("U0ANA", None),
        ("C0RANDOM", "not_in_channel"),
        ("C0LAUNCH", "channel_not_found"),
        ("D0ANASAM", "channel_not_found"),
        ("C0NOWHERE", "channel_not_found"),
        ("U0DEL", "channel_not_found"),
        ("USLACKBOT", "channel_not_found"),
    ],
)
def test_the_bot_writes_only_where_it_is_a_member(
    slack: Slack, channel: str, error: str | None
) -> None:
    if error is None:
        assert slack.bot.chat_postMessage(channel=channel, text="hi")["ok"]
    else:
        assert refusal(slack, "chat.postMessage", channel=channel, text="hi")["error"] == error


def test_chat_write_public_opens_public_channels_but_no_private_ones(slack: Slack) -> None:
    slack.post("settings", scopes=["chat:write", "chat:write.public"])
    assert slack.bot.chat_postMessage(channel="C0RANDOM", text="hi")["ok"]
    answer = refusal(slack, "chat.postMessage", channel="C0LAUNCH", text="hi")
    assert answer["error"] == "channel_not_found"


def test_writing_to_a_person_without_a_conversation_opens_one(slack: Slack) -> None:
    posted = slack.bot.chat_postMessage(channel="U0EVE", text="hello")
    assert posted["channel"].startswith("D")
    assert slack.texts("U0EVE", posted["channel"]) == ["hello"]
    assert slack.bot.conversations_open(users="U0EVE")["channel"]["id"] == posted["channel"]


def test_an_invited_bot_may_write_and_one_sent_away_may_not(slack: Slack) -> None:
    slack.post("join", channel="C0LAUNCH", user="U0BOT")
    assert slack.bot.chat_postMessage(channel="C0LAUNCH", text="hi")["ok"]
    slack.post("leave", channel="C0LAUNCH", user="U0BOT")
    answer = refusal(slack, "chat.postMessage", channel="C0LAUNCH", text="hi")
    assert answer["error"] == "channel_not_found"


# Messages


def test_every_message_has_a_ts_of_its_own(slack: Slack) -> None:
    stamps = [slack.bot.chat_postMessage(channel="C0WEB", text="x")["ts"] for _ in range(5)]
    assert len(set(stamps)) == 5
    assert stamps == sorted(stamps)


def test_a_message_without_content_is_refused_and_a_very_long_one_is_cut(slack: Slack) -> None:
    assert refusal(slack, "chat.postMessage", channel="C0WEB")["error"] == "no_text"
    posted = slack.bot.chat_postMessage(channel="C0WEB", text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000


def test_an_update_keeps_the_earlier_words_in_the_history(slack: Slack) -> None:
    ts = slack.bot.chat_postMessage(channel="C0WEB", text="one")["ts"]
    answer = slack.bot.chat_update(channel="C0WEB", ts=ts, text="two")
    assert answer["message"]["edited"]["user"] == "B0BOT"
    (message,) = slack.messages()
    assert message["text"] == "two"
    assert message["ts"] == ts
    assert message["edited"]["ts"] > ts
    assert [entry["text"] for entry in message["history"]] == ["one"]


def test_text_without_blocks_takes_the_blocks_away(slack: Slack) -> None:
    ts = slack.bot.chat_postMessage(channel="C0WEB", text="one", blocks=BUTTONS)["ts"]
    slack.bot.chat_update(channel="C0WEB", ts=ts, text="two", blocks=BUTTONS)
    assert slack.messages()[0]["blocks"]
    slack.bot.chat_update(channel="C0WEB", ts=ts, text="three")
    assert slack.messages()[0]["blocks"] == []


@pytest.mark.parametrize(("length", "error"), [(4000, None), (4001, "msg_too_long")])
def test_an_updated_text_may_have_4000_characters(
    slack: Slack, length: int, error: str | None
) -> None:
    ts = slack.bot.chat_postMessage(channel="C0WEB", text="one")["ts"]
    change = {"channel": "C0WEB", "ts": ts, "text": "x" * length}
    if error is None:
        assert slack.bot.chat_update(**change)["ok"]
    else:
        assert refusal(slack, "chat.update", **change)["error"] == error


@pytest.mark.parametrize("method", ["chat.update", "chat.delete"])
def test_only_the_apps_own_lasting_messages_can_be_changed(slack: Slack, method: str) -> None:
    own = slack.bot.chat_postMessage(channel="C0WEB", text="mine")["ts"]
    whispered = slack.bot.chat_postEphemeral(channel="C0WEB", user="U0ANA", text="psst")
    foreign = slack.say("U0ANA", "hello")["ts"]
    change = {"channel": "C0WEB", "text": "new"}
    verb = method.removeprefix("chat.")
    assert refusal(slack, method, ts=foreign, **change)["error"] == f"cant_{verb}_message"
    answer = refusal(slack, method, ts=whispered["message_ts"], **change)
    assert answer["error"] == "message_not_found"
    assert refusal(slack, method, ts="1.0", **change)["error"] == "message_not_found"
    assert slack.bot.api_call(method, json={"ts": own, **change})["ok"]


def test_without_a_messages_tab_the_app_has_no_direct_messages(slack: Slack) -> None:
    slack.sim.workspace.app["messages_tab"] = False
    answer = refusal(slack, "chat.postMessage", channel="U0ANA", text="psst")
    assert answer["error"] == "messages_tab_disabled"
    assert slack.bot.chat_postMessage(channel="C0WEB", text="x")["ok"]


def test_a_whisper_is_seen_by_its_reader_only(slack: Slack) -> None:
    slack.bot.chat_postEphemeral(channel="C0WEB", user="U0ANA", text="psst")
    assert slack.messages("U0ANA")[0]["ephemeral"] is True
    assert slack.messages("U0SAM") == []
    answer = refusal(slack, "chat.postEphemeral", channel="C0OPS", user="U0ANA", text="psst")
    assert answer["error"] == "user_not_in_channel"


def test_a_permalink_leads_to_the_message(slack: Slack) -> None:
    ts = slack.bot.chat_postMessage(channel="C0WEB", text="one")["ts"]
    link = slack.bot.chat_getPermalink(channel="C0WEB", message_ts=ts)["permalink"]
    assert link == f"https://acme.slack.com/archives/C0WEB/p{ts.replace('.', '')}"
    answer = refusal(slack, "chat.getPermalink", channel="C0WEB", message_ts="1.0")
    assert answer["error"] == "message_not_found"


def test_history_shows_newest_first_with_metadata_and_no_whispers(slack: Slack) -> None:
    metadata = {"event_type": "purge", "event_payload": {"id": "p1"}}
    slack.bot.chat_postMessage(channel="C0WEB", text="one", metadata=metadata)
    slack.bot.chat_postEphemeral(channel="C0WEB", user="U0ANA", text="psst")
    slack.bot.chat_postMessage(channel="C0WEB", text="two")
    found = slack.bot.conversations_history(channel="C0WEB", include_all_metadata=True)["messages"]
    assert [message["text"] for message in found] == ["two", "one"]
    assert found[1]["metadata"] == metadata
    bare = slack.bot.conversations_history(channel="C0WEB")["messages"]
    assert "metadata" not in bare[1]


def test_history_can_be_asked_for_between_two_moments(slack: Slack) -> None:
    one, two, three = (
        slack.bot.chat_postMessage(channel="C0WEB", text=text)["ts"] for text in "123"
    )
    for inclusive, expected in ((False, ["2"]), (True, ["3", "2", "1"])):
        found = slack.bot.conversations_history(
            channel="C0WEB", oldest=one, latest=three, inclusive=inclusive
        )
        assert [message["text"] for message in found["messages"]] == expected
    assert one < two < three
    answer = refusal(slack, "conversations.history", channel="C0WEB", oldest="noon")
    assert answer["error"] == "invalid_ts_oldest"


def test_metadata_of_another_shape_is_refused(slack: Slack) -> None:
    answer = refusal(
        slack, "chat.postMessage", channel="C0WEB", text="x", metadata={"event_type": "purge"}
    )
    assert answer["error"] == "invalid_metadata_format"


@pytest.mark.parametrize(("asked", "seen"), [(True, True), (False, False)])
def test_a_reply_is_seen_in_the_channel_when_it_is_sent_there_as_well(
    slack: Slack, asked: bool, seen: bool
) -> None:
    root = slack.bot.chat_postMessage(channel="C0WEB", text="a card")
    posted = slack.bot.chat_postMessage(
        channel="C0WEB", text="look here", thread_ts=root["ts"], reply_broadcast=asked
    )
    assert (posted["message"].get("subtype") == "thread_broadcast") == seen
    assert slack.messages()[-1]["broadcast"] == seen


def test_what_is_no_reply_cannot_be_sent_to_the_channel_as_well(slack: Slack) -> None:
    posted = slack.bot.chat_postMessage(channel="C0WEB", text="x", reply_broadcast=True)
    assert "subtype" not in posted["message"]


def test_a_thread_is_its_message_and_the_replies_to_it_oldest_first(slack: Slack) -> None:
    root = slack.bot.chat_postMessage(channel="C0WEB", text="a card")["ts"]
    slack.bot.chat_postMessage(channel="C0WEB", text="beside it")
    metadata = {"event_type": "purge_card", "event_payload": {"note_id": "7"}}
    one, two = (
        slack.bot.chat_postMessage(channel="C0WEB", text=text, thread_ts=root, metadata=metadata)[
            "ts"
        ]
        for text in ("one", "two")
    )

    def texts(ts: str, oldest: str | None = None) -> list[str]:
        found = slack.bot.conversations_replies(channel="C0WEB", ts=ts, oldest=oldest)["messages"]
        return [message["text"] for message in found]

    assert texts(root) == texts(two) == ["a card", "one", "two"]
    assert texts(root, oldest=one) == ["two"]
    marked = slack.bot.conversations_replies(channel="C0WEB", ts=root, include_all_metadata=True)
    assert [message.get("metadata") for message in marked["messages"]] == [None, metadata, metadata]
    answer = refusal(slack, "conversations.replies", channel="C0WEB", ts="1.0")
    assert answer["error"] == "thread_not_found"


@pytest.mark.parametrize(("broadcast", "expected"), [(True, ["reply", "card"]), (False, ["card"])])
def test_history_shows_a_reply_only_if_it_was_sent_to_the_channel_as_well(
    slack: Slack, broadcast: bool, expected: list[str]
) -> None:
    root = slack.bot.chat_postMessage(channel="C0WEB", text="card")["ts"]
    slack.bot.chat_postMessage(
        channel="C0WEB", text="reply", thread_ts=root, reply_broadcast=broadcast
    )
    found = slack.bot.conversations_history(channel="C0WEB")["messages"]
    assert [message["text"] for message in found] == expected

"""Socket Mode: each envelope to one connection, acks from any, and what people see meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.simulators.slack_sim import BUTTONS, Json, Slack, ack, receive, running_slack


@pytest.fixture(scope="module")
def running() -> Iterator[Slack]:
    with running_slack() as slack:
        yield slack


@pytest.fixture
def slack(running: Slack) -> Slack:
    running.until(lambda: running.state()["connections"] == 0)
    return running.as_new()


# Connections


def test_a_new_connection_is_greeted(slack: Slack) -> None:
    with connect(slack.socket_url(), compression=None) as socket:
        hello = receive(socket)
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0PURGE"}
    assert {"host", "approximate_connection_time"} <= hello["debug_info"].keys()


def test_an_address_works_once(slack: Slack) -> None:
    url = slack.socket_url()
    with connect(url, compression=None) as socket:
        receive(socket)
        with pytest.raises(InvalidStatus), connect(url):
            pass


def test_ten_connections_are_held_and_the_eleventh_is_sent_away(slack: Slack) -> None:
    with ExitStack() as opened:
        for _ in range(10):
            opened.enter_context(slack.socket())
        assert slack.state()["connections"] == 10
        with connect(slack.socket_url(), compression=None) as eleventh:
            assert receive(eleventh)["reason"] == "too_many_websockets"
        assert slack.state()["connections"] == 10


def test_pings_are_answered(slack: Slack) -> None:
    with slack.socket() as socket:
        assert socket.ping().wait(timeout=60)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
def test_connections_can_be_told_to_leave(slack: Slack, reason: str) -> None:
    with slack.socket() as socket:
        slack.post("sockets", action="disconnect", reason=reason)
        message = receive(socket)
        assert (message["type"], message["reason"]) == ("disconnect", reason)
        if reason == "link_disabled":
            slack.until(lambda: slack.state()["connections"] == 0)
        else:
            assert slack.state()["connections"] == 1


def test_a_connection_can_be_cut(slack: Slack) -> None:
    with slack.socket() as first, slack.socket() as second:
        slack.post("sockets", action="cut", most=1)
        with pytest.raises(ConnectionClosedError):
            receive(first)
        slack.until(lambda: slack.state()["connections"] == 1)
        _answer(slack, second)


def test_a_frozen_connection_lets_nothing_through_and_counts_as_open(slack: Slack) -> None:
    slack.post("faults", ack_timeout_s=0.2)
    with slack.socket() as socket:
        slack.post("sockets", action="freeze")
        assert not socket.ping().wait(timeout=0.2)
        assert slack.say("U0ANA", "/purge a b")["outcome"] == "operation_timeout"
        with pytest.raises(TimeoutError):
            socket.recv(0)
        assert slack.state()["connections"] == 1
        slack.post("sockets", action="cut")  # it does not close by itself


def test_who_was_told_to_leave_gets_nothing_more_while_another_is_there(slack: Slack) -> None:
    with slack.socket() as old:
        slack.post("sockets", action="disconnect", reason="refresh_requested")
        assert receive(old)["type"] == "disconnect"
        with slack.socket() as new:
            for _ in range(2):
                _answer(slack, new)


def test_a_dropped_app_comes_back_by_itself(slack: Slack) -> None:
    """Slack's own client reconnects when told to."""
    with slack.sdk_app() as seen:
        slack.post("sockets", action="disconnect", reason="refresh_requested")
        slack.until(
            lambda: (
                len(slack.get("calls?method=apps.connections.open")["calls"]) == 2
                and slack.state()["connections"] >= 1
            )
        )
        assert slack.say("U0ANA", "/purge a b")["outcome"] == "acked"
        assert len(seen) == 1


# Envelopes


def test_a_command_comes_in_an_envelope_of_one_text_frame(slack: Slack) -> None:
    with slack.socket() as socket:
        said = slack.meanwhile(slack.say, "U0ANA", "/purge www.example.com home")
        frames = list(socket.recv_streaming())
        assert len(frames) == 1
        assert isinstance(frames[0], str)
        socket.send(frames[0])  # holds the envelope_id, which is all an ack needs
        assert said.result()["outcome"] == "acked"


def test_envelopes_go_to_one_connection_each_in_turn(slack: Slack) -> None:
    with slack.socket() as one, slack.socket() as two:
        for socket in (one, two, one, two):
            _answer(slack, socket)
        kinds = [row["via"] for row in slack.get("deliveries")["deliveries"]]
        assert kinds == ["socket"] * 4


def test_an_ack_is_taken_on_any_connection_of_the_app(slack: Slack) -> None:
    with slack.socket() as one, slack.socket() as two:
        said = slack.meanwhile(slack.say, "U0ANA", "/purge a b")
        ack(two, receive(one))
        assert said.result()["outcome"] == "acked"


def test_what_is_no_ack_is_ignored(slack: Slack) -> None:
    with slack.socket() as socket:
        said = slack.meanwhile(slack.say, "U0ANA", "/purge a b")
        envelope = receive(socket)
        for noise in ("{", "[]", '"x"', '{"envelope_id": "another"}'):
            socket.send(noise)
        ack(socket, envelope)
        assert said.result()["outcome"] == "acked"


def test_slacks_own_client_gets_commands_and_its_ack_is_shown(slack: Slack) -> None:
    with slack.sdk_app({"text": "working on it"}) as seen:
        assert slack.say("U0ANA", "/purge a b")["outcome"] == "acked"
    assert (seen[0].type, seen[0].accepts_response_payload) == ("slash_commands", True)
    (message,) = slack.messages()
    assert (message["text"], message["ephemeral"]) == ("working on it", True)


# What people see when it goes wrong


def test_without_an_app_a_command_fails_and_its_author_is_told(slack: Slack) -> None:
    said = slack.say("U0ANA", "/purge a b")
    assert said["outcome"] == "dispatch_failed"
    assert said["shown"] == '/purge failed with the error "dispatch_failed"'
    (message,) = slack.messages("U0ANA")
    assert (message["user"], message["text"]) == ("USLACKBOT", said["shown"])
    assert message["ephemeral"]
    assert slack.messages("U0SAM") == []


def test_an_app_that_is_too_slow_has_failed_and_its_late_ack_changes_nothing(slack: Slack) -> None:
    slack.post("faults", ack_timeout_s=0.05)
    with slack.socket() as socket:
        said = slack.say("U0ANA", "/purge a b")
        assert said["outcome"] == "operation_timeout"
        ack(socket, receive(socket), {"text": "here I am"})
        slack.post("faults", ack_timeout_s=3)
        _answer(slack, socket)  # answered after the late ack, on the same connection
    assert slack.texts() == ['/purge failed with the error "operation_timeout"']


def test_a_press_that_fails_is_told_to_who_pressed(slack: Slack) -> None:
    slack.bot.chat_postMessage(channel="C0WEB", text="?", blocks=BUTTONS)
    pressed = slack.press("U0SAM", slack.messages()[0])
    assert pressed["outcome"] == "dispatch_failed"
    assert slack.texts("U0SAM")[1] == pressed["shown"]
    assert len(slack.texts("U0ANA")) == 1


@pytest.mark.parametrize("payload", [None, {"text": ""}])
def test_an_empty_ack_shows_nothing(slack: Slack, payload: Json | None) -> None:
    with slack.socket() as socket:
        _answer(slack, socket, payload)
    assert slack.texts() == []


def test_an_answer_with_bad_blocks_is_an_error_to_who_asked(slack: Slack) -> None:
    with slack.app(lambda _: {"text": "x", "blocks": [{"type": "banner"}]}):
        slack.say("U0ANA", "/purge a b")
    assert slack.texts() == ['/purge failed with the error "invalid_command_response"']


# Deliveries that repeat


def test_a_delivery_may_come_twice_under_one_envelope_id(slack: Slack) -> None:
    slack.post("faults", deliver_twice=True)
    with slack.socket() as socket:
        said = slack.meanwhile(slack.say, "U0ANA", "/purge a b")
        first, second = receive(socket), receive(socket)
        ack(socket, second)
        assert said.result()["outcome"] == "acked"
    assert first == second


def test_two_deliveries_may_both_go_unacked(slack: Slack) -> None:
    slack.post("faults", ack_timeout_s=0.05, deliver_twice=True)
    with slack.socket() as socket:
        assert slack.say("U0ANA", "/purge a b")["outcome"] == "operation_timeout"
        assert receive(socket) == receive(socket)
    assert slack.texts() == ['/purge failed with the error "operation_timeout"']


def test_what_was_not_acked_may_come_again(slack: Slack) -> None:
    slack.post("faults", ack_timeout_s=0.05, redeliver_unacked=True)
    with slack.socket() as socket:
        assert slack.say("U0ANA", "/purge a b")["outcome"] == "operation_timeout"
        assert receive(socket) == receive(socket)


def test_an_event_that_is_not_acked_comes_again_three_times(slack: Slack) -> None:
    slack.post("faults", ack_timeout_s=0.05)
    with slack.socket() as socket:
        slack.post("open_home", **{"as": "U0ANA"})
        first, second = receive(socket), receive(socket)
        assert (first["type"], first["accepts_response_payload"]) == ("events_api", False)
        assert first["payload"]["event"]["type"] == "app_home_opened"
        assert (first["retry_attempt"], first["retry_reason"]) == (0, "")
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
        assert first["payload"] == second["payload"]
        for attempt, pause_s in ((2, 60), (3, 240)):
            _count_outcomes(slack, attempt)
            slack.wait(pause_s)
            assert receive(socket)["retry_attempt"] == attempt


def test_an_acked_event_does_not_come_again(slack: Slack) -> None:
    with slack.app() as seen:
        slack.post("open_home", **{"as": "U0ANA"})
        _count_outcomes(slack, 1)
        slack.wait(3600)
        slack.post("open_home", **{"as": "U0ANA"})
        _count_outcomes(slack, 2)
    assert len(seen) == 2


def test_events_nobody_subscribed_to_are_not_sent(slack: Slack) -> None:
    slack.post("settings", events=[])
    slack.post("open_home", **{"as": "U0ANA"})
    assert slack.get("deliveries")["deliveries"] == []


@pytest.mark.parametrize(
    ("event", "path", "body"),
    [
        ("subteam_members_changed", "person", {"id": "U0LEO", "groups": ["S0SRE"]}),
        ("member_left_channel", "leave", {"channel": "C0WEB", "user": "U0BOT"}),
        ("member_joined_channel", "join", {"channel": "C0OPS", "user": "U0ANA"}),
        ("message.channels", "say", {"as": "U0ANA", "channel": "C0WEB", "text": "hi"}),
    ],
)
def test_subscribed_events_are_sent(slack: Slack, event: str, path: str, body: Any) -> None:
    slack.post("settings", events=[event])
    with slack.app() as seen:
        slack.post(path, **body)
        slack.until(lambda: bool(seen))
    assert seen[0]["payload"]["event"]["type"] == event.partition(".")[0]


def _answer(slack: Slack, socket: ClientConnection, payload: Json | None = None) -> None:
    """Let a command be acked on this connection."""
    said = slack.meanwhile(slack.say, "U0ANA", "/purge a b")
    ack(socket, receive(socket), payload)
    assert said.result()["outcome"] == "acked"


def _count_outcomes(slack: Slack, times: int) -> None:
    """Return once so many deliveries have come to their end."""

    def ended() -> int:
        return sum(row["outcome"] is not None for row in slack.get("deliveries")["deliveries"])

    slack.until(lambda: ended() >= times)

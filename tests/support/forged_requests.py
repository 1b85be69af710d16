"""Forged payloads, each with a signature that is right: what an attacker may send who can sign.

    Forger(seed, stage).payloads(500)

Nobody in them holds the right to what they claim: outsiders, guests, bots, closed accounts, members
without the right, requesters who approve their own, and replays of what has counted already.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bot.simulators.slack.events.http_mode import FORM
from handlers import LISTENERS
from tests.support.forged_values import (
    INJECTIONS,
    JUNK,
    TRIGGERS,
    Forged,
    Payload,
    Stage,
    form,
    interaction,
    places,
    sent,
)

STRANGERS = ("U0EVE", "U0GUS", "U0DEL", "U0BOT", "U0NOBODY", "USLACKBOT", "W0EVE", "W0GUS")
"""Nobody whom the policy lets do anything, whatever else a payload says of them."""
FOLK = ("U0LEO", "U0ADA")
"""Full members; they may neither purge, force nor approve what is asked about here."""
BUTTONS = tuple(
    door.name for door in LISTENERS if door.kind == "action" and isinstance(door.name, str)
)
JSON = "application/json"
DEEP = 60


@dataclass
class Forger:
    seed: int
    stage: Stage
    number: int = 0
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def payloads(self, count: int) -> Iterator[Forged]:
        ways: list[Callable[[], Forged]] = [
            self.a_command,
            self.a_press,
            self.a_press,
            self.own_approval,
            self.own_approval,
            self.a_denial,
            self.a_page_of_tags,
            self.somebody_elses_page,
            self.a_replay,
            self.on_what_has_ended,
            self.wrong_types,
            self.wrong_types,
            self.wrong_types,
            self.missing,
            self.missing,
            self.odd_kind,
            self.odd_body,
        ]
        for number in range(count):
            self.number = number
            forged = ways[number % len(ways)]() if number < 2 * len(ways) else self.pick(ways)()
            age_s = self.pick((0.0,) * 12 + (290.0, -290.0, 310.0, -310.0))
            yield Forged(forged.name, forged.body, forged.content_type, age_s)

    def pick(self, of: Any) -> Any:
        return self.dice.choice(list(of))

    # Who, what, where

    def nobody(self) -> Payload:
        """Give a user of a click who holds no right, with a workspace that is theirs or is not."""
        user = self.pick((*STRANGERS, *FOLK))
        teams = ("T0TOWN", "T0OTHER", "E0ORG", "", None)
        named = {"id": user, "team_id": self.pick(teams)}
        return named | {"username": "sam", "name": "U0SAM", "user_id": "U0SAM"}

    def trigger(self) -> str:
        return f"{self.number}.{self.dice.randrange(10**6)}.forged"

    def purge(self) -> str:
        return str(self.pick((*self.stage.own, *self.stage.ended, "P0000000000000", *INJECTIONS)))

    def way_back(self) -> str:
        host = self.stage.foreign
        real = str(self.stage.press["response_url"])
        odd = (
            host,
            f"{real}@{host.partition('//')[2]}",
            f"http://hooks.slack.com@{host.partition('//')[2]}",
            f"{host}\\@hooks.slack.com/",
            f"{host}#https://hooks.slack.com/",
            "file:///etc/passwd",
            "ftp://hooks.slack.com/1",
            "gopher://127.0.0.1:5432/",
            "data:text/plain,x",
            "//hooks.slack.com/1",
            "http://[::1",
            "https://hooks.slack.com.evil.example/1",
            "javascript:alert(1)",
            "",
            real + "/" + "x" * 5_000,
            real,
        )
        return str(self.pick(odd))

    def of(self, real: Payload, **said: Any) -> Payload:
        """Give a real payload as if it came from somebody without any right."""
        made = copy.deepcopy(real) | {"user": self.nobody(), "trigger_id": self.trigger()}
        if "response_url" in made:
            made["response_url"] = self.way_back()
        if self.dice.random() < 0.3:
            made["team"] = self.pick(
                ({"id": "T0OTHER"}, None, {"id": "T0TOWN", "enterprise_id": "E0ORG"}, "T0TOWN")
            )
            made["enterprise"] = self.pick((None, {"id": "E0ORG"}, "E0ORG"))
            made["api_app_id"] = self.pick(("A0OTHER", None, 5))
            made["is_enterprise_install"] = self.pick((True, "true", None))
        if self.dice.random() < 0.3 and "channel" in made:
            made["channel"] = self.pick(({"id": "C0OPS"}, {"id": "C0NOWHERE"}, {"id": "D0"}))
        if self.dice.random() < 0.2:
            made["trigger_id"] = self.pick(TRIGGERS)
        return made | said

    def action(self, action_id: str, value: Any) -> list[Payload]:
        made = {"action_id": action_id, "block_id": "b", "type": "button", "value": value}
        return [made | {"action_ts": "1.2"}]

    # What is sent

    def a_command(self) -> Forged:
        made = dict(self.stage.command)
        user = self.nobody()
        texts = (
            f"www.example.com attack-{self.number} --force",
            f"www.example.com attack-{self.number}",
            "shop.example.com hero --force --break-glass --reason 'wrong price'",
            f"history --user {user['id']}",
            f"status {self.pick(self.stage.own)}",
            "quota",
            "help",
            f"www.example.com {self.pick(INJECTIONS)}",
            f"{self.pick(INJECTIONS)} hero --force",
        )
        made |= {
            "user_id": user["id"],
            "team_id": user["team_id"] or "",
            "trigger_id": self.pick((self.trigger(), self.trigger(), self.trigger(), *TRIGGERS)),
            "response_url": self.way_back(),
            "text": self.pick(texts),
            "channel_id": self.pick(("C0WEB", "C0OPS", "", "C0NOWHERE", "x" * 400)),
            "user_name": "U0SAM",
            "command": self.pick(("/purge",) * 5 + ("/purge-all", "/PURGE", "purge", "")),
        }
        return Forged("command", form(made))

    def a_press(self) -> Forged:
        action_id = self.pick((*BUTTONS, "purge:unheard-of", *INJECTIONS))
        made = self.of(self.stage.press, actions=self.action(action_id, self.purge()))
        return Forged(f"press {action_id[:20]}", interaction(made))

    def own_approval(self) -> Forged:
        """Let requesters say yes to their own, by each ID that they may claim."""
        purge_id = self.pick(self.stage.own)
        who = self.stage.own[purge_id]
        action_id = self.pick([each for each in BUTTONS if "approve" in each or "deny" in each])
        made = self.of(self.stage.press, actions=self.action(action_id, purge_id))
        made |= {"team": {"id": "T0TOWN"}, "channel": {"id": "C0WEB"}, "trigger_id": self.trigger()}
        made["user"] = {"id": self.pick((who, who, "W" + who[1:])), "team_id": "T0TOWN"}
        return Forged("own approval", interaction(made))

    def a_denial(self) -> Forged:
        return Forged("denial", interaction(self._form_of(self.stage.denial)))

    def a_page_of_tags(self) -> Forged:
        made = self._form_of(self.stage.tags)
        if made["type"] == "block_actions":
            page = self.pick(("1", "-1", "9" * 500, "x", None, 5))
            made["actions"] = self.action(self.pick(("tags:next", "tags:previous")), page)
        return Forged("page of tags", interaction(made))

    def _form_of(self, real: Payload) -> Payload:
        made = self.of(real)
        about = {
            "purge_id": self.purge(),
            "channel_id": self.pick(("C0WEB", "C0OPS", "x" * 500, None, 5)),
            "response_url": self.way_back(),
            "press": self.pick((self.trigger(), self.stage.press["trigger_id"], None, 5)),
            "user": {"id": "U0SAM"},
        }
        texts = (json.dumps(about),) * 6
        made["view"]["private_metadata"] = self.pick(
            (*texts, "", "null", "[]", "5", "{", '"x"', "x" * 200_000, None, about)
        )
        return made

    def somebody_elses_page(self) -> Forged:
        action_id = self.pick([each for each in BUTTONS if each.startswith("history")] or BUTTONS)
        value = self.pick((self.stage.cursor, f"U0SAM {self.stage.cursor}", *INJECTIONS))
        made = self.of(self.stage.press, actions=self.action(action_id, value))
        return Forged("another's page", interaction(made))

    def a_replay(self) -> Forged:
        made = copy.deepcopy(self.pick(self.stage.counted))
        if self.dice.random() < 0.5:
            made["trigger_id"] = self.trigger()
        return Forged("replay", interaction(made))

    def on_what_has_ended(self) -> Forged:
        made = self.of(self.stage.press, user={"id": "U0KIM", "team_id": "T0TOWN"})
        made["actions"] = self.action("purge:approve", self.pick(self.stage.ended))
        return Forged("approval of what has ended", interaction(made))

    def wrong_types(self) -> Forged:
        made = self._any()
        place, name = self.pick(places(made))
        place[name] = self.pick((*JUNK, *INJECTIONS))
        return Forged(f"wrong {name}", sent(made))

    def missing(self) -> Forged:
        made = self._any()
        for _ in range(self.dice.randrange(1, 4)):
            place, name = self.pick(places(made))
            if isinstance(place, dict):
                place.pop(name, None)
            elif name < len(place):
                del place[name]
        return Forged("something missing", sent(made))

    def _any(self) -> Payload:
        press = self.of(self.stage.press)
        press["actions"] = self.action(self.pick(BUTTONS), self.pick(self.stage.own))
        command = dict(self.stage.command) | {"user_id": self.pick(STRANGERS)}
        command["trigger_id"] = self.trigger()
        denial, tags = self.of(self.stage.denial), self.of(self.stage.tags)
        made: Payload = self.pick((press, command, denial, tags))
        return made

    def odd_kind(self) -> Forged:
        """Send what Slack sends to other apps, whole or in pieces."""
        kind = self.pick(
            (
                *("view_closed", "block_suggestion", "dialog_suggestion", "interactive_message"),
                *("dialog_submission", "dialog_cancellation", "workflow_step_edit", "shortcut"),
                *("message_action", "event_callback", "function_executed", "url_verification"),
            )
        )
        made = self.of(self.stage.press, type=kind, actions=self.pick(([], None, "x", [1])))
        made |= {"callback_id": self.pick(("purge:denial", "x", 5, None, ["x"]))}
        made |= {"view": self.pick(("x", 5, None, [], {"callback_id": "purge:denial"}))}
        made |= {"event": self.pick((None, 5, [], {}, {"type": 5}, {"type": "message"}))}
        made |= {"action_id": self.pick((5, None, "purge:approve")), "challenge": self.pick(JUNK)}
        made |= {"authorizations": self.pick((None, [], {"a": 1}, [5], [{}], "x"))}
        made |= {"function_data": self.pick((None, 5, {"execution_id": []}))}
        made |= {"response_urls": self.pick(([], {"a": 1}, [5], "x", None))}
        return Forged(f"kind {kind}", json.dumps(made), JSON)

    def odd_body(self) -> Forged:
        press, command = self.of(self.stage.press), dict(self.stage.command)
        text = json.dumps(press)
        twice = text[:-1] + ', "type": "view_submission", "user": {"id": "U0EVE"}}'
        deep = '{"type":"block_actions","actions":' + '[{"x":' * DEEP + "1" + "}]" * DEEP + "}"
        bodies = (
            ("twice", urlencode({"payload": twice}), FORM),
            ("deep", urlencode({"payload": deep}), FORM),
            ("too deep", "payload=" + "[" * 100_000, FORM),
            ("JSON as a form", text, FORM),
            ("a form as JSON", form(command | {"user_id": "U0EVE"}), JSON),
            ("no content type", text, ""),
            ("text", "hello", "text/plain"),
            ("a list", "[1]", JSON),
            ("a string", '"payload"', JSON),
            ("nothing", "", FORM),
            ("ssl_check", "ssl_check=1&token=x", FORM),
            ("ssl_check twice", "ssl_check=1&ssl_check=" + "1" * 5_000, FORM),
            ("many fields", "&".join(f"a{n}=1" for n in range(5_000)), FORM),
            ("a command in JSON", json.dumps({"command": "/purge", "text": ["x"]}), JSON),
            ("a command with a payload", form(command | {"payload": "{}"}), FORM),
            ("no actions", interaction(press | {"actions": []}), FORM),
            ("null actions", interaction(press | {"actions": None}), FORM),
            ("a word for a view", interaction({"type": "view_submission", "view": "x"}), FORM),
        )
        return Forged(*self.pick(bodies))

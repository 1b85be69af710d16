"""No secret is written anywhere: not by what works, nor by what fails.

Every test in a town looks for them at its end (`tests/support/canaries.py`).  These go where a
secret is nearest: through every state with signed approvals, and through failures of each side.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.trace import Span, StatusCode, get_current_span
from sqlalchemy import update

from bot.config.settings import Mode
from bot.demo.town import Town, town
from bot.store.schema.tables import posts
from bot.telemetry import tracing
from tests.conftest import OpenTown
from tests.support.canaries import APPROVAL_KEY, CANARIES, leaks
from tests.support.conversation import Person
from tests.support.databases import Sqlite
from tests.support.http_door import http_door
from tests.support.kept_spans import KeptSpans, keeping_spans
from tests.support.logged_failures import Failures
from tests.support.messages import cards
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import purgebot

MODES = pytest.mark.parametrize("mode", Mode)


def lively(place: Town) -> None:
    """Let people do what they may and may not, while the CDN and Slack fail now and then."""
    ana, sam = Person(place, "U0ANA"), Person(place, "U0SAM")
    ana.types("/purge www.example.com hero")
    ana.types("/purge www.example.com")
    ana.types("/purge unknown.example.org hero")
    sam.approves(ana.purges("www.example.com logo --force"))
    place.denies("U0SAM", ana.purges("www.example.com menu --force"), "not now")
    place.breaks(kind="error", code="SignatureDoesNotMatch", times=2)
    ana.types("/purge www.example.com refused")
    place.breaks(kind="error", code="InvalidAccessKeyId.NotFound", times=1)
    place.looks()
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com lost")
    for question in ("help", "status", "history", "pending", "quota", "version"):
        ana.types(f"/purge {question}")
    place.waits(minutes=10)


@MODES
def test_a_lively_day_with_signed_approvals_writes_no_secret(
    open_town: OpenTown, spans: KeptSpans, mode: Mode
) -> None:
    place = open_town(mode=mode)
    place.stop_bot()
    place.settings["PURGEBOT_APPROVAL_KEY"] = APPROVAL_KEY
    place.start_bot()
    if mode is Mode.HTTP:
        with http_door(place):
            lively(place)
    else:
        lively(place)
    assert len(cards(place)) >= 5
    assert leaks(place, spans) == []
    assert spans.names >= {
        *("purge", "press approve", "answer deny", "step ready", "post card"),
        *("cdn RefreshObjectCacheByCacheTag", "slack chat.postMessage", "slack users.info"),
    }


@pytest.mark.parametrize("name", CANARIES)
def test_a_setting_that_cannot_be_used_is_told_without_its_value(
    site: Town, tmp_path: Path, name: str
) -> None:
    wrong = {
        "bot token": {"SLACK_BOT_TOKEN": site.slack.app_token},
        "app token": {"SLACK_APP_TOKEN": site.slack.bot_token},
        "signing secret": {"SLACK_SIGNING_SECRET": f"{site.slack.signing_secret} \u00e9"},
        "CDN key": {"ALIBABA_CLOUD_ACCESS_KEY_ID": ""},
        "approval key": {"PURGEBOT_APPROVAL_KEY": ",".join([APPROVAL_KEY] * 3)},
        "database password": {
            "PURGEBOT_DATABASE_URL": f"mysql://u:{CANARIES['database password']}@h/d"
        },
    }
    for command in ("check", "run"):
        ended = purgebot(command, folder=tmp_path, **site.variables() | wrong[name])
        assert ended.code != 0
        assert not [each for each in CANARIES.values() if each in ended.out + ended.err]


# The search itself


@pytest.mark.parametrize("name", CANARIES)
def test_a_secret_in_the_log_is_found(name: str) -> None:
    failures = Failures()
    failures.note(None, "info", {"event": "said", "fact": [f"it is {CANARIES[name]}"]})
    assert failures.leaked == [f"{name} in the log, said"]
    with pytest.raises(AssertionError, match="in the log"):
        failures.check()


def test_a_secret_in_a_traceback_is_found() -> None:
    failures = Failures()
    try:
        int(CANARIES["CDN key"])
    except ValueError:
        failures.note(None, "exception", {"event": "said", "exc_info": True})
    assert failures.leaked == ["CDN key in the log, said"]


PLANTED: dict[str, Callable[[Span, str], object]] = {
    "name": lambda span, secret: span.update_name(f"call {secret}"),
    "attribute": lambda span, secret: span.set_attribute("purgebot.outcome", secret),
    "list": lambda span, secret: span.set_attribute("purgebot.all", [secret]),
    "event": lambda span, secret: span.add_event(secret),
    "fact of an event": lambda span, secret: span.add_event("send", {"token": secret}),
    "exception": lambda span, secret: span.record_exception(ValueError(secret)),
    "state": lambda span, secret: span.set_status(StatusCode.ERROR, secret),
}


@pytest.mark.parametrize("where", PLANTED)
def test_a_secret_in_a_trace_is_found(sqlite: Sqlite, where: str) -> None:
    with sqlite.copy() as url, keeping_spans() as spans, town(database_url=url) as place:
        Person(place, "U0ANA").types("/purge www.example.com hero")
        assert leaks(place, spans) == []
        with tracing.step("step", ["P1"]):
            PLANTED[where](get_current_span(), place.slack.bot_token)
        assert leaks(place, spans) == ["bot token in traces"]


def test_a_secret_in_the_database_or_on_a_card_is_found(database_url: str) -> None:
    with town(database_url=database_url) as place:  # none of those that are searched at the end
        Person(place, "U0ANA").types("/purge www.example.com hero")
        message = place.slack.workspace.messages["C0WEB"][-1]
        before, message.text = message.text, place.slack.bot_token
        assert leaks(place) == ["bot token in messages", "bot token in the page"]
        message.text = before
        secret = place.slack.signing_secret
        with bot_of(place).store.engine.execution_options(writing=True).begin() as connection:
            connection.execute(update(posts).values(response_url=secret))
        (leak,) = leaks(place)
        assert leak.startswith("signing secret in p")

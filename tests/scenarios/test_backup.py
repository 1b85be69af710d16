"""Backup and restore, as docs/backup.md tells: the trail is whole, what waits works, nothing is doubled."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.demo.town import Town
from tests.conftest import missing
from tests.support.databases import Postgresql
from tests.support.messages import APPROVE, buttons, only_card, words
from tests.support.processes import check_trail, store_of
from tests.support.purgebot import ROOT, purgebot
from tests.support.work_in_progress import check_all_goes_on, keep_busy

PAGE = (ROOT / "docs" / "backup.md").read_text()
CANCEL = "purge:cancel"

Restore = Callable[[], None]


def told(start: str) -> list[str]:
    """Give the words of the command on the page that begins so."""
    (line,) = re.findall(rf"^    ({re.escape(start)}.*)$", PAGE, re.MULTILINE)
    return shlex.split(line)


def run(words_: list[str], **given: str) -> None:
    done = subprocess.run(
        [given.get(word, word) for word in words_],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def tool(name: str) -> str:
    """Give the path of a client program of PostgreSQL: the newest, for it must not be too old."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        missing(name, "it is neither in /usr/lib/postgresql nor in PATH")
    return str(path)


@pytest.fixture
def backed_up(
    place: Town, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], Restore]]:
    """Give a function that takes a backup, and gives one that has the town go on with that."""
    with ExitStack() as stack:

        def back_up() -> Restore:
            if place.database_url.startswith("sqlite"):
                copy = tmp_path / "copy.sqlite3"
                file = place.database_url.removeprefix("sqlite:///")
                run(told("python3"), python3=sys.executable, FILE=file, COPY=str(copy))
                return lambda: restart(place, f"sqlite:///{copy}")
            postgresql: Postgresql = request.getfixturevalue("postgresql")
            dump = str(tmp_path / "purgebot.dump")
            names = {"pg_dump": tool("pg_dump"), "pg_restore": tool("pg_restore")}
            names |= {"purgebot.dump": dump, "postgresql://user@host/purgebot": place.database_url}
            run(told("pg_dump"), **names)
            empty = stack.enter_context(postgresql.empty())

            def restore() -> None:
                names["postgresql://user@host/purgebot2"] = empty
                run(told("pg_restore"), **names)
                restart(place, empty)

            return restore

        yield back_up
        place.stop_bot()


def restart(place: Town, url: str) -> None:
    place.stop_bot()
    place.database_url = url
    place.start_bot()


def migrate_restored(place: Town, folder: Path) -> str:
    place.stop_bot()
    ended = purgebot(
        "migrate", "--restored", folder=folder, PURGEBOT_DATABASE_URL=place.database_url
    )
    assert ended.code == 0, ended.err
    place.start_bot()
    return ended.out


BackUp = Callable[[], Restore]


def test_what_was_going_on_goes_on_from_a_backup(
    place: Town, backed_up: BackUp, tmp_path: Path
) -> None:
    keep_busy(place)
    checkpoint = store_of(place).audit.seal(place.now())
    assert checkpoint is not None
    restore = backed_up()
    place.stop_bot()
    restore()
    verified = purgebot(
        *("audit", "verify", "--checkpoint", checkpoint.hash),
        folder=tmp_path,
        PURGEBOT_DATABASE_URL=place.database_url,
    )
    assert verified.code == 0, verified.out
    check_all_goes_on(place)


def grant(place: Town) -> None:
    """Have a forced purge granted that is sent in ten seconds (the policy's `undo`)."""
    place.says("U0SAM", "/purge shop.example.com hero --force")
    place.settle()
    place.presses("U0KIM", APPROVE, only_card(place))
    place.settle()


def test_what_was_sent_since_the_backup_is_not_sent_again(place: Town, backed_up: BackUp) -> None:
    grant(place)
    restore = backed_up()
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1
    place.waits(hours=20)
    restore()
    place.settle()
    assert len(place.purges_sent()) == 1
    assert "outcome unknown" in words(only_card(place))
    check_trail(place)


def test_what_was_stopped_since_the_backup_is_not_sent(
    place: Town, backed_up: BackUp, tmp_path: Path
) -> None:
    grant(place)
    restore = backed_up()
    place.presses("U0SAM", CANCEL, only_card(place))
    place.waits(seconds=3)
    assert "Forced purge stopped" in words(only_card(place))
    restore()
    assert "1 forced purges were to be sent" in migrate_restored(place, tmp_path)
    place.settle()
    place.waits(seconds=11)
    assert place.purges_sent() == []
    assert buttons(only_card(place)) == ["Purge again", "Leave it"]
    check_trail(place)


def test_a_plain_purge_that_was_to_be_sent_is_sent(
    place: Town, backed_up: BackUp, tmp_path: Path
) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    backed_up()()
    assert "0 forced purges were to be sent" in migrate_restored(place, tmp_path)
    place.waits(minutes=8)
    assert len(place.purges_sent()) == 2


def test_what_was_approved_since_the_backup_offers_no_button_to_approve_it_again(
    place: Town, backed_up: BackUp
) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    restore = backed_up()
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    restore()
    place.settle()
    assert "Approve" not in buttons(only_card(place))
    place.waits(hours=1)
    assert len(place.purges_sent()) == 1

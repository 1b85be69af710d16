"""How long questions take over 1,000 purges, and over 1,000,000.

    make bench-history

Each question is asked as the bot asks it, rights and all, on SQLite and, where there is one, on
PostgreSQL; `ratio` is what a thousandfold table costs.  Thirty people purged 200 domains within a
year, and 500 times within the last day.  Three cases are there to be mean:

forsaken     a domain that had a tenth of all purges, and none of them lately
never purged by a person: all of theirs are looked through until the page is cut short
outpost      a right to see nothing but `*.rare.example`, where nobody purged: the same
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median

from sqlalchemy import insert, text

from bench.report import Table, against
from bench.sides import databases
from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.config.policy_file import PolicySource
from bot.core.cdn.quota import day_began_at
from bot.core.command.queries import Cursor, HistoryQuestion, Key, StatusQuestion
from bot.core.policy.decision import Actor, Membership
from bot.core.purge.purge import Purge, State
from bot.store.migrations import migrate
from bot.store.schema.mapping import purge_to_row
from bot.store.schema.tables import purges
from bot.store.store import Store
from bot.workflow.queries import Answers
from bot.workflow.requests import new_purge_id

SIZES = (1_000, 1_000_000)
TIMES = 101
TODAY = 500
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
FORSAKEN = "forsaken.example.com"
POLICY = """
version: 1
roles:
  sre: {title: SRE, users: [U0SRE]}
  editors: {title: Editors, users: [U0EDITOR]}
  outpost: {title: Outpost, users: [U0OUTPOST]}
rules:
  - {rule: SRE see all, roles: [sre], allow: [view], domains: ["*"]}
  - {rule: Editors see two, roles: [editors], allow: [view], domains: [d1.example.com, d2.example.com]}
  - {rule: The outpost sees its own, roles: [outpost], allow: [view], domains: ["*.rare.example"]}
"""


def some_purges(count: int) -> Iterator[Purge]:
    """Give purges spread over a year, oldest first."""
    apart = timedelta(days=364) / (count - TODAY)
    for number in range(count):
        left = count - number
        before = left * timedelta(days=1) / TODAY
        at = NOW - (before if left <= TODAY else timedelta(days=1) + (left - TODAY) * apart)
        old = number < count // 2 and number % 5 == 3
        yield Purge(
            id=new_purge_id(at),
            trigger_id=f"trigger.{number}",
            team_id="T0TOWN",
            channel_id="C0WEB",
            user_id=f"U0{number * 7 % 30:03}",
            domain=FORSAKEN if old else f"d{number * 13 % 200}.example.com",
            tags=("hero", f"article-{number}"),
            force=number % 50 == 0,
            requested_at=at,
            state=State.SUBMITTED,
            sent_at=at,
            task_id=str(17_000_000_000 + number),
        )


def fill(store: Store, count: int) -> Purge:
    """Write that many purges, and give one from the middle."""
    middle: list[Purge] = []
    source = enumerate(some_purges(count))
    while batch := list(islice(source, 10_000)):
        middle += [purge for number, purge in batch if number == count // 2]
        with store.engine.execution_options(writing=True).begin() as connection:
            values = [purge_to_row(purge) | {"attempts": 0} for _, purge in batch]
            connection.execute(insert(purges), values)
    if not store.is_sqlite:  # the server does so by itself, a minute later
        with store.engine.begin() as connection:
            connection.execute(text("ANALYZE purges"))
    return middle[0]


def questions(answers: Answers, store: Store, middle: Purge) -> dict[str, Callable[[], object]]:
    """Give what is asked, by name."""
    deep = Cursor(Key(middle.requested_at, middle.id))

    def history(asker: str, **words: object) -> Callable[[], object]:
        return lambda: answers.history(HistoryQuestion(**words), member(asker))  # type: ignore[arg-type]  # each question names its own words

    def status(wanted: str | None) -> Callable[[], object]:
        return lambda: answers.status(StatusQuestion(wanted or ""), member("U0SRE"))

    return {
        "history": history("U0SRE"),
        "history, from the middle on": history("U0SRE", cursor=deep),
        "history, back from the middle": history("U0SRE", cursor=Cursor(deep.key, newer=True)),
        "history of a domain": history("U0SRE", domain="d7.example.com"),
        "history of a forsaken domain": history("U0SRE", domain=FORSAKEN),
        "history by a person": history("U0SRE", user_id="U0007"),
        "history by a person, of a domain": history(
            "U0SRE", user_id="U0007", domain="d13.example.com"
        ),
        "history by a person, never purged": history(
            "U0SRE", user_id="U0007", domain="d7.example.com"
        ),
        "history since yesterday": history("U0SRE", since="1d"),
        "history for editors of two domains": history("U0EDITOR"),
        "history for the outpost": history("U0OUTPOST"),
        "history of one's own": history("U0007"),
        "status of a purge": status(middle.id),
        "status of a task": status(middle.task_id),
        "status of what is unknown": status("P0000000000000"),
        "sent today, for the quota": lambda: store.history.sent_since(day_began_at(NOW)),
    }


def member(user_id: str) -> Actor:
    return Actor("T0TOWN", user_id, Membership.MEMBER, frozenset())


def _times(url: str, folder: Path, count: int, times: int) -> dict[str, float]:
    """Give the median time of each question in milliseconds."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    store = Store(url)
    migrate(store.engine)
    cdn = CdnClient("http://127.0.0.1:9", static("key", "secret"))  # it is never asked
    answers = Answers(store, PolicySource(policy), cdn, lambda: NOW)
    asked = questions(answers, store, fill(store, count))
    found = {name: _median_ms(ask, times) for name, ask in asked.items()}
    cdn.close()
    store.close()
    return found


def _median_ms(ask: Callable[[], object], times: int) -> float:
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        spans.append(time.perf_counter() - began)
    return 1000 * median(spans)


def measure(*, quick: bool = False) -> list[Table]:
    sizes = (1_000, 2_000) if quick else SIZES
    times = 5 if quick else TIMES
    with tempfile.TemporaryDirectory(prefix="purgebot-bench-") as name:
        folder = Path(name)
        found = []
        for database, new in databases(folder):
            measured = []
            for size in sizes:
                with new() as url:
                    measured.append(_times(url, folder, size, times))
            found.append(_beside(database, sizes, *measured))
    return found


def _beside(
    database: str, sizes: tuple[int, int], few: dict[str, float], many: dict[str, float]
) -> Table:
    table = Table([f"{database}, ms", *(f"{size:,}" for size in sizes), "target"])
    for question, few_ms in few.items():
        many_ms = many[question]
        ratio = against(many_ms / few_ms, 2, " ×")
        table.add(question, f"{few_ms:.2f}", f"{many_ms:.2f}", ratio)
    return table

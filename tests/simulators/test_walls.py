"""No website in the same browser drives the playground: every control route of every simulator.

A foreign Origin is another page; a foreign Host is another page whose name was made to lead here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Route

from bot.demo.page import front
from bot.simulators.cdn import CdnSim
from bot.simulators.edge import EdgeSim
from bot.simulators.serving import serving
from bot.simulators.slack import SlackSim

SIMULATORS: dict[str, Starlette] = {
    "slack": SlackSim().control,
    "cdn": CdnSim().control,
    "edge": EdgeSim(lambda: 0.0, lambda: (), lambda: ()).control,
}
ROUTES = [
    (name, method, route.path.replace("{id}", "1"))
    for name, control in SIMULATORS.items()
    for route in control.routes
    if isinstance(route, Route)
    for method in sorted((route.methods or {"GET"}) - {"HEAD"})
]
FOREIGN = {
    "another page": {"Origin": "https://evil.example"},
    "no page": {"Origin": "null"},
    "a page of another program here": {"Origin": "http://127.0.0.1:1"},
    "a rebound name": {"Host": "evil.example"},
    "a rebound name with its own page": {
        "Host": "evil.example",
        "Origin": "http://evil.example",
    },
    "a name that begins like ours": {"Host": "localhost.evil.example"},
    "no name": {"Host": ""},
    "a name that cannot be read": {"Host": "[::1"},
}


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Give where each simulator's controls are, by themselves and behind the page."""
    page = front(SIMULATORS["slack"], SIMULATORS["cdn"], SIMULATORS["edge"])
    with serving({**SIMULATORS, "page": page}) as found:
        yield found


def test_every_simulator_has_controls() -> None:
    assert {name for name, _, _ in ROUTES} == SIMULATORS.keys()
    assert len(ROUTES) > 30


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_page_reaches_no_control(urls: dict[str, str], headers: dict[str, str]) -> None:
    reached = [
        (name, method, path, status)
        for name, method, path in ROUTES
        for url in (urls[name], f"{urls['page']}/{name}")
        if (status := status_of(method, f"{url}{path}", headers)) != 403
    ]
    assert reached == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("has_origin", [False, True], ids=["a program", "the page"])
@pytest.mark.parametrize("name", SIMULATORS)
def test_its_own_page_and_programs_here_do(
    urls: dict[str, str], name: str, host: str, has_origin: bool
) -> None:
    for url in (urls[name], f"{urls['page']}/{name}"):
        port = url.split("/")[2].partition(":")[2]
        headers = {"Host": f"{host}:{port}"}
        if has_origin:
            headers["Origin"] = f"http://{host}:{port}"
        assert status_of("POST", f"{url}/reset", headers) == 200


def status_of(method: str, url: str, headers: dict[str, str]) -> int:
    body: dict[str, str] | None = {} if method == "POST" else None
    with requests.request(
        method, url, headers=headers, json=body, timeout=60, stream=True
    ) as answer:
        return answer.status_code

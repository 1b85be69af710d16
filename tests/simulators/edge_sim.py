"""A running edge simulator and somebody who visits it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from bot.simulators.edge import EdgeSim, Purged
from bot.simulators.serving import serving
from tests.simulators.cdn_sim import NOON

WWW, SHOP = "www.example.com", "shop.example.com"


@dataclass
class Edge:
    """A running edge, its clock, and the purges that it is told of."""

    session: requests.Session
    now: float = NOON
    purges: list[Purged] = field(default_factory=list)
    url: str = ""
    controls: str = ""

    def ask(self, target: str = "/", host: str = WWW, method: str = "HEAD") -> requests.Response:
        return self.session.request(
            method, self.url + target, headers={"Host": host}, allow_redirects=False, timeout=60
        )

    def shows(self, target: str = "/", host: str = WWW) -> tuple[str, int, str]:
        """The version, the age and where the answer came from."""
        headers = self.ask(target, host).headers
        return headers["ETag"].strip('"'), int(headers["Age"]), headers["X-Cache"]

    def purged(self, domain: str = WWW, *, force: bool = False) -> None:
        self.purges.append(Purged(domain, force, self.now))

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = self.session.request(method, f"{self.controls}/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def publish(self, target: str = "/", host: str = WWW) -> None:
        self.control("POST", "publish", {"url": f"https://{host}{target}"})


@contextmanager
def running_edge() -> Iterator[Edge]:
    with requests.Session() as session:
        session.trust_env = False
        edge = Edge(session)
        sim = EdgeSim(lambda: edge.now, lambda: edge.purges, lambda: (WWW, SHOP))
        with serving({"edge": sim.api, "controls": sim.control}) as urls:
            edge.url, edge.controls = urls["edge"], urls["controls"]
            yield edge

"""A running CDN simulator and somebody who calls it.

`Cdn` has a signer of its own, written after the published rules, and a clock that only the test
moves.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

from bot.simulators.cdn import CdnSim
from bot.simulators.cdn.signature import AccessKey
from bot.simulators.serving import serving

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
PURGE = "RefreshObjectCacheByCacheTag"
WWW = {"DomainName": "www.example.com", "CacheTag": "home"}


@dataclass
class Cdn:
    """A running simulator, its clock, and a caller who signs."""

    sim: CdnSim
    session: requests.Session
    now: float = NOON
    controls: str = ""
    _nonces: Iterator[int] = field(default_factory=itertools.count)

    def as_new(self) -> Cdn:
        """The same, as it was at first."""
        self.now = NOON
        self.control("POST", "reset")
        return self

    @property
    def key(self) -> AccessKey:
        return AccessKey(self.sim.access_key_id, self.sim.access_key_secret)

    def call(
        self, action: str = PURGE, params: Mapping[str, str] | None = None, **rest: Any
    ) -> requests.Response:
        request = self.prepare(action, WWW if params is None else params, **rest)
        return self.session.send(request, allow_redirects=False, timeout=60)

    def purge(self, **params: str) -> requests.Response:
        return self.call(params={**WWW, **params})

    def prepare(
        self,
        action: str,
        params: Mapping[str, str],
        *,
        method: str = "POST",
        form: Mapping[str, str] | None = None,
        key: AccessKey | None = None,
        headers: Mapping[str, str | None] | None = None,
        unsigned: tuple[str, ...] = (),
    ) -> requests.PreparedRequest:
        """A signed request; `headers` replaces some before signing, None leaves one out."""
        key = key or self.key
        draft = requests.Request(method, f"{self.sim.base_url}/", params=params, data=form)
        request = draft.prepare()
        body = request.body.encode() if isinstance(request.body, str) else b""
        own = {
            "host": self.sim.base_url.removeprefix("http://"),
            "x-acs-action": action,
            "x-acs-version": "2018-05-10",
            "x-acs-date": datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": f"nonce-{next(self._nonces)}",
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-security-token": key.token,
            "content-type": request.headers.get("content-type"),
            **(headers or {}),
        }
        sent = {name: value for name, value in own.items() if value is not None}
        signed = {name: value for name, value in sent.items() if name not in unsigned}
        request.headers.update(sent)
        request.headers["authorization"] = authorization(method, params, signed, body, key)
        return request

    def code(self, **rest: Any) -> str:
        """The error code that a call gets."""
        return str(self.call(**rest).json().get("Code", "none"))

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = self.session.request(method, f"{self.controls}/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def set(self, **settings: object) -> None:
        self.control("POST", "settings", settings)

    def changes(self) -> Generator[int, None, None]:
        """The numbers that the event stream gives, beginning at once."""
        with self.session.get(f"{self.controls}/events", stream=True, timeout=60) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines(chunk_size=1):
                assert not line.startswith(b":"), "a heartbeat comes later than a test waits"
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))["n"]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when it holds, having asked at each change; fail after many changes."""
        with closing(self.changes()) as changes:
            assert any(condition() for _ in itertools.islice(changes, 20))

    def seen(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "requests")["requests"])


def authorization(
    method: str, params: Mapping[str, str], signed: Mapping[str, str], body: bytes, key: AccessKey
) -> str:
    query = "&".join(
        f"{quote(name, safe='~')}={quote(params[name], safe='~')}" for name in sorted(params)
    )
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    names = ";".join(sorted(signed))
    canonical = f"{method}\n/\n{query}\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), text.encode(), "sha256").hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key.id},SignedHeaders={names},Signature={signature}"


@contextmanager
def running_cdn() -> Iterator[Cdn]:
    """A simulator whose clock stands still at noon until the test moves `now`."""
    with requests.Session() as session:
        session.trust_env = False
        cdn = Cdn(CdnSim(now=lambda: cdn.now), session)
        with serving({"cdn": cdn.sim.api, "controls": cdn.sim.control}) as urls:
            cdn.sim.base_url, cdn.controls = urls["cdn"], urls["controls"]
            yield cdn

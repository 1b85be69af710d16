"""The CDN's API: purge by tag, and read tasks, quotas and domains.

    refresh_by_tag        → Submitted             RefreshObjectCacheByCacheTag
    describe_tasks_by_id  → list of Task          DescribeRefreshTaskById
    describe_recent_tasks → list of RecentTask    DescribeRefreshTasks
    describe_quota        → Quota                 DescribeRefreshQuota
    describe_domains      → Domains               DescribeUserDomains

Each call sends one POST with its parameters in the query, without retries.  It returns, or raises
`CdnRefused`; only `refresh_by_tag` may raise `CdnInDoubt`, because only it changes anything.
Redirects are not followed: they would send the signed headers to another host.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from bot.cdn import responses as answers
from bot.cdn.credentials import Source
from bot.cdn.error_codes import CdnError, CdnInDoubt, CdnRefused, fault_of
from bot.cdn.responses import MAX_BODY_BYTES, Answer, Domains, Quota, Submitted, json_object
from bot.cdn.signing import Acs3Auth, canonical_query, fresh_nonce, utc_now
from bot.cdn.transport import HELD_BACK, CarefulAdapter, while_allowed, why_never_sent
from bot.core.cdn import errors as cdn_errors
from bot.core.cdn.errors import (
    BAD_REQUEST,
    DOMAIN_NOT_ALLOWED,
    DOMAIN_UNKNOWN,
    ENDPOINT_UNSAFE,
    NO_ANSWER,
    NO_PERMISSION,
    NOT_ANSWERING,
    UNREACHABLE,
)
from bot.core.decisions.authorization import SendPermit
from bot.core.purge.tracking import RecentTask, Task
from bot.core.text.domain_name import is_loopback
from bot.exchange import exchange
from bot.telemetry import metrics

API_VERSION = "2018-05-10"
_HEADERS: Mapping[str, str] = {
    "User-Agent": "purgebot",
    "Accept": "application/json",
    # Not compressed, so that the limit of a body also limits the memory.
    "Accept-Encoding": "identity",
    "x-acs-version": API_VERSION,
}
_PURGE = "RefreshObjectCacheByCacheTag"
_NOBODYS_DOMAIN = "purgebot-check.invalid"
"""No account can have it: names below .invalid exist nowhere (RFC 6761, section 6.4)."""
_HARMLESS: Mapping[str, Mapping[str, str]] = {
    _PURGE: {"DomainName": _NOBODYS_DOMAIN, "CacheTag": "purgebot-check", "Force": "false"},
    "DescribeRefreshTaskById": {"TaskId": "1"},
    "DescribeRefreshTasks": {"PageSize": "1"},
    "DescribeRefreshQuota": {},
    "DescribeUserDomains": {"PageSize": "1"},
}
"""The operations that the bot calls, each with parameters with which it changes nothing."""
OPERATIONS = tuple(_HARMLESS)
_BEYOND_PERMISSION = frozenset(
    kind.code for kind in (BAD_REQUEST, DOMAIN_NOT_ALLOWED, DOMAIN_UNKNOWN)
)
"""What the CDN says of the parameters of `_HARMLESS` to whom it lets call the operation."""
MAX_TASKS_PER_QUESTION = 10
"""https://alibabacloud.com/help/en/cdn/api-describerefreshtaskbyid"""
LONGEST_EXCHANGE_S = 15.0
"""The limit for one request and its answer, in seconds, however slowly the answer arrives."""
MAX_ANSWER_BYTES = 2 * MAX_BODY_BYTES
"""The limit for headers, body, trailers and framing together: far more than they need."""

T = TypeVar("T")


class CdnClient:
    """The CDN's API at one endpoint.  Threads may share it.

    `endpoint` is `https://host[:port]`; plain http is for loopback only.  The environment's proxies
    and REQUESTS_CA_BUNDLE apply, except to plain http, which must not leave this machine.  `trust`:
    see `bot.config.trust.for_cdn`.  `timeout_s` is (for connecting, between two bytes of the
    answer) and `longest_s` the limit for the whole exchange, in seconds.  `pool_size` should be the
    number of threads that call at the same time.
    Raises: CdnRefused `cdn-endpoint-unsafe`.
    """

    def __init__(
        self,
        endpoint: str,
        credentials: Source,
        *,
        timeout_s: tuple[float, float] = (5.0, 10.0),
        longest_s: float | None = None,
        pool_size: int = 10,
        trust: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = utc_now,
        nonce: Callable[[], str] = fresh_nonce,
    ) -> None:
        _check_endpoint(endpoint)
        self._url = endpoint.rstrip("/") + "/"
        self._timeout_s = timeout_s
        self._longest_s = longest_s or LONGEST_EXCHANGE_S
        self._auth = Acs3Auth(credentials, clock=clock, nonce=nonce)
        self._session = _Session()
        self._session.trust_env = self._url.startswith("https:")
        # The environment is read once: `requests` reads all of it for each request.
        self._environment = self._session.merge_environment_settings(
            self._url, {}, stream=True, verify=None, cert=None
        )
        self._session.mount("https://", CarefulAdapter(pool_size, trust))
        self._session.mount("http://", CarefulAdapter(pool_size))
        # No cookies: none is sent, so none is kept.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        self._session.close()

    def refresh_by_tag(
        self, permit: SendPermit, allowed: Callable[[], bool] = lambda: True
    ) -> Submitted:
        """Purge everything of the permitted purge's domain that has one of its tags.

        With `force`, matching resources are fetched again even if the origin confirms the copies.
        `allowed` is called just before sending; if it returns False, nothing is sent
        (`cdn-held-back`).  Only HTTP 200 with a task ID is success.
        Raises: CdnRefused, CdnInDoubt.
        """
        params = {
            "DomainName": permit.purge.domain,
            "CacheTag": ",".join(permit.purge.tags),
            "Force": "true" if permit.purge.force else "false",
        }
        with metrics.submission(), while_allowed(allowed):
            return self._call(_PURGE, params, answers.read_submitted)

    def describe_tasks_by_id(self, task_ids: Iterable[str]) -> list[Task]:
        """Return the tasks that the CDN still knows, those of the last three days, in any order.

        Raises: CdnRefused.
        """
        wanted = sorted({single for ids in task_ids for single in ids.split(",") if single})
        tasks: list[Task] = []
        for start in range(0, len(wanted), MAX_TASKS_PER_QUESTION):
            some = ",".join(wanted[start : start + MAX_TASKS_PER_QUESTION])
            tasks += self._ask("DescribeRefreshTaskById", {"TaskId": some}, answers.read_tasks)
        return tasks

    def describe_recent_tasks(self) -> list[RecentTask]:
        """Return the newest tasks of the account, at most a hundred of the last three days.

        It is not documented whether tasks by tag are among them.  Raises: CdnRefused.
        """
        return self._ask("DescribeRefreshTasks", {"PageSize": "100"}, answers.read_recent_tasks)

    def describe_quota(self) -> Quota:
        """Return the account's quotas.  It needs few permissions: a good test of credentials.

        Raises: CdnRefused.
        """
        return self._ask("DescribeRefreshQuota", {}, answers.read_quota)

    def describe_domains(self, *, page: int = 1, page_size: int = 500) -> Domains:
        """Return one page, from 1 on, of the account's domains. 500 is the greatest page size.

        Raises: CdnRefused.
        """
        params = {"PageNumber": str(page), "PageSize": str(page_size)}
        return self._ask("DescribeUserDomains", params, answers.read_domains)

    def is_permitted(self, operation: str) -> bool:
        """Return whether the key may call an operation of OPERATIONS, by a call without effect.

        A purge is asked for of a domain that no account can have.  Raises: CdnRefused if the answer
        does not tell.
        """
        try:
            self._ask(operation, _HARMLESS[operation], lambda answer: answer)
        except CdnRefused as refused:
            if refused.info.kind is NO_PERMISSION:
                return False
            if refused.info.code not in _BEYOND_PERMISSION:
                raise
        return True

    def _ask(self, action: str, params: Mapping[str, str], read: Callable[[Answer], T | None]) -> T:
        """Call something that changes nothing, so that a lost answer leaves nothing in doubt."""
        try:
            return self._call(action, params, read)
        except CdnInDoubt as doubt:
            facts = doubt.info.facts
        raise CdnRefused(NOT_ANSWERING, **facts)

    def _call(
        self, action: str, params: Mapping[str, str], read: Callable[[Answer], T | None]
    ) -> T:
        """Return what `read` finds in an answer with HTTP 200, or raise the error that it means."""
        # The URL is sent in the form that is signed, so that the CDN need not derive that form.
        url = f"{self._url}?{canonical_query(params.items())}"
        with metrics.calling(metrics.CDN_S, "cdn", action) as timed:
            try:
                with (
                    exchange(self._longest_s, MAX_ANSWER_BYTES),
                    self._session.send(
                        self._prepared(action, url), timeout=self._timeout_s, **self._environment
                    ) as response,
                ):
                    body = response.raw.read(MAX_BODY_BYTES + 1, decode_content=False)
                    answer = Answer(response.status_code, response.headers, json_object(body))
            except CdnRefused:  # there are no credentials to sign it with
                timed.outcome = "refused"
                raise
            except (OSError, HTTPError) as error:
                fault = _lost(error)
            else:
                found = read(answer) if answer.status == 200 else None
                if found is not None:
                    return found
                fault = fault_of(answer.status, answer.headers, answer.document)
            timed.outcome = "in-doubt" if isinstance(fault, CdnInDoubt) else "refused"
            # An exception raised inside the handler would hold the original one as its context, and
            # with it the request and its headers, which a log could show.
            raise fault

    def _prepared(self, action: str, url: str) -> requests.PreparedRequest:
        """Return a signed request.  No setting of the session applies to it, so none is merged."""
        headers = {**_HEADERS, "x-acs-action": action}
        # Not None, for which `requests` would encode an empty mapping.
        return requests.Request("POST", url, headers, params="", auth=self._auth).prepare()


class _Session(requests.Session):
    """A session that treats a redirect like any other answer and does not parse it."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  (of requests)
        return None


def _lost(error: Exception) -> CdnError:
    why = why_never_sent(error)
    if why is not None:
        return CdnRefused(cdn_errors.HELD_BACK if why == HELD_BACK else UNREACHABLE, why=why)
    return CdnInDoubt(NO_ANSWER, cause=type(error).__name__)


def _check_endpoint(endpoint: str) -> None:
    with suppress(ValueError):  # the port or the IPv6 address is invalid
        url = urlsplit(endpoint)
        host = url.hostname or ""
        secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(host))
        bare = endpoint.rstrip("/") == f"{url.scheme}://{url.netloc}" and "@" not in url.netloc
        if secure and bare and url.port != 0 and re.fullmatch(r"[0-9A-Za-z.:-]+", host):
            return
    raise CdnRefused(ENDPOINT_UNSAFE)

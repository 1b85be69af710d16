"""A pretend Alibaba Cloud CDN (API version 2018-05-10) with controls.

catalogue    error codes, their status and texts        signature   who sent this request
settings     switches                                   tasks       a task's life
ledger       quotas and rates                           faults      troubles on demand
account      the state all of them share
refresh      operations that empty caches               queries     operations that look
gateway      request → answer                           control     the page's and tests' side
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from bot.simulators.cdn.account import KEY, Account
from bot.simulators.cdn.api.gateway import Gateway
from bot.simulators.cdn.control import Control
from bot.simulators.cdn.settings import Settings
from bot.simulators.cdn.signature import AccessKey


class CdnSim:
    """The endpoint (`api`, everything at "/") and its controls (`control`) over one account.

    `now` gives UTC epoch seconds; `settings` are the fields of `Settings`.
    Whoever serves `api` sets `base_url`.
    """

    def __init__(self, now: Callable[[], float] = time.time, **settings: Any) -> None:
        self.account = Account(now, Settings(**settings))
        self.api = Starlette(
            routes=[Route("/", Gateway(self.account).answer, methods=["GET", "POST"])]
        )
        self.control: Starlette = Control(self.account).app
        self.base_url = ""
        self.access_key_id = KEY.id
        self.access_key_secret = KEY.secret

    def issue_token(self, lifetime_s: float = 3600) -> AccessKey:
        """A temporary key pair with a security token; it stays known until a reset."""
        return self.account.issue_token(lifetime_s)

"""Leads Slack's SDK to the Slack at SLACK_API_URL, in programs that have no setting for it."""

import os
from functools import partialmethod

from slack_sdk.web.async_base_client import AsyncBaseClient
from slack_sdk.web.base_client import BaseClient

for client in (AsyncBaseClient, BaseClient):
    client.__init__ = partialmethod(client.__init__, base_url=os.environ["SLACK_API_URL"])

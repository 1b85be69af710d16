"""Exceptions of a worker's step if Slack cannot be reached now: the row is retried later."""

from __future__ import annotations

from datetime import timedelta


class RetryLater(Exception):
    """Retry after `retry_after_s` seconds, as Slack asked; None: with backoff."""

    reason = "not-now"

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__(self.reason)
        self.retry_after_s = retry_after_s


class DirectoryUnavailable(RetryLater):
    """Slack did not return who a person is."""

    reason = "people-unknown"


class DirectoryRefused(DirectoryUnavailable):
    """Slack refuses to return who people are until somebody changes the app's permissions."""


class DeliveryDeferred(RetryLater):
    """Slack did not accept a message now."""

    reason = "not-posted"


class CardGone(DeliveryDeferred):
    """The card that a message belongs to was deleted: it has to be posted again first."""


class RateLimited(DeliveryDeferred):
    """Slack accepts no more calls for `retry_after_s` seconds: all other posts wait too."""


FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to return who a person is before the request is refused."""


def is_lasting(unknown: DirectoryUnavailable, waited: timedelta) -> bool:
    """Return whether Slack will not return who a person is until somebody corrects the app.

    Raises: DirectoryUnavailable, the given one, if it may pass and was waited for less than
    FACTS_PATIENCE.
    """
    lasting = isinstance(unknown, DirectoryRefused)
    if not lasting and waited < FACTS_PATIENCE:
        raise unknown
    return lasting

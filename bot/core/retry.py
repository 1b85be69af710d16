"""What a step raises when Slack could not be asked or told now: its row is put back for later."""

from __future__ import annotations

from datetime import timedelta


class RetryLater(Exception):
    """Try again after `retry_after_s` seconds, as Slack asked; None: with backoff."""

    reason = "not-now"

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__(self.reason)
        self.retry_after_s = retry_after_s


class DirectoryUnavailable(RetryLater):
    """Slack did not say who somebody is."""

    reason = "people-unknown"


class DirectoryRefused(DirectoryUnavailable):
    """Slack refuses to say who people are until somebody changes what the app may do."""


class DeliveryDeferred(RetryLater):
    """Slack did not take a message now."""

    reason = "not-posted"


class CardGone(DeliveryDeferred):
    """The card that a message belongs to was deleted: it has to be posted anew first."""


class RateLimited(DeliveryDeferred):
    """Slack takes no more of a kind for `retry_after_s`: whatever else is to be said can wait too."""


FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to say who somebody is before the request is refused."""


def is_lasting(unknown: DirectoryUnavailable, waited: timedelta) -> bool:
    """Whether Slack will not say who somebody is until somebody mends it.

    Raises: DirectoryUnavailable again, where it may pass and was waited for less than FACTS_PATIENCE.
    """
    lasting = isinstance(unknown, DirectoryRefused)
    if not lasting and waited < FACTS_PATIENCE:
        raise unknown
    return lasting

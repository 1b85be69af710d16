"""What a step raises when Slack could not be asked or told now: its row is put back for later."""

from __future__ import annotations


class DirectoryUnavailable(Exception):
    """Slack did not say who somebody is; `retry_after_s` is how long it asked us to wait."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("people-unknown")
        self.retry_after_s = retry_after_s


class DirectoryRefused(DirectoryUnavailable):
    """Slack refuses to say who people are until somebody changes what the app may do."""


class DeliveryDeferred(Exception):
    """Slack did not take a message now; try again after `retry_after_s`, or with backoff."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("not-posted")
        self.retry_after_s = retry_after_s


class CardGone(DeliveryDeferred):
    """The card that a message belongs to was deleted: it has to be posted anew first."""


class RateLimited(DeliveryDeferred):
    """Slack takes no more of a kind for `retry_after_s`: whatever else is to be said can wait too."""

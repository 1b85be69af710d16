"""What a step raises when Slack could not be asked or told now: its row is put back for later."""

from __future__ import annotations


class PeopleUnknown(Exception):
    """Slack did not say who somebody is; `retry_after_s` is how long it asked us to wait."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("people-unknown")
        self.retry_after_s = retry_after_s


class NotPosted(Exception):
    """Slack did not take a message now; try again after `retry_after_s`, or with backoff."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("not-posted")
        self.retry_after_s = retry_after_s


class SlackBusy(NotPosted):
    """Slack takes no more of a kind for `retry_after_s`: whatever else is to be said can wait too."""

"""What a purge that the CDN has taken teaches about the tags of its domain."""

from __future__ import annotations

from contextlib import suppress

from bot.core.decisions.outcomes import NewTags
from bot.core.policy.document import Policy
from bot.core.purge.purge import Purge
from bot.core.suggestions.confirmation import MANY_KNOWN, MOST_TYPED
from bot.store.database.engine import StoreUnavailable
from bot.store.store import Store


def new_tags(store: Store, policy: Policy, purge: Purge) -> NewTags:
    """Give the new tags of a purge; where that cannot be asked, all of them, which harms nobody."""
    with suppress(StoreUnavailable):  # a hint is not worth the outcome
        unknown = store.tags.unknown(purge.domain, purge.tags)
        named = policy.tags_named(purge.domain)
        odd = [tag for tag in unknown if tag not in named]
        # Where only a few tags are known at all, a new one is nothing to speak of.
        typed = odd and len(purge.tags) <= MOST_TYPED
        worth_a_word = typed and store.tags.are_many(purge.domain, MANY_KNOWN)
        return NewTags(unknown, tuple(odd) if worth_a_word else ())
    return NewTags(purge.tags)

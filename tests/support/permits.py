"""Leave to send, for tests of the CDN's client: from the gate, as nobody else can give it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.decisions.authorization import SendFacts, SendPermit, authorize_send
from bot.core.decisions.rulings import Rules
from bot.core.policy.decision import Actor, Membership
from bot.core.policy.document import Policy
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import State
from tests.support.audit_entries import trail_of
from tests.support.builders import NOW, a_purge

WHO, OTHER = "U0ANA", "U0SAM"
POLICY = Policy.model_validate(
    {
        "version": 1,
        "rules": [
            {"rule": "All", "roles": "*", "allow": ["purge", "force", "approve"], "domains": ["*"]},
        ],
    }
)


def permit(domain: str, tags: Sequence[str], *, force: bool = False) -> SendPermit:
    """Give leave to send this, by a policy that lets everybody do everything."""
    purge = a_purge(
        State.READY,
        domain=domain,
        tags=tuple(tags),
        force=force,
        version=3 if force else 2,
        approvals=(Approval(OTHER, NOW),) if force else (),
    )
    actors = {
        who: Actor("T0TOWN", who, Membership.MEMBER, frozenset(), "C0WEB") for who in (WHO, OTHER)
    }
    facts = SendFacts(actors, trail_of(purge))
    decision = authorize_send(purge, Rules(POLICY, "hash"), facts, NOW)
    assert isinstance(decision, SendPermit)
    return decision

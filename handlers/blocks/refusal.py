"""The refusal of a request: why, then what to do, who could help, and the code."""

from __future__ import annotations

from bot.core import error_registry
from bot.core.command.parser import format_command
from bot.core.decisions.rulings import suggested_command
from bot.core.errors import ErrorInfo
from bot.core.purge.purge import Purge, Refusal
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.error import did_you_mean
from handlers.blocks.kit import FACT_LIMIT, TAG_LIMIT, code, either, listing, prose
from handlers.blocks.naming import kind_of, wording
from handlers.blocks.tags import show_all, shown_tags

NOT_MEMBER = "policy-not-member"


def refusal(purge: Purge, link: str | None = None) -> Message:
    """Return the refusal for the requester: why, which role is needed, and who holds it.

    `link` leads to the card of the purge that makes this one unnecessary.
    """
    refused = purge.refusal
    assert refused is not None, "only a refused purge is drawn as a refusal"
    kind = kind_of(purge).capitalize()
    tags = shown_tags(purge)
    called = wording(purge)
    title = f":{called.emoji}: *{called.title}*"
    if refused.other is not None:
        title = f":link: *{kind} not asked for twice*"
    lines = [
        title,
        f"{code(purge.domain)} · {tags.head}",
        *tags.lines,
        prose(refused.sentence, FACT_LIMIT),
    ]
    if refused.code in error_registry.KINDS:
        lines.append(ErrorInfo(error_registry.kind(refused.code)).hint)
    # For a mistyped domain the suggestion helps most, so it comes first.
    meant = suggested_command(purge)
    suggested = did_you_mean(format_command(meant) if meant else None)
    helpers = _helpers(refused, link)
    if suggested and helpers:
        if_right = f"If {code(purge.domain)} is right:"
        suggested.append(kit.section("\n".join([if_right, *helpers])))
        helpers = []
    return kit.message(
        f"{kind} refused: {prose(refused.sentence, FACT_LIMIT)}",
        kit.section("\n".join([*lines, *helpers])),
        *suggested,
        *show_all(purge),
        kit.context(f"Purge {code(purge.id)} · {code(refused.code)}"),
    )


def _helpers(refused: Refusal, link: str | None) -> list[str]:
    """Return the lines about who, or what, could help."""
    lines = []
    if refused.roles and refused.code != NOT_MEMBER:  # a role would not help them
        roles = [code(role, TAG_LIMIT) for role in refused.roles]
        lines.append(f"It takes the role {either(roles)}.")
    if refused.other is not None:
        card = f"<{link}|its card>" if link else "its card"
        lines.append(f"See {card}: purge {code(refused.other)}.")
    if refused.holders:
        lines.append(f"Ask {listing(refused.holders)}.")
    return lines

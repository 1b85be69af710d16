"""The answer to `/purge help`: only what this person may do, with examples that work for them."""

from __future__ import annotations

from importlib.metadata import version

from bot.core.command.queries import (
    HISTORY,
    HISTORY_FORM,
    PENDING,
    PENDING_FORM,
    QUOTA,
    QUOTA_FORM,
    STATUS,
    STATUS_FORM,
    VERSION,
    VERSION_FORM,
)
from bot.slack.message import Message
from handlers.blocks import kit
from handlers.blocks.kit import code, codes

_NOTHING = (
    "You may not purge anything yet. Ask the owners of Purgebot's policy to give you a role "
    "for your domains."
)
_QUESTIONS = (
    "*Only you see the answers to these*",
    f"• {code(STATUS_FORM)} what became of a purge; without an ID, of your latest",
    f"• {code(HISTORY_FORM)} what was purged",
    f"• {code(PENDING_FORM)} what waits for approval",
    f"• {code(QUOTA_FORM)} what is left of the CDN's quotas",
    f"More on one of them: {code('/purge help history')}",
)
_SIGHT = "You see your own purges and those that the policy shows you. Nobody else sees the answer."
_ON: dict[str, tuple[str, ...]] = {
    STATUS: (
        "*What became of a purge*",
        f"• {code('/purge status')} your latest one",
        f"• {code('/purge status P1M82J8FAHK949')} the one with this ID, which stands on its card",
        f"• {code('/purge status 17772470184')} the one with this task ID of the CDN",
        _SIGHT,
    ),
    HISTORY: (
        "*What was purged*, newest first",
        f"• {code('/purge history')} all that you may see",
        f"• {code('/purge history www.example.com')} of one domain",
        f"• {code('/purge history --user me')} your own; {code('--user U0123456')} somebody else's",
        f"• {code('/purge history --since 2d')} of late: 90m, 12h, 2d, 2w or 2026-11-20",
        "They can stand together, in any order.",
        _SIGHT,
    ),
    PENDING: (
        "*Which purges wait for approval*",
        f"• {code(PENDING_FORM)} newest first; what is decided or expired is in the history",
        _SIGHT,
    ),
    QUOTA: (
        "*What is left of the CDN's quotas*",
        f"• {code(QUOTA_FORM)} as the CDN reports it, and what I have sent since its day began",
    ),
    VERSION: (
        "*Which version of me this is*",
        f"• {code(VERSION_FORM)} for whoever looks something up in my documentation",
    ),
}


def help_message(may: dict[str, str]) -> Message:
    """Return the help.  `may` has the domain patterns for each action, joined by commas.

    With `asks` in it, the questions are listed too; with `topic`, only that one is explained.
    """
    if on := _ON.get(may.get("topic", "")):
        return kit.message(f"Help on /purge {may['topic']}", kit.section("\n".join(on)))
    domains = {action: patterns.split(",") for action, patterns in may.items()}
    lines = [
        ":broom: *Clear what the CDN has cached, by tag*",
        "Tags are the names that the origin gives to pages, not the addresses of pages.",
    ]
    if "purge" in domains:
        example = code(f"/purge {_example(domains['purge'])} hero,banner")
        lines.append(f"• {example}\nThe edge asks the origin, and keeps what has not changed.")
    if "force" in domains:
        command = f'/purge {_example(domains["force"])} hero --force --reason "new campaign"'
        lines.append(
            f"• {code(command)}\nEvery edge fetches anew; somebody else approves it first."
        )
    if not {"purge", "force"} & domains.keys():
        lines.append(_NOTHING)
    blocks = [kit.section("\n".join(lines))]
    if "asks" in may:
        blocks.append(kit.section("\n".join(_QUESTIONS)))
    rights = [
        f"You may {verb}: {codes(domains[action], 400)}"
        for action, verb in (("purge", "purge"), ("force", "force"), ("approve", "approve"))
        if action in domains
    ]
    if rights:
        blocks.append(kit.context(*rights))
    return kit.message("How to clear the CDN's cache with /purge", *blocks)


def _example(patterns: list[str]) -> str:
    """Return a domain for an example: one of the person's own, or one made from a pattern."""
    exact = [pattern for pattern in patterns if "*" not in pattern]
    return exact[0] if exact else patterns[0].replace("*.", "www.").replace("*", "www.example.com")


def version_message() -> Message:
    """Return the answer to `/purge version`."""
    this = f"Purgebot {version('purgebot')}"
    return kit.message(this, kit.section(this))

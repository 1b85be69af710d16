"""The answer to `/purge help`: only what this person may do, with examples they could run."""

from __future__ import annotations

from bot.core.questions import HISTORY_FORM, QUOTA_FORM, STATUS_FORM
from handlers.blocks import kit
from handlers.blocks.kit import Message, code, codes

_NOTHING = (
    "You may not purge anything yet. Ask the owners of Purgebot's policy to give you a role "
    "for your domains."
)
_QUESTIONS = (
    "*Only you see the answers to these*",
    f"• {code(STATUS_FORM)} what became of a purge; its card shows the ID",
    f"• {code(HISTORY_FORM)} what was purged",
    f"• {code(QUOTA_FORM)} what is left of the CDN's quotas",
)


def help_message(may: dict[str, str]) -> Message:
    """Give the help; `may` holds the domain patterns for each action, joined by commas.

    With `asks` in it, the questions are listed as well.
    """
    domains = {action: patterns.split(",") for action, patterns in may.items()}
    lines = [":broom: *Clear what the CDN has cached, by tag*"]
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
    """Give a domain for an example: one of the person's own, or one made from a pattern."""
    exact = [pattern for pattern in patterns if "*" not in pattern]
    return exact[0] if exact else patterns[0].replace("*.", "www.").replace("*", "www.example.com")

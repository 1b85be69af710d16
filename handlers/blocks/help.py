"""The answer to `/purge help`: only what this person may do, with examples that work for them."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

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
from handlers.blocks.kit import code, codes, listing
from handlers.blocks.naming import FORCE_MEANS, PLAIN_MEANS

_RIGHTS_MOST = 1200
_APPROVED = "Somebody else approves it first."
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
    """Return the help.  `bot.core.decisions.rulings.help_notice` says what `may` has."""
    if on := _ON.get(may.get("topic", "")):
        return kit.message(f"Help on /purge {may['topic']}", kit.section("\n".join(on)))
    lines = [
        ":broom: *Clear what the CDN has cached, by tag*",
        "Tags are the names that the web server (the origin) gives to pages and files, not their addresses.",
    ]
    if example := may.get("example purge"):
        lines.append(f"• {code(f'/purge {example}')}\n{PLAIN_MEANS}")
    if example := may.get("example force"):
        command = f'/purge {example} --force --reason "new campaign"'
        approved = "It needs no approval." if "force alone" in may else _APPROVED
        lines.append(f"• {code(command)}\n{FORCE_MEANS} {approved}")
    if not {"purge", "force"} & may.keys():
        lines += _nothing(may)
    blocks = [kit.section("\n".join(lines))]
    if "asks" in may:
        blocks.append(kit.section("\n".join(_QUESTIONS)))
    rights = [
        f"You may {action}: {_rights(may[f'rights {action}'], may[action].count(',') + 1)}"
        for action in ("purge", "force", "approve")
        if f"rights {action}" in may
    ]
    if rights:
        blocks.append(kit.context(*rights))
    return kit.message("How to clear the CDN's cache with /purge", *blocks)


def _nothing(may: dict[str, str]) -> list[str]:
    """Return who can help a person who may purge nothing."""
    lines = [may.get("cannot", "You may not purge anything yet.")]
    if holders := may.get("holders"):
        lines.append(f"These can purge: {listing(holders.split(','))}.")
    if "cannot" not in may:
        admins = listing(filter(None, may.get("admins", "").split(",")))
        who = f" ({admins})" if "admins" in may else ""
        lines.append(f"Ask the owners of Purgebot's policy{who} to give you a role.")
    return lines


def _rights(written: str, count: int) -> str:
    """Return domains with their limits: every domain (but not `checkout*` of `shop.example.com`)."""
    shown, _ = kit.fitting([_right(row) for row in json.loads(written)], _RIGHTS_MOST)
    left = count - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _right(row: dict[str, Any]) -> str:
    limits = [] if "*" in row["tags"] else [f"tags {codes(row['tags'], 200)}"]
    for domain, tags in row["denied"]:
        where = "" if domain == row["domain"] else f" of {code(domain)}"
        what = "anything" if "*" in tags else codes(tags, 200)
        limits.append(f"but not {what}{where}")
    domain = "every domain" if row["domain"] == "*" else code(row["domain"])
    return domain + (f" ({', '.join(limits)})" if limits else "")


def version_message() -> Message:
    """Return the answer to `/purge version`."""
    this = f"Purgebot {version('purgebot')}"
    return kit.message(this, kit.section(this))

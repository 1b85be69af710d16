"""What stands in #web-publishing when a test begins, and the CDN's tasks behind it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> & <script>document.title='owned'</script>"
"""As somebody would type it; Slack stores it escaped, a careless app does not."""


def message(ts: str, **facts: Any) -> Json:
    """A message as the control API shows it; `reader` makes it ephemeral."""
    reader = facts.get("reader")
    return {
        "ts": ts,
        "user": "U0BOT",
        "username": "Purgebot",
        "text": "",
        "blocks": [],
        "attachments": [],
        "ephemeral": reader is not None,
        "edited": None,
        "metadata": None,
        "thread_ts": None,
        "command": None,
        "reactions": [],
        "history": [],
        "reader": None,
        **facts,
    }


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": "p-1", **more}


def waiting_card(now: float) -> list[Json]:
    """A forced purge that waits for somebody else to press."""
    return [
        {
            "type": "section",
            "text": mrkdwn(
                ":hourglass_flowing_sand: *Waiting for approval* — forced purge asked for by <@U0ANA>"
            ),
        },
        {
            "type": "section",
            "fields": [
                mrkdwn("*Domain*\nshop.example.com"),
                mrkdwn("*Tags*\n`sale`, `banner-2026`"),
                mrkdwn("*May approve*\n<!subteam^S0SRE>"),
                mrkdwn(
                    f"*Expires*\n<!date^{int(now) + 1740}^{{date_short_pretty}} at {{time}}|at 9:59>"
                ),
            ],
        },
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                button(
                    "Approve",
                    "approve",
                    style="primary",
                    confirm={
                        "title": plain("Purge with force?"),
                        "text": mrkdwn(
                            "Every copy of *2 tags* on shop.example.com is fetched from the origin again."
                        ),
                        "confirm": plain("Approve"),
                        "deny": plain("Not yet"),
                    },
                ),
                button("Deny", "deny", style="danger"),
            ],
        },
        {
            "type": "context",
            "elements": [mrkdwn("Request `p-7f3a` · you cannot approve your own request")],
        },
    ]


def done_card(now: float) -> list[Json]:
    return [
        {
            "type": "section",
            "text": mrkdwn(":white_check_mark: *Purged* `homepage` on www.example.com"),
        },
        {
            "type": "section",
            "fields": [
                mrkdwn("*Task*\n`17772470184`"),
                mrkdwn(f"*Took*\n18 s, until <!date^{int(now)}^{{time}}|9:30>"),
            ],
        },
        {"type": "context", "elements": [mrkdwn("Asked for by <@U0ANA> · request `p-51c2`")]},
    ]


def refusal() -> list[Json]:
    return [
        {
            "type": "alert",
            "level": "error",
            "text": mrkdwn(
                "*You may not purge docs.example.org.*\nEditors may purge www.example.com and shop.example.com."
            ),
        },
        {
            "type": "context",
            "elements": [mrkdwn("Who may: <!subteam^S0SRE> · nothing was sent to the CDN")],
        },
    ]


def everyday(now: float) -> list[Json]:
    at = [f"{now - back:.6f}" for back in (90_000, 900, 870, 780, 600, 300)]
    return [
        message(
            at[0], user="U0KIM", text="The new shop templates carry the `sale` tag from today on."
        ),
        message(
            at[1],
            user="U0ANA",
            text="Morning! The new homepage is live :tada:\n> _can somebody check the cache?_",
        ),
        message(
            at[2],
            user="U0ANA",
            text="I am on it, see <https://www.example.com/|the homepage> and <#C0OPS>",
        ),
        message(
            at[3],
            command="/purge www.example.com homepage",
            text="Purged homepage on www.example.com",
            blocks=done_card(now - 760),
            edited={"ts": f"{now - 760:.6f}"},
            history=[
                {"at": now - 780, "text": "Asked the CDN to purge `homepage`", "blocks": []},
                {"at": now - 770, "text": "Purging `homepage`: 40 %", "blocks": []},
            ],
        ),
        message(
            at[4], reader="U0ANA", text="You may not purge docs.example.org.", blocks=refusal()
        ),
        message(
            at[5],
            command="/purge shop.example.com sale,banner-2026 --force",
            text="A forced purge waits for approval",
            blocks=waiting_card(now),
        ),
    ]


def tasks() -> list[Json]:
    def task(number: int, status: str, process: str, **more: Any) -> Json:
        return {
            "id": str(17772470184 + number),
            "domain": "www.example.com",
            "tags": ["homepage"],
            "force": False,
            "status": status,
            "process": process,
            "created": f"2025-11-22T08:{20 + number:02}:00Z",
            "description": "",
            **more,
        }

    return [
        task(0, "Complete", "100%"),
        task(
            1,
            "Failed",
            "60%",
            domain="img.example.com",
            tags=["logo"],
            description="Origin Timeout",
        ),
        task(
            2,
            "Refreshing",
            "40%",
            domain="shop.example.com",
            tags=["sale", "banner-2026"],
            force=True,
        ),
    ]

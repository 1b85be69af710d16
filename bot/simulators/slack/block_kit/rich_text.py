"""The rich_text block: sections, lists, quotes and preformatted text, and what stands in a line."""

from __future__ import annotations

from bot.simulators.slack.block_kit.checks import (
    Check,
    anything,
    array,
    boolean,
    integer,
    one_of,
    string,
    thing,
    typed,
)
from bot.simulators.slack.block_kit.elements import ID, URL

_TYPE: dict[str, Check] = {"type": anything}
_STYLES = thing(
    {},
    dict.fromkeys(
        (
            "bold",
            "italic",
            "strike",
            "underline",
            "code",
            "highlight",
            "client_highlight",
            "unlink",
        ),
        boolean,
    ),
)
_STYLE: dict[str, Check] = {"style": _STYLES}

_INLINE = typed(
    {
        "text": thing({**_TYPE, "text": string()}, _STYLE),
        "link": thing({**_TYPE, "url": URL}, {"text": string(), "unsafe": boolean, **_STYLE}),
        "user": thing({**_TYPE, "user_id": string()}, _STYLE),
        "usergroup": thing({**_TYPE, "usergroup_id": string()}, _STYLE),
        "channel": thing({**_TYPE, "channel_id": string()}, _STYLE),
        "team": thing({**_TYPE, "team_id": string()}, _STYLE),
        "emoji": thing(
            {**_TYPE, "name": string()}, {"skin_tone": integer(1, 6), "unicode": string(), **_STYLE}
        ),
        "broadcast": thing({**_TYPE, "range": one_of("here", "channel", "everyone")}, _STYLE),
        "color": thing({**_TYPE, "value": string()}, _STYLE),
        "date": thing(
            {**_TYPE, "timestamp": integer(), "format": string()},
            {"url": URL, "fallback": string(), **_STYLE},
        ),
    }
)
_LINE: dict[str, Check] = {**_TYPE, "elements": array(_INLINE, least=0)}
_SECTION = thing(_LINE)

RICH_TEXT = thing(
    {
        **_TYPE,
        "elements": array(
            typed(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_quote": thing(_LINE, {"border": integer(0, 1)}),
                    "rich_text_preformatted": thing(
                        _LINE, {"border": integer(0, 1), "language": string()}
                    ),
                    "rich_text_list": thing(
                        {
                            **_TYPE,
                            "style": one_of("bullet", "ordered"),
                            "elements": array(typed({"rich_text_section": _SECTION})),
                        },
                        {"indent": integer(0, 8), "offset": integer(0), "border": integer(0, 1)},
                    ),
                }
            )
        ),
    },
    {"block_id": ID},
)

"""The kinds of errors of questions and of their answers.

The fact `part` is the text that was typed, made safe to show.
"""

from __future__ import annotations

from bot.core.errors import ErrorKind

# --- the words: an ID or a value is missing, invalid, or superfluous ---

MISSPELT = ErrorKind(
    "question-misspelt",
    "There is no question “{part}”; did you mean {suggestion}?",
    "A purge begins with its domain, for example: www.example.com hero. For all questions: "
    "/purge help.",
)
ID_MALFORMED = ErrorKind(
    "question-id-malformed",
    "“{part}” is neither the ID of a purge nor a task ID of the CDN.",
    "Copy one ID from the purge's card, without anything else.",
)
WORD_EXTRA = ErrorKind(
    "question-word-extra",
    "“{part}” is too much there.",
    "The question is written like this: {form}.",
)
OPTION_UNKNOWN = ErrorKind(
    "question-option-unknown",
    "There is no option “{part}” for history.",
    "The options are --user U0123456 and --since 2d.",
)
OPTION_TWICE = ErrorKind(
    "question-option-twice",
    "{option} stands there twice.",
    "Give it once.",
)
USER_MALFORMED = ErrorKind(
    "question-user-malformed",
    "I cannot tell who “{part}” is: Slack gives me names as they were typed, and names change.",
    "Write the member ID, which begins with U or W: open the person's profile, choose ⋮ (More) and "
    "“Copy member ID”. Then: --user U0123456. For your own: --user me.",
)
SINCE_MALFORMED = ErrorKind(
    "question-since-malformed",
    "“{part}” is no time to look back to.",
    "Write a span (90m, 12h, 2d, 2w) or a day (2026-11-20).",
)

# --- the asker: may not ask, or their membership could not be looked up at Slack ---

NOT_A_MEMBER = ErrorKind(
    "question-not-a-member",
    "Only full members of the workspace can ask me this.",
    "Ask somebody who is one.",
)
NOT_YOUR_PAGE = ErrorKind(
    "question-not-your-page",
    "This button belongs to the answer to somebody else's question, or to another version of me.",
    "Ask for yourself: /purge history.",
)
ASKER_UNKNOWN = ErrorKind(
    "question-asker-unknown",
    "Slack did not tell me in time who you are and which groups you are in, "
    "so I do not know what you may see.",
    "Ask again in a minute.",
    retryable=True,
)

ASKER_LOOKUP_REFUSED = ErrorKind(
    "question-lookup-refused",
    "Slack does not let me look up who you are and which groups you are in, "
    "so I do not know what you may see.",
    "It does not pass by itself. Tell the operators of Purgebot: /readyz and its log name what "
    "Slack refuses.",
)

# --- the answer: there is nothing that the asker may see ---

PURGE_UNKNOWN = ErrorKind(
    "question-purge-unknown",
    "I know no purge “{part}” that you may see.",
    "Check the ID on its card. You see your own purges and those that the policy shows you; "
    "these may see every one: {holders}.",
)
NONE_OF_YOURS = ErrorKind(
    "question-none-yours",
    "You have not asked for a purge yet.",
    "Give the ID of a purge: /purge status P1M82J8FAHK949. For what others purged: /purge history.",
)
TAGS_NOT_SHOWN = ErrorKind(
    "tags-not-shown",
    "I could not show the tags in time.",
    "Press the button again.",
    retryable=True,
)

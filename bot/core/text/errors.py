"""The kinds of errors in the text after `/purge`.

The facts: `part` is the text that is wrong, made safe to show; `corrected` is the whole corrected
command, if the intended one can be inferred.
"""

from __future__ import annotations

from bot.core.errors import ErrorKind

# --- the domain: missing, not one host name, or not one that a CDN could serve ---

DOMAIN_WILDCARD = ErrorKind(
    "command-domain-wildcard",
    "“{part}” is a wildcard; the CDN clears tags of one domain at a time.",
    "Name one domain in full, for example www.example.com.",
)
DOMAIN_URL = ErrorKind(
    "command-domain-url",
    "“{part}” is more than a domain.",
    "Write the domain alone, without port, path or login: www.example.com.",
)
DOMAIN_ADDRESS = ErrorKind(
    "command-domain-address",
    "“{part}” is an IP address; the CDN knows domains only by name.",
    "Name the domain, for example www.example.com.",
)
DOMAIN_DOTLESS = ErrorKind(
    "command-domain-dotless",
    "“{part}” is no domain: it has no dot.",
    "The domain comes first and then the tags, for example: www.example.com hero. The words that "
    "take none: help, status, history, pending, quota and version.",
)
DOMAIN_MALFORMED = ErrorKind(
    "command-domain-malformed",
    "“{part}” is no domain: “{label}” cannot stand in a domain name.",
    "Check the spelling. Between its dots a domain holds letters, digits and inner hyphens, "
    "at most 63 of them.",
)
DOMAIN_LONG = ErrorKind(
    "command-domain-long",
    "“{part}” is no domain: it is longer than 253 characters.",
    "Check that there is a space between the domain and the tags.",
)
DOMAIN_MISSING = ErrorKind(
    "command-domain-missing",
    "There is no domain in the command.",
    "Write the domain first and then the tags, for example: www.example.com hero.",
)
DOMAIN_COMMA = ErrorKind(
    "command-domain-comma",
    "There is a comma after the domain “{part}”.",
    "One command clears one domain; a space stands between the domain and its tags.",
)
DOMAIN_SECOND = ErrorKind(
    "command-domain-second",
    "“{part}” is a second domain; one command clears the tags of one domain.",
    "Send a command for each domain. For a tag of that very name, write tag: right before it.",
)
COMMAND_SECOND = ErrorKind(
    "command-second",
    "“{part}” looks like the beginning of another command.",
    "Send one command at a time. For a tag of that very name, write tag: right before it.",
)
COMMAND_LINES = ErrorKind(
    "command-lines",
    "A second line begins with “{part}” and looks like a second command.",
    "Send one command at a time, with all its tags on one line.",
)
# --- the tags: missing, too long, with characters that phones slip in, or meant otherwise ---

LINK = ErrorKind(
    "command-link",
    "“{part}” is a link that shows one thing and leads to another.",
    "Type it instead of pasting it.",
)
TAG_MISSING = ErrorKind(
    "command-tag-missing",
    "There is no tag after the domain {part}.",
    "Add one or more tags, for example: {part} hero.",
)
TAGS_LONG = ErrorKind(
    "command-tags-long",
    "The tags have {length} characters together; the CDN takes at most 16384.",
    "Split the tags over several commands.",
)
TAG_DASH = ErrorKind(
    "command-tag-dash",
    "The tag “{part}” holds a long dash, which phones write in place of hyphens.",
    "Write plain hyphens (-), and put a space before an option.",
)
TAG_QUOTE = ErrorKind(
    "command-tag-quote",
    "The tag “{part}” holds a quotation mark.",
    "Write tags without quotes; only the text after --reason is quoted.",
)
TAG_SIGN = ErrorKind(
    "command-tag-sign",
    "“{part}” is not taken as a tag: {why}.",
    "Write the tags bare, with spaces or commas between them. For a tag that is really so written, "
    "write tag: right before it.",
)
TAG_STAR = ErrorKind(
    "command-tag-star",
    "“{part}” holds a *, and the CDN does not document that it stands for other tags.",
    "Name each tag in full. For a tag that really holds a *, write tag: right before it.",
)
TAG_ADDRESS = ErrorKind(
    "command-tag-address",
    "“{part}” is the address of a page, a file or a server, and not a tag.",
    "Name the tags that the page carries: the origin sends them in a response header, and its "
    "developers know them. For a tag of that very name, write tag: right before it.",
)
UNSEEN = ErrorKind(
    "command-unseen",
    "“{part}” holds characters that cannot be seen.",
    "Type it instead of pasting it.",
)
# --- the options: misspelt, or so written that nobody can tell what was meant ---

FORCE_LIKE = ErrorKind(
    "command-force-like",
    "“{part}” looks like --force but is written as a tag, so nothing was purged.",
    "For a forced purge write --force; for a tag of that name, write tag: right before it.",
)
FORCE_WORDS = ErrorKind(
    code="command-words-after-force",
    message="“{part}” after --force may be a reason or more tags, so I did not guess.",
    hint='Write a reason as --reason "{part}", and tags before --force, with commas: hero,banner '
    "--force.",
)
FORCE_VALUE = ErrorKind(
    "command-force-value",
    "--force takes no value, so “{part}” cannot stand there.",
    "Write --force for a forced purge; leave it out for a plain one.",
)
OPTION_MISSPELT = ErrorKind(
    "command-option-misspelt",
    "There is no option “{part}”; did you mean {suggestion}?",
    'The options are --force, --reason "why" and --break-glass.',
)
OPTION_UNKNOWN = ErrorKind(
    "command-option-unknown",
    "There is no option “{part}”.",
    'The options are --force, --reason "why" and --break-glass. A tag that begins with a dash is '
    "written with tag: before it.",
)
OPTION_HELP = ErrorKind(
    "command-option-help",
    "Help is not an option, so “{part}” cannot stand there.",
    "Write /purge help alone: it shows what you may do, and how.",
)
REASON_UNQUOTED = ErrorKind(
    "command-reason-unquoted",
    "The reason does not stand in quotes.",
    'Write it like this: --reason "new prices".',
)
REASON_OPEN = ErrorKind(
    "command-reason-open",
    "The reason “{part}” has no closing quote.",
    'Put a quote where the reason ends: --reason "new prices".',
)
REASON_GLUED = ErrorKind(
    "command-reason-glued",
    "After the reason's closing quote follows “{part}” without a space.",
    "Put a space there, or use ' within the reason.",
)
REASON_TWICE = ErrorKind(
    "command-reason-twice",
    "There are two reasons: “{part}” is the second.",
    "Give one reason.",
)
REASON_EMPTY = ErrorKind(
    "command-reason-empty",
    "The reason is empty.",
    "Write why, in a few words. In a command, --reason may also be left out.",
)
REASON_LONG = ErrorKind(
    "command-reason-long",
    "The reason has {length} characters; at most 500 are kept.",
    "Shorten it.",
)
GLASS_WITHOUT_REASON = ErrorKind(
    "command-break-glass-reason",
    "--break-glass skips the approval of others, and so it takes a reason.",
    'Say why it cannot wait: --break-glass --reason "wrong price on the front page".',
)
GLASS_VALUE = ErrorKind(
    "command-break-glass-value",
    "--break-glass takes no value, so “{part}” cannot stand there.",
    "Leave it out where others can approve the purge in time.",
)

"""Normalise a domain as people type it to the form that the CDN uses.

    typed                                   normalised
    WWW.Example.COM.                        www.example.com
    https://www.example.com/                www.example.com
    <http://www.example.com|…>              `bot.core.command.parser` unwraps Slack's links
    bücher.example                          xn--bcher-kva.example  (shown as bücher.example)

Refused: a wildcard, a URL with more than a host, an IP address, a name without a dot, a name that
is not valid in DNS.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache

import idna

from bot.core.errors import InputError
from bot.core.text import errors as kinds

MAX_DOMAIN_CHARACTERS = 253

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)?(?P<login>[^/?#]*@)?(?P<host>[^/?#:]*)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TOP_LABEL = re.compile(r"[a-z]+|xn--.+")


@lru_cache(maxsize=1024)
def normalise_domain(text: str) -> str:
    """Return the domain in lower case, as A-labels, without a trailing dot.

    Raises: InputError if it is no domain, with the fact `suggestion` if the intended one is clear.
    """
    part = excerpt(text)
    if len(text) > 4 * MAX_DOMAIN_CHARACTERS:
        raise InputError(kinds.DOMAIN_LONG, part=part)
    if _is_address(text):
        raise InputError(kinds.DOMAIN_ADDRESS, part=part)
    url = _URL.fullmatch(text)
    assert url is not None
    if (url["scheme"] or "").lower() in {"", "http://", "https://"} and (
        not url["login"] and url["rest"] in {"", "/"}
    ):
        return _host(url["host"], part)
    try:
        suggestion = _host(url["host"], part)
    except InputError as error:
        if error.info.kind is not kinds.DOMAIN_MALFORMED:
            raise
        raise InputError(kinds.DOMAIN_URL, part=part) from None
    raise InputError(kinds.DOMAIN_URL, part=part, suggestion=suggestion)


@lru_cache(maxsize=1024)
def display_domain(domain: str) -> str:
    """Return the domain as U-labels.  Show it beside the domain, not in place of it."""
    try:
        return ".".join(idna.ulabel(label) for label in domain.split("."))
    except UnicodeError:
        return domain


def is_loopback(host: str) -> bool:
    """Return whether a host name or an IP address denotes this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def excerpt(text: str, limit: int = 80) -> str:
    """Return text of a person made safe to show: shortened, with unreadable characters escaped."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    if is_plain(shown):
        return shown
    return "".join(f"[U+{ord(c):04X}]" if is_unreadable(c) else c for c in shown)


@lru_cache(maxsize=1024)
def is_unseen(character: str) -> bool:
    """Return whether a character is invisible by itself: control, bidi, zero-width, filler.

    These are Unicode's Default_Ignorable_Code_Point, and a few others.
    """
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Cs"}
        or character in "\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0"
        or "\u180b" <= character <= "\u180f"
        or "\ufe00" <= character <= "\ufe0f"
        or "\ufff0" <= character <= "\ufff8"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


@lru_cache(maxsize=1024)
def is_unreadable(character: str) -> bool:
    """Return whether the look of a character is undefined: unseen, private, or unassigned.

    Which characters are unassigned depends on Python's version of Unicode, so a new emoji may be
    among them.  So this check suits tags, which people must be able to compare, but not prose.
    """
    return is_unseen(character) or unicodedata.category(character) in {"Cn", "Co"}


def is_plain(text: str) -> bool:
    """Return whether all characters are printable ASCII, which nobody has to look at one by one."""
    return text.isascii() and text.isprintable()


def _host(text: str, part: str) -> str:
    try:
        # The mapping that browsers use: lower case, full-width letters, ideographic dots.
        host = idna.uts46_remap(text, std3_rules=False).removesuffix(".")
    except UnicodeError:
        raise InputError(kinds.DOMAIN_MALFORMED, part=part, label=part) from None
    if "*" in host or host.startswith("."):
        raise InputError(kinds.DOMAIN_WILDCARD, part=part)
    if _is_address(host):
        raise InputError(kinds.DOMAIN_ADDRESS, part=part)
    if "." not in host:
        raise InputError(kinds.DOMAIN_DOTLESS, part=part)
    domain = ".".join(_a_label(label, part) for label in host.split("."))
    if len(domain) > MAX_DOMAIN_CHARACTERS:
        raise InputError(kinds.DOMAIN_LONG, part=part)
    top = domain.rpartition(".")[2]
    if not _TOP_LABEL.fullmatch(top):
        raise InputError(kinds.DOMAIN_MALFORMED, part=part, label=top)
    return domain


def _a_label(label: str, part: str) -> str:
    # idna is not used for plain ASCII: it would refuse names such as r3---sn.example.com
    # (https://github.com/kjd/idna/issues/27).
    if label.isascii() and not label.startswith("xn--"):
        if _LABEL.fullmatch(label):
            return label
    else:
        try:
            return idna.alabel(label).decode("ascii")
        except UnicodeError:
            pass
    raise InputError(kinds.DOMAIN_MALFORMED, part=part, label=excerpt(label) or "..")


def _is_address(text: str) -> bool:
    bare = text.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        # Browsers read 127.1 and 0x7f.1 as addresses too; no top-level domain is a number.
        return (
            re.fullmatch(r"(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))+", bare, re.IGNORECASE)
            is not None
        )
    return True

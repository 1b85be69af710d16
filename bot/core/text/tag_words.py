"""Decide whether a word can be a tag, or was typed by mistake: markup, an address, a command.

    hero  node:12  page/news  v1.2  section=home  größe  首页  R&D  thumb%2D1      tags
    hero.  (hero)  *hero*  hero；banner  #news  :fire:  hero🔥                      marks
    hero*  *                                                                       stars
    https://www.example.com/a  /news/today  index.html  10.0.0.1  ana@example.com  addresses
    shop.example.com                                                               domains
    /purge  curl                                                                   commands

A tag begins and ends with a letter or a digit of any script; between them it may also contain the
characters of INNER.  The user is asked about everything else: text that was meant for a person, a
browser or a shell would be purged as a tag that no page has, and the CDN would report success.
With the prefix `tag:` (`bot.core.command.parser`), every word is taken as a tag.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field

from bot.core.errors import ErrorKind
from bot.core.text import errors as kinds
from bot.core.text.domain_name import display_domain, excerpt
from bot.core.text.tokens import QUOTES

INNER = "-_.:/@#+=~%&'"
"""The signs that a tag may contain between its letters."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """Why a word is not a tag.  `meant`: the tags probably meant, joined by commas, or None."""

    kind: ErrorKind
    facts: dict[str, str] = field(default_factory=dict)
    meant: str | None = None


def oddity(word: str, domain: str | None = None) -> Oddity | None:
    """Return why a word is not taken as a tag of the domain; None if it can be a tag."""
    core = _core(word)
    if core.casefold() in _COMMANDS:
        return Oddity(kinds.COMMAND_SECOND)
    if _is_address(core, domain):
        return Oddity(kinds.TAG_ADDRESS)
    if _is_host(core, domain):
        return Oddity(kinds.DOMAIN_SECOND)
    if "*" in word:
        bold = re.fullmatch(r"\*+([^*]+)\*+", word)
        return Oddity(kinds.TAG_STAR, meant=bold[1] if bold else None)
    if why := _odd_sign(word):
        return Oddity(kinds.TAG_SIGN, {"why": why}, meant_by(word))
    return None


def meant_by(word: str) -> str | None:
    """Return the word without markup, its list signs as commas. "": drop it; None: unclear."""
    plain = _QUOTED.sub(r"\1", "".join(map(_as_typed, word)))
    if _NUMBER.fullmatch(plain):
        return None  # a list number, or the last tag of a sentence
    if _HEADER.fullmatch(plain):
        return ""  # copied together with the tags of a page's header
    if _REFERENCE.search(plain) or (word.startswith("<") and "|" in word):
        return None  # an HTML entity, or a link of Slack that leads to no page
    if any(map(str.isalnum, plain)):
        return ",".join(filter(None, map(_core, re.split(f"[{_LISTS}]", plain))))
    return "" if word in _BETWEEN else None


_COMMANDS = frozenset({"purge", "/purge", "curl", "wget"})
_LISTS = ",;|¦؛፤⁏⸵꛶•‣▪●■"
_BETWEEN = frozenset(f"{_LISTS}；｜﹔︔>+&/…→·・")
"""Signs that stand alone between the words of a list, or before a quoted line."""
_PAIRS = dict(zip("([{<*_~`（［｛【「『〈《", ")]}>*_~`）］｝】」』〉》", strict=True))
_OPENING, _CLOSING = "([{<>|;", ")]}>.:;!?|"
_QUOTED = re.compile(f"[{QUOTES}`]([^{QUOTES}`]+)[{QUOTES}`]")
_HEADER = re.compile(r"([a-z]+-)*((cache-?)?tags?|keys?|xkey):", re.IGNORECASE)
_REFERENCE = re.compile("&(#x?[0-9a-f]+|[a-z]+[0-9]*);", re.IGNORECASE)
_NUMBER = re.compile(r"\(?[0-9]{1,3}[.):]|[A-Za-z]\)")
_RUNS = re.compile(r"\.{2,}|&{2,}")
_SIGNS = re.compile(rf"[^\w{re.escape(INNER)}]")
_CODED = re.compile("%[0-9A-Fa-f]{2}")
_PATH = re.compile(r"(?:~|\.{1,2})?/[^/].*|.+/", re.DOTALL)
_FILE = re.compile(
    r"[^/?#]\.(?:[xs]?html?|mhtml|php\d?|aspx?|jspx?|cgi|[mc]?jsx?|tsx?|vue|s?css|less|map|json|ya?ml|xml"
    r"|rss|atom|txt|md|csv|pdf|docx?|xlsx?|pptx?|png|jpe?g|jfif|gif|webp|avif|heic|svg|ico|bmp|tiff?"
    r"|woff2?|ttf|otf|eot|mp[34]|m4[asv]|m3u8|mpd|webm|og[gv]|wav|mov|avi|flv|swf|wasm|zip|gz|tgz|rar"
    r"|7z|apk|ipa|exe|dmg|msi)(?:[?#]|\Z)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[\w*-]+")
_TOP_LEVELS = frozenset(  # the oldest and the most used ones; the reserved ones; those of countries
    """
    com net org info biz edu gov mil int arpa app dev cloud xyz top shop online store site
    website club vip icu ltd wang ren tech asia mobi example test invalid localhost local
    internal lan
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo
    br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm
    do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs
    gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km
    kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp
    mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk
    pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss
    st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va
    vc ve vg vi vn vu wf ws ye yt za zm zw
    中国 中國 公司 网络 网址 中文网 香港 台灣 한국 рф укр भारत
    """.split()  # noqa: SIM905 - as a list it would fill a page
)


def _mark_in(word: str) -> str | None:
    """Return the first character that is no letter, digit, combining mark, or inner sign."""
    return next(
        (sign for sign in _SIGNS.findall(word) if unicodedata.category(sign)[0] != "M"), None
    )


def _odd_sign(word: str) -> str | None:
    """Return a sentence about the sign that a tag cannot have there; None if there is none."""
    if not any(map(str.isalnum, word)):
        return "it has no letter and no digit"
    if not (word[0].isalnum() or _CODED.match(word)):
        return f"“{_named(word[0])}” stands at its beginning"
    if not (word[-1].isalnum() or unicodedata.category(word[-1])[0] == "M"):
        return f"“{_named(word[-1])}” stands at its end"
    if sign := _mark_in(word) or next(iter(_RUNS.findall(word)), None):
        return f"“{_named(sign)}” stands in it"
    return None


def _core(word: str) -> str:
    """Return the word without brackets, markup and punctuation around it."""
    start, end = 0, len(word)
    while start < end:
        first, last = word[start], word[end - 1]
        if end - start > 2 and _PAIRS.get(first) == last:
            start, end = start + 1, end - 1
        elif first in _OPENING or _is_punctuation(first):
            start += 1
        elif last in _CLOSING or _is_punctuation(last):
            end -= 1
        else:
            break
    return word[start:end]


def _is_punctuation(character: str) -> bool:
    """Return whether it is punctuation beyond ASCII, an arrow, or a bullet.

    Quotation marks are not included: they enclose several words, and are no mistake in one word.
    """
    return not character.isascii() and (
        (unicodedata.category(character)[0] == "P" and character not in QUOTES)
        or "\u2190" <= character <= "\u21ff"
        or "\u25a0" <= character <= "\u25ff"
    )


def _as_typed(character: str) -> str:
    """Return the half-width form of a sign; Chinese and Japanese keyboards type full width."""
    sign = unicodedata.normalize("NFKC", character)
    return sign if len(sign) == 1 and sign in INNER + _LISTS else character


def _is_address(core: str, domain: str | None) -> bool:
    """Return whether it is a URL, a path, a file, an IP address, or a host with a suffix."""
    if "//" in core or _PATH.fullmatch(core) or _FILE.search(core):
        return True
    if _is_ip(core.strip("[]")):
        return True
    host = re.split("[/:?#]", core, maxsplit=1)[0]
    mailbox, _, server = core.rpartition("@")
    return (host != core and (_is_ip(host) or _is_host(host, domain))) or (
        mailbox != "" and _is_host(server, domain)
    )


def _is_ip(text: str) -> bool:
    if not any(map(str.isdigit, text)):  # node::cafe is a tag
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str, domain: str | None) -> bool:
    """Return whether it looks like a host: by its first or last label, or the domain's end."""
    name = unicodedata.normalize("NFKC", text).replace("。", ".").casefold()
    labels = name.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        return False
    if labels[0] == "www" or labels[-1] in _TOP_LEVELS or labels[-1].startswith("xn--"):
        return True
    own = {domain, display_domain(domain)} if domain else set()
    return any(labels[-2:] == known.split(".")[-2:] for known in own)


def _named(sign: str) -> str:
    """Return the sign, with its code point if it may be confused with another."""
    shown = excerpt(sign, 20)
    return shown if sign.isascii() else f"{shown} (U+{ord(sign):04X})"

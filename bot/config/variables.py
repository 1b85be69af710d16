"""Names and values of variables before they become settings: typing errors, and surrounding quotes.

Kubernetes sets variables for every Service in a pod's namespace, unless the pod has
`enableServiceLinks: false`.  For a Service named purgebot they begin like the bot's own.  They are
recognised by name and value, so that `PURGEBOT_PORT=3000` is still reported as unknown.
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

PREFIX = "PURGEBOT_"
SHARED_PREFIXES = ("SLACK_", "ALIBABA_CLOUD_")
"""Other programs also have variables with these prefixes."""

_AROUND = r"[\s\ufeff\u200b-\u200f\u2060]+"
"""White space and invisible characters, including a byte order mark."""
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}
_SERVICE_LINK = re.compile(
    r"""PURGEBOT_([A-Z0-9_]+_)?(
        SERVICE_HOST=[0-9A-Fa-f.:]+
        | SERVICE_PORT(_[A-Z0-9_]+)?=[0-9]+
        | PORT(_[0-9]+_(TCP|UDP|SCTP))?=(tcp|udp|sctp)://[0-9A-Fa-f.:\[\]]+
        | PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO=(tcp|udp|sctp)|PORT=[0-9]+|ADDR=[0-9A-Fa-f.:]+)
    )""",
    re.VERBOSE,
)


def bare(value: str) -> str:
    """Return a value without the white space and the quotes around it."""
    inner = re.sub(f"^{_AROUND}|{_AROUND}$", "", value)
    # If the quote also occurs inside, as in 'a','b', it does not surround the whole value.
    quoted = len(inner) > 1 and _QUOTES.get(inner[0]) == inner[-1]
    if quoted and not {inner[0], inner[-1]} & set(inner[1:-1]):
        return bare(inner[1:-1])
    return inner


def is_service_link(name: str, value: str) -> bool:
    """Return whether Kubernetes set this variable for a Service whose name begins with purgebot."""
    return _SERVICE_LINK.fullmatch(f"{name}={value}") is not None


def not_ours(names: Collection[str], settings: Collection[str]) -> Iterator[str]:
    """Yield a message for each unknown name that begins with PURGEBOT_, in any case."""
    for name in sorted(set(names) - set(settings)):
        if name.upper().startswith(PREFIX):
            near = _nearest(name.upper(), settings)
            yield f"{name} is no setting" + (f"; did you mean {near}?" if near else "")


def nearly_ours(names: Collection[str], settings: Collection[str]) -> Iterator[str]:
    """Yield a message for each name that probably is a misspelt setting of Slack's or the CDN's.

    Settings that are set cannot be the intended ones.
    """
    shared = [name for name in settings if name.startswith(SHARED_PREFIXES)]
    for name in sorted(set(names) - set(settings)):
        near = difflib.get_close_matches(name.upper(), set(shared) - set(names), 1, cutoff=0.9)
        if near and name.upper().startswith(SHARED_PREFIXES):
            yield f"{name} is no setting; did you mean {near[0]}?"


def _nearest(name: str, settings: Collection[str]) -> str | None:
    """Return the setting most similar to a name, compared without the common prefix."""
    by_word = {each: each for each in settings}
    by_word |= {each.removeprefix(PREFIX): each for each in settings}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), by_word, n=1)
    return by_word[near[0]] if near else None

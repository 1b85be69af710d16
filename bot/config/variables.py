"""Names and values of variables, before they are settings: slips of the pen, and what is around a value.

Kubernetes sets variables of its own for every Service of a pod's namespace, unless the pod says
`enableServiceLinks: false`; for one that is called purgebot they begin as ours do.  They are known
by name and value, so that `PURGEBOT_PORT=3000` is still told.
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

PREFIX = "PURGEBOT_"
SHARED_PREFIXES = ("SLACK_", "ALIBABA_CLOUD_")
"""Other programs have variables of these too."""

_AROUND = r"[\s\ufeff\u200b-\u200f\u2060]+"
"""White space and signs that cannot be seen, a byte order mark among them."""
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
    """Give a value without the white space and the quotes around it, which are no part of it."""
    inner = re.sub(f"^{_AROUND}|{_AROUND}$", "", value)
    # One that stands inside as well, as in 'a','b', is around a part of the value.
    quoted = len(inner) > 1 and _QUOTES.get(inner[0]) == inner[-1]
    if quoted and not {inner[0], inner[-1]} & set(inner[1:-1]):
        return bare(inner[1:-1])
    return inner


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set this variable for a Service whose name begins with purgebot."""
    return _SERVICE_LINK.fullmatch(f"{name}={value}") is not None


def not_ours(names: Collection[str], settings: Collection[str]) -> Iterator[str]:
    """Give a sentence for each name that begins as ours do, in whatever case, and is no setting."""
    for name in sorted(set(names) - set(settings)):
        if name.upper().startswith(PREFIX):
            near = _nearest(name.upper(), settings)
            yield f"{name} is no setting" + (f"; did you mean {near}?" if near else "")


def nearly_ours(names: Collection[str], settings: Collection[str]) -> Iterator[str]:
    """Give a sentence for each name that differs from a setting of Slack's or the CDN's by a slip.

    Settings that are among the names cannot have been meant.
    """
    shared = [name for name in settings if name.startswith(SHARED_PREFIXES)]
    for name in sorted(set(names) - set(settings)):
        near = difflib.get_close_matches(name.upper(), set(shared) - set(names), 1, cutoff=0.9)
        if near and name.upper().startswith(SHARED_PREFIXES):
            yield f"{name} is no setting; did you mean {near[0]}?"


def _nearest(name: str, settings: Collection[str]) -> str | None:
    """Give the setting that is most like a name, by what follows the prefix that they share."""
    by_word = {each: each for each in settings}
    by_word |= {each.removeprefix(PREFIX): each for each in settings}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), by_word, n=1)
    return by_word[near[0]] if near else None

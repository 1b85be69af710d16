"""What the command line prints, on terminals that cannot show every character.

A terminal, a pipe or a log of another encoding than UTF-8 (`LC_ALL=C`, ISO-8859-1) lacks our arrows
and quotation marks.  They become their plain forms; any other character becomes an escape.
https://docs.python.org/3/library/codecs.html#error-handlers
"""

from __future__ import annotations

import codecs
import io
import sys

_PLAIN = {"→": "->", "“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "–": "-", "·": "|"}


def use_plain_forms() -> None:
    """Let stdout and stderr take every text."""
    codecs.register_error("plain", _plain_form)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def _plain_form(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    shown = (_PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in lost)
    return "".join(shown), error.end

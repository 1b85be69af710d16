"""The proofs of the policy file: URLs that are requested before and after a purge.

    proof    a sentence, domains, tags: 1 to 5 URLs on those domains

    url  ::=  ( "https" | "http" ) "://" domain [ path ] [ "?" query ]      at most 500 characters

A URL has no login, only the default port, and no fragment, because it is requested with one plain
HEAD from a public web server.  Domains are written in full, so that no request goes to a host that
the policy does not name.  As in approvals, the case of tags is ignored, and a tag with a * in it
may mean any tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from bot.core.errors import InputError
from bot.core.policy.approval_rules import Entry
from bot.core.policy.fields import Sentence, TagPattern, glob
from bot.core.text.domain_name import excerpt, normalise_domain

MAX_URLS = 5
MAX_URL_CHARACTERS = 500

_FORM = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/?#@:\\\[\]\s]+)(?::(?P<port>[0-9]+))?(?P<rest>[/?][^#]*)?",
    re.IGNORECASE,
)
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_PLAIN = re.compile(r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")


def _valid_domain(text: str) -> str:
    try:
        if "/" not in text:
            return normalise_domain(text)
    except InputError:
        pass
    raise PydanticCustomError(
        "proof_domain",
        "“{text}” is no domain in full: a proof takes no “*”, only domains such as www.example.com",
        {"text": excerpt(text)},
    )


def _valid_url(text: str) -> str:
    if len(text) > MAX_URL_CHARACTERS:
        raise PydanticCustomError(
            "proof_url_long",
            "“{text}” is too long: a URL has at most {most} characters",
            {"text": excerpt(text), "most": MAX_URL_CHARACTERS},
        )
    found = _FORM.fullmatch(text)
    scheme = found["scheme"].lower() if found else ""
    if found is None or found["port"] not in {None, _DEFAULT_PORTS[scheme]}:
        raise PydanticCustomError(
            "proof_url",
            "“{text}” is no URL to look at: write https://, a domain and a path, without a "
            "login, a port or a “#”",
            {"text": excerpt(text)},
        )
    rest = found["rest"] or "/"
    if not _PLAIN.fullmatch(rest):
        raise PydanticCustomError(
            "proof_url_characters",
            "“{text}” holds what no URL holds: write such characters as %20",
            {"text": excerpt(text)},
        )
    host = _valid_domain(found["host"])
    return f"{scheme}://{host}{rest if rest.startswith('/') else '/' + rest}"


def _not_too_many(urls: tuple[str, ...]) -> tuple[str, ...]:
    if len(urls) > MAX_URLS:
        raise PydanticCustomError(
            "proof_urls", "a proof has at most {most} URLs", {"most": MAX_URLS}
        )
    return urls


class Proof(Entry):
    """URLs that show what a purge of these domains and tags did."""

    proof: Sentence
    domains: Annotated[
        tuple[Annotated[str, AfterValidator(_valid_domain)], ...], Field(min_length=1)
    ]
    tags: Annotated[tuple[TagPattern, ...], Field(min_length=1)] = ("*",)
    urls: Annotated[
        tuple[Annotated[str, AfterValidator(_valid_url)], ...],
        Field(min_length=1, json_schema_extra={"maxItems": MAX_URLS}),
        AfterValidator(_not_too_many),
    ]

    def urls_for(self, domain: str, tags: tuple[str, ...]) -> tuple[str, ...]:
        """Return the URLs on exactly this domain if the proof covers one of the tags, else ()."""
        urls = tuple(url for url in self.urls if _host_of(url) == domain)
        if not urls:
            return ()
        pattern = glob(self.tags, re.IGNORECASE)
        return urls if any("*" in tag or pattern.match(tag) for tag in tags) else ()


def strange_urls(proofs: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each URL that is on none of its proof's domains, as (path, sentence).

    `proofs` has plain values that are not validated yet.  Other errors in them are ignored here,
    because the models report them.
    """
    for place, proof in enumerate(_items(proofs)):
        if isinstance(proof, Mapping):
            known = {_read(_valid_domain, domain) for domain in _items(proof.get("domains"))}
            for number, written in enumerate(_items(proof.get("urls"))):
                url = _read(_valid_url, written)
                if url and None not in known and _host_of(url) not in known:
                    sentence = f"“{excerpt(url)}” is on none of this proof’s domains"
                    yield ("proofs", place, "urls", number), sentence


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _read(read: Callable[[str], str], value: object) -> str | None:
    try:
        return read(value) if isinstance(value, str) else None
    except PydanticCustomError:
        return None


def _host_of(url: str) -> str:
    """Return the host of a URL that has the form that `_valid_url` returns."""
    return url.split("/", 3)[2]

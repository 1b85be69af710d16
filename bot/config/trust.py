"""Which certificates are trusted, for Slack and the CDN alike; None leaves it to their libraries.

                      Slack's client and socket   the CDN's client        looks at the edge
    anyway            OpenSSL's                   those of certifi        those of certifi
    SSL_CERT_FILE     OpenSSL's variable          besides, if there is    –
                                                  no REQUESTS_CA_BUNDLE
    REQUESTS_CA_…     besides, if there is        in place of certifi's   –
                      no SSL_CERT_FILE
    PURGEBOT_CA_…     besides                     besides                 besides

Each library keeps to its own variable as it documents, so that nothing that is trusted today stops
being so, and nobody who names only few is made to trust more; the other's counts where it has none.
https://docs.openssl.org/3.0/man3/SSL_CTX_load_verify_locations/#notes
https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from requests import utils
from urllib3.util import create_urllib3_context

from bot.config.certificates import load
from bot.config.settings import Settings


def for_slack(settings: Settings) -> ssl.SSLContext | None:
    """Give what Slack's clients trust."""
    more = [settings.ca_bundle, settings.ssl_cert_file or settings.requests_ca_bundle]
    return _with(more, ssl.create_default_context)


def for_cdn(settings: Settings) -> ssl.SSLContext | None:
    """Give what the CDN's client trusts besides what `requests` has it trust."""
    more = [settings.ca_bundle, settings.requests_ca_bundle or settings.ssl_cert_file]
    return _with(more, create_urllib3_context)


def for_edge(settings: Settings) -> ssl.SSLContext | None:
    """Give what looks at the edge trust; None: `usual_of_requests`."""
    return _with([settings.ca_bundle], usual_of_requests)


def usual_of_requests() -> ssl.SSLContext:
    """Give a context that trusts what `requests` does (certifi's).  Raises: OSError."""
    context = create_urllib3_context()
    context.load_verify_locations(utils.DEFAULT_CA_BUNDLE_PATH)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _with(more: list[Path | None], new: Callable[[], ssl.SSLContext]) -> ssl.SSLContext | None:
    places = [place for place in more if place is not None]
    if not places:
        return None
    context = new()
    for place in places:
        load(context, place)
    return context

"""The trusted certificates, for Slack and the CDN.  None means the default of the library.

                     Slack's client and socket   the CDN's client        probes of the edge
    always            OpenSSL's                   certifi's               certifi's
    SSL_CERT_FILE     OpenSSL's variable          also, if there is       –
                                                  no REQUESTS_CA_BUNDLE
    REQUESTS_CA_…     also, if there is           instead of certifi's    –
                      no SSL_CERT_FILE
    PURGEBOT_CA_…     also                        also                    also

Each library uses its own variable as documented, so certificates that are trusted without the bot's
settings stay trusted, and a user who names few certificates does not trust more.  The other
library's variable counts only if its own is not set.
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
    """Return the trust of Slack's clients."""
    more = [settings.ca_bundle, settings.ssl_cert_file or settings.requests_ca_bundle]
    return _with(more, ssl.create_default_context)


def for_cdn(settings: Settings) -> ssl.SSLContext | None:
    """Return the trust of the CDN's client, in addition to the default of `requests`."""
    more = [settings.ca_bundle, settings.requests_ca_bundle or settings.ssl_cert_file]
    return _with(more, create_urllib3_context)


def for_edge(settings: Settings) -> ssl.SSLContext | None:
    """Return the trust of the edge probe.  None: `usual_of_requests`."""
    return _with([settings.ca_bundle], usual_of_requests)


def usual_of_requests() -> ssl.SSLContext:
    """Return a context that trusts what `requests` trusts (certifi's).  Raises: OSError."""
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

"""Find out why a connection failed, from any exception, and what to do about it.

Libraries wrap the error that has the cause (a name that was not found, a certificate) in errors of
their own.  So the cause is looked for in the chain of exceptions, the innermost first.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


class Unreached(StrEnum):
    """The reason why a host was not reached.  The value completes "it cannot be reached: …"."""

    NAME = "its name was not found"
    REFUSED = "it refuses connections"
    TIMEOUT = "it did not take the connection in time"
    UNTRUSTED = "its certificate is not trusted"
    EXPIRED = "its certificate has expired"
    NOT_YET = "its certificate is not valid yet"
    OTHER_NAME = "its certificate is for another name"
    INSECURE = "no secure connection could be made"
    PROXY_AWAY = "the proxy cannot be reached"
    PROXY_LOGIN = "the proxy asks for a login"
    PROXY_REFUSES = "the proxy refused"
    NO_CONNECTION = "no connection could be made"
    BROKEN = "the connection broke as it was made"
    SILENT = "it gave no answer"

    @property
    def remedy(self) -> str:
        """What operators can do, as a sentence."""
        return _REMEDIES[self]


_REMEDIES = {
    Unreached.NAME: "Check the host in the address, and this machine's name service (DNS).",
    Unreached.REFUSED: "Check host and port of the address, the firewall, and HTTPS_PROXY.",
    Unreached.TIMEOUT: "Check the firewall, and HTTPS_PROXY if there has to be a proxy.",
    Unreached.UNTRUSTED: "If a proxy of yours opens TLS, name the file with its certificate (PEM) in "
    "PURGEBOT_CA_BUNDLE.",
    Unreached.EXPIRED: "Check this machine's clock; else the certificate has to be renewed there.",
    Unreached.NOT_YET: "Check this machine's clock.",
    Unreached.OTHER_NAME: "Check the host in the address, and where the name service or a proxy leads.",
    Unreached.INSECURE: "Check that TLS is spoken at that host and port, and the proxy.",
    Unreached.PROXY_AWAY: "Check HTTPS_PROXY, or name the host in NO_PROXY.",
    Unreached.PROXY_LOGIN: "Put user and password into HTTPS_PROXY: http://user:password@host:port",
    Unreached.PROXY_REFUSES: "Have the host let through by the proxy of HTTPS_PROXY, or name it in "
    "NO_PROXY.",
    Unreached.NO_CONNECTION: "Check network, routes and firewall, and HTTPS_PROXY if there is one.",
    Unreached.BROKEN: "Check the firewall and the proxy, and try again.",
    Unreached.SILENT: "Try again in a minute; then look at the proxy, and at the status page there.",
}

# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/#error-codes
_NOT_YET_VALID, _HAS_EXPIRED, _HOSTNAME_MISMATCH, _ADDRESS_MISMATCH = 9, 10, 62, 64
_OF_CERTIFICATE = {
    _NOT_YET_VALID: Unreached.NOT_YET,
    _HAS_EXPIRED: Unreached.EXPIRED,
    _HOSTNAME_MISMATCH: Unreached.OTHER_NAME,
    _ADDRESS_MISMATCH: Unreached.OTHER_NAME,
}
TUNNEL_FAILED = "Tunnel connection failed"
"""The start of the messages of http.client, which opens tunnels for urllib and urllib3."""
_AT_THE_PROXY = frozenset(
    {Unreached.NAME, Unreached.REFUSED, Unreached.TIMEOUT, Unreached.NO_CONNECTION}
)


def why_unreached(error: BaseException, *, to_proxy: bool = False) -> Unreached:
    """Return the reason.  `to_proxy`: the connection that failed was to a proxy."""
    found = next((why for each in _causes(error) if (why := _of(each))), Unreached.BROKEN)
    return Unreached.PROXY_AWAY if to_proxy and found in _AT_THE_PROXY else found


_OF_TYPE: tuple[tuple[type[BaseException], Unreached], ...] = (
    (socket.gaierror, Unreached.NAME),
    (ssl.SSLError, Unreached.INSECURE),
    (ConnectionRefusedError, Unreached.REFUSED),
    (TimeoutError, Unreached.TIMEOUT),
    (ConnectionError, Unreached.BROKEN),
)


def _of(error: BaseException) -> Unreached | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _OF_CERTIFICATE.get(error.verify_code, Unreached.UNTRUSTED)
    for kind, why in _OF_TYPE:
        if isinstance(error, kind):
            return why
    if isinstance(error, OSError) and str(error).startswith(TUNNEL_FAILED):
        login = str(error).startswith(f"{TUNNEL_FAILED}: 407")
        return Unreached.PROXY_LOGIN if login else Unreached.PROXY_REFUSES
    return Unreached.NO_CONNECTION if isinstance(error, OSError) and error.errno else None


def is_proxied(url: str) -> bool:
    """Return whether the environment makes Slack's clients use a proxy for this URL."""
    return bool({"http", "https"} & set(getproxies())) and not proxy_bypass(urlsplit(url).netloc)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return the exceptions behind an exception, the innermost first."""
    chain: list[BaseException] = []
    behind: object = error
    while isinstance(behind, BaseException) and behind not in chain:
        chain.append(behind)
        reason = getattr(behind, "reason", None)  # of urllib.error.URLError
        behind = behind.__cause__ or behind.__context__ or reason
    return reversed(chain)


_BY_LIBPQ = {
    "failed to resolve host": Unreached.NAME,
    "could not translate host name": Unreached.NAME,
    "certificate verify failed": Unreached.UNTRUSTED,
    "does not match host name": Unreached.OTHER_NAME,
    "root certificate file": Unreached.UNTRUSTED,
    "does not support SSL": Unreached.INSECURE,
    "Connection refused": Unreached.REFUSED,
    "timeout expired": Unreached.TIMEOUT,
    "Network is unreachable": Unreached.NO_CONNECTION,
    "No route to host": Unreached.NO_CONNECTION,
}
"""Messages of PostgreSQL's client library, which has no codes for errors before a session begins.
https://www.postgresql.org/docs/current/libpq-ssl.html
"""
_DATABASE_REMEDIES = {
    Unreached.NAME: "Check the host in PURGEBOT_DATABASE_URL, and this machine's name service (DNS).",
    Unreached.UNTRUSTED: "Name the file of its authority in PURGEBOT_DATABASE_URL: "
    "?sslmode=verify-full&sslrootcert=/path/ca.pem. It is not trusted either once it has expired.",
    Unreached.OTHER_NAME: "Write the host in PURGEBOT_DATABASE_URL as it stands in the certificate.",
    Unreached.INSECURE: "Turn TLS on at the server, or look at sslmode in PURGEBOT_DATABASE_URL.",
}


def why_database_unreached(error: BaseException) -> tuple[Unreached, str] | None:
    """Return why there is no PostgreSQL session, and what to do.  None if the cause is another."""
    text = " ".join(str(each) for each in _causes(error))
    for words, why in _BY_LIBPQ.items():
        if words in text:
            default = "Check host and port in PURGEBOT_DATABASE_URL, the firewall, and that the server runs."
            return why, _DATABASE_REMEDIES.get(why, default)
    return None

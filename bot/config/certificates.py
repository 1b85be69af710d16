"""Validate files of trusted certificates, with a message for each error."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The names of files in a folder of certificates.  OpenSSL ignores files with other names:
https://docs.openssl.org/3.0/man3/SSL_CTX_load_verify_locations/#notes
"""


def load(context: ssl.SSLContext, place: Path) -> None:
    """Make a context also trust a PEM file, or a folder as `openssl rehash` creates it.

    Raises: OSError (`ssl.SSLError` if there is no certificate in it).
    """
    if place.is_dir():
        context.load_verify_locations(capath=place)
    else:
        context.load_verify_locations(cafile=place)


def why_unusable(place: Path) -> str | None:
    """Return what is wrong with a file or folder of certificates, or None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        load(context, place)
        names = [each.name for each in place.iterdir()] if place.is_dir() else None
    except ssl.SSLError:
        return "names a file without a certificate in PEM form (-----BEGIN CERTIFICATE-----)"
    except OSError as error:
        return f"names a file that cannot be read ({error.strerror})"
    if names is not None:
        found = any(_HASHED.fullmatch(name) for name in names)
        return None if found else "names a folder without files as `openssl rehash` names them"
    return None if context.cert_store_stats()["x509"] else "names a file without a certificate"

"""Find the CDN's credentials.

    static(id, secret, token)   these credentials
    from_settings(settings)     those in the settings, else the default chain
    from_default_chain()        the environment: ALIBABA_CLOUD_ACCESS_KEY_ID, …_SECRET and
                                ALIBABA_CLOUD_SECURITY_TOKEN; then, with `purgebot[credentials]`, what
                                the vendor's library finds: OIDC, CLI or ini profile, machine role

Each returns a function that is called for each request, because credentials of a role change.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.cdn.error_codes import CdnRefused
from bot.config.settings import Settings
from bot.core.cdn.errors import CREDENTIALS_EXTRA_MISSING, CREDENTIALS_FAILED, NO_CREDENTIALS

KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105  (the name of a variable)
TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"  # noqa: S105  (the name of a variable)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, with its token if it is a temporary one.

    Raises: CdnRefused `cdn-no-credentials` if a part is empty or not printable ASCII.  Otherwise a
    stray newline would put the secret into an error message about a malformed header.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = {
            "access key ID": self.access_key_id,
            "access key secret": self.access_key_secret,
            "security token": self.security_token,
        }
        for name, value in parts.items():
            if value is not None and not re.fullmatch(r"[!-~]+", value):
                state = "has a character that no key has" if value else "is empty"
                raise CdnRefused(NO_CREDENTIALS, detail=f"the {name} {state}")


Source = Callable[[], Credentials]


def static(key_id: str, key_secret: str, security_token: str | None = None) -> Source:
    """Return a source of fixed credentials.  White space around them, as in files, is removed."""
    token = security_token.strip() if security_token else ""
    credentials = Credentials(key_id.strip(), key_secret.strip(), token or None)
    return lambda: credentials


def from_default_chain() -> Source:
    """Return a source of the first credentials that the vendor's chain finds; it renews them.

    Keys in the environment are its first step; the library is not loaded for them.  Nothing is
    requested before the first call, because a role's server may start after the bot.  The library
    reads its other variables once, when it is loaded; without
    ALIBABA_CLOUD_ECS_METADATA_DISABLED=true it starts a thread that requests the machine's role.
    Raises: CdnRefused `cdn-credentials-extra-missing` here, and `cdn-credentials-failed` at each
    call that finds nothing.  Both omit the library's message, which can contain secrets.
    """
    key_id, key_secret = (os.environ.get(name, "").strip() for name in (KEY_ID, KEY_SECRET))
    if key_id and key_secret:
        return static(key_id, key_secret, os.environ.get(TOKEN))
    try:
        from alibabacloud_credentials.client import Client
    except ImportError:
        raise CdnRefused(CREDENTIALS_EXTRA_MISSING) from None
    # Loading the library adds printing handlers to its loggers ("credentials" gets three).
    for name in ("credentials", "alibabacloud-tea", "darabonba-core"):
        logging.getLogger(name).handlers.clear()
    client = Client()

    def fetch() -> Credentials:
        try:
            found = client.get_credential()
            return static(found.access_key_id, found.access_key_secret, found.security_token)()
        except Exception as error:  # noqa: BLE001  (its providers raise anything)
            cause = type(error).__name__
        raise CdnRefused(CREDENTIALS_FAILED, cause=cause)

    return fetch


def from_settings(settings: Settings) -> Source:
    """Return the source of the CDN's credentials: the settings, or the default chain."""
    if settings.access_key_id and settings.access_key_secret:
        token = settings.security_token
        return static(
            settings.access_key_id,
            settings.access_key_secret.get_secret_value(),
            token.get_secret_value() if token else None,
        )
    return from_default_chain()

"""The kinds of errors that can occur between the bot and the CDN.

`bot.cdn.error_codes` maps the vendor's codes to these kinds.  A kind with `in_doubt` is never
retryable, because an automatic retry could purge twice.
"""

from __future__ import annotations

from bot.core.errors import Audience, ErrorKind

# --- the request: the requester can correct it: domain, tags, amount ---

DOMAIN_UNKNOWN = ErrorKind(
    code="cdn-domain-unknown",
    message="The CDN account has no such domain.",
    hint="Check its spelling. If it is right, tell the operators of Purgebot: the domain may "
    "belong to another account or to another CDN product.",
)
WILDCARD_DOMAIN = ErrorKind(
    code="cdn-wildcard-domain",
    message="The CDN cannot purge a wildcard domain by tag.",
    hint="Name one exact domain, without `*`, and ask for each domain by itself.",
)
DOMAIN_NOT_ALLOWED = ErrorKind(
    code="cdn-domain-not-allowed",
    message="The CDN does not allow this on this domain.",
    hint="Ask the operators of Purgebot to look at the domain in the CDN console.",
)
DOMAIN_PROTECTED = ErrorKind(
    code="cdn-domain-protected",
    message="The domain is in the CDN's protected mode and takes no purge.",
    hint="Ask the operators of Purgebot: the mode is ended in the CDN console or by the vendor.",
)
DOMAIN_NOT_SET_UP = ErrorKind(
    code="cdn-domain-not-set-up",
    message="The domain's setup failed at the CDN, so it takes no purge.",
    hint="Ask the operators of Purgebot to repair the domain in the CDN console.",
)
BAD_REQUEST = ErrorKind(
    code="cdn-bad-request",
    message="The CDN did not accept the domain or the tags as they were written.",
    hint="Check them for odd characters and try again. If they look right, tell the operators "
    "of Purgebot: the CDN's code was {vendor_code}.",
)
TOO_MUCH = ErrorKind(
    code="cdn-too-much",
    message="That was too much for one request to the CDN.",
    hint="Ask for fewer or shorter tags at once.",
)

OF_THE_REQUEST = frozenset(
    {
        *(DOMAIN_UNKNOWN, WILDCARD_DOMAIN, DOMAIN_NOT_ALLOWED, DOMAIN_PROTECTED),
        *(DOMAIN_NOT_SET_UP, BAD_REQUEST, TOO_MUCH),
    }
)
"""They are about one request, so they are no trouble of the CDN's."""

# --- limits: the CDN says "not now": quotas, queues, maintenance ---

QUOTA = ErrorKind(
    code="cdn-quota",
    message="The CDN account has reached its limit of purges.",
    hint="Try again later: daily quotas start afresh at 16:00 UTC. If it cannot wait, ask the "
    "operators of Purgebot to have the quota raised.",
)
DAILY_QUOTA = ErrorKind(
    code="cdn-daily-quota",
    message="The CDN account has used up today's purges.",
    hint="Try again after 16:00 UTC, when the CDN's new day begins. If it cannot wait, ask the "
    "operators of Purgebot to have the quota raised.",
)
SPENT = frozenset({QUOTA.code, DAILY_QUOTA.code})
"""Codes that last until the CDN's day ends."""
MINUTE_QUOTA = ErrorKind(
    code="cdn-minute-quota",
    message="The CDN account has used up this minute's purges.",
    hint="Try again in a minute or two.",
    retryable=True,
)
QUEUE_FULL = ErrorKind(
    code="cdn-queue-full",
    message="The CDN's queue of purges is full.",
    hint="Try again in a few minutes.",
    retryable=True,
)
THROTTLED = ErrorKind(
    code="cdn-throttled",
    message="The CDN gets too many requests from our account just now.",
    hint="Try again in a minute. If it happens often, tell the operators of Purgebot: something "
    "else may be using the account.",
    retryable=True,
)
DOMAIN_BUSY = ErrorKind(
    code="cdn-domain-busy",
    message="The CDN is busy changing this domain's setup.",
    hint="Try again in a few minutes.",
    retryable=True,
)
UPGRADING = ErrorKind(
    code="cdn-upgrading",
    message="The CDN is being upgraded and takes no purges.",
    hint="Try again later. The operators of Purgebot can follow the vendor's status page.",
    retryable=True,
)
TASK_FAILED = ErrorKind(
    code="cdn-task-failed",
    message="The CDN took the purge but did not complete it.",
    hint="Purge again. If that fails too, give the operators of Purgebot the task ID for the "
    "vendor's support.",
)

# --- access: the operators of Purgebot can correct it: keys, rights, address ---

KEY_REFUSED = ErrorKind(
    code="cdn-key-refused",
    message="The CDN does not accept my access key.",
    hint="See that the key exists and is enabled.",
    audience=Audience.OPERATORS,
)
TOKEN_EXPIRED = ErrorKind(
    code="cdn-token-expired",
    message="My temporary credentials for the CDN have run out.",
    hint="Try again: credentials of a role are renewed by themselves. If it stays so, the "
    "operators of Purgebot must supply a new token.",
    retryable=True,
)
TOKEN_REFUSED = ErrorKind(
    code="cdn-token-refused",
    message="The CDN does not accept my temporary credentials.",
    hint="Key, secret and token must have been issued together.",
    audience=Audience.OPERATORS,
)
SIGNATURE_REFUSED = ErrorKind(
    code="cdn-signature-refused",
    message="The CDN does not accept my signature.",
    hint="See that the secret belongs to the access key, and that "
    "no proxy changes requests on their way.",
    audience=Audience.OPERATORS,
)
CLOCK_WRONG = ErrorKind(
    code="cdn-clock-wrong",
    message="My clock and the CDN's clock differ too much.",
    hint="Set the clock of its machine; 15 minutes are the limit.",
    audience=Audience.OPERATORS,
)
NO_PERMISSION = ErrorKind(
    code="cdn-no-permission",
    message="My CDN account may not do this.",
    hint="Grant its user or role "
    "`cdn:RefreshObjectCacheByCacheTag` and the `cdn:Describe…` actions that it reads with.",
    audience=Audience.OPERATORS,
)
ACCOUNT_BLOCKED = ErrorKind(
    code="cdn-account-blocked",
    message="The CDN does not serve this account: it is not opened, suspended or restricted.",
    hint="Look at the account in the CDN console. The CDN's code was {vendor_code}.",
    audience=Audience.OPERATORS,
)
WRONG_ENDPOINT = ErrorKind(
    code="cdn-wrong-endpoint",
    message="What answers at the CDN's address does not offer tag purges.",
    hint="Check the CDN address in the settings, and the proxy.",
    audience=Audience.OPERATORS,
)
ENDPOINT_UNSAFE = ErrorKind(
    code="cdn-endpoint-unsafe",
    message="The CDN address in my settings cannot be used.",
    hint="Write it as `https://host`, without path or password. "
    "Plain `http` is for this machine only.",
    audience=Audience.OPERATORS,
)
NO_CREDENTIALS = ErrorKind(
    code="cdn-no-credentials",
    message="I have no usable key for the CDN: {detail}.",
    hint="Set the access key's ID and secret, or a role.",
    audience=Audience.OPERATORS,
)
CREDENTIALS_FAILED = ErrorKind(
    code="cdn-credentials-failed",
    message="I could not get my credentials for the CDN.",
    hint="Try again in a minute. If it stays so, it is for the operators of Purgebot: no role, "
    "profile or key was found where they are looked for.",
    retryable=True,
)
CREDENTIALS_EXTRA_MISSING = ErrorKind(
    code="cdn-credentials-extra-missing",
    message="I am to use a role or a profile for the CDN, but was installed without that part.",
    hint="Install `purgebot[credentials]`.",
    audience=Audience.OPERATORS,
)

# --- the connection: nothing arrived, or the CDN refused it without a reason ---

UNREACHABLE = ErrorKind(
    code="cdn-unreachable",
    message="I could not connect to the CDN, so nothing was sent: {why}.",
    hint="Try again in a minute. If it stays so, tell the operators of Purgebot to check name "
    "service, firewall, proxy and certificates.",
    retryable=True,
)
HELD_BACK = ErrorKind(
    code="cdn-held-back",
    message="I held the purge back just before it was sent, because I was not sure that it was still "
    "mine to send: {why}. The CDN did not hear of it.",
    hint="Try again in a minute. If it stays so, tell the operators of Purgebot: its database or its "
    "machine is too slow.",
    retryable=True,
)
NOT_ANSWERING = ErrorKind(
    code="cdn-not-answering",
    message="The CDN did not answer my question in a form that I can use.",
    hint="Nothing was changed by asking. It can be asked again in a minute.",
    retryable=True,
)
TURNED_DOWN = ErrorKind(
    code="cdn-turned-down",
    message="The CDN turned the request down without a reason (HTTP {http_status}).",
    hint="Tell the operators of Purgebot: a proxy or firewall on the way may have done it.",
)
UNKNOWN_ERROR = ErrorKind(
    code="cdn-unknown-error",
    message="The CDN refused, for a reason that I do not know: {vendor_code}.",
    hint="Tell the operators of Purgebot. The vendor's support can look up request {request_id}.",
)

# --- in doubt: the request was sent, and it is unknown whether it was carried out ---

_LOOK_FIRST = (
    "It may have worked: look at the page in a few minutes. If it is still old, purge again. "
    "A second plain purge only counts twice; a second forced one burdens the web server twice."
)
NO_ANSWER = ErrorKind(
    code="cdn-no-answer",
    message="The CDN's answer did not arrive, so I do not know whether it took the purge.",
    hint=_LOOK_FIRST,
    in_doubt=True,
)
UNREADABLE_ANSWER = ErrorKind(
    code="cdn-unreadable-answer",
    message="The CDN answered without a task ID, so I do not know whether it took the purge.",
    hint=_LOOK_FIRST,
    in_doubt=True,
)
SERVER_ERROR = ErrorKind(
    code="cdn-server-error",
    message="The CDN had a fault while it held the request (HTTP {http_status}), so I do not "
    "know whether it took the purge.",
    hint=_LOOK_FIRST,
    in_doubt=True,
)
SEEN_BEFORE = ErrorKind(
    code="cdn-seen-before",
    message="The CDN says that it has had this very request already: it arrived twice, and I "
    "saw only the second answer.",
    hint=_LOOK_FIRST,
    in_doubt=True,
)

from __future__ import annotations

import sys
import traceback

import pytest

from bot.cdn.credentials import Credentials, from_default_chain, static
from bot.cdn.error_codes import CdnRefused

ENV = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "the-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "the-secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "the-token",
}
LASTING = {name: value for name, value in ENV.items() if "TOKEN" not in name}


def test_secrets_are_not_in_what_is_printed() -> None:
    shown = f"{Credentials('the-id', 'the-secret', 'the-token')!r}"
    assert shown == "Credentials(access_key_id='the-id')"


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        (ENV, Credentials("the-id", "the-secret", "the-token")),
        (LASTING, Credentials("the-id", "the-secret")),
        (LASTING | {"ALIBABA_CLOUD_SECURITY_TOKEN": ""}, Credentials("the-id", "the-secret")),
        (
            {name: f" {value}\n" for name, value in ENV.items()},
            static("the-id", "the-secret", "the-token")(),
        ),
    ],
    ids=["temporary", "lasting", "empty token", "as a file has them"],
)
def test_keys_in_the_environment_need_no_extra(
    environ: dict[str, str], found: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENV:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials.client", None)
    assert from_default_chain()() == found


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        (("", "the-secret"), "access key ID is empty"),
        (("the-id", ""), "access key secret is empty"),
        (("the-id", "the\nsecret"), "access key secret has a character"),
        (("the-id", "the-secret", "the token"), "security token has a character"),
        (("the-id", "thé-secret"), "access key secret has a character"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(
    parts: tuple[str, ...], named: str
) -> None:
    with pytest.raises(CdnRefused, match=named) as refused:
        Credentials(*parts)
    told = "".join(traceback.format_exception_only(refused.value))
    assert [part for part in parts if part and part in told] == []


@pytest.mark.parametrize("missing", LASTING)
@pytest.mark.parametrize("left", [None, "", " \n"], ids=["unset", "empty", "blank"])
def test_without_the_extra_the_chain_says_what_to_install(
    missing: str, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    if left is not None:
        monkeypatch.setenv(missing, left)
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials.client", None)
    with pytest.raises(CdnRefused) as refused:
        from_default_chain()
    assert refused.value.info.code == "cdn-credentials-extra-missing"
    assert "purgebot[credentials]" in refused.value.info.hint

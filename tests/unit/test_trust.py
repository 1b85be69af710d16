"""Which file of certificates counts for whom, and what is said of one that cannot be used."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from bot.config import trust
from bot.config.settings import Settings, SettingsInvalid, settings_from
from tests.support.certificates import write_certificate

BASE = {
    "SLACK_BOT_TOKEN": "xoxb-123",
    "SLACK_APP_TOKEN": "xapp-123",
    "PURGEBOT_POLICY": "policy.yaml",
    "PURGEBOT_DATABASE_URL": "sqlite:///here.db",
}
VARIABLES = ("PURGEBOT_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give a file for each variable, with one certificate of its name."""
    folder = tmp_path_factory.mktemp("trust")
    return {name: write_certificate(folder / name, name.lower()) for name in VARIABLES}


def settings(files: dict[str, Path], *names: str) -> Settings:
    return settings_from(BASE | {name: str(files[name]) for name in names})


def ours_in(context: ssl.SSLContext | None) -> set[str]:
    """Give the variables whose certificates a context trusts."""
    found = context.get_ca_certs() if context else []
    return {name for name in VARIABLES if any(name.lower() in str(each) for each in found)}


@pytest.mark.parametrize(
    ("named", "slack", "cdn", "edge"),
    [
        ((), (), (), ()),
        (("PURGEBOT_CA_BUNDLE",), *[("PURGEBOT_CA_BUNDLE",)] * 3),
        (("SSL_CERT_FILE",), ("SSL_CERT_FILE",), ("SSL_CERT_FILE",), ()),
        (("REQUESTS_CA_BUNDLE",), ("REQUESTS_CA_BUNDLE",), ("REQUESTS_CA_BUNDLE",), ()),
        (VARIABLES[1:], ("SSL_CERT_FILE",), ("REQUESTS_CA_BUNDLE",), ()),
        (
            VARIABLES,
            ("PURGEBOT_CA_BUNDLE", "SSL_CERT_FILE"),
            ("PURGEBOT_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
            ("PURGEBOT_CA_BUNDLE",),
        ),
    ],
    ids=lambda value: "+".join(value) or "none",
)
def test_each_library_has_its_own_and_else_the_others(
    files: dict[str, Path],
    named: tuple[str, ...],
    slack: tuple[str, ...],
    cdn: tuple[str, ...],
    edge: tuple[str, ...],
) -> None:
    read = settings(files, *named)
    assert ours_in(trust.for_slack(read)) == set(slack)
    assert ours_in(trust.for_cdn(read)) == set(cdn)
    assert ours_in(trust.for_edge(read)) == set(edge)


def test_what_slack_trusts_anyway_it_goes_on_trusting(files: dict[str, Path]) -> None:
    usual = ssl.create_default_context().cert_store_stats()["x509"]
    found = trust.for_slack(settings(files, "PURGEBOT_CA_BUNDLE"))
    assert found is not None
    assert found.cert_store_stats()["x509"] == usual + 1
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_what_looks_at_the_edge_trust_anyway_they_go_on_trusting(files: dict[str, Path]) -> None:
    usual = trust.usual_of_requests()
    found = trust.for_edge(settings(files, "PURGEBOT_CA_BUNDLE"))
    assert found is not None
    assert found.cert_store_stats()["x509"] == usual.cert_store_stats()["x509"] + 1
    for context in (usual, found):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    ("written", "says"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "without a certificate"),
        (b"sesame", "without a certificate in PEM form"),
        (b"-----BEGIN CERTIFICATE-----\nsesame\n-----END CERTIFICATE-----\n", "without a certif"),
        (b"\x30\x82\x01\x0a\x02", "without a certificate in PEM form"),
    ],
    ids=["missing", "empty", "no PEM", "broken PEM", "DER"],
)
def test_a_file_that_cannot_be_used_is_told_by_its_variable(
    tmp_path: Path, name: str, written: bytes | None, says: str
) -> None:
    file = tmp_path / "ca.pem"
    if written is not None:
        file.write_bytes(written)
    with pytest.raises(SettingsInvalid) as caught:
        settings_from(BASE | {name: str(file)})
    (line,) = caught.value.info.message.splitlines()[1:]
    assert line.split()[0] == name
    assert says in line
    assert "sesame" not in line


def test_a_folder_of_certificates_may_be_named(tmp_path: Path) -> None:
    """Named by hashes, as `openssl rehash` does it; others OpenSSL does not look at."""
    write_certificate(tmp_path / "0a1b2c3d.0", "ca")
    assert trust.for_slack(settings_from(BASE | {"SSL_CERT_FILE": str(tmp_path)})) is not None


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("within", [None, "ca.pem"])
def test_a_folder_in_which_nothing_would_be_found_is_told(
    tmp_path: Path, name: str, within: str | None
) -> None:
    if within is not None:
        write_certificate(tmp_path / within, "ca")
    with pytest.raises(SettingsInvalid, match=f"{name} names a folder .*openssl rehash"):
        settings_from(BASE | {name: str(tmp_path)})

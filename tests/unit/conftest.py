"""What the tests of looks at the edge share: a pretend internet, and a server's certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import write_certificate
from tests.unit.edge_network import WWW, Network, looking, pretend_internet


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Give the pretend internet; at the end, no look may still be under way."""
    yield pretend_internet(monkeypatch)
    for thread in looking():
        thread.join(5)
    assert looking() == []


@pytest.fixture(scope="session")
def www_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "www.pem", WWW)


@pytest.fixture
def www_tls(www_certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(www_certificate)
    return context


@pytest.fixture
def trusted(www_certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust in the certificate above, as if it were among those that come with `requests`."""
    monkeypatch.setattr("requests.utils.DEFAULT_CA_BUNDLE_PATH", str(www_certificate))

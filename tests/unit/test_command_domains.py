"""Which domains are taken, in which form, and which are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command.parser import PurgeCommand, parse
from bot.core.errors import InputError
from bot.core.text.domain_name import display_domain, normalise_domain

LABEL_63 = "a" * 63
NAME_253 = ".".join([LABEL_63, LABEL_63, LABEL_63, "a" * 61])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("www.example.com", "www.example.com"),
        ("WWW.Example.COM.", "www.example.com"),
        ("http://www.example.com", "www.example.com"),
        ("HTTPS://www.example.com/", "www.example.com"),
        ("www.example.com/", "www.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("XN--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("ｗｗｗ.example.com", "www.example.com"),
        ("r3---sn.example.com", "r3---sn.example.com"),
        ("3com.example.com", "3com.example.com"),
        (NAME_253, NAME_253),
    ],
)
def test_a_domain_is_kept_in_one_form(written: str, kept: str) -> None:
    assert normalise_domain(written) == kept


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("*.example.com", "wildcard"),
        (".example.com", "wildcard"),
        ("img*.example.com", "wildcard"),
        ("https://www.example.com/a", "url"),
        ("www.example.com?q", "url"),
        ("www.example.com#top", "url"),
        ("www.example.com:443", "url"),
        ("ana@www.example.com", "url"),
        ("ftp://www.example.com", "url"),
        ("https://a_b.example.com/x", "url"),
        ("https://hero/x", "dotless"),
        ("https://192.0.2.7/x", "address"),
        ("192.0.2.7", "address"),
        ("https://192.0.2.7/", "address"),
        ("2001:db8::1", "address"),
        ("[2001:db8::1]", "address"),
        ("127.1", "address"),
        ("0x7f.0.0.1", "address"),
        ("１２７.0.0.1", "address"),
        ("localhost", "dotless"),
        ("https://", "dotless"),
        ("www..example.com", "malformed"),
        ("-a.example.com", "malformed"),
        ("a-.example.com", "malformed"),
        ("a_b.example.com", "malformed"),
        ("www.example.com--force", "malformed"),
        ("www.example.c0m", "malformed"),
        ("xn--a.example", "malformed"),
        ("“www.example.com”", "malformed"),
        (f"{LABEL_63}a.example.com", "malformed"),
        (f"a{NAME_253}", "malformed"),
        (f"{NAME_253}a", "long"),
        ("a." * 600 + "com", "long"),
    ],
)
def test_what_is_no_single_host_name_is_refused(written: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        normalise_domain(written)
    assert caught.value.info.code == f"command-domain-{code}"


@pytest.mark.parametrize(
    "written",
    ["https://www.example.com/a?b", "www.example.com:443", "ana:secret@www.example.com"],
)
def test_a_url_is_put_right_by_its_host(written: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(f"{written} hero --force")
    assert caught.value.info.facts["corrected"] == "/purge www.example.com hero --force"


@pytest.mark.parametrize(
    "link",
    [
        "<http://www.example.com|www.example.com>",
        "<https://www.example.com>",
        "<https://www.example.com/|WWW.example.com>",
        "&lt;http://www.example.com|www.example.com&gt;",
    ],
)
def test_a_link_that_slack_made_is_opened(link: str) -> None:
    assert parse(f"{link} hero") == PurgeCommand("www.example.com", ("hero",))


def test_a_link_that_shows_one_domain_and_leads_to_another_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        parse("<http://evil.example|www.example.com> hero")
    assert caught.value.info.code == "command-link"


def test_the_part_of_a_domain_at_fault_is_named() -> None:
    for written, label in [("www..example.com", ".."), ("a.b_c.example.com", "b_c")]:
        with pytest.raises(InputError) as caught:
            normalise_domain(written)
        assert caught.value.info.facts["label"] == label


def test_the_owner_of_a_domain_can_read_its_name() -> None:
    assert display_domain("xn--bcher-kva.example") == "bücher.example"
    assert display_domain("r3---sn.example.com") == "r3---sn.example.com"


@given(st.one_of(st.text(), st.text("aAü-.xn/:@*0١。Ⅷ\u200d", max_size=30)))
def test_any_text_is_either_a_domain_in_its_one_form_or_a_mistake(text: str) -> None:
    try:
        domain = normalise_domain(text)
    except InputError:
        return
    assert domain.isascii()
    assert domain == domain.lower()
    assert normalise_domain(domain) == domain
    assert normalise_domain(display_domain(domain)) == domain

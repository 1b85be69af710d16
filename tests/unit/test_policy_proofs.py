"""Proofs in the policy: which URLs are looked at, and every mistake with its line."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.config.policy_file import PolicyFileInvalid, load_policy
from bot.core.policy.document import Policy

WWW, SHOP = "www.example.com", "shop.example.com"
GOOD = """\
version: 1
roles:
  sre: {title: Site reliability, groups: [S0SRE]}
rules:
  - {rule: SRE may purge, roles: [sre], allow: [purge], domains: ["*"]}
proofs:
  - proof: The front page shows the hero
    domains: [www.example.com, shop.example.com]
    tags: [hero, "campaign-*"]
    urls:
      - https://www.example.com/
      - http://www.example.com/start?lang=en
      - https://shop.example.com/
"""


def policy(*proofs: dict[str, object]) -> Policy:
    base = {"domains": [WWW]}
    return Policy.model_validate(
        {
            "version": 1,
            "rules": [{"rule": "All", "roles": ["*"], "allow": ["purge"], "domains": ["*"]}],
            "proofs": [
                {**base, "proof": f"Proof {number}", **proof} for number, proof in enumerate(proofs)
            ],
        }
    )


def mistakes(text: str) -> list[str]:
    with pytest.raises(PolicyFileInvalid) as caught:
        load_policy(text, "policy.yaml")
    return [str(mistake) for mistake in caught.value.mistakes]


# Which URLs


def test_a_purge_is_shown_by_the_urls_on_its_own_domain() -> None:
    read = load_policy(GOOD, "policy.yaml")
    assert read.proof_urls(WWW, ["hero"]) == (
        "https://www.example.com/",
        "http://www.example.com/start?lang=en",
    )
    assert read.proof_urls(SHOP, ["hero"]) == ("https://shop.example.com/",)


@pytest.mark.parametrize(
    ("domain", "tags", "shown"),
    [
        pytest.param(SHOP, ["hero"], True, id="the tag"),
        pytest.param(SHOP, ["HERO"], True, id="the tag in another case"),
        pytest.param(SHOP, ["campaign-12"], True, id="a tag of the pattern"),
        pytest.param(SHOP, ["news", "hero"], True, id="one of two tags"),
        pytest.param(SHOP, ["h*"], True, id="a tag that may mean any"),
        pytest.param(SHOP, ["news"], False, id="another tag"),
        pytest.param(SHOP, ["heroes"], False, id="a longer tag"),
        pytest.param("example.com", ["hero"], False, id="the domain above"),
        pytest.param("a.shop.example.com", ["hero"], False, id="a domain below"),
    ],
)
def test_a_proof_covers_its_domains_and_tags_only(
    domain: str, tags: list[str], shown: bool
) -> None:
    assert bool(load_policy(GOOD, "policy.yaml").proof_urls(domain, tags)) is shown


def test_a_proof_without_tags_covers_every_tag() -> None:
    assert policy({"urls": ["https://www.example.com/"]}).proof_urls(WWW, ["news"])


def test_a_policy_without_proofs_looks_at_nothing() -> None:
    assert policy().proof_urls(WWW, ["hero"]) == ()


def test_all_proofs_that_cover_a_purge_give_five_urls_at_most_and_each_once() -> None:
    urls = [f"https://www.example.com/{n}" for n in range(7)]
    several = policy({"urls": urls[:3]}, {"urls": urls[6:], "tags": ["news"]}, {"urls": urls[1:6]})
    assert several.proof_urls(WWW, ["hero"]) == tuple(urls[:5])
    assert several.proof_urls(WWW, ["news"]) == (*urls[:3], urls[6], urls[3])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("HTTPS://WWW.Example.COM", "https://www.example.com/"),
        ("https://www.example.com.", "https://www.example.com/"),
        ("https://www.example.com:443/a", "https://www.example.com/a"),
        ("http://www.example.com:80/a", "http://www.example.com/a"),
        ("https://www.example.com?a=1", "https://www.example.com/?a=1"),
        ("https://www.example.com/a@b:c,(d)", "https://www.example.com/a@b:c,(d)"),
        ("https://www.example.com/%E4", "https://www.example.com/%E4"),
    ],
)
def test_a_url_is_read_into_its_plain_form(written: str, read: str) -> None:
    assert policy({"urls": [written]}).proof_urls(WWW, ["hero"]) == (read,)


def test_an_international_domain_is_the_same_in_a_proof_and_in_its_url() -> None:
    read = policy({"domains": ["bücher.example"], "urls": ["https://Bücher.example/a"]})
    domain = "xn--bcher-kva.example"
    assert read.proof_urls(domain, ["hero"]) == (f"https://{domain}/a",)


# Mistakes

LAST = "https://shop.example.com/"
ROUND = [f"https://www.example.com/{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("written", "instead", "line", "words"),
    [
        pytest.param("https://shop", "ftp://shop", 13, "is no URL to look at", id="ftp"),
        pytest.param("https://shop", "shop", 13, "is no URL to look at", id="no scheme"),
        pytest.param("https://shop", "https:/shop", 13, "is no URL", id="one slash"),
        pytest.param("//shop", "//me@shop", 13, "without a login", id="a login"),
        pytest.param("//shop", "//me:word@shop", 13, "without a login", id="a password"),
        pytest.param("//shop.example.com", "//shop.example.com:8443", 13, "a port", id="port"),
        pytest.param("//shop.example.com", "//shop.example.com:80", 13, "a port", id="http's"),
        pytest.param("//shop.example.com", "//shop.example.com:", 13, "a port", id="no port"),
        pytest.param(LAST, f'"{LAST}#top"', 13, "a “#”", id="a fragment"),
        pytest.param(LAST, f'"{LAST}a b"', 13, "as %20", id="a space"),
        pytest.param(LAST, f"{LAST}ä", 13, "as %20", id="not ASCII"),
        pytest.param(LAST, f"{LAST}%2", 13, "as %20", id="half an escape"),
        pytest.param(LAST, f"{LAST}a\\\\b", 13, "as %20", id="a backslash"),
        pytest.param(LAST, "https://10.0.0.1/", 13, "no domain in full", id="an address"),
        pytest.param(LAST, "https://[::1]/", 13, "no URL", id="an IPv6 address"),
        pytest.param(LAST, "https://localhost/", 13, "no domain in full", id="no dot"),
        pytest.param(
            LAST, "https://www.example.com\\@shop.example.com/", 13, "no URL", id="two hosts"
        ),
        pytest.param(
            LAST, "https://img.example.com/", 13, "on none of this proof’s", id="elsewhere"
        ),
        pytest.param(LAST, "https://a.shop.example.com/", 13, "on none of", id="below"),
        pytest.param(LAST, "[a]", 13, "text only", id="a list as a URL"),
        pytest.param("[www.example.com, ", '["*.example.com", ', 8, "takes no “*”", id="pattern"),
        pytest.param("[www.example.com, ", '["*", ', 8, "takes no “*”", id="every domain"),
        pytest.param("www.example.com, shop", "shop", 11, "on none of", id="a domain less"),
        pytest.param('"campaign-*"', '"a b"', 9, "matches no tag", id="a tag"),
        pytest.param("    domains: [www", "    domain: [www", 8, "mean “domains”?", id="a key"),
        pytest.param("proof: The front page shows the hero", "proof:", 7, "empty", id="unnamed"),
        pytest.param("- proof: The", "- prof: The", 7, "mean “proof”?", id="a key at first"),
        pytest.param("proofs:", "proof:", 6, "did you mean “proofs”?", id="the list's key"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    written: str, instead: str, line: int, words: str
) -> None:
    assert written in GOOD
    # The last place: the URLs stand below the domains.
    start, _, end = GOOD.rpartition(written)
    found = mistakes(start + instead + end)
    assert [m for m in found if m.startswith(f"line {line}: ") and words in m], found


def test_a_proof_has_one_to_five_urls() -> None:
    assert policy({"urls": ROUND[:5]}).proof_urls(WWW, ["hero"]) == tuple(ROUND[:5])
    start = GOOD.partition("      - ")[0]
    six = "".join(f"      - {url}\n" for url in ROUND)
    assert mistakes(start + six) == ["line 10: a proof has at most 5 URLs"]
    assert mistakes(start.replace("urls:\n", "urls: []\n")) == ["line 10: “urls” must not be empty"]


def test_a_url_has_five_hundred_characters_and_not_one_more() -> None:
    longest = "https://www.example.com/".ljust(500, "a")
    assert policy({"urls": [longest]}).proof_urls(WWW, ["hero"]) == (longest,)
    assert "at most 500 characters" in mistakes(GOOD.replace(LAST, longest + "a"))[0]


def test_a_policy_built_without_a_file_keeps_the_same_rules() -> None:
    with pytest.raises(ValidationError, match="on none of"):
        policy({"urls": ["https://img.example.com/"]})

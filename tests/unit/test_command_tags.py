"""What nobody means as a tag is none: it is put right where one can tell how, and `tag:` insists."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.command.parser import PurgeCommand, format_command, parse
from bot.core.errors import ErrorInfo, InputError
from bot.core.text.errors import DOMAIN_DOTLESS
from bot.core.text.tokens import COMMAS, QUOTES

SITE = "www.example.com"


def tags(words: str, domain: str = SITE) -> tuple[str, ...]:
    command = parse(f"{domain} {words}")
    assert isinstance(command, PurgeCommand)
    return command.tags


def info(words: str) -> ErrorInfo:
    with pytest.raises(InputError) as caught:
        parse(f"{SITE} {words}")
    return caught.value.info


@pytest.mark.parametrize(
    "tag",
    [
        *["hero", "Hero-1", "product-123", "article_5", "2026", "a.b", "v1.2", "1.2", "e"],
        *["node:12", "page/news", "section=home", "user@x", "a+b", "c#1", "a~b", "R&D", "mother's"],
        *["config:system.site", "taxonomy_term:5", "App::Post:1", "a/b/c", "k=a&b=c", "a--b"],
        *["größe", "首页", "герой", "ヒーロー", "서울", "नमस्ते", "สวัสดี", "مرحبا", "e\u0301te\u0301", "½"],
        *["%74humb", "sale%2A", "thumb-%zz", "www", "com", "html", "index-html", "css.v2", "block.header"],
        *["curly", "purged", "status", "history", "help", "and", "true", "ｈero"],
    ],
)  # fmt: skip
def test_tags_as_they_are_in_use_are_taken_as_they_are(tag: str) -> None:
    assert tags(f"{tag},b") == (tag, "b")


@pytest.mark.parametrize("comma", sorted(COMMAS))
def test_the_comma_of_any_keyboard_stands_between_tags(comma: str) -> None:
    assert tags(f"a{comma}b{comma} c") == ("a", "b", "c")
    assert tags(f'a{comma}--force{comma}--reason "x{comma}y"') == ("a",)
    assert info(f"a{comma}--reason b{comma}c").facts["corrected"] == (
        f'/purge {SITE} a --reason "b{comma}c"'
    )


def test_a_comma_after_the_domain_is_one_from_any_keyboard() -> None:
    with pytest.raises(InputError) as caught:
        parse(f"{SITE}，hero")
    assert caught.value.info.code == "command-domain-comma"
    assert caught.value.info.facts["corrected"] == f"/purge {SITE} hero"


@pytest.mark.parametrize(
    ("words", "code", "corrected"),
    [
        # Lists
        ("a; b; c.", "tag-sign", "a,b,c"),
        ("a; *b* [c]", "tag-sign", "a,b,c"),
        ("a; b; #c", "tag-sign", None),
        ("hero；banner", "tag-sign", "hero,banner"),
        ("hero;banner", "tag-sign", "hero,banner"),
        ("hero; banner", "tag-sign", "hero,banner"),
        ("hero؛banner", "tag-sign", "hero,banner"),
        ("hero|banner", "tag-sign", "hero,banner"),
        ("hero ｜ banner", "tag-sign", "hero,banner"),
        ("hero / banner", "tag-sign", "hero,banner"),
        ("hero & banner", "tag-sign", "hero,banner"),
        ("hero + banner", "tag-sign", "hero,banner"),
        ("• hero", "tag-sign", "hero"),
        ("•hero", "tag-sign", "hero"),
        ("> hero", "tag-sign", "hero"),
        ("→hero", "tag-sign", "hero"),
        ("hero → banner", "tag-sign", "hero,banner"),
        ("a>b", "tag-sign", None),
        ("a·b", "tag-sign", None),
        ("ニュース・天気", "tag-sign", None),
        ("1. hero 2. banner", "tag-sign", None),
        ("a) hero", "tag-sign", None),
        # A header as it was copied, and what is not a list at all
        ("Cache-Tag: hero, banner", "tag-sign", "hero,banner"),
        ("tags: hero", "tag-sign", "hero"),
        ("Surrogate-Key： hero banner", "tag-sign", "hero,banner"),
        ("hero: banner", "tag-sign", "hero,banner"),
        ("Cache-Tag:", "tag-sign", None),
        ("hero&nbsp;banner", "tag-sign", None),
        ("hero&#39;s", "tag-sign", None),
        ("<tel:123|123>", "tag-sign", None),
        # Quotation marks
        ('"hero" "banner"', "tag-quote", "hero,banner"),
        ("“hero”，“banner”", "tag-quote", "hero,banner"),
        ('["hero", "banner"]', "tag-quote", "hero,banner"),
        ("`hero`; 'banner'.", "tag-quote", "hero,banner"),
        ('hero "new prices"', "tag-quote", None),
        ("hero “new prices”", "tag-quote", None),
        # The end of a sentence
        ("hero.", "tag-sign", "hero"),
        ("hero。", "tag-sign", "hero"),
        ("hero!", "tag-sign", "hero"),
        ("hero？", "tag-sign", "hero"),
        ("hero:", "tag-sign", "hero"),
        ("hero...", "tag-sign", "hero"),
        ("hero…", "tag-sign", "hero"),
        ("a..b", "tag-sign", None),
        ("a…b", "tag-sign", None),
        # The keyboard of another script
        ("node：12", "tag-sign", "node:12"),
        ("v1．2", "tag-sign", "v1.2"),
        ("page／news", "tag-sign", "page/news"),
        ("a＿b", "tag-sign", "a_b"),
        ("v1。2", "tag-sign", None),
        # Formatting, people, channels, emoji
        ("*hero*", "tag-star", "hero"),
        ("_hero_", "tag-sign", "hero"),
        ("~hero~", "tag-sign", "hero"),
        ("`hero`", "tag-quote", "hero"),
        ("_hero", "tag-sign", None),
        ("<@U1>", "tag-sign", None),
        ("<@U1|ana>", "tag-sign", None),
        ("&lt;@U1&gt;", "tag-sign", None),
        ("<#C1|web>", "tag-sign", None),
        ("<!here>", "tag-sign", None),
        ("@ana", "tag-sign", None),
        ("#web", "tag-sign", None),
        (":fire:", "tag-sign", None),
        ("hero🔥", "tag-sign", None),
        # Brackets
        ("[hero]", "tag-sign", "hero"),
        ("<hero>", "tag-sign", "hero"),
        ("{hero}", "tag-sign", "hero"),
        ("(hero)", "tag-sign", "hero"),
        ("（hero）", "tag-sign", "hero"),
        ("「hero」", "tag-sign", "hero"),
        ("《hero》", "tag-sign", "hero"),
        ("(hero, banner)", "tag-sign", "hero,banner"),
        ("hero [--force]", "force-like", "hero --force"),
        ("hero.--force", "force-like", "hero --force"),
        # Stars
        ("*", "tag-star", None),
        ("**", "tag-star", None),
        ("hero*", "tag-star", None),
        ("thumb-*", "tag-star", None),
        ("＊", "tag-sign", None),
        ("?", "tag-sign", None),
        ("her?", "tag-sign", "her"),
        # Addresses
        ("https://www.example.com/a.html", "tag-address", None),
        ("<https://www.example.com/a>", "tag-address", None),
        ("<http://p.com|p.com>", "domain-second", None),
        ("//www.example.com/a", "tag-address", None),
        ("/news/today", "tag-address", None),
        ("/", "tag-sign", ""),
        ("news/", "tag-address", None),
        ("./a", "tag-address", None),
        ("index.html", "tag-address", None),
        ("a/style.CSS?v=2", "tag-address", None),
        ("hero.jpg", "tag-address", None),
        ("example.com/news", "tag-address", None),
        ("example.com:8080", "tag-address", None),
        ("10.0.0.1", "tag-address", None),
        ("10.0.0.0/24", "tag-address", None),
        ("2001:db8::1", "tag-address", None),
        ("ana@example.com", "tag-address", None),
        ("*.html", "tag-address", None),
        # A second domain, a second command
        ("shop.example.com hero", "domain-second", None),
        ("hero shop.example.com", "domain-second", None),
        ("hero www.example.com", "domain-second", None),
        ("hero www.firm.anything", "domain-second", None),
        ("hero firm.com.cn", "domain-second", None),
        ("hero *.example.com", "domain-second", None),
        ("hero bücher.example", "domain-second", None),
        ("hero ｗｗｗ.firm.com", "domain-second", None),
        ("hero /purge shop.example.com x", "second", None),
        ("hero PURGE", "second", None),
        ("hero curl", "second", None),
        ("hero && hero", "tag-sign", None),
        ("hero || hero", "tag-sign", None),
        ("a&&b", "tag-sign", None),
        ("hero\nfirm.anything x", "lines", None),
        ("hero\r\n  /purge x", "lines", None),
        ("hero\nstatus P1M82J8FAHK949", "lines", None),
        ("hero\nhistory", "lines", None),
        # The way out, and what is left of it
        ("tag:", "tag-sign", None),
        ("tag: index.html", "tag-sign", "tag:index.html"),
        ("tag:“x”", "tag-quote", "x"),
    ],
)
def test_what_nobody_means_as_a_tag_is_put_right(
    words: str, code: str, corrected: str | None
) -> None:
    found = info(words)
    assert found.code == f"command-{code}"
    assert found.facts.get("corrected") == (f"/purge {SITE} {corrected}" if corrected else None)


@pytest.mark.parametrize(
    "tag",
    [
        *["hero.", "#news", "*", "thumb-*", "*hero*", "index.html", "/news", "https://p.com/x", "/purge"],
        *["purge", "shop.example.com", SITE, "10.0.0.1", "c++", "100%", "_N_T_/blog", ":fire:", "<@U1>"],
        *["a，b", "，", "a；b", "a|b", "force", "-x", "hero🔥", "a`b", "e.g.", "$x", "\\", "a..b"],
    ],
)  # fmt: skip
def test_with_tag_before_it_a_word_means_exactly_that_tag(tag: str) -> None:
    assert tags(f"tag:{tag}") == (tag,)
    assert tags(f"hero Tag:{tag} b") == ("hero", tag, "b")
    assert f"tag:{tag}" in format_command(PurgeCommand(SITE, ("hero", tag)))


def test_lines_of_tags_are_tags() -> None:
    assert tags("a\nb\r\nhelper\nv1.2\na.b") == ("a", "b", "helper", "v1.2", "a.b")
    assert tags("hero", f'--reason "x\ny"\n{SITE}\n') == ("hero",)


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("/purge www.example.com hero", f"{SITE} hero"),
        ("Purge www.example.com hero --force", f"{SITE} hero --force"),
        ("[www.example.com] hero", f"{SITE} hero"),
        ("`www.example.com` hero", f"{SITE} hero"),
        ("www.example.com；hero", f"{SITE} hero"),
        ("www.example.com|hero|banner", f"{SITE} hero,banner"),
        ("> www.example.com hero", f"{SITE} hero"),
        ("www.example.com: hero", f"{SITE} hero"),
        ("/purge www.example.com hero /purge www.example.com b", None),
        ("www.example.com;shop.example.com hero", None),
        ("curl www.example.com hero", None),
    ],
)
def test_marks_around_the_domain_are_put_right(text: str, corrected: str | None) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    found = caught.value.info.facts.get("corrected")
    assert found == (corrected and f"/purge {corrected}")


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("hero www.example.com", f"{SITE} hero"),
        ("hero,banner --force www.example.com", f"{SITE} hero,banner --force"),
        ("hero https://www.example.com/ banner", f"{SITE} hero,banner"),
        ("hero <http://www.example.com|www.example.com>", f"{SITE} hero"),
        ("hero www.example.com shop.example.com", None),
        ("hero v1.2", None),
        ("hero www.example.com /news", None),
    ],
)
def test_a_domain_after_its_tags_is_put_before_them(text: str, corrected: str | None) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.info.kind is DOMAIN_DOTLESS
    assert caught.value.info.facts.get("corrected") == (corrected and f"/purge {corrected}")


def test_whose_domain_it_is_decides_what_a_second_domain_is() -> None:
    assert tags("img.firm.anything") == ("img.firm.anything",)
    with pytest.raises(InputError) as caught:
        parse("www.firm.anything img.firm.anything")
    assert caught.value.info.code == "command-domain-second"
    command = PurgeCommand("www.firm.anything", ("img.firm.anything", "firm.anything"))
    assert parse(format_command(command).removeprefix("/purge")) == command


def test_the_error_for_an_address_says_where_a_pages_tags_are_found() -> None:
    hint = info("/news/today").hint
    assert "response header" in hint
    assert "tag:" in hint


def test_the_commas_are_those_that_unicode_knows_but_for_the_historic_ones() -> None:
    known = {
        c
        for c in map(chr, range(sys.maxunicode + 1))
        if "COMMA" in unicodedata.name(c, "").split() and unicodedata.category(c) == "Po"
    }
    assert set(COMMAS) <= known
    assert all(c in COMMAS for c in known if unicodedata.normalize("NFKC", c) in {",", "、"})


# For whatever anybody may type

BETWEEN = "-_.:/@#+=~%&'"
MARKS = '，、;；。．：｜|/،؛•→…*_~`?!<>[]{}()"“@#:$^\\🔥＊・·'
names = st.sampled_from([SITE, "shop.example.com", "img.firm.cn", "bücher.example"])
plain_tags = st.sampled_from(["hero", "b-1", "a.b", "node:12", "首页", "tag:x.html", "tag:*"])
rest = st.sampled_from(["", " --force", ' --reason "why"', " --force --force"])
one_command = st.builds(
    "{} {}{}".format, names, st.lists(plain_tags, min_size=1, max_size=3).map(",".join), rest
)
stored = st.text(
    st.characters(exclude_categories=["C", "Z", "Mn"], exclude_characters="," + QUOTES), min_size=1
) | st.lists(
    st.sampled_from(
        [*MARKS, "tag:", "www.", ".com", ".html", "purge", "force", "a", "1", "-", "."]
    ),
    min_size=1,
).map("".join)


def could_be_stored(tag: str) -> bool:
    """Whether a release before these rules would have stored the tag: most marks were taken."""
    hard = [c for c in tag if c in '"“”„‟«»＂‘’‚‛ ' or unicodedata.category(c) in {"Pd", "Cf"}]
    return set(hard) <= {"-"} and tag == tag.strip("'`")


@given(
    one_command,
    st.sampled_from([" /purge ", "\n", "\n/purge ", " && /purge ", "; /purge ", " ; ", " && "])
    | st.sampled_from([" ", " | ", ",", " ，", "\r\n", " purge ", " then /purge "]),
    one_command,
)
def test_no_text_that_spells_two_commands_is_a_purge(one: str, between: str, other: str) -> None:
    with pytest.raises(InputError):
        parse(f"{one}{between}{other}")


@given(st.lists(st.sampled_from([*MARKS, "a", "B", "9", ".", "é", "tag", "-", "%41"])).map("".join))
def test_a_tag_without_tag_before_it_holds_no_mark_and_ends_in_letters(word: str) -> None:
    assume(not word.startswith("tag:"))
    try:
        command = parse(f"{SITE} x,{word}")
    except InputError:
        return
    assert isinstance(command, PurgeCommand)
    for tag in command.tags:
        assert all(c.isalnum() or unicodedata.category(c)[0] == "M" or c in BETWEEN for c in tag)
        assert tag[0].isalnum() or tag.startswith("%41")
        assert tag[-1].isalnum()
        assert not any(run in tag for run in ("..", "&&", "//"))


@given(names, st.lists(stored.filter(could_be_stored), min_size=1, max_size=4, unique=True))
def test_whatever_tag_is_stored_its_command_reads_back(domain: str, kept: list[str]) -> None:
    domain = domain.encode("idna").decode()
    command = PurgeCommand(domain, tuple(kept))
    assert parse(format_command(command).removeprefix("/purge")) == command

"""How the policy compares tags: letter by letter, widely, or so that nothing more is exempt."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.policy.tag_rules import ANY_TAG, MAX_ROUNDS, TagPatterns, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("hero", "hero"),
        ("Hero-1", "hero-1"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("ﬁnale", "finale"),
        ("ｈｅｒｏ", "hero"),
        ("%68ero", "hero"),
        ("%48ero", "hero"),
        ("%2568ero", "hero"),
        ("%252568ero", "hero"),
        ("％68ero", "hero"),
        ("%EF%BC%8568ero", "hero"),
        ("h%C2%ADero", "hero"),
        ("he\u200bro", "hero"),
        ("%\u200b68ero", "hero"),
        ("hero%20", "hero"),
        ("hero%00", "hero"),
        ("%E4%B8%AD", "中"),
        ("e%CC%81", "é"),
        ("a%2Ab", "a*b"),
        ("＊", "*"),
        ("﹡", "*"),
        ("∗", "*"),
        ("٭", "*"),
        ("a，b", "a,b"),
        ("%", "%"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("%4", "%4"),
        ("%ff", "\ufffd"),
        ("a%E4%B8b", "a\ufffdb"),
        ("%ED%A0%80", "\ufffd" * 3),
        ("％E2%80%8Bhero", "hero"),
        ("%25E2%80%8Bhero", "hero"),
        ("%25C3%A9", "é"),
        ("%C3\u200b%A9", "é"),
        ("\ud800a", "\ufffd\ufffd\ufffda"),
        ("", ""),
    ],
)
def test_texts_that_may_mean_the_same_tag_have_one_form(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_what_is_wrapped_too_often_may_be_anything() -> None:
    deep, deeper = ("%" + "25" * (MAX_ROUNDS - n) + "61" for n in (2, 0))
    assert fold(deep) == "a"
    assert fold(deeper) == ANY_TAG


def test_what_is_too_long_to_be_looked_through_may_be_anything() -> None:
    assert fold("ä" * 2048) == "ä" * 2048
    assert fold("ä" * 2049) == ANY_TAG
    assert fold("A" * 16384) == "a" * 16384


@pytest.mark.parametrize(
    ("pattern", "tag", "fits", "covers", "exempts"),
    [
        ("hero", "hero", True, True, True),
        ("hero", "Hero", False, True, False),
        ("Hero", "hero", False, True, False),
        ("hero", "hero2", False, False, False),
        ("hero", "h%65ro", False, True, False),
        ("h%65ro", "hero", False, True, False),
        ("h%65ro", "h%65ro", True, True, True),
        ("h*", "h*", True, True, False),
        ("h*", "x*", False, True, False),
        ("h*", "x＊", False, True, False),
        ("h*", "h%2A", True, True, False),
        ("h*", "x%2A", False, True, False),
        ("h*", "h%zz", True, True, True),
        ("h*", "h%ff", True, True, False),
        ("h*", "x%ff", False, False, False),
        ("h*", "h%2Cx", True, True, False),
        ("h*", "x%2Cy", False, True, False),
        ("*", "hero", True, True, True),
        ("*", "*", True, True, False),
        ("*", "%2A", True, True, False),
        ("*", "%00", True, True, False),
        ("hero", "%00", False, True, False),
        ("＊", "hero", False, True, False),
        ("a*", "a\u0301", True, True, False),
        ("%*", "%61", True, True, False),
        ("x*", "%61", False, False, False),
        ("İ*", "image", False, True, False),
        ("a?", "ab", False, False, False),
        ("[ab]", "a", False, False, False),
        ("？", "a", False, False, False),
        ("？", "?", False, True, False),
        ("hero", "ä" * 3000, False, True, False),
        ("*", "ä" * 3000, True, True, False),
    ],
)
def test_a_pattern_fits_by_letters_covers_what_may_be_meant_and_exempts_nothing_else(
    pattern: str, tag: str, *, fits: bool, covers: bool, exempts: bool
) -> None:
    patterns = TagPatterns([pattern])
    assert (patterns.fit(tag), patterns.cover(tag), patterns.exempt(tag)) == (fits, covers, exempts)


def test_one_of_several_patterns_is_enough() -> None:
    patterns = TagPatterns(["hero", "thumb-*"])
    assert all(patterns.exempt(tag) for tag in ("hero", "thumb-1"))
    assert not any(patterns.cover(tag) for tag in ("her", "xthumb-1", "thumb"))


pieces = st.sampled_from([*"aA%2*,", "%61", "%25", "％", "＊", "ａ", "\u0301", "é", "\u200b", "ß"])
texts = st.text(max_size=20) | st.lists(pieces, max_size=8).map("".join)


@given(texts)
def test_folding_is_done_after_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.lists(texts, min_size=1, max_size=3), texts)
def test_what_fits_by_letters_is_covered_and_what_is_exempt_fits(
    written: list[str], tag: str
) -> None:
    patterns = TagPatterns(written)
    fitting = [each for each in written if plainly_fits(each, tag)]
    assert patterns.fit(tag) is bool(fitting)
    assert patterns.cover(tag) or not patterns.fit(tag)
    if patterns.exempt(tag):
        assert fitting
        assert "*" not in tag


def plainly_fits(pattern: str, tag: str) -> bool:
    return fnmatch.fnmatchcase(tag, pattern.replace("[", "[[]").replace("?", "[?]"))

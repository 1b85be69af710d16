"""Which tags deserve a second look, and what is said of each: a table."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command.parser import parse
from bot.core.errors import InputError
from bot.core.policy.document import Policy
from handlers.blocks.tag_marks import DISGUISE, SIGN, STAR, look_over, marks_of

MARKED = [
    ("*", STAR, "may mean every tag"),
    ("**", STAR, "may mean every tag"),
    ("sale-*", STAR, "holds *, which may stand for anything"),
    ("sale%2A", STAR, "holds %2A, which reads *"),
    ("a%252Ab", STAR, "holds %252A, which reads *"),
    ("＊", STAR, "holds ＊ (U+FF0A) and reads *"),
    ("∗", STAR, "holds the sign ∗ (U+2217), which looks like *"),
    ("%68ero", DISGUISE, "holds %68, which reads h"),
    ("%20", DISGUISE, "holds %20, which reads [U+0020]"),
    ("%E2%80%8B", DISGUISE, "holds %E2%80%8B, which reads [U+200B]"),
    ("%FF", DISGUISE, "holds %FF, which reads as no character"),
    ("hеro", DISGUISE, "has the Cyrillic letter е (U+0435)"),
    ("hеrо", DISGUISE, "has the Cyrillic letters е (U+0435) and о (U+043E)"),
    ("саре", DISGUISE, "has the Cyrillic letters с (U+0441), а (U+0430) and 2 more"),
    ("х-герой", DISGUISE, "has the Cyrillic letter х (U+0445)"),
    ("Ηero", DISGUISE, "has the Greek letter Η (U+0397)"),
    ("հero", DISGUISE, "has the Armenian letter հ (U+0570)"),
    ("ᎻERO", DISGUISE, "has the Cherokee letter Ꮋ (U+13BB)"),
    ("herⲟ", DISGUISE, "has the Coptic letter ⲟ (U+2C9F)"),
    ("ꓧero", DISGUISE, "has the Lisu letter ꓧ (U+A4E7)"),
    ("heroж", DISGUISE, "mixes Latin and Cyrillic letters"),
    ("hero首页", DISGUISE, "mixes Latin and Han letters"),
    ("жΩ", DISGUISE, "mixes Cyrillic and Greek letters"),
    ("ıd", DISGUISE, "has the Latin letter ı (U+0131), which looks like i"),
    ("ɑpp", DISGUISE, "has the Latin letter ɑ (U+0251), which looks like a"),
    ("ｈero", DISGUISE, "holds ｈ (U+FF48) and reads hero"),
    ("𝐡ero", DISGUISE, "holds 𝐡 (U+1D421) and reads hero"),
    ("ﬁn", DISGUISE, "holds ﬁ (U+FB01) and reads fin"),
    ("cafe\u0301", DISGUISE, "holds U+0301 and reads café"),
    ("q\u0335x", DISGUISE, "holds the mark U+0335 above or below a letter"),
    ("hero‧1", SIGN, "holds the sign ‧ (U+2027)"),
    ("a⁄b", DISGUISE, "holds the sign ⁄ (U+2044), which looks like /"),
    ("३", SIGN, "holds the sign ३ (U+0969)"),
    ("fire🔥", SIGN, "holds the sign 🔥 (U+1F525)"),
    ("hero?", SIGN, "holds the sign ?"),
    ("a&b|c", SIGN, "holds the signs & and |"),
    ("100%", SIGN, "holds the sign %"),
    ("aー", SIGN, "holds ー (U+30FC)"),
]
USUAL = [
    *["hero", "HERO-1", "a_b.c:d/e@f#g+h=i~j", "2026", "-x", "größe", "café", "Ænig", "łódź", "þing"],
    *["首页", "首页-2", "герой", "сезон_2026/зима", "ヒーロー", "あア漢", "서울", "नमस्ते", "สวัสดี", "שלום", "مرحبا"],
]  # fmt: skip


@pytest.mark.parametrize(("tag", "rank", "says"), MARKED, ids=[row[0] for row in MARKED])
def test_a_tag_that_deserves_a_second_look_says_why(tag: str, rank: int, says: str) -> None:
    first = marks_of(tag)[0]
    assert (first.says, first.rank) == (says, rank)


@pytest.mark.parametrize("tag", USUAL)
def test_a_usual_tag_is_not_marked(tag: str) -> None:
    assert marks_of(tag) == ()


def test_several_reasons_are_all_told() -> None:
    assert [mark.rank for mark in marks_of("h\u0435ro*?")] == [STAR, DISGUISE, SIGN]


def test_what_counts_most_is_first_and_the_others_keep_their_order() -> None:
    seen = look_over(("b", "a?", "h\u0435ro", "a", "x*", "*"))
    assert seen.tags == ("x*", "*", "h\u0435ro", "a?", "b", "a")


@given(st.lists(st.text(min_size=1), unique=True).map(tuple))
def test_no_tag_is_lost_on_the_way(tags: tuple[str, ...]) -> None:
    assert sorted(look_over(tags).tags) == sorted(tags)


@given(st.text(st.characters(codec="ascii"), min_size=1))
def test_of_ascii_all_but_letters_digits_and_usual_signs_is_marked(tag: str) -> None:
    usual = all(c.isalnum() or c in "-_.:/@#+=~" for c in tag)
    assert (marks_of(tag) == ()) == usual


def test_lookalikes_are_not_read_for_plain_tags() -> None:
    program = (
        "import sys; from handlers.blocks.tag_marks import look_over; "
        "look_over(('hero', '*', 'a%2A')); sys.exit('confusable_homoglyphs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# What nobody can read is refused

# Unicode's DerivedCoreProperties.txt, Default_Ignorable_Code_Point; unassigned ones and all.
IGNORABLE = [
    *[(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5)],
    *[(0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)],
    *[(0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)],
    *[(0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)],
]
UNREADABLE = st.one_of(
    st.one_of([st.integers(*ends) for ends in IGNORABLE]).map(chr),
    st.characters(categories=["Cn", "Co", "Cc", "Cf"], exclude_characters="\t\n\r"),
)


@given(UNREADABLE, *[st.text("ab", min_size=1, max_size=30)] * 2)
def test_no_character_that_nobody_can_read_gets_into_a_tag(
    hidden: str, before: str, after: str
) -> None:
    with pytest.raises(InputError) as refused:
        parse(f"www.example.com {before}{hidden}{after} --force")
    assert refused.value.info.code == "command-unseen"
    assert f"{before}[U+{ord(hidden):04X}]{after}" in refused.value.info.facts["part"]
    rule = {"rule": "x", "roles": "*", "allow": ["purge"], "domains": ["*"]}
    with pytest.raises(ValueError, match="matches no tag"):
        Policy.model_validate({"version": 1, "rules": [{**rule, "tags": [before + hidden]}]})


def test_every_ignorable_character_is_refused() -> None:
    for first, last in IGNORABLE:
        for number in range(first, last + 1):
            with pytest.raises(InputError):
                parse(f"www.example.com a{chr(number)}b")


@given(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]))
def test_letters_and_digits_of_all_scripts_are_taken(character: str) -> None:
    invisible = "\u115f\u1160\u3164\uffa0"
    if character in invisible or unicodedata.category(character) not in {"Lu", "Ll", "Lo", "Nd"}:
        return
    parse(f"www.example.com a{character}b")

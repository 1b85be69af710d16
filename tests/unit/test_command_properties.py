"""Promises of the command grammar for whatever anybody may type."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.core.command.parser import PurgeCommand, format_command, parse
from bot.core.command.queries import HelpCommand, Question, VersionCommand
from bot.core.errors import InputError, kinds_in
from bot.core.text import errors as command_errors

KINDS = kinds_in(command_errors)
# Written here anew: a test that borrowed the parser's tables would share its mistakes.
LONG_DASHES = "‐‑‒–—―−﹘﹣－"
DASHES = "-" + LONG_DASHES
DOUBLE_QUOTES = '"“”„‟«»＂'
SINGLE_QUOTES = "'‘’‚‛"
INVISIBLE_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
PIECES = (  # noqa: SIM905 - as a list it would fill a page
    " www.example.com <http://www.example.com|www.example.com> *.a.com 1.2.3.4 xn-- ü 。 https://"
    " hero a,b true help tag: force --force —force -f --for ce -- – --force= --reason --reason="
    " why \" “ ' ’ , < > | /x :443 &lt; &amp; \u200b \u00a0 \n"
).split(" ")

domains = st.sampled_from(["www.example.com", "img.example.com", "xn--bcher-kva.example"])
tags = st.one_of(
    st.text(
        st.characters(
            exclude_categories=["C", "Z", "Mn"],
            exclude_characters=LONG_DASHES + "⸺⸻," + DOUBLE_QUOTES + "‘’‚‛" + INVISIBLE_LETTERS,
        ),
        min_size=1,
        max_size=8,
    ).filter(lambda tag: tag == tag.strip("'`")),
    st.sampled_from(["force", "tag:force", "Tag:-", "-x", "--force", "a--force", "&lt;", "true"]),
)
reasons = st.text(
    st.characters(
        exclude_categories=["C", "Zl", "Zp", "Mn"],
        exclude_characters=DOUBLE_QUOTES + INVISIBLE_LETTERS,
    ),
    max_size=40,
).map(lambda text: " ".join(text.split()) or None)
commands = st.builds(
    PurgeCommand,
    domain=domains,
    tags=st.lists(tags, min_size=1, max_size=5, unique=True).map(tuple),
    force=st.booleans(),
    reason=reasons,
) | st.builds(
    PurgeCommand,
    domain=domains,
    tags=st.just(("hero",)),
    force=st.booleans(),
    reason=st.just("no time"),
    break_glass=st.just(True),
)
typed = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " ", ","])), max_size=12
).map(lambda pairs: "".join(piece + gap for piece, gap in pairs))
force_like = st.builds(
    "{}{}{}".format,
    st.text(DASHES, max_size=3),
    st.sampled_from(["force", "FORCE", "Force", "f-orce", "for-ce"]),
    st.text(DASHES + ".!:", max_size=2),
)
words = st.one_of(
    st.sampled_from(["hero", "a,b", "www.example.com", "true", "tag:x", "2", "—froce", "--x"]),
    st.sampled_from(['--reason "why"', "—reason “say --force”", "--reason='can't'"]),
    st.text(
        st.characters(exclude_characters=DOUBLE_QUOTES + SINGLE_QUOTES + "<>", codec="utf-8"),
        max_size=6,
    ),
)


def attempt(text: str) -> PurgeCommand | HelpCommand | VersionCommand | Question | InputError:
    try:
        return parse(text)
    except InputError as mistake:
        return mistake


@given(commands)
def test_a_formatted_command_reads_back(command: PurgeCommand) -> None:
    assert parse(format_command(command).removeprefix("/purge")) == command


@given(st.builds("{}{}".format, st.sampled_from(["", "www.example.com "]), st.text() | typed))
def test_any_text_is_a_command_or_a_mistake_that_can_be_explained(text: str) -> None:
    match attempt(text):
        case InputError(info=info):
            assert info.kind in KINDS
            fields = set(re.findall(r"{(\w+)}", info.kind.message + info.kind.hint))
            assert fields <= set(info.facts)
            if (corrected := info.facts.get("corrected")) is not None:
                assert isinstance(parse(corrected.removeprefix("/purge")), PurgeCommand)
        case PurgeCommand() as command:
            assert parse(format_command(command).removeprefix("/purge")) == command
        case answer:
            assert answer == HelpCommand()


@given(
    domain=domains,
    before=st.lists(words, max_size=3),
    like=force_like,
    after=st.lists(words, max_size=3),
)
@example(domain="www.example.com", before=["hero"], like="force", after=[])
@example(domain="www.example.com", before=["hero", '--reason "a"'], like="--force", after=[])
def test_a_word_like_force_outside_quotes_never_comes_to_a_plain_purge(
    domain: str, before: list[str], like: str, after: list[str]
) -> None:
    match attempt(" ".join([domain, *before, like, *after])):
        case PurgeCommand(force=force):
            assert force
        case answer:
            assert isinstance(answer, InputError)


@given(st.text() | typed)
@example("www.example.com f.o.r.c.e")
def test_in_a_text_without_quotes_no_word_spelt_force_is_overlooked(text: str) -> None:
    spelt = [re.sub(r"[\W_]", "", word).lower() for word in re.split(r"[\s,]+", text)]
    quoted = any(quote in text for quote in DOUBLE_QUOTES + SINGLE_QUOTES)
    match attempt(text):
        case PurgeCommand(force=force):
            assert force or quoted or "force" not in spelt


@given(domain=domains, before=st.lists(words, max_size=3), after=st.lists(words, max_size=3))
def test_a_correction_never_drops_a_force_that_was_written(
    domain: str, before: list[str], after: list[str]
) -> None:
    assume(" ".join(after).casefold().split()[:1] not in (["no"], ["off"], ["false"]))
    match attempt(" ".join([domain, *before, "--force", *after])):
        case InputError(info=info) if "corrected" in info.facts:
            command = parse(info.facts["corrected"].removeprefix("/purge"))
            assert isinstance(command, PurgeCommand)
            assert command.force


def test_the_long_dashes_of_this_test_are_dashes() -> None:
    assert {unicodedata.category(dash) for dash in LONG_DASHES} == {"Pd", "Sm"}

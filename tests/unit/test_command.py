"""What people type after /purge, and what becomes of it."""

from __future__ import annotations

import pytest

from bot.core.command.parser import PurgeCommand, clean_reason, format_command, parse
from bot.core.command.queries import HelpCommand
from bot.core.errors import InputError, kinds_in
from bot.core.text import errors as command_errors

SITE = "www.example.com"
DASHES = "-‐‑‒–—―−﹘﹣－"


def plain(*tags: str) -> PurgeCommand:
    return PurgeCommand(SITE, tags)


def forced(*tags: str) -> PurgeCommand:
    return PurgeCommand(SITE, tags, force=True)


def mistake(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    "text", ["", "  ", "\u00a0", "help", " HELP ", "Help\n", "--help", "—help", "-h", "?"]
)
def test_nothing_or_help_asks_for_help(text: str) -> None:
    assert parse(text) == HelpCommand()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"{SITE} hero", plain("hero"), id="one tag"),
        pytest.param(f"{SITE} a,b c", plain("a", "b", "c"), id="commas and spaces"),
        pytest.param(f"{SITE} ,a,, b ,", plain("a", "b"), id="empty tags are dropped"),
        pytest.param(f"{SITE} b,a,b", plain("b", "a"), id="a repeated tag counts once"),
        pytest.param(f"{SITE} Hero,hero", plain("Hero", "hero"), id="case is kept"),
        pytest.param(f"{SITE}\u00a0a\u3000b\nc", plain("a", "b", "c"), id="all kinds of spaces"),
        pytest.param(f"{SITE} größe,トップページ", plain("größe", "トップページ"), id="any script"),
        pytest.param(f"{SITE} mother's", plain("mother's"), id="an apostrophe"),
        pytest.param(f"{SITE} a&amp;b", plain("a&b"), id="escaped ampersand"),
        pytest.param(f"{SITE} a&b", plain("a&b"), id="bare ampersand"),
        pytest.param(f"{SITE} tag:&amp;lt;", plain("&lt;"), id="unescaped once only"),
        pytest.param(f"{SITE} tag:<http://p.com|p.com>", plain("p.com"), id="a tag made a link"),
        pytest.param(f"{SITE} tag:<https://p.com/x>", plain("https://p.com/x"), id="a bare link"),
        pytest.param(f"{SITE} hero --force", forced("hero"), id="forced"),
        pytest.param(f"--force {SITE} hero", forced("hero"), id="option first"),
        pytest.param(f"{SITE} --force hero", forced("hero"), id="option in the middle"),
        pytest.param(f"{SITE} a,--force,b", forced("a", "b"), id="option between commas"),
        pytest.param(f"{SITE} --force a b", forced("a", "b"), id="tags after force alone"),
        pytest.param(f"{SITE} a --force b,c", forced("a", "b", "c"), id="a list after force"),
        pytest.param(f"{SITE} a --force tag:b", forced("a", "tag:b"), id="a tag that is called so"),
        pytest.param(f"{SITE} hero --force --force", forced("hero"), id="forced twice is forced"),
        pytest.param(f"{SITE},--force hero", forced("hero"), id="option after domain and comma"),
        pytest.param(f"{SITE} true --force", forced("true"), id="true before --force is a tag"),
        pytest.param(f"{SITE} task-force", plain("task-force"), id="a tag with force in it"),
        pytest.param(f"{SITE} forces,forge", plain("forces", "forge"), id="other words"),
        pytest.param(f"{SITE} tag:force", plain("force"), id="the way out for force"),
        pytest.param(f"{SITE} Tag:force", plain("force"), id="the way out, from a phone"),
        pytest.param(f"{SITE} tag:--force", plain("--force"), id="the way out for a dash"),
        pytest.param(f"{SITE} tag:hero", plain("tag:hero"), id="tag: before any other tag"),
    ],
)
def test_domain_tags_and_force_are_read(text: str, expected: PurgeCommand) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("dash", list(DASHES))
@pytest.mark.parametrize("form", ["{0}force", "{0}{0}force", "{0}-FORCE", "-{0}Force"])
def test_every_dash_that_a_phone_writes_begins_an_option(dash: str, form: str) -> None:
    assert parse(f"{SITE} hero {form.format(dash)}") == forced("hero")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        pytest.param('--reason "new prices"', "new prices", id="straight"),
        pytest.param("--reason “new prices”", "new prices", id="curled"),
        pytest.param("--reason „new prices“", "new prices", id="low"),
        pytest.param('—Reason “new prices"', "new prices", id="mixed, with a long dash"),
        pytest.param("--reason='new prices'", "new prices", id="equals and single"),
        pytest.param('--reason = "x"', "x", id="spaces around equals"),
        pytest.param("--reason 'can’t wait'", "can’t wait", id="an apostrophe does not end it"),
        pytest.param("--reason 'the \"hero\" image'", "the 'hero' image", id="quotes within"),
        pytest.param('--reason "  a\n\u00a0 b "', "a b", id="spaces become one"),
        pytest.param('--reason "say --force, please"', "say --force, please", id="force as text"),
        pytest.param('--reason "👩\u200d🚒 called"', "👩\u200d🚒 called", id="a joined emoji"),
        pytest.param(f'--reason "{"x" * 500}"', "x" * 500, id="500 characters"),
    ],
)
def test_a_quoted_reason_is_kept_as_text(option: str, reason: str) -> None:
    assert parse(f"{SITE} {option} hero") == PurgeCommand(SITE, ("hero",), reason=reason)


@pytest.mark.parametrize("option", ["--break-glass", "—Break–Glass", "-break-glass"])
def test_the_glass_is_broken_with_a_reason(option: str) -> None:
    assert parse(f'{SITE} hero {option} --force --reason "a"') == PurgeCommand(
        SITE, ("hero",), force=True, reason="a", break_glass=True
    )


def test_to_break_the_glass_does_not_force() -> None:
    parsed = parse(f'{SITE} hero --break-glass --reason "a"')
    assert isinstance(parsed, PurgeCommand)
    assert not parsed.force


def test_a_force_outside_the_quotes_of_a_reason_still_counts() -> None:
    assert parse(f'{SITE} hero --reason "no --force" --force') == PurgeCommand(
        SITE, ("hero",), force=True, reason="no --force"
    )


@pytest.mark.parametrize(
    ("words", "code", "corrected"),
    [
        pytest.param("", "tag-missing", None, id="no tag"),
        pytest.param(", ,", "tag-missing", None, id="only commas"),
        pytest.param("--force", "tag-missing", None, id="only an option"),
        pytest.param("a\u2013b", "tag-dash", "a-b", id="en dash in a tag"),
        pytest.param("hero\u2014force", "tag-dash", "hero --force", id="no space, long dash"),
        pytest.param("“hero”", "tag-quote", "hero", id="curled quotes"),
        pytest.param('"a b"', "tag-quote", None, id="quotes over two words"),
        pytest.param("`hero`", "tag-quote", "hero", id="backticks"),
        pytest.param("mother’s", "tag-quote", None, id="curled apostrophe"),
        pytest.param("he\u200bro", "unseen", "hero", id="zero width"),
        pytest.param("\u202ehero", "unseen", "hero", id="turned around"),
        pytest.param("a\x00b", "unseen", "ab", id="control"),
        pytest.param("a\ufe0f", "unseen", "a", id="variation selector"),
        pytest.param("a --fo\u200brce", "unseen", "a --force", id="zero width in an option"),
        pytest.param("<http://evil.com|hero>", "link", None, id="a link that lies"),
        pytest.param("hero force", "force-like", "hero --force", id="force without dashes"),
        pytest.param("hero FORCE", "force-like", "hero --force", id="in capitals"),
        pytest.param("hero force--", "force-like", "hero --force", id="dashes behind"),
        pytest.param("hero force\u2014", "force-like", "hero --force", id="long dash behind"),
        pytest.param("hero force=true", "force-like", "hero --force", id="a value, no dashes"),
        pytest.param("hero froce", "force-like", "hero --force", id="letters exchanged"),
        pytest.param("hero ーforce", "force-like", "hero --force", id="a dash that is a letter"),
        pytest.param("hero ｆｏｒｃｅ", "force-like", "hero --force", id="full width"),
        pytest.param("hero <http://x.com/force|force>", "force-like", "hero --force", id="linked"),
        pytest.param("hero--force", "force-like", "hero --force", id="no space"),
        pytest.param("hero --froce", "option-misspelt", "hero --force", id="exchanged"),
        pytest.param("hero --forced", "option-misspelt", "hero --force", id="one too many"),
        pytest.param("hero \u2014forec", "option-misspelt", "hero --force", id="with a long dash"),
        pytest.param("hero -f", "option-misspelt", "hero --force", id="shortened"),
        pytest.param("hero --for ce", "option-misspelt", "hero --force", id="broken in two"),
        pytest.param("hero \u2014 force", "option-misspelt", "hero --force", id="dash apart"),
        pytest.param('a --reson "x"', "option-misspelt", 'a --reason "x"', id="reason misspelt"),
        pytest.param("hero --x=true", "option-unknown", None, id="a value of no option"),
        pytest.param("hero --now", "option-unknown", None, id="no such option"),
        pytest.param("hero --no-force", "option-unknown", None, id="not the opposite"),
        pytest.param("hero -", "option-unknown", None, id="a lone dash"),
        pytest.param("-hero", "option-unknown", None, id="a tag with a dash before it"),
        pytest.param("a --force --x", "option-unknown", None, id="unknown after a good one"),
        pytest.param("a --force=true", "force-value", "a --force", id="force=true"),
        pytest.param("a --force=false", "force-value", "a", id="force=false"),
        pytest.param("a --force=maybe", "force-value", None, id="force=maybe"),
        pytest.param(
            "hero --force broken logo",
            "words-after-force",
            'hero --force --reason "broken logo"',
            id="a reason without its option",
        ),
        pytest.param(
            "hero,a --force broken",
            "words-after-force",
            'hero,a --force --reason "broken"',
            id="a reason of one word",
        ),
        pytest.param("a --force yes", "force-value", "a --force", id="force yes"),
        pytest.param("a --break-glass", "break-glass-reason", None, id="glass, no reason"),
        pytest.param(
            'a --breakglass --reason "b"',
            "option-misspelt",
            'a --break-glass --reason "b"',
            id="glass in one word",
        ),
        pytest.param(
            'a --break-glass=yes --reason "b"',
            "break-glass-value",
            'a --break-glass --reason "b"',
            id="glass=yes",
        ),
        pytest.param(
            'a --break-glass yes --reason "b"',
            "break-glass-value",
            'a --break-glass --reason "b"',
            id="glass yes",
        ),
        pytest.param("a --reason fix it", "reason-unquoted", 'a --reason "fix it"', id="bare"),
        pytest.param("a --reason=fix", "reason-unquoted", 'a --reason "fix"', id="bare, equals"),
        pytest.param(
            "a --reason fix --force", "reason-unquoted", 'a --force --reason "fix"', id="then force"
        ),
        pytest.param("a --reason", "reason-unquoted", None, id="nothing after it"),
        pytest.param('a --reason "x', "reason-open", 'a --reason "x"', id="not closed"),
        pytest.param('a --reason "x --force', "reason-open", None, id="not closed before force"),
        pytest.param("a --reason \"x'", "reason-open", 'a --reason "x\'"', id="another family"),
        pytest.param(
            'a --reason "x"--force', "reason-glued", 'a --force --reason "x"', id="force glued on"
        ),
        pytest.param('a --reason "x"y --force z"', "reason-glued", None, id="a letter glued on"),
        pytest.param("a --reason 'x 'y'", "reason-glued", None, id="a quote opened within"),
        pytest.param('a --reason "x" --reason "y"', "reason-twice", None, id="two reasons"),
        pytest.param('a --reason " "', "reason-empty", None, id="empty"),
        pytest.param(f'a --reason "{"x" * 501}"', "reason-long", None, id="501 characters"),
        pytest.param('a --reason "x\u202ey"', "unseen", None, id="reason turned around"),
        pytest.param('a --reason "x\x07y"', "unseen", None, id="reason with a control"),
    ],
)
def test_a_slip_is_explained_and_put_right(words: str, code: str, corrected: str | None) -> None:
    info = mistake(f"{SITE} {words}").info
    assert info.code == f"command-{code}"
    assert info.facts.get("corrected") == (corrected and f"/purge {SITE} {corrected}")


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        *[(f"--{word}", "--force") for word in ["frce", "forc", "fource", "forced", "forces"]],
        *[(f"--{word}", "--force") for word in ["froce", "forec", "ofrce", "f", "for", "farce"]],
        *[(f"--{word}", "--reason") for word in ["resaon", "reson", "raeson", "reasons", "r"]],
        *[(f"--{word}", "--break-glass") for word in ["brakglass", "breakglass", "break", "b"]],
        *[(f"--{word}", "--break-glass") for word in ["break-galss", "breakglas", "brake-glass"]],
        *[(f"--{word}", None) for word in ["urgent", "now", "all", "quiet", "dry-run", "verbose"]],
        *[(f"--{word}", None) for word in ["region", "season-2", "version", "remove", "refresh"]],
        *[(f"--{word}", None) for word in ["fast", "source", "format", "full", "yes", "domain"]],
        *[(f"--{word}", None) for word in ["no-force", "unforce", "noreason", "purge", "glass"]],
        *[(f"--{word}", None) for word in ["tag", "url", "user", "since", "immediately", "x", "v"]],
    ],
)
def test_only_a_misspelt_option_is_taken_for_another(option: str, meant: str | None) -> None:
    facts = mistake(f"{SITE} hero {option}").info.facts
    assert facts.get("suggestion") == meant


@pytest.mark.parametrize("option", ["--help", "-h", "—Help", "--usage", "-?"])
def test_help_as_an_option_says_how_help_is_got(option: str) -> None:
    info = mistake(f"{SITE} hero {option}").info
    assert info.code == "command-option-help"
    assert "/purge help" in info.hint


def test_words_that_would_be_values_of_force_are_tags_and_reasons_elsewhere() -> None:
    assert parse(f'{SITE} --reason "x" yes') == PurgeCommand(SITE, ("yes",), reason="x")
    assert parse(f'{SITE} a --force --reason "no"') == PurgeCommand(
        SITE, ("a",), force=True, reason="no"
    )


def test_force_is_recognised_before_the_domain_too() -> None:
    assert mistake(f"force {SITE} hero").info.code == "command-force-like"


def test_only_options_leave_the_domain_missing() -> None:
    assert mistake("--force").info.code == "command-domain-missing"


def test_two_mistakes_are_explained_one_at_a_time_without_a_wrong_promise() -> None:
    info = mistake(f"{SITE} “a” --froce").info
    assert info.code == "command-option-misspelt"
    assert "corrected" not in info.facts


def test_a_comma_after_the_domain_is_put_right_unless_a_second_domain_follows() -> None:
    assert mistake(f"{SITE},hero").info.facts["corrected"] == f"/purge {SITE} hero"
    assert "corrected" not in mistake(f"{SITE},img.example.com a").info.facts


def test_the_tags_may_have_16384_characters_and_not_one_more() -> None:
    tags = [f"{n:07}" for n in range(2048)]  # with the commas between them: 16 383
    assert parse(f"{SITE} {','.join(tags)}") == plain(*tags)
    assert parse(f"{SITE} {','.join([*tags[:-1], 'x' * 8])}") == plain(*tags[:-1], "x" * 8)
    info = mistake(f"{SITE} {','.join([*tags[:-1], 'x' * 9])}").info
    assert (info.code, info.facts["length"]) == ("command-tags-long", "16385")


@pytest.mark.parametrize(
    "command",
    [
        plain("a", "b"),
        plain("force", "tag:force", "TAG:force", "-x", "tag:hero", "a--force"),
        plain("&lt;", "&amp;amp;", "a&b"),
        PurgeCommand(SITE, ("true",), force=True, reason="it's the 'hero', again"),
        PurgeCommand("xn--bcher-kva.example", ("a",), reason="&gt; 5"),
    ],
)
def test_what_is_formatted_reads_back(command: PurgeCommand) -> None:
    text = format_command(command)
    assert text.startswith("/purge ")
    assert parse(text.removeprefix("/purge")) == command


def test_the_canonical_text_is_the_one_to_type() -> None:
    command = PurgeCommand(SITE, ("a", "force"), force=True, reason="new prices")
    assert format_command(command) == f'/purge {SITE} a,tag:force --force --reason "new prices"'


def test_a_reason_from_elsewhere_is_cleaned_in_the_same_way() -> None:
    assert clean_reason(' the "hero"\nimage ') == "the 'hero' image"


@pytest.mark.parametrize("unseen", list("\u00ad\u034f\u180b\u2800\u3164\ufe0f\ufeff\U000e0100"))
def test_no_character_that_leaves_no_mark_gets_into_a_tag(unseen: str) -> None:
    assert mistake(f"{SITE} a{unseen}b").info.code == "command-unseen"


def test_a_long_part_is_shown_cut() -> None:
    assert mistake(f"{'x' * 80} a").info.facts["part"] == "x" * 80
    assert mistake(f"{'x' * 81} a").info.facts["part"] == "x" * 79 + "…"


def test_what_cannot_be_seen_is_spelt_out_to_the_person() -> None:
    assert mistake(f"{SITE} a\u202eb").info.message.startswith("“a[U+202E]b”")


def test_every_kind_has_a_code_in_this_family() -> None:
    kinds = kinds_in(command_errors)
    assert kinds
    assert all(kind.code.startswith("command-") for kind in kinds)

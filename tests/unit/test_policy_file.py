"""The policy file: every mistake is named with its line, and a broken file changes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.config.policy_file import (
    MAX_BYTES,
    PolicyFileInvalid,
    PolicyFileUnreadable,
    PolicySource,
    load_policy,
    policy_hash,
    policy_schema,
)
from bot.core.policy.decision import Actor, Membership, decide
from bot.core.policy.document import MOST_TOLD
from bot.core.policy.fields import Action
from bot.core.setup_errors import POLICY_INVALID

ROOT = Path(__file__).parents[2]
GOOD = """\
version: 1
roles:
  sre: {title: Site reliability, groups: [S0SRE]}
rules:
  - rule: SRE may purge
    roles: [sre]
    allow: [purge]
    domains: [www.example.com]
"""
OTHER = GOOD.replace("[purge]", "[purge, view]")
BROKEN = GOOD.replace("[purge]", "[prge]")


def mistakes(text: str) -> list[str]:
    with pytest.raises(PolicyFileInvalid) as caught:
        load_policy(text, "policy.yaml")
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_good_file_becomes_a_policy() -> None:
    policy = load_policy(GOOD, "policy.yaml")
    assert policy.rules[0].tags == ("*",)
    assert policy.roles["sre"].groups == ("S0SRE",)


def test_the_star_for_everybody_may_stand_alone_or_in_a_list() -> None:
    for star in ('"*"', '["*"]'):
        text = GOOD.replace("roles: [sre]", f"roles: {star}")
        assert load_policy(text, "policy.yaml").rules[0].roles == ("*",)


def test_every_value_is_text() -> None:
    text = GOOD + "    tags: [2026, no, 1e3, 2026-01-01, null]\n"
    tags = load_policy(text, "policy.yaml").rules[0].tags
    assert tags == ("2026", "no", "1e3", "2026-01-01", "null")


@pytest.mark.parametrize(
    ("written", "instead", "line", "words"),
    [
        pytest.param("version: 1", "version: 2", 1, "“version” must be 1", id="version"),
        pytest.param("version: 1\n", "", 1, "“version” is missing", id="no version"),
        pytest.param("roles:\n", "role:\n", 2, "“role”; did you mean “roles”?", id="key"),
        pytest.param("groups:", "group:", 3, "“group”; did you mean “groups”?", id="role key"),
        pytest.param("domains:", "domain:", 8, "did you mean “domains”?", id="rule key"),
        pytest.param("    domains: [www.example.com]\n", "", 5, "“domains” is missing", id="none"),
        pytest.param("[sre]", "[sr]", 6, "no role “sr”; did you mean “sre”?", id="unknown role"),
        pytest.param("  sre:", "  SRE:", 3, "“SRE” is no name for a role", id="role name"),
        pytest.param("[sre]", "[]", 6, "“roles” must not be empty", id="no role"),
        pytest.param("[sre]", "sre", 6, "“roles” must be a list", id="no list"),
        pytest.param("[purge]", "[]", 7, "“allow” must not be empty", id="no action"),
        pytest.param("[purge]", "[prge]", 7, "did you mean “purge”?", id="unknown action"),
        pytest.param("allow: [purge]", "tags: [a]", 5, "either “allow” or “deny”", id="neither"),
        pytest.param("[purge]", "[purge]\n    deny: [view]", 5, "and not both", id="both"),
        pytest.param("[www.example.com]", "[]", 8, "“domains” must not be empty", id="no domain"),
        pytest.param("www.example.com", "a*.example.com", 8, "is no domain", id="half a star"),
        pytest.param("www.example.com", '"*.com"', 8, "is no domain", id="a whole top level"),
        pytest.param("www.example.com", "https://a.example.com/", 8, "is no domain", id="a URL"),
        pytest.param("www.example.com", "192.0.2.1", 8, "is no domain", id="an address"),
        pytest.param("www.example.com", "'(www.example.com'", 8, "is no domain", id="a bracket"),
        pytest.param("www.example.com", "''", 8, "is no domain", id="nothing"),
        pytest.param("www.example.com", "*.example.com", 8, "“*” in quotes", id="a bare star"),
        pytest.param("S0SRE", "sre", 3, "no Slack ID of a user group", id="group name"),
        pytest.param("S0SRE", "U0SRE", 3, "no Slack ID of a user group", id="user as group"),
        pytest.param("groups: [S0SRE]", "users: [ana]", 3, "ID of a person", id="user name"),
        pytest.param("groups: [S0SRE]", "channels: [web]", 3, "ID of a channel", id="channel"),
        pytest.param("groups: [S0SRE]", "groups: []", 3, "nobody holds this role", id="nobody"),
        pytest.param("title: Site reliability, ", "", 3, "“title” is missing", id="no title"),
        pytest.param("{title", "{title: A, title", 3, "“title” stands here twice", id="twice"),
        pytest.param("rule: SRE may purge", "rule:", 5, "“rule” must not be empty", id="unnamed"),
        pytest.param(
            "{title: Site reliability, groups: [S0SRE]}", "x", 3, "keys", id="no role map"
        ),
        pytest.param("  sre: {title: Site", "  - {title: Site", 2, "keys", id="roles in a list"),
        pytest.param("rule: SRE may purge", "rule: [a]", 5, "text only", id="rule in a list"),
        pytest.param("[sre]", "[[sre]]", 6, "text only", id="role in a list"),
        pytest.param("[www.example.com]", "&a [www.example.com]", 8, "anchors", id="anchor"),
        pytest.param("[sre]", "*a", 6, "aliases", id="alias"),
        pytest.param("[sre]", "!!set {sre}", 6, "such as !!set", id="tag"),
        pytest.param("[sre]", "[[[[[[[[[sre]]]]]]]]]", 6, "too deep", id="depth"),
        pytest.param("[sre]", "[sre", 7, "this is no YAML", id="syntax"),
        pytest.param("rules:", "---\nrules:", 4, "a second document", id="two documents"),
        pytest.param("version: 1", "? [1]\n: 2", 1, "a key must be a word", id="odd key"),
        pytest.param("version: 1", "version: \x01", 1, "this is no YAML", id="control"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    written: str, instead: str, line: int, words: str
) -> None:
    assert written in GOOD
    found = mistakes(GOOD.replace(written, instead, 1))
    assert [m for m in found if m.startswith(f"line {line}: ") and words in m], found


APPROVAL = """approvals:
  - approval: One of SRE
    domains: [www.example.com]
    call: {channel: C0OPS, groups: [S0SRE]}
    break_glass: [sre]
    undo: 10s
peak_hours:
  - peak: The evening
    domains: ["*"]
    hours: 18:00-22:00
    zone: Asia/Shanghai
"""


def test_approvals_and_peak_hours_are_read() -> None:
    policy = load_policy(GOOD + APPROVAL, "policy.yaml")
    (approval,) = policy.approvals
    assert approval.call is not None
    assert (approval.call.channel, approval.call.groups) == ("C0OPS", ("S0SRE",))
    assert approval.break_glass == ("sre",)
    assert approval.undo == timedelta(seconds=10)
    assert policy.peak_hours[0].zone == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("written", "instead", "line", "words"),
    [
        pytest.param("[sre]", "[sr]", 5, "no role “sr”; did you mean “sre”?", id="breaker"),
        pytest.param("{channel: C0OPS, groups: [S0SRE]}", "{}", 4, "names a channel", id="nobody"),
        pytest.param("C0OPS", "ops", 4, "no Slack ID of a channel", id="channel name"),
        pytest.param("call:", "cal:", 4, "“cal”; did you mean “call”?", id="key"),
        pytest.param("[www.example.com]", "[]", 3, "must not be empty", id="no domain"),
        pytest.param("10s", "10", 6, "write a span as", id="span"),
        pytest.param("18:00-22:00", "18-22", 10, "write hours as", id="hours"),
        pytest.param("18:00-22:00", "18:00-18:00", 10, "write hours as", id="no time at all"),
        pytest.param("Asia/Shanghai", "Asia/Atlantis", 11, "no time zone", id="zone"),
        pytest.param("Asia/Shanghai", "../etc/passwd", 11, "no time zone", id="a path as zone"),
        pytest.param("peak:", "pek:", 8, "“peak” is missing", id="no sentence"),
    ],
)
def test_a_mistake_in_an_approval_is_named_with_its_line(
    written: str, instead: str, line: int, words: str
) -> None:
    assert written in APPROVAL
    above = GOOD.count("\n")
    found = mistakes(GOOD + APPROVAL.replace(written, instead, 1))
    assert [m for m in found if m.startswith(f"line {above + line}: ") and words in m], found


@pytest.mark.parametrize("tag", ["a–b", "a b", '""', "“a”"])
def test_a_tag_that_nobody_can_type_is_a_mistake(tag: str) -> None:
    assert "matches no tag" in mistakes(f"{GOOD}    tags: [{tag}]\n")[0]


DENIAL = """\
  - rule: Nobody forces these
    roles: "*"
    deny: [force]
    domains: ["*"]
    tags: [{tags}]
"""
TAG_LISTS = {
    "a deny rule": DENIAL,
    "an allow rule": DENIAL.replace("deny", "allow"),
    "an approval": """\
approvals:
  - approval: By two
    count: 2
    domains: ["*"]
    tags: [{tags}]
""",
    "a proof": """\
proofs:
  - proof: The front page
    domains: [www.example.com]
    urls: ["https://www.example.com/"]
    tags: [{tags}]
""",
}


@pytest.mark.parametrize("part", TAG_LISTS.values(), ids=TAG_LISTS)
@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("checkout，payment", "“， (U+FF0C)” stands in it"),
        ("checkout、payment", "“、 (U+3001)” stands in it"),
        ("checkout；payment", "“； (U+FF1B)” stands in it"),
        ("checkout;payment", "“;” stands in it"),
        ("checkout|payment", "“|” stands in it"),
        ("checkout.", "“.” stands at its end"),
        ("'`checkout`'", "quotes"),
        ("(checkout)", "“(” stands at its beginning"),
        ("'#checkout'", "“#” stands at its beginning"),
        ("checkout：1", "“： (U+FF1A)” stands in it"),
        ("checkout＊", "“＊ (U+FF0A)” stands at its end"),
        ("'@ana'", "“@” stands at its beginning"),
        ("/checkout/cart", "the address of a page"),
        ("'/checkout/*'", "the address of a page"),
        ("https://www.example.com/checkout", "the address of a page"),
        ("checkout.html", "the address of a page"),
        ("'*.html'", "the address of a page"),
        ("shop.example.com", "it is a domain"),
        ("'*.example.com'", "it is a domain"),
        ("'tag:'", "matches no tag"),
    ],
)
def test_what_nobody_means_as_a_tag_is_a_mistake_in_every_list_of_tags(
    part: str, tag: str, words: str
) -> None:
    (found,) = mistakes(GOOD + part.replace("{tags}", f"hero, {tag}"))
    line = (GOOD + part).partition("tags: [")[0].count("\n") + 1
    assert found.startswith(f"line {line}: ")
    assert words in found


@pytest.mark.parametrize("part", TAG_LISTS.values(), ids=TAG_LISTS)
def test_usual_tags_and_patterns_are_taken_in_every_list_of_tags(part: str) -> None:
    usual = ["*", "thumb-*", "*-thumb", "a*b", "node:12", "node:*", "page/news", "news/*", "v1.2"]
    usual += ["v1.*", "force", "forc*", "purge", "größe", "首页*", "%74humb", "a&b", "tag:hero"]
    written = ", ".join(f'"{tag}"' for tag in usual)
    policy = load_policy(GOOD + part.replace("{tags}", written), "policy.yaml")
    parts = [*policy.rules[1:], *policy.approvals, *policy.proofs]
    assert [getattr(part, "tags", ()) for part in parts] == [tuple(usual)]


@pytest.mark.parametrize(
    ("written", "tag", "other"),
    [
        ("tag:index.html", "index.html", "tag:index.html"),
        ("tag:/news", "/news", "news"),
        ("tag:/news/*", "/news/a", "news/a"),
        ("tag:#sale", "#sale", "sale"),
        ("tag:hero.", "hero.", "hero"),
        ("tag:a，b", "a，b", "a"),
        ("TAG:shop.example.com", "shop.example.com", "shop"),
        ("tag:force", "force", "tag:force"),
        ("tag:-x", "-x", "x"),
        ("tag:hero", "tag:hero", "hero"),
        ("tag:*", "tag:hero", "hero"),
        ("tag:tag:x.html", "tag:x.html", "x.html"),
    ],
)
def test_with_tag_before_it_a_pattern_means_what_a_command_means(
    written: str, tag: str, other: str
) -> None:
    allow = DENIAL.replace("deny", "allow").replace("{tags}", f"'{written}'")
    rule = load_policy(GOOD + allow, "policy.yaml").rules[1]
    assert rule.covers_tag(tag)
    assert not rule.covers_tag(other)


@pytest.mark.parametrize("sign", list("，、；;。|"))
def test_two_domains_with_a_sign_between_them_are_a_mistake(sign: str) -> None:
    text = GOOD.replace("www.example.com", f"www.example.com{sign}shop.example.com")
    if sign == "。":  # To a browser it is a dot.
        assert load_policy(text, "policy.yaml").rules[0].domains[0].count(".") == 5
        return
    (found,) = mistakes(text)
    assert found.startswith("line 8: ")
    assert "is no domain" in found


SPACES = {"\u00a0": "a no-break space", "\u3000": "an ideographic space", "\u2003": "an em space"}
WIDTHLESS = {"\u200b": "a zero width space", "\u2060": "a word joiner"}


@pytest.mark.parametrize(("space", "name"), (SPACES | WIDTHLESS).items(), ids=lambda _: "")
@pytest.mark.parametrize("line", range(1, GOOD.count("\n") + 1))
def test_a_space_that_is_none_to_yaml_is_named_with_its_own_line(
    line: int, space: str, name: str
) -> None:
    lines = GOOD.splitlines()
    written = lines[line - 1]
    bare = written.lstrip(" -")
    indent = written.removesuffix(bare)
    wrong = [written.replace(": ", f":{space}", 1), written.replace(":", f"{space}:", 1)]
    wrong += [written.replace("[", f"[{space}", 1)] if space in SPACES else []
    wrong += [f"{space}{written[1:]}", f"{indent[:-1]}{space}{bare}"] if indent else []
    for each in {*wrong} - {written}:
        text = "\n".join([*lines[: line - 1], each, *lines[line:], ""])
        assert mistakes(text) == [f"line {line}: {name} stands where plain spaces must"], each


@pytest.mark.parametrize("indent", ["\t", "  \t", "\t\t", "    \t", "  -\t"])
@pytest.mark.parametrize("line", range(5, 9))
def test_a_tab_before_a_line_is_named_with_its_own_line(line: int, indent: str) -> None:
    lines = GOOD.splitlines()
    lines[line - 1] = indent + lines[line - 1].lstrip(" -")
    assert mistakes("\n".join(lines)) == [f"line {line}: a tab stands where plain spaces must"]


def test_other_mistakes_are_told_beside_a_strange_space() -> None:
    text = BROKEN.replace("    roles", "\u00a0\u00a0\u00a0\u00a0roles")
    first, second = mistakes(text)
    assert first == "line 6: a no-break space stands where plain spaces must"
    assert second.startswith("line 7: there is no action “prge”")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("SRE may purge", '"SRE\u00a0: may, \u00a0purge"'),
        GOOD.replace("SRE may purge", "SRE\tmay\u3000purge \u00a0 # it is so"),
        GOOD.replace("roles: [sre]", "roles:\t[\tsre]\t# a note\u00a0"),
        "\ufeff" + GOOD,
    ],
    ids=["a sentence", "a comment", "tabs within a line", "a mark of the byte order"],
)
def test_strange_spaces_where_they_do_no_harm_are_not_complained_about(text: str) -> None:
    assert load_policy(text, "policy.yaml").rules
    (found,) = mistakes(text.replace("[purge]", "[prge]"))
    assert found.startswith("line 7: there is no action “prge”")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "just text", "[1, 2]", "3"])
def test_what_is_no_policy_at_all_is_refused(text: str) -> None:
    assert len(mistakes(text)) == 1


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = GOOD + (
        "  - rule: SRE may purge\n"
        "    roles: [sre, editr, '*']\n"
        "    allow: [purge, frce]\n"
        "    deny: [force]\n"
        "    domains: [10.0.0.1]\n"
        "    tag: []\n"
        "  - just text\n"
    )
    assert [re.match(r"line (\d+)", mistake).group(1) for mistake in mistakes(text)] == [  # type: ignore[union-attr]  # no match fails the test as well
        *["9", "9", "10", "11", "13", "14", "15"]
    ]


def test_a_mistake_of_the_whole_is_told_once() -> None:
    text = GOOD.replace("[sre]", "[sr]").replace("groups: [S0SRE]", "groups: []")
    assert mistakes(text) == [
        "line 3: nobody holds this role: name users, groups or channels",
        "line 6: there is no role “sr”; did you mean “sre”?",
    ]


def test_a_role_that_nobody_defined_is_missed_even_without_any_roles() -> None:
    text = GOOD.replace("roles:\n  sre: {title: Site reliability, groups: [S0SRE]}\n", "")
    assert mistakes(text) == ["line 4: there is no role “sre”"]


def test_the_error_names_the_file_and_shows_every_mistake() -> None:
    with pytest.raises(PolicyFileInvalid) as caught:
        load_policy(BROKEN, "the-policy.yaml")
    assert caught.value.info.message == (
        "The policy the-policy.yaml cannot be used:\n"
        "line 7: there is no action “prge”, only purge, force, approve, view, admin; "
        "did you mean “purge”?"
    )
    assert caught.value.info.kind is POLICY_INVALID


@pytest.mark.parametrize("sentence", ["SRE may purge", "Site reliability", "One of SRE"])
def test_a_sentence_may_be_two_hundred_characters_and_not_one_more(sentence: str) -> None:
    text = GOOD + APPROVAL
    load_policy(text.replace(sentence, "x" * 200), "policy.yaml")
    line = text[: text.index(sentence)].count("\n") + 1
    (mistake,) = mistakes(text.replace(sentence, "x" * 201))
    assert mistake.startswith(f"line {line}: ")
    assert "at most 200 characters" in mistake


def test_a_file_may_be_one_mebibyte_and_not_one_byte_more() -> None:
    comment = "#" * (MAX_BYTES - len(GOOD))
    assert load_policy(GOOD + comment, "policy.yaml").version == 1
    assert mistakes(GOOD + comment + "#") == ["line 1: the file is larger than 1024 KiB"]


def test_ten_thousand_rules_may_be_read_and_asked() -> None:
    rules = [
        f"  - rule: Rule {n}\n    roles: [sre]\n    allow: [purge]\n    domains: [d{n}.example.com]\n"
        for n in range(10_000)
    ]
    policy = load_policy(GOOD + "".join(rules), "policy.yaml")
    sam = Actor("T0TOWN", "U0SAM", Membership.MEMBER, frozenset({"S0SRE"}))
    assert decide(policy, sam, Action.PURGE, "d9999.example.com", "hero").allowed
    assert not decide(policy, sam, Action.PURGE, "d10000.example.com", "hero").allowed
    # The cost of a decision is that of the rules about the domain, and of no others.
    assert len(policy.rules_for(Action.PURGE, "d9999.example.com")) == 1


@given(st.text() | st.text("[]{}:,-?*&!|>'\"%@`# \n\tab1", max_size=40))
def test_any_text_is_a_policy_or_an_explained_mistake(text: str) -> None:
    try:
        load_policy(text, "policy.yaml")
    except PolicyFileInvalid as error:
        lines = [mistake.line for mistake in error.mistakes]
        assert lines == sorted(lines)
        assert lines[0] >= 1


def test_the_hash_tells_one_policy_from_another() -> None:
    assert policy_hash(GOOD) != policy_hash(OTHER)
    assert re.fullmatch("[0-9a-f]{64}", policy_hash(GOOD))


def test_the_schema_knows_the_keys_of_the_file() -> None:
    schema = policy_schema()
    assert set(schema["properties"]) == {
        *["version", "roles", "rules", "approvals", "peak_hours", "proofs", "max_tags"]
    }
    assert set(schema["$defs"]["Rule"]["properties"]) == {
        *["rule", "roles", "allow", "deny", "domains", "tags"]
    }
    assert set(schema["$defs"]["Proof"]["properties"]) == {"proof", "domains", "tags", "urls"}
    assert {"const": "*"} in schema["$defs"]["Rule"]["properties"]["roles"]["anyOf"]


SAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/policy.md").read_text("utf-8"), re.DOTALL)


def test_the_manual_has_samples() -> None:
    assert len(SAMPLES) >= 2


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.split("rule: ")[1][:20])
def test_every_sample_of_the_manual_is_a_policy(sample: str) -> None:
    assert load_policy(sample, "docs/policy.md").rules


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD, "utf-8")
    return path


def test_a_source_has_the_policy_of_its_file(path: Path) -> None:
    policy, content_hash = PolicySource(path).current()
    assert policy == load_policy(GOOD, "policy.yaml")
    assert content_hash == policy_hash(GOOD)


def test_a_changed_file_is_taken_up_and_an_unchanged_one_is_not(path: Path) -> None:
    source = PolicySource(path)
    with capture_logs() as logs:
        assert source.reload() is False
        path.write_text(OTHER, "utf-8")
        assert source.reload() is True
        assert source.current().hash == policy_hash(OTHER)
        assert source.reload() is False
    assert source.reload(force=True) is False
    assert [(entry["event"], entry["policy_hash"]) for entry in logs] == [
        ("policy-loaded", policy_hash(OTHER))
    ]


def test_a_file_that_looks_unchanged_is_read_only_when_forced(path: Path) -> None:
    source = PolicySource(path)
    before = path.stat()
    path.write_text(GOOD.replace("SRE may purge", "SRE can purge"), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert source.reload() is False
    assert source.reload(force=True) is True


def test_a_file_put_in_place_of_another_is_taken_up(path: Path) -> None:
    source = PolicySource(path)
    before = path.stat()
    newer = path.with_name("newer.yaml")
    newer.write_text(GOOD.replace("SRE may purge", "SRE can purge"), "utf-8")
    os.utime(newer, ns=(before.st_atime_ns, before.st_mtime_ns))
    newer.rename(path)
    assert source.reload() is True


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(BROKEN.encode(), "policy-file-invalid", id="a mistake"),
        pytest.param(b"\xff", "policy-file-invalid", id="not UTF-8"),
        pytest.param(b"#" * (MAX_BYTES + 1), "policy-file-invalid", id="too large"),
        pytest.param(None, "policy-file-unreadable", id="gone"),
    ],
)
def test_a_broken_file_leaves_the_last_good_policy_in_force(
    path: Path, content: bytes | None, code: str
) -> None:
    source = PolicySource(path)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with capture_logs() as logs:
        assert source.reload() is False
        assert source.reload(force=True) is False
    assert source.current().hash == policy_hash(GOOD)
    assert source.error is not None
    assert source.error.info.code == code
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [(code, "error")]

    path.write_text(OTHER, "utf-8")
    assert source.reload() is True
    assert source.error is None


def test_a_file_put_back_as_it_was_clears_the_error(path: Path) -> None:
    source = PolicySource(path)
    path.write_text(BROKEN, "utf-8")
    source.reload()
    path.write_text(GOOD, "utf-8")
    assert source.reload() is False
    assert source.error is None


def test_each_broken_content_is_logged_once(path: Path) -> None:
    source = PolicySource(path)
    with capture_logs() as logs:
        for text in (BROKEN, BROKEN.replace("prge", "purg"), BROKEN, "", BROKEN):
            path.write_text(text, "utf-8")
            source.reload(force=True)
    assert [entry["log_level"] for entry in logs] == ["error"] * 3
    assert "prge" in logs[0]["mistakes"]


def test_a_bot_without_a_policy_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileUnreadable, match="No such file"):
        PolicySource(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text(BROKEN, "utf-8")
    with pytest.raises(PolicyFileInvalid):
        PolicySource(tmp_path / "broken.yaml")


@pytest.mark.parametrize("at_start", [True, False], ids=["at the start", "later"])
def test_what_is_no_regular_file_is_not_waited_for(path: Path, at_start: bool) -> None:
    source = PolicySource(path)
    path.unlink()
    os.mkfifo(path)
    if at_start:
        with pytest.raises(PolicyFileUnreadable, match="no regular file"):
            PolicySource(path)
    else:
        assert source.reload() is False
        assert source.error is not None
        assert source.error.info.facts["cause"] == "it is no regular file"
        assert source.current().hash == policy_hash(GOOD)


# However many mistakes


def roles(number: int) -> str:
    return "".join(f"  role{each}: {{title: One, users: [U{each:06}]}}\n" for each in range(number))


def with_rule(roles_there: int, **parts: str) -> str:
    fields = {"roles": "[role0]", "tags": "[hero]", **parts}
    return (
        f"version: 1\nroles:\n{roles(roles_there)}rules:\n- rule: One\n  allow: [purge]\n"
        "  domains: ['*']\n" + "".join(f"  {key}: {value}\n" for key, value in fields.items())
    )


def in_lines(values: Iterable[str]) -> str:
    return "".join(f"\n  - {value}" for value in values)


MORE = "There may be more"
MANY_MISTAKES = {
    "unknown roles": with_rule(6000, roles=in_lines(f"rule{n}" for n in range(1000))),
    "bad tags": with_rule(1, tags=in_lines(f"'hero{n}.'" for n in range(20_000))),
    "unknown keys": GOOD + "".join(f"key{n}: 1\n" for n in range(20_000)),
    "keys twice": GOOD + "version: 1\n" * 20_000,
}


@pytest.mark.parametrize("what", MANY_MISTAKES)
def test_of_very_many_mistakes_the_first_hundred_are_told(what: str) -> None:
    with pytest.raises(PolicyFileInvalid) as invalid:
        load_policy(MANY_MISTAKES[what], "policy.yaml")
    told = invalid.value.mistakes
    assert len(told) == MOST_TOLD
    lines = [each.line for each in told]
    assert lines == list(range(lines[0], lines[0] + MOST_TOLD))
    assert MORE in str(invalid.value)


def test_a_hundred_mistakes_are_all_told() -> None:
    text = with_rule(1, tags=in_lines(f"'hero{n}.'" for n in range(MOST_TOLD)))
    with pytest.raises(PolicyFileInvalid) as invalid:
        load_policy(text, "policy.yaml")
    assert len(invalid.value.mistakes) == MOST_TOLD
    assert MORE not in str(invalid.value)


def test_what_a_mistake_quotes_is_cut_off() -> None:
    with pytest.raises(PolicyFileInvalid) as invalid:
        load_policy(with_rule(1, tags=f"['{'hero' * 100_000}.']"), "policy.yaml")
    assert len(str(invalid.value)) < 1000


@pytest.mark.parametrize(("number", "guessed"), [(500, True), (501, False)])
def test_a_name_is_guessed_among_as_many_as_take_no_time(number: int, guessed: bool) -> None:
    with pytest.raises(PolicyFileInvalid) as invalid:
        load_policy(with_rule(number, roles="[rol0]"), "policy.yaml")
    assert ("did you mean" in str(invalid.value)) is guessed


def test_of_mistakes_of_all_kinds_those_that_stand_first_are_told() -> None:
    first = GOOD.replace("version: 1", "version: 2", 1)
    with pytest.raises(PolicyFileInvalid) as invalid:
        load_policy(first + "".join(f"key{n}: 1\n" for n in range(200)), "policy.yaml")
    assert "must be 1" in str(invalid.value.mistakes[0])

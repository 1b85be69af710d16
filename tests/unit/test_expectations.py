"""`purgebot policy test`: a table of expected decisions is judged as it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.expectations import PolicyTestsInvalid, read_expectations, read_table
from bot.config.policy_file import load_policy
from bot.demo.town import SAMPLE_POLICY

SAMPLE = load_policy(SAMPLE_POLICY.read_text(), "sample")
ROOT = Path(__file__).parents[2]
PEOPLE = """
ana = U0ANA S0EDITORS   # a comment
leo = U0LEO S0MARKETING
sam = U0SAM S0SRE
gus = U0GUS guest S0EDITORS
"""


def differences(*lines: str) -> list[str | None]:
    return [each.difference(SAMPLE) for each in read_expectations(PEOPLE + "\n".join(lines), "t")]


def mistakes(*lines: str) -> list[str]:
    with pytest.raises(PolicyTestsInvalid) as refused:
        read_expectations("\n".join(lines), "t")
    return str(refused.value.info.facts["mistakes"]).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "ana may purge www.example.com hero",
        "ana may purge WWW.Example.com. hero after 0 approvals",
        "ana may force www.example.com hero after 1 approval",
        "ana may purge www.example.com tag:index.html",
        "ana may not force shop.example.com hero",
        "leo may purge www.example.com campaign-1",
        "leo may not purge shop.example.com *",
        "sam may purge shop.example.com *",
        "sam may not force shop.example.com checkout-1",
        "gus may not purge www.example.com *",
    ],
)
def test_what_the_policy_decides_is_as_expected(line: str) -> None:
    assert differences(line) == [None]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ana may not purge www.example.com hero", "A rule allows it: “Editors may purge"),
        ("ana may purge shop.example.com hero", "No rule lets you purge the tag “hero”"),
        ("ana may force www.example.com hero after 2 approvals", "It takes 1 approval."),
        ("ana may purge www.example.com hero after 1 approval", "It takes 0 approvals."),
        ("gus may purge www.example.com hero", "Guests may not do this"),
        # `*` is every tag: some are not enough for “may”, and too many for “may not”.
        ("leo may purge www.example.com *", "No rule lets you purge every tag"),
        ("leo may not purge www.example.com *", "for some tags: “Marketing may purge"),
        ("sam may force shop.example.com *", "A rule forbids it: “Nobody forces"),
        ("sam may not force shop.example.com *", "for some tags: “SRE may purge"),
    ],
)
def test_what_it_decides_otherwise_is_told_with_the_rule(line: str, told: str) -> None:
    [difference] = differences(line)
    assert difference is not None
    assert told in difference


def test_a_right_that_is_denied_for_every_tag_is_no_right_to_any() -> None:
    text = SAMPLE_POLICY.read_text().replace('    tags: ["checkout*"]\n', "")
    denied = load_policy(text, "denied")
    [expectation] = read_expectations(PEOPLE + "sam may not force shop.example.com *", "t")
    assert expectation.difference(denied) is None
    assert expectation.difference(SAMPLE) is not None


def test_somebody_has_the_role_of_a_channel_while_they_speak_there() -> None:
    text = SAMPLE_POLICY.read_text().replace("groups: [S0MARKETING]", "channels: [C0LAUNCH]")
    policy = load_policy(text, "channels")
    table = "there = U0X C0LAUNCH\nelsewhere = U0X C0WEB\n"
    there, elsewhere = read_expectations(
        table + "there may purge www.example.com campaign-1\n"
        "elsewhere may not purge www.example.com campaign-1",
        "t",
    )
    assert (there.difference(policy), elsewhere.difference(policy)) == (None, None)


def test_every_wrong_line_is_named_at_once() -> None:
    told = {
        "ana = U0ANA S0EDITORS": "",
        "ana = U0BOB": "“ana” is somebody else above",
        "ana can force": "write it as: ana may purge www.example.com hero, or: ana = U0123456",
        "zoe may purge www.example.com x": "who is “zoe”? Say so above: zoe = U0123456",
        "ana may clear www.example.com x": "there is no action “clear”, only purge, force",
        "ana may purge www..com hero": "“www..com” is no domain: “..” cannot stand",
        "ana may purge *.example.com hero": "“*.example.com” is a wildcard; the CDN",
        "ana may purge www.example.com a,b": "“a,b” is several tags: write a line for each",
        "ana may purge www.example.com a.html": "“a.html” is not taken as a tag",
        "ana may not purge www.example.com x after 1 approval": "what nobody may do takes no",
        "leo = Leo": "“Leo” is neither a Slack ID nor one of member, guest",
        "leo = S0SRE": "say which person that is: ana = U0123456",
        "leo = U0LEO U0BOB": "“U0BOB” is one person or channel too many",
    }
    found = mistakes(*told)
    expected = [(n, each) for n, each in enumerate(told.values(), start=1) if each]
    assert len(found) == len(expected)
    for mistake, (number, sentence) in zip(found, expected, strict=True):
        assert mistake.startswith(f"line {number}: {sentence}")


@pytest.mark.parametrize("text", ["", "# nothing but words\nana = U0ANA\n"])
def test_a_table_without_expectations_is_no_success(text: str) -> None:
    assert mistakes(*text.splitlines()) == ["line 1: nothing is expected here"]


def test_a_table_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"ana may purge www.example.com caf\xe9")
    for name, why in (("gone", "No such file or directory"), ("latin", "it is not in UTF-8")):
        with pytest.raises(PolicyTestsInvalid) as refused:
            read_table(tmp_path / name)
        assert why in refused.value.info.message


def test_the_table_in_the_docs_is_true_of_the_policy_in_the_docs() -> None:
    page = (ROOT / "docs" / "policy.md").read_text()
    rules = page[page.index("\n## Rules\n") :]
    policy = load_policy(rules.partition("```yaml\n")[2].partition("```")[0], "docs")
    table = page[page.index("\n## Testing a policy\n") :]
    lines = table.partition("```text\n")[2].partition("```")[0]
    expectations = read_expectations(lines, "docs")
    assert len(expectations) == 6
    assert [each.difference(policy) for each in expectations] == [None] * 6

"""`purgebot policy`: what the policy decides, before anybody meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.demo.town import SAMPLE_POLICY
from tests.support.purgebot import Ended, purgebot


def explain(tmp_path: Path, *words: str, policy: Path = SAMPLE_POLICY) -> Ended:
    return purgebot("policy", "explain", *words, folder=tmp_path, PURGEBOT_POLICY=str(policy))


def asking(user: str, action: str, domain: str, tag: str, *more: str) -> list[str]:
    return ["--user", user, "--action", action, "--domain", domain, "--tag", tag, *more]


@pytest.mark.parametrize(
    ("question", "code", "says"),
    [
        (
            asking("U1", "purge", "WWW.example.com", "hero", "--group", "S0EDITORS"),
            0,
            ["yes: ", "policy-allowed: ", "Editors may purge the site"],
        ),
        (
            asking("U1", "purge", "www.example.com", "hero"),
            1,
            ["no: ", "policy-no-rule: ", "role needed: editors or sre", "S0EDITORS, S0SRE"],
        ),
        (
            asking("U1", "force", "shop.example.com", "checkout-1", "--group", "S0SRE"),
            1,
            ["no: ", "policy-denied: ", "Nobody forces the shop's checkout"],
        ),
        (
            asking("U1", "force", "shop.example.com", "tag:checkout.html", "--group", "S0SRE"),
            1,
            ["no: ", "policy-denied: ", "Nobody forces the shop's checkout"],
        ),
    ],
    ids=["yes", "no rule", "denied", "a tag with tag: before it"],
)
def test_explain_tells_the_decision_and_its_reasons(
    tmp_path: Path, question: list[str], code: int, says: list[str]
) -> None:
    ended = explain(tmp_path, *question)
    assert (ended.code, ended.err) == (code, "")
    for sentence in says:
        assert sentence in ended.out


WHOLE_WAY = """\
  approvals: one approval, because “A forced purge of the shop is decided in #cdn-ops, and can be \
stopped for ten seconds”
  may approve: S0SRE, but never who asked
  called: S0SRE, C0OPS
  expires: after 30 minutes without them
  break-glass: sre, with a reason; this person may
  tags: at most 100 in one forced purge
  undo: it can be stopped for 10 s after the last approval
  then: it is sent to the CDN, if all of them still have their rights
"""


@pytest.mark.parametrize("tags", ["hero banner", "hero,banner", " "])
def test_explain_takes_one_tag_at_a_time(tmp_path: Path, tags: str) -> None:
    ended = explain(tmp_path, *asking("U1", "purge", "www.example.com", tags))
    assert (ended.code, ended.out) == (2, "")
    assert "ask for each tag by itself" in ended.err


def test_explain_tells_the_whole_way_to_the_cdn(tmp_path: Path) -> None:
    sre = ("--group", "S0SRE")
    ended = explain(tmp_path, *asking("U1", "force", "shop.example.com", "hero", *sre))
    assert ended.code == 0
    assert WHOLE_WAY in ended.out
    plain = explain(tmp_path, *asking("U1", "purge", "shop.example.com", "hero", *sre))
    assert "approvals: none\n  then: it is sent to the CDN at once" in plain.out
    editor = ("--group", "S0EDITORS")
    forced = explain(tmp_path, *asking("U1", "force", "www.example.com", "hero", *editor))
    assert "because a forced purge takes one, unless an approval rule" in forced.out
    assert "break-glass: nobody may skip the approval" in forced.out


def test_explain_says_no_where_nobody_may_approve(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("""
version: 1
roles: {sre: {title: SRE, users: [U0ONE]}}
rules: [{rule: SRE do all, roles: [sre], allow: [purge, force, approve], domains: ["*"]}]
""")
    forced = explain(tmp_path, *asking("U0ONE", "force", "www.example.com", "hero"), policy=policy)
    assert forced.code == 1
    assert forced.out.startswith("no: Nobody but you could approve this purge")
    assert "no-approver: Ask the owners of the policy" in forced.out
    plain = explain(tmp_path, *asking("U0ONE", "purge", "www.example.com", "hero"), policy=policy)
    assert plain.code == 0


def test_explain_tells_it_to_programs_as_json(tmp_path: Path) -> None:
    yes = explain(
        tmp_path, *asking("U1", "purge", "www.example.com", "x", "--group", "S0SRE"), "--json"
    )
    no = explain(tmp_path, *asking("U1", "purge", "www.example.com", "x"), "--json")
    assert (yes.code, no.code) == (0, 1)
    allowed, refused = json.loads(yes.out), json.loads(no.out)
    assert allowed["allowed"] is True
    assert allowed["reasons"][0]["rule"] == "SRE may purge, force and approve everywhere"
    assert refused["allowed"] is False
    assert refused["reasons"][0]["code"] == "policy-no-rule"
    assert refused["needed_roles"] == ["editors", "sre"]
    assert refused["holders"]["groups"] == ["S0EDITORS", "S0SRE"]
    assert len(refused["policy"]) == 64


# policy test

PEOPLE = "ana = U0ANA S0EDITORS\nleo = U0LEO\n"


@pytest.mark.parametrize(
    ("table", "code", "out", "err"),
    [
        ("ana may purge www.example.com hero\n", 0, "1 of 1 as expected, policy ", ""),
        (
            "ana may purge www.example.com hero\nleo may purge www.example.com hero\n",
            1,
            "t.tests:4: leo may purge www.example.com hero\n      → No rule lets you purge",
            "",
        ),
        ("ana may clear www.example.com hero\n", 2, "", "line 3: there is no action “clear”"),
    ],
    ids=["as expected", "otherwise", "unreadable"],
)
def test_a_table_of_expected_decisions_is_judged(
    tmp_path: Path, table: str, code: int, out: str, err: str
) -> None:
    (tmp_path / "t.tests").write_text(PEOPLE + table)
    ended = purgebot(
        "policy", "test", "t.tests", folder=tmp_path, PURGEBOT_POLICY=str(SAMPLE_POLICY)
    )
    assert ended.code == code
    assert ended.out.startswith(out) if out else ended.out == ""
    assert err in ended.err if err else ended.err == ""


def test_a_table_without_a_usable_policy_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "t.tests").write_text(PEOPLE + "ana may purge www.example.com hero\n")
    unset = purgebot("policy", "test", "t.tests", folder=tmp_path)
    gone = purgebot("policy", "test", "t.tests", "--policy", "gone.yaml", folder=tmp_path)
    assert (unset.code, gone.code) == (2, 2)
    assert "PURGEBOT_POLICY" in unset.err
    assert "gone.yaml cannot be read" in gone.err


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (asking("U1", "clear", "www.example.com", "hero"), "clear is none of purge, force"),
        (asking("U1", "purge", "www..com", "hero"), "www..com"),
        (["--user", "U1"], "--action"),
    ],
    ids=["unknown action", "no domain", "options missing"],
)
def test_a_question_that_makes_no_sense_is_a_usage_error(
    tmp_path: Path, question: list[str], says: str
) -> None:
    ended = explain(tmp_path, *question)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_explain_without_a_usable_policy_is_no_answer(tmp_path: Path) -> None:
    question = asking("U1", "purge", "www.example.com", "hero")
    gone = explain(tmp_path, *question, policy=tmp_path / "gone.yaml")
    assert (gone.code, gone.out) == (2, "")
    assert "gone.yaml cannot be read" in gone.err
    unset = purgebot("policy", "explain", *question, folder=tmp_path)
    assert unset.code == 2
    assert "PURGEBOT_POLICY" in unset.err


def test_the_policy_may_be_named_in_a_dot_env_file_as_for_the_bot(tmp_path: Path) -> None:
    question = asking("U1", "purge", "www.example.com", "hero", "--group", "S0EDITORS")
    (tmp_path / ".env").write_text(f'PURGEBOT_POLICY="{SAMPLE_POLICY}"\n')
    assert purgebot("policy", "explain", *question, folder=tmp_path).code == 0
    (tmp_path / ".env").write_text(f"PURGEBOT_POLICI={SAMPLE_POLICY}\n")
    misspelt = purgebot("policy", "explain", *question, folder=tmp_path)
    assert misspelt.code == 2
    assert "did you mean PURGEBOT_POLICY?" in misspelt.err
    given = purgebot(
        "policy", "explain", *question, "--policy", str(SAMPLE_POLICY), folder=tmp_path
    )
    assert given.code == 0


def test_the_schema_is_one_and_fits_the_sample(tmp_path: Path) -> None:
    ended = purgebot("policy", "schema", folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    schema = json.loads(ended.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    sample = yaml.safe_load(SAMPLE_POLICY.read_text())
    assert wrong(sample, schema, schema) == []
    assert wrong(sample | {"rule": []}, schema, schema) != []
    assert wrong(sample | {"roles": {"x": {"title": 5}}}, schema, schema) != []
    sample["rules"][0]["allow"] = ["purging"]
    assert wrong(sample, schema, schema) != []


def wrong(value: Any, schema: Any, root: Any, at: str = "") -> list[str]:
    """Judge by the words of JSON Schema that the policy's schema uses; others fail the test."""
    known = {"$ref", "$defs", "$schema", "additionalProperties", "anyOf", "const", "default"}
    known |= {"description", "enum", "examples", "items", "maxItems", "maxLength", "minItems"}
    known |= {"minLength", "minProperties", "pattern", "properties", "propertyNames", "required"}
    known |= {"title", "type", "uniqueItems", "if", "then", "not"}
    assert set(schema) <= known, f"another word of JSON Schema: {set(schema) - known}"
    if "$ref" in schema:
        return wrong(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        tries = [wrong(value, choice, root, at) for choice in schema["anyOf"]]
        return [] if [] in tries else tries[0]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    kinds |= {"null": type(None)}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{at} is no {schema['type']}"]
    found = wrong_by_condition(value, schema, root, at)
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at} is another value")
    if isinstance(value, list):
        for number, entry in enumerate(value):
            found += wrong(entry, schema.get("items", {}), root, f"{at}/{number}")
    if isinstance(value, dict):
        found += [
            f"{at}/{name} is missing" for name in set(schema.get("required", ())) - set(value)
        ]
        others = schema.get("additionalProperties", {})
        for name, entry in value.items():
            inner = schema.get("properties", {}).get(name, others)
            found += [f"{at}/{name}?"] if inner is False else wrong(entry, inner or {}, root, name)
    return found


def wrong_by_condition(value: Any, schema: Any, root: Any, at: str) -> list[str]:
    found = []
    if "if" in schema and not wrong(value, schema["if"], root, at):
        found += wrong(value, schema["then"], root, at)
    if "not" in schema and not wrong(value, schema["not"], root, at):
        found.append(f"{at} is what it may not be")
    return found

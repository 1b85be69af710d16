"""The Compose file is one, and keeps the rules that its schema cannot know."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.variables import ROOT, unknown

Compose = dict[str, Any]


@pytest.fixture
def compose() -> Compose:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


def is_valid(path: Path) -> bool:
    """Whether the file is one by the schema of the Compose specification."""
    words = ["--builtin-schema", "vendor.compose-spec", str(path)]
    return (
        subprocess.run(
            [sys.executable, "-m", "check_jsonschema", *words], capture_output=True, check=False
        ).returncode
        == 0
    )


def faults(compose: Compose) -> list[str]:
    """Give a sentence for each fault."""
    services = compose["services"]
    found = [
        fault for name in ("purgebot", "migrate") for fault in _locked_in(name, services[name])
    ]
    return [*found, *_order(services), *_network(compose)]


def _locked_in(name: str, service: Any) -> Iterator[str]:
    if not service.get("read_only"):
        yield f"{name} may write to its root"
    if service.get("cap_drop") != ["ALL"]:
        yield f"{name} has capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield f"{name} may gain rights"
    if not service.get("init"):
        yield f"{name} is process 1, whose orphans nobody buries"
    for variable in unknown(service["environment"]):
        yield f"there is no setting {variable}"
    if service["volumes"] != ["./config:/etc/purgebot:ro"]:
        yield f"{name} would not see a policy put in place of another"


def _order(services: Any) -> Iterator[str]:
    """The database, then the migration, then the bot."""
    for name in ("purgebot", "migrate"):
        if services[name]["depends_on"]["postgres"] != {"condition": "service_healthy"}:
            yield f"{name} does not wait for the database"
    if services["migrate"]["command"] != ["migrate"]:
        yield "nothing migrates"
    completed = {"condition": "service_completed_successfully"}
    if services["purgebot"]["depends_on"]["migrate"] != completed:
        yield "purgebot does not wait for the migration"


def _network(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if not all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])):
            yield f"{name} is open to the network"
    if not compose["networks"]["database"]["internal"]:
        yield "the database is on a network that leads outside"
    if compose["services"]["postgres"]["networks"] != ["database"]:
        yield "the database is on other networks than its own"


def test_it_is_valid_and_keeps_the_rules(compose: Compose) -> None:
    assert is_valid(ROOT / "compose.yaml")
    assert faults(compose) == []


def test_one_with_a_slip_of_the_pen_is_not_valid(compose: Compose, tmp_path: Path) -> None:
    compose["services"]["purgebot"]["readonly"] = True
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(compose))
    assert not is_valid(tmp_path / "compose.yaml")


BROKEN: dict[str, tuple[Callable[[Compose, Any], Any], str]] = {
    "writable": (lambda _, bot: bot.pop("read_only"), "may write"),
    "capabilities": (lambda _, bot: bot.pop("cap_drop"), "has capabilities"),
    "setuid": (lambda _, bot: bot.pop("security_opt"), "may gain rights"),
    "process 1": (lambda _, bot: bot.pop("init"), "is process 1"),
    "setting": (lambda _, bot: bot["environment"].update(PURGEBOT_POLICE=""), "no setting"),
    "one file": (
        lambda _, bot: bot.update(volumes=["./policy.yaml:/etc/purgebot/policy.yaml:ro"]),
        "would not see",
    ),
    "too early": (
        lambda _, bot: bot["depends_on"].update(migrate={"condition": "service_started"}),
        "does not wait for the migration",
    ),
    "no database yet": (
        lambda _, bot: bot["depends_on"].update(postgres={"condition": "service_started"}),
        "does not wait for the database",
    ),
    "no migration": (
        lambda all_, _: all_["services"]["migrate"].update(command=["run"]),
        "nothing",
    ),
    "open": (lambda _, bot: bot.update(ports=["3000:3000"]), "open to the network"),
    "database outside": (
        lambda all_, _: all_["networks"].update(database={"internal": False}),
        "leads outside",
    ),
    "database among others": (
        lambda all_, _: all_["services"]["postgres"]["networks"].append("outside"),
        "other networks",
    ),
}


@pytest.mark.parametrize(("break_it", "fault"), BROKEN.values(), ids=BROKEN)
def test_whatever_breaks_a_rule_is_named(
    compose: Compose, break_it: Callable[[Compose, Any], Any], fault: str
) -> None:
    # What the file's anchors share comes apart: one service is broken, and no other.
    services = {name: copy.deepcopy(service) for name, service in compose["services"].items()}
    broken = {**compose, "services": services}
    break_it(broken, services["purgebot"])
    assert fault in "\n".join(faults(broken))

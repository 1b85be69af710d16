"""Change the rules one place at a time, and see which changes no test notices: `make mutants`.

The changes are cosmic-ray's; a sample of them is drawn by a seed.  Each is tried in a process of its
own, with the unit tests of its module, and none is ever written to a file.

    noticed     a test failed, or the module could not even be imported
    harmless    no test failed, and harmless.toml says why that does not matter
    survived    no test failed: printed with its place
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import os
import random
import resource
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from hypothesis import settings

from tests.mutants.modules import PRELOADED, TESTS_OF, UNIT_TESTS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CPU_LIMIT_S = 120
"""More than any module's tests take: a change that makes a loop endless ends here."""
TRIED_IN_VAIN = 4
"""The exit code of a process whose tests did not run."""


_ALIKE: dict[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.Eq(), ast.IsNot: ast.NotEq()}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change; `line` is where, `was` and `becomes` are that line, stripped."""

    module: str
    line: int
    was: str
    becomes: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}\n  - {self.was}\n  + {self.becomes}"


def path_of(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a module where changes of one kind can be made, as (operator, occurrence)."""

    module: str
    changes: tuple[tuple[str, int], ...]

    def draw(self, dice: random.Random) -> Mutant | None:
        """Give one of its changes; None if none changes what the module does."""
        source = path_of(self.module).read_text()
        for name, occurrence in dice.sample(self.changes, len(self.changes)):
            mutated = mutate_code(source, get_operator(name)(), occurrence)
            if mutated is None or _meaning(mutated) == _meaning(source):
                continue
            mutant = _mutant(self.module, source, mutated)
            if not mutant.was.startswith("@dataclass"):
                return mutant
        return None


def places_of(module: str) -> list[Place]:
    nodes = list(ast_nodes(get_ast(path_of(module).read_text())))
    changes: dict[tuple[str, object], list[tuple[str, int]]] = {}
    for name in operator_names():
        operator_class = get_operator(name)
        if operator_class.arguments() or name == "core/RemoveDecorator":
            continue
        operator = operator_class()
        positions = (at for node in nodes for at in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            changes.setdefault((name.split("_")[0], start), []).append((name, occurrence))
    return [Place(module, tuple(each)) for each in changes.values()]


def _mutant(module: str, source: str, mutated: str) -> Mutant:
    pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
    line, (was, becomes) = next((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    return Mutant(module, line, was.strip(), becomes.strip(), mutated)


@functools.lru_cache(maxsize=4)
def _meaning(source: str) -> str:
    """Give what a module does: without asserts, which tell mypy, and plain annotations.

    `is` and `==` are one: what the rules compare so has one object for each value.  Annotations that call something, as pydantic's Field, are kept.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign) and not any(
            isinstance(each, ast.Call) for each in ast.walk(node.annotation)
        ):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.Assert):
            node.test, node.msg = ast.Constant(None), None
        elif isinstance(node, ast.Compare):
            node.ops = [_ALIKE.get(type(each), each) for each in node.ops]
    return ast.dump(tree)


def sample(count: int, seed: int) -> list[Mutant]:
    """Draw `count` changes, or all that there are: at most one of each kind at one place."""
    dice = random.Random(seed)
    places = [place for module in TESTS_OF for place in places_of(module)]
    dice.shuffle(places)
    drawn = (place.draw(dice) for place in places)
    return list(itertools.islice(filter(None, drawn), count))


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads one module with its change, from memory."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(path_of(mutant.module)))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutant.source, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, loader=_Loader(self._mutant))


def start(tests: Sequence[str], mutant: Mutant | None, output: Path) -> int:
    """Run unit tests in a new process, with a change if there is one; give the process's ID.

    It ends with pytest's exit code.
    """
    pid = os.fork()
    if pid:
        return pid
    code: int = TRIED_IN_VAIN
    try:
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        files = [f"{UNIT_TESTS}/test_{name}.py" for name in tests]
        options = ("-x", "-q", "--noconftest", "--hypothesis-seed=0", "-p", "no:cacheprovider")
        preloaded = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
        code = pytest.main([*options, *preloaded, *files])
    except BaseException:  # noqa: BLE001, whatever it is ends here and is told
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def noticed(status: int) -> bool:
    """Whether tests that ended so noticed a change.

    Raises: RuntimeError, when they did not run.
    """
    code = os.waitstatus_to_exitcode(status)
    ran = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    if code >= 0 and code not in ran:
        raise RuntimeError(f"the tests did not run: pytest ended with {code}")
    return code != pytest.ExitCode.OK


def survivors_of(mutants: Sequence[Mutant], jobs: int, until: float) -> Iterator[Mutant]:
    """Give those that no test notices, as they are found.

    Raises: TimeoutError, when not all were tried at `until`, by the monotonic clock.
    """
    under_way: dict[int, Mutant] = {}
    waiting = list(mutants)
    with tempfile.TemporaryDirectory() as place:
        while waiting or under_way:
            if waiting and time.monotonic() > until:
                raise TimeoutError(f"{len(waiting)} of {len(mutants)} changes were not tried")
            while waiting and len(under_way) < jobs:
                mutant = waiting.pop()
                output = Path(place) / str(len(waiting))
                under_way[start(TESTS_OF[mutant.module], mutant, output)] = mutant
            pid, status = os.wait()
            mutant = under_way.pop(pid)
            if not noticed(status):
                yield mutant


def whole() -> bool:
    """Whether all tests succeed without any change."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "output"
        names = tuple(dict.fromkeys(name for names in TESTS_OF.values() for name in names))
        _, status = os.waitpid(start(names, None, output), 0)
        if not noticed(status):
            return True
        print(output.read_text())
        return False


@functools.cache
def harmless() -> Mapping[tuple[str, str], str]:
    """Give for changes that change nothing that matters, as (line, changed line), why."""
    rows = tomllib.loads((HERE / "harmless.toml").read_text()).get("harmless", [])
    return {(row["was"], row["becomes"]): row["why"] for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description="Change the rules; see which tests notice")
    parser.add_argument("--count", type=int, default=200, help="how many changes (200)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--minutes", type=float, default=20, help="give up after that long (20)")
    parser.add_argument("--at-least", type=float, default=95, help="percent to be noticed (95)")
    given = parser.parse_args()

    until = time.monotonic() + given.minutes * 60
    settings.register_profile("mutants", database=None, deadline=None)
    settings.load_profile("mutants")
    for module in PRELOADED:
        importlib.import_module(module)
    if not whole():
        return 1
    mutants = sample(given.count, given.seed)
    unnoticed = 0
    excused = 0
    for mutant in survivors_of(mutants, given.jobs, until):
        why = harmless().get((mutant.was, mutant.becomes))
        unnoticed += why is None
        excused += why is not None
        print(f"{'survived' if why is None else 'harmless'}  {mutant}")
        print(f"  {why}\n" if why else "", flush=True)
    killed = len(mutants) - unnoticed - excused
    percent = 100 * killed / (len(mutants) - excused or 1)
    print(f"{len(mutants)} changes: {killed} noticed, {unnoticed} survived, {excused} harmless")
    print(f"{percent:.1f} % of those that matter were noticed; {given.at_least:g} % are wanted")
    return 0 if percent >= given.at_least else 1


if __name__ == "__main__":
    sys.exit(main())

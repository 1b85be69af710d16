"""Read the policy file: YAML into a Policy, or all its errors with their lines.

    text ── size, anchors, tags, depth ── nodes ── plain values ── Policy
            refused before anything      with     text, lists,    with the rules
            is built                     lines    mappings only   of `bot.core.policy.document`

Every plain value is text (`no` and `2026` too), except the number after `version`.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import re
import stat
import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import structlog
import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.core.errors import BotError
from bot.core.policy.document import (
    MOST_TOLD,
    PARTS,
    WHOLE_FAULT,
    Policy,
    did_you_mean,
    whole_faults,
)
from bot.core.policy.fields import Action
from bot.core.setup_errors import POLICY_INVALID, POLICY_UNREADABLE
from bot.core.text.tokens import SPACES

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
MAX_SENTENCE = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, order=True)
class FileMistake:
    """One error in a policy file.  Lines count from 1."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


class PolicyFileInvalid(BotError):
    """The text is not a policy.  `mistakes` are its errors, sorted by line, at most MOST_TOLD."""

    def __init__(self, source: str, mistakes: list[FileMistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes))[:MOST_TOLD])
        told = [str(each)[:MAX_SENTENCE] for each in self.mistakes]
        if len(mistakes) > MOST_TOLD:
            told.append("There may be more: put these right first.")
        super().__init__(POLICY_INVALID, source=source, mistakes="\n".join(told))


class PolicyFileUnreadable(BotError):
    """The file cannot be read."""


def load_policy(text: str, source: str) -> Policy:
    """Parse the policy in `text`.  Raises: PolicyFileInvalid, with `source` and every error."""
    if len(text.encode()) > MAX_BYTES:
        raise PolicyFileInvalid(source, [_TOO_LARGE])
    mistakes, policy = _attempt(text)
    if policy is None:
        raise PolicyFileInvalid(source, _with_strange_spaces(text, mistakes))
    return policy


def policy_hash(text: str) -> str:
    """Return the SHA-256 of the text, in hex.  It records which policy a decision was based on."""
    return hashlib.sha256(text.encode()).hexdigest()


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Policy.model_json_schema()


class LoadedPolicy(NamedTuple):
    policy: Policy
    hash: str


class PolicySource:
    """The policy of a file, kept up to date.  A broken file leaves the last good policy in force.

    Threads may share it.  Raises (when created): PolicyFileInvalid or PolicyFileUnreadable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: BotError | None = None
        """Why the current file is not in force; None if it is."""
        self._lock = threading.Lock()
        self._complained: set[tuple[str, str]] = set()
        self._stamp: _Stamp | None
        self._stamp, content = _read(path)
        self._loaded = _load(content, path)

    def current(self) -> LoadedPolicy:
        """Return the policy in force and its hash."""
        return self._loaded

    def reload(self, *, force: bool = False) -> bool:
        """Read the file again if it changed on disk, or if `force`.  Return whether the policy did.

        Raises nothing: an error is stored in `error`, and logged once per content.
        """
        with self._lock:
            with suppress(OSError):  # the error is reported when the file is read
                if not force and self._stamp == _stamp(self.path.stat()):
                    return False
            self._stamp, content = None, b""
            try:
                self._stamp, content = _read(self.path)
                loaded = _load(content, self.path)
            except BotError as error:
                self._keep(error, hashlib.sha256(content).hexdigest())
                return False
            self.error = None
            self._complained.clear()
            changed, self._loaded = loaded.hash != self._loaded.hash, loaded
        if changed:
            log.info("policy-loaded", path=str(self.path), policy_hash=loaded.hash)
        return changed

    def _keep(self, error: BotError, content_hash: str) -> None:
        self.error = error
        complaint = (error.info.code, content_hash)
        if complaint not in self._complained:
            self._complained.add(complaint)
            log.error(error.info.code, in_force=self._loaded.hash, **error.info.facts)


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Path = tuple[str | int, ...]
_Stamp = tuple[int, int, int]
_SYNTAX = "this is no YAML"
_WITHOUT_WIDTH = "\u200b\u2060\ufeff"
_STRANGE = re.compile(rf"(?!\A\ufeff)(?:[^\S \t\n\r]|[{_WITHOUT_WIDTH}])+")
_BLANKS = SPACES + _WITHOUT_WIDTH
_NEAR = 80
"""How far from a space YAML's indicators are looked for, in characters."""
_TAB = re.compile("^[ -]*\t", re.MULTILINE)
_TOO_LARGE = FileMistake(1, f"the file is larger than {MAX_BYTES // 1024} KiB")


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> tuple[_Stamp, bytes]:
    try:
        with open(path, "rb", opener=_open_regular) as file:
            # The stamp is read first: what is written after it is detected as a change.
            return _stamp(os.fstat(file.fileno())), file.read(MAX_BYTES + 1)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise PolicyFileUnreadable(POLICY_UNREADABLE, source=str(path), cause=cause) from error


def _open_regular(path: str, flags: int) -> int:
    """Open a file, and no FIFO or device, which might keep the reader waiting for ever."""
    opened = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    raise OSError(errno.EINVAL, "it is no regular file")


def _load(content: bytes, path: Path) -> LoadedPolicy:
    if len(content) > MAX_BYTES:
        raise PolicyFileInvalid(str(path), [_TOO_LARGE])
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mistake = FileMistake(line, "the file is not in UTF-8")
        raise PolicyFileInvalid(str(path), [mistake]) from error
    return LoadedPolicy(load_policy(text, str(path)), policy_hash(text))


def _attempt(text: str) -> tuple[list[FileMistake], Policy | None]:
    """Return the errors, or the policy if there are none."""
    try:
        if mistakes := list(_forbidden(text)):
            return mistakes, None
        return _read_nodes(yaml.compose(text, Loader=_Loader))
    except yaml.YAMLError as error:
        return [_syntax_mistake(error)], None


def _with_strange_spaces(text: str, mistakes: list[FileMistake]) -> list[FileMistake]:
    """Return the errors, with non-YAML spaces reported in place of the errors that they cause.

    YAML treats a no-break space as a letter, so the error appears a line later, or a key seems to
    be missing.  So the text is parsed once more with plain spaces in such places.  If it is still
    not YAML, or has a tab before a line, the other errors are left out until these are corrected.
    """
    strange: list[re.Match[str]] = []
    others = mistakes
    widths = ("", " ") if _STRANGE.search(text) else ()
    for width in widths:  # characters without width were pasted beside a space, or in place of one
        replace = partial(_plain_space, width=width)
        again, _ = _attempt(_STRANGE.sub(replace, text))
        if again != mistakes:
            strange, others = list(filter(_parts_words, _STRANGE.finditer(text))), again
            break
    broken = any(_SYNTAX in each.sentence for each in others)
    tabs = list(_TAB.finditer(text)) if broken else []
    breaks = [found.start() for found in re.finditer("\n", text)]
    named = [
        FileMistake(bisect_left(breaks, found.end() - 1) + 1, _space_mistake(found[0][-1]))
        for found in (*strange, *tabs)
    ]
    return named if named and broken else [*named, *others]


def _plain_space(found: re.Match[str], width: str) -> str:
    if not _parts_words(found):
        return found[0]
    return "".join(width if character in _WITHOUT_WIDTH else " " for character in found[0])


def _parts_words(found: re.Match[str]) -> bool:
    """Return whether YAML expects a space there: beside an indicator, or at the end of a line."""
    before = found.string[max(0, found.start() - _NEAR) : found.start()]
    before = before.rpartition("\n")[2].strip(_BLANKS)
    after = found.string[found.end() : found.end() + _NEAR].partition("\n")[0].strip(_BLANKS)
    return not before.strip("-") or not after or before[-1] in ":,[{" or after[0] in ":,]}#"


def _space_mistake(character: str) -> str:
    name = "tab" if character == "\t" else unicodedata.name(character, "line break").lower()
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name} stands where plain spaces must"


def _forbidden(text: str) -> Iterator[FileMistake]:
    """Yield errors for YAML features that a policy does not need, before anything is built."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event)
        if getattr(event, "anchor", None) is not None:  # an alias has one too
            yield FileMistake(line, "anchors and aliases (&name, *name) are not used here; quote *")
        if (tag := getattr(event, "tag", None)) is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            yield FileMistake(line, f"tags such as {shown} are not used here")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                yield FileMistake(line, "a second document begins here; only one is read")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield FileMistake(line, "lists and mappings lie too deep in each other")
            return


def _line(part: yaml.Event | yaml.Node) -> int:
    return part.start_mark.line + 1 if part.start_mark else 1


def _syntax_mistake(error: yaml.YAMLError) -> FileMistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    star = "; write “*” in quotes" if "alias" in (getattr(error, "context", "") or "") else ""
    return FileMistake(mark.line + 1 if mark else 1, f"{_SYNTAX}: {problem}{star}")


def _read_nodes(root: yaml.Node | None) -> tuple[list[FileMistake], Policy | None]:
    """Return the errors, or the policy if there are none."""
    lines: dict[_Path, int] = {}
    mistakes: list[FileMistake] = []
    if root is None:
        return [FileMistake(1, "the file is empty")], None
    value = _plain(root, (), lines, mistakes)
    if isinstance(value, dict) and value.get("version") == "1":
        value["version"] = 1
    policy = None
    faults = [(path, partial(str, sentence)) for path, sentence in whole_faults(value)]
    try:
        policy = Policy.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults += [(fault["loc"], partial(_sentence, fault)) for fault in found if _is_new(fault)]
    placed = [
        (next(lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), sentence)
        for path, sentence in faults
    ]
    first = heapq.nsmallest(MOST_TOLD + 1, placed, key=itemgetter(0))
    mistakes += [FileMistake(line, sentence()) for line, sentence in first]
    return mistakes, None if mistakes else policy


def _plain(
    node: yaml.Node, path: _Path, lines: dict[_Path, int], mistakes: list[FileMistake]
) -> Any:
    """Return text, lists and mappings.  The line of each is added to `lines`."""
    lines.setdefault(path, _line(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, n), lines, mistakes) for n, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return node.value
    result: dict[str, Any] = {}
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            mistakes.append(FileMistake(_line(key), "a key must be a word"))
        elif key.value in result:
            mistakes.append(FileMistake(_line(key), f"“{key.value}” stands here twice"))
        else:
            lines[(*path, key.value)] = _line(key)
            result[key.value] = _plain(item, (*path, key.value), lines, mistakes)
    return result


def _is_new(fault: ErrorDetails) -> bool:
    """Return False for what `whole_faults` reported, and for a list whose items are all invalid."""
    return fault["type"] != WHOLE_FAULT and not (fault["type"] == "too_short" and fault["input"])


_SENTENCES = {
    "missing": "“{name}” is missing",
    "extra_forbidden": "there is no key “{name}”{near_key}",
    "enum": "there is no action “{word}”, only {actions}{near_action}",
    "tuple_type": "“{name}” must be a list, in brackets: [one, two]",
    "model_type": "“{name}” must hold keys and values",
    "dict_type": "“{name}” must hold keys and values",
    "string_type": "“{name}” must hold text only",
    "too_short": "“{name}” must not be empty",
    "string_too_short": "“{name}” must not be empty",
    "literal_error": "“{name}” must be 1",
}


def _sentence(fault: ErrorDetails) -> str:
    path, word = fault["loc"], str(fault["input"])
    name = next((key for key in reversed(path) if isinstance(key, str)), "the file")
    model: type[BaseModel] = PARTS.get(path[0], Policy) if len(path) > 1 else Policy
    return _SENTENCES.get(fault["type"], "{other}").format(
        name=name,
        near_key=did_you_mean(name, model.model_fields),
        word=word,
        actions=", ".join(Action),
        near_action=did_you_mean(word, Action),
        other=fault["msg"],
    )

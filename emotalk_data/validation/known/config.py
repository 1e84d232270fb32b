"""Which problems a user has decided to live with: `emotalk.toml`.

    [validate]
    strict = true                           # warnings fail too

    [[validate.ignore]]
    codes = ["ET-TEXT-001", "ET-TAR-*"]     # left out: every code
    paths = ["Text/json/G00003/**"]         # left out: every file
    reason = "known in release v1"

What cannot be a rule is an error, never a rule that silently does nothing.
"""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.nulling import json_path
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.known.globs import compile_glob

__all__ = ["CONFIG_NAME", "Config", "IgnoreRule", "nearest_codes", "read_config"]

CONFIG_NAME: Final = "emotalk.toml"
"""The file that is read when no other is named, in the current folder."""

_MAX_BYTES: Final = 1 << 20
_FORM: Final = "expected [validate] with strict, and [[validate.ignore]] with codes, paths and reason"
# Said in place of Pydantic's words, which speak of tuples and of fields.
_WORDS: Final = {
    "extra_forbidden": f"is not a known key; {_FORM}",
    "missing": "is missing; say why, for whoever reads the file next",
    "tuple_type": "is not a list",
    "string_type": "is not a string",
    "bool_type": "is neither true nor false",
    "model_type": f"is not a table; {_FORM}",
    "too_long": "has more than 1,000 entries",
    "string_too_short": "is empty",
    "string_too_long": "is longer than 1,000 characters",
}


def nearest_codes(word: str) -> str:
    """Return "; did you mean … or …?" with the codes that a word may stand for, or nothing."""
    known = {f"{code[:-3]}*": None for code in CODES} if "*" in word else CODES
    near = get_close_matches(word.upper()[:50], known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _names_a_code(glob: str) -> str:
    if not any(fnmatchcase(code, glob) for code in CODES):
        raise ValueError(f"names no problem code{nearest_codes(glob)}")
    return glob


def _names_files(glob: str) -> str:
    compile_glob(glob)
    return glob


def _is_not_empty(globs: tuple[str, ...]) -> tuple[str, ...]:
    # Not min_length, which counts what is left after the wrong items were taken out.
    if not globs:
        raise ValueError("is an empty list; leave the key out to mean all")
    return globs


_Text = Annotated[str, Field(min_length=1, max_length=1_000)]
# Strict but for lists, which are tuples here: a rule does not change.
_List: Final = Field(max_length=1_000, strict=False)
_CodeGlobs = Annotated[
    tuple[Annotated[_Text, AfterValidator(_names_a_code)], ...], _List, AfterValidator(_is_not_empty)
]
_PathGlobs = Annotated[
    tuple[Annotated[_Text, AfterValidator(_names_files)], ...], _List, AfterValidator(_is_not_empty)
]
_STRICT: Final = ConfigDict(extra="forbid", frozen=True, strict=True)


class IgnoreRule(BaseModel):
    """One `[[validate.ignore]]` of the file: problems of these codes in these files are passed over.

    Attributes:
        codes: codes, or globs of codes such as `ET-TAR-*`; None for every code.
        paths: globs on the file's name as the report shows it, see `validation.known.globs`; None for every file.
        reason: why.
    """

    model_config = _STRICT

    codes: _CodeGlobs | None = None
    paths: _PathGlobs | None = None
    reason: _Text

    @model_validator(mode="after")
    def _says_what(self) -> IgnoreRule:
        if self.codes is None and self.paths is None:
            raise ValueError('names neither codes nor paths; write codes = ["*"] if you mean every problem')
        return self

    def __str__(self) -> str:
        parts = [", ".join(globs) for globs in (self.codes, self.paths) if globs]
        return f"{' in '.join(parts)} ({self.reason})"


class _Section(BaseModel):
    model_config = _STRICT

    strict: bool = False
    ignore: Annotated[tuple[IgnoreRule, ...], _List] = ()


class _Document(BaseModel):
    model_config = _STRICT

    section: Annotated[_Section, Field(alias="validate")] = _Section()


class Config:
    """What the file says, and which of its rules have matched so far.

    Attributes:
        rules: in the order of the file.
        strict: whether warnings fail too.
        path: the file, as it was named; None when there is none.

    Args:
        rules: see above.
        strict: see above.
        path: see above.
    """

    def __init__(
        self, rules: tuple[IgnoreRule, ...] = (), *, strict: bool = False, path: str | None = None
    ) -> None:
        self.rules = rules
        self.strict = strict
        self.path = path
        self._paths = [[compile_glob(glob) for glob in rule.paths or ()] for rule in rules]
        self._rules_by_code: dict[str, list[int]] = {}
        self._is_used = [False] * len(rules)

    def screen(self, problem: Problem) -> str | None:
        """Return `config` when a rule passes the problem over, else None. The first rule that matches counts."""
        code = problem.code
        rules = self._rules_by_code.get(code)
        if rules is None:
            rules = self._rules_by_code[code] = [
                index
                for index, rule in enumerate(self.rules)
                if rule.codes is None or any(fnmatchcase(code, glob) for glob in rule.codes)
            ]
        for index in rules:
            paths = self._paths[index]
            if not paths or any(is_match(problem.file) for is_match in paths):
                self._is_used[index] = True
                return "config"
        return None

    def unused_rules(self) -> list[IgnoreRule]:
        """Return the rules that passed nothing over: what they were for may be mended."""
        return [rule for rule, is_used in zip(self.rules, self._is_used, strict=True) if not is_used]


def read_config(path: str | os.PathLike[str] | None = None) -> Config:
    """Read a configuration.

    Args:
        path: the file; `emotalk.toml` in the current folder if omitted, and no rule when that is not there.

    Raises:
        OptionError: the file cannot be read, is not TOML, or says what no rule can be.
    """
    if path is None:
        if not os.path.lexists(CONFIG_NAME):
            return Config()
        path = CONFIG_NAME
    name = os.fspath(path)
    try:
        document = _Document.model_validate(_read_toml(name))
    except ValidationError as error:
        raise OptionError(_explain(name, error.errors(include_url=False)), path=name) from error
    return Config(document.section.ignore, strict=document.section.strict, path=name)


def _read_toml(name: str) -> dict[str, Any]:
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise OptionError(f"cannot read the configuration {quote(name)}: {reason}.", path=name) from error
    if len(raw) > _MAX_BYTES:
        raise OptionError(
            f"{quote(name)} has more than {_MAX_BYTES:,} bytes; a configuration never does.", path=name
        )
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise OptionError(f"{quote(name)} is not a configuration: nested too deeply.", path=name) from error
    except (
        ValueError
    ) as error:  # TOML's own, with line and column; bytes that are not UTF-8; a date 2026-99-99
        raise OptionError(f"{quote(name)} is not TOML in UTF-8: {error}.", path=name) from error


def _explain(name: str, details: list[ErrorDetails]) -> str:
    """Say in the file's own words what the first thing wrong is."""
    detail = details[0]
    place = json_path(detail["loc"]) or "the file"
    if detail["type"] == "value_error":
        reason = str(detail["ctx"]["error"])
    else:
        reason = _WORDS.get(detail["type"], detail["msg"])
    value = "" if detail["type"] in ("extra_forbidden", "missing") else f" = {quote(detail['input'])}"
    if len(details) > 1:
        reason += f" ({len(details) - 1} more such)"
    return f"{quote(name)}: {quote(place)[1:-1]}{value} {reason}{'' if reason.endswith('?') else '.'}"

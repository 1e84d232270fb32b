"""Split files: which dialogue is in which split, in a file that can be shared, cited and checked.

    {"format": "emotalk-splits", "version": 1, "corpus": "emotalk", "name": "…", "digest": "sha256:…",
     "level": "dialogue", "made": {"by": "make_splits", "library": "…", "parameters": {"seed": 0, …}},
     "folds": [{"name": "", "splits": {"train": ["G00002_01", …], "validation": […], "test": […]},
                "left_out": [], "made_of": {"train": {"dialogues": …, "utterances": …, …}}, "notes": []}]}

The digest stands for who is where, and for nothing else: the same splits have the same digest, whoever made
them and with whichever version. It is SHA-256 of
`{"corpus": …, "folds": [{"left_out": […], "splits": {…}}, …], "level": …}`, as JSON with sorted keys, no blanks.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic import StringConstraints as Text

from emotalk_data._whole_file import whole_file
from emotalk_data.errors import OptionError, SchemaError, quote
from emotalk_data.schemas.ids import EMOTALK_ID_PATTERN, M3ED_ID_PATTERN
from emotalk_data.schemas.split_file_errors import in_file, schema_error, wrong_value
from emotalk_data.schemas.split_file_text import split_file_text
from emotalk_data.schemas.strict_json import read_json

__all__ = ["MAX_SPLIT_FILE_BYTES", "Fold", "Making", "SplitCounts", "SplitFile", "load_split_file"]

MAX_SPLIT_FILE_BYTES: Final = 64 << 20
"""Largest split file that is read. Leaving each of M3ED's 56 series out once takes some 2 MB."""

_PATTERNS: Final = {"emotalk": re.compile(EMOTALK_ID_PATTERN), "m3ed": re.compile(M3ED_ID_PATTERN)}
# What makes an utterance's id of a dialogue's.
_TAILS: Final = {"emotalk": "_00_000", "m3ed": "_0"}
_EXAMPLES: Final = {
    ("emotalk", "dialogue"): "G00008_01",
    ("emotalk", "utterance"): "G00008_01_11_002",
    ("m3ed", "dialogue"): "anjia_1",
    ("m3ed", "utterance"): "anjia_1_2",
}

_Count = Annotated[int, Strict(), Field(ge=0)]
_Share = Annotated[float, Strict(), Field(ge=0, le=1)]
_ShortText = Annotated[str, Text(strict=True, max_length=200)]
_LongText = Annotated[str, Text(strict=True, max_length=2_000)]
_SplitName = Annotated[str, Text(strict=True, pattern=r"\A[A-Za-z][A-Za-z0-9_]{0,39}\z")]
_Ids = Annotated[tuple[_ShortText, ...], AfterValidator(lambda ids: tuple(sorted(ids)))]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise schema_error(error) from None


class SplitCounts(_Part):
    """What a split was made of, in the data of the one who made it.

    Attributes:
        dialogues, utterances: how many.
        asked: the share of the utterances that was asked for; None where none was.
        labels: utterances by label, where splits were stratified; those without a label are in none.
    """

    dialogues: _Count
    utterances: _Count
    asked: _Share | None = None
    labels: dict[_ShortText, _Count] = Field(default_factory=dict)


class Fold(_Part):
    """One way to split the corpus.

    Attributes:
        name: short; may be empty.
        splits: ids by split, sorted; no id is in two.
        left_out: ids that are in no split, and are meant to be in none.
        made_of: counts by split; empty for files made by hand.
        notes: what one has to know, such as speakers that two splits share.
    """

    name: _ShortText = ""
    splits: Annotated[dict[_SplitName, _Ids], Field(min_length=1)]
    left_out: _Ids = ()
    made_of: dict[_SplitName, SplitCounts] = Field(default_factory=dict)
    notes: tuple[_LongText, ...] = ()

    @property
    def places(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """(JSON path, split, ids) of each list; the split of those left out is empty."""
        for name, ids in self.splits.items():
            yield f"splits.{name}", name, ids
        yield "left_out", "", self.left_out


class Making(_Part):
    """How the splits were made: all that is needed to make them again.

    Attributes:
        by: the function, or how else.
        library: name and version.
        parameters: of the function, the seed among them.
    """

    by: _ShortText
    library: _ShortText = ""
    parameters: dict[_ShortText, JsonValue] = Field(default_factory=dict)

    @field_validator("parameters")
    @classmethod
    def _is_strict_json(cls, parameters: dict[str, JsonValue]) -> dict[str, JsonValue]:
        json.dumps(parameters, allow_nan=False)
        return parameters


class SplitFile(_Part):
    """Splits of a corpus, by the ids of whole dialogues or of single utterances.

    >>> SplitFile(corpus="emotalk", folds=[{"splits": {"train": ["G00002_01"], "test": ["G00003_01"]}}])

    Attributes:
        format: always `emotalk-splits`.
        version: of this form.
        corpus: `emotalk` or `m3ed`.
        name: what to call it; may be empty.
        level: what the ids are of: `dialogue` or `utterance`.
        made: how; None for splits made by hand.
        folds: one, or several.

    Raises:
        SchemaError: a value cannot be; carries its JSON path.
    """

    format: Literal["emotalk-splits"] = "emotalk-splits"
    version: Literal[1] = 1
    corpus: Literal["emotalk", "m3ed"]
    name: _ShortText = ""
    level: Literal["dialogue", "utterance"] = "dialogue"
    made: Making | None = None
    folds: Annotated[tuple[Fold, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_are_right(self) -> Self:
        pattern, tail = _PATTERNS[self.corpus], _TAILS[self.corpus] if self.level == "dialogue" else ""
        for number, fold in enumerate(self.folds):
            seen: dict[str, str] = {}
            for path, _, ids in fold.places:
                where = f"folds[{number}].{path}"
                for one in ids:
                    if not pattern.fullmatch(one + tail):
                        raise wrong_value(where, f"holds {quote(one)}", self._expected)
                    if one in seen:
                        also = "it twice" if seen[one] == where else f"it, and {seen[one]} too"
                        raise wrong_value(
                            where, f"holds {quote(one)}: {also}", "each id in one place of a fold"
                        )
                    seen[one] = where
        return self

    @property
    def _expected(self) -> str:
        return f"the id of one {self.level} of {self.corpus}, such as {_EXAMPLES[self.corpus, self.level]}"

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits, of corpus, level and the ids of each fold: same splits, same digest."""
        content = {
            "corpus": self.corpus,
            "level": self.level,
            "folds": [{"splits": fold.splits, "left_out": fold.left_out} for fold in self.folds],
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"

    def choose_fold(self, fold: int | str | None = None) -> Fold:
        """Return a fold by its number from 0 or its name; without either, the only one.

        Raises:
            OptionError: there is no such fold, or there are several and none was named.
        """
        names = [one.name for one in self.folds]
        numbers = f"fold=0 to fold={len(names) - 1}" if len(names) > 1 else "fold=0"
        if fold is None and len(names) == 1:
            return self.folds[0]
        if isinstance(fold, Integral) and not isinstance(fold, bool) and 0 <= fold < len(names):
            return self.folds[int(fold)]
        if isinstance(fold, str) and names.count(fold) == 1:
            return self.folds[names.index(fold)]
        if fold is None:
            raise OptionError(f"the split file has {len(names)} folds; choose one with {numbers}.")
        raise OptionError(
            f"fold is {quote(fold)}; expected {numbers}, or one of the names {quote(names, 200)}."
        )

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write the file, whole or not at all, and return its digest.

        Args:
            path: where to. The same file is written again.
            overwrite: replace a file with other content; it may be what somebody's results rest on.

        Raises:
            OptionError: there is another file and `overwrite` is not set, or it cannot be written there.
        """
        if not isinstance(path, str | os.PathLike):
            raise OptionError(f"the path of the split file is {quote(path)}; expected the name of a file.")
        target = Path(path)
        content = f"{json.dumps(self.to_dict(), ensure_ascii=False, indent=1)}\n".encode()
        try:
            if not overwrite and target.exists() and target.read_bytes() != content:
                raise OptionError(
                    f"{quote(str(target), 160)} is there already, with other content; results may rest on it. "
                    f"Choose another name, or pass overwrite=True (--overwrite).",
                    path=str(target),
                )
            with whole_file(target) as file:
                file.write(content)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            if isinstance(error, OptionError):
                raise
            raise OptionError(
                f"cannot write the split file {quote(str(target), 160)}: "
                f"{getattr(error, 'strerror', None) or error}. Name a file in a folder that you may write to.",
                path=str(target),
            ) from error
        return self.digest

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON ready, with the digest."""
        values = self.model_dump(mode="json")
        folds = values.pop("folds")
        return {**values, "digest": self.digest, "folds": folds}

    def __str__(self) -> str:
        return split_file_text(self)

    __repr__ = __str__


def load_split_file(path: str | os.PathLike[str]) -> SplitFile:
    """Read a split file and check its digest.

    Raises:
        OptionError: it cannot be read.
        DecodeError: it is not strict JSON.
        SchemaError: it is no split file, an id is in two splits, or the digest is of other content.
        LimitError: it is larger than 64 MiB.
    """
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_SPLIT_FILE_BYTES + 1)
    except (OSError, ValueError, TypeError) as error:  # a NUL in the name; no name at all
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"cannot read the split file {quote(name, 160)}: {reason}. make_splits(…).save(PATH), or "
            f"`emotalk splits make`, writes one.",
            path=name,
        ) from error
    values = read_json(raw, file=name, max_bytes=MAX_SPLIT_FILE_BYTES)
    if not isinstance(values, dict) or "format" not in values:
        raise in_file(wrong_value("", "is no split file", 'an object with "format": "emotalk-splits"'), name)
    stored = values.pop("digest", None)
    try:
        splits = SplitFile(**values)
    except SchemaError as error:
        raise in_file(error, name) from None
    if stored is None:
        expected = f"{splits.digest}, that of the content; if you wrote the file yourself, put that in"
        raise in_file(wrong_value("digest", "is missing", expected), name)
    if stored != splits.digest:
        expected = f"{splits.digest}, that of the content; get the file anew"
        raise in_file(wrong_value("digest", f"is {quote(stored)}", expected), name)
    return splits

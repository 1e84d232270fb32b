"""What a shard of a feature set says of itself. It is its own commit record: there is no other.

    SET/
    ├── data/
    │   ├── train-00000-of-00061.parquet    rows 0 to 255 of train, in their order
    │   └── …
    ├── plan.json                           which shards there are to be: written before the first of them
    └── features.json                       a summary, made from the shards; nothing reads it back

Columns of a shard, for a set whose column is `hubert`:

    utterance_id      string
    hubert            fixed_size_list<float, D>           one vector an utterance; where asked for
    hubert_frames     list<fixed_size_list<float, D>>     a vector a frame; where asked for
    hubert_seconds    list<float>       with frames: middle of each, from the utterance's start; null for text
    notes             list<string>      what was left out or odd, and harmless
    error             string            why a row is null: `missing: …`, `unreadable: …`; null where nothing is
    input_digest      string            of the sound, pictures or text that were encoded
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = [
    "DATA_FOLDER",
    "FOOTER_KEY",
    "FRAMES_SUFFIX",
    "PLAN_NAME",
    "SECONDS_SUFFIX",
    "SUMMARY_NAME",
    "FailureCode",
    "Level",
    "SetPlan",
    "ShardCounts",
    "ShardRecord",
    "SplitPlan",
]

DATA_FOLDER: Final = "data"
PLAN_NAME: Final = "plan.json"
SUMMARY_NAME: Final = "features.json"
FOOTER_KEY: Final = "emotalk-features"
FRAMES_SUFFIX: Final = "_frames"
SECONDS_SUFFIX: Final = "_seconds"

Level = Literal["utterance", "frame"]
FailureCode = Literal["missing", "unreadable", "refused", "encoder", "memory", "not_finite"]
"""Why a row is null.

missing      the row has no such text, sound or pictures: nothing failed
unreadable   they are damaged
refused      there is nothing to encode in them: empty text, no face, too short
encoder      the encoder raised an error
memory       the device has too little memory for this utterance alone
not_finite   the encoder gave NaN or infinity, or numbers that `storage` cannot hold
"""

_Count = Annotated[int, Field(ge=0)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Split = Annotated[str, Field(pattern=r"^\w+(\.\w+)*$", max_length=100)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShardCounts(_Part):
    """What became of the rows of a shard.

    Attributes:
        made: rows with features.
        missing: null, since there was nothing to encode.
        failed: null, with another reason.
        noted: of those made, rows with notes.
        frames: vectors of all rows that were made.
    """

    made: _Count = 0
    missing: _Count = 0
    failed: _Count = 0
    noted: _Count = 0
    frames: _Count = 0

    @property
    def rows(self) -> int:
        """All rows."""
        return self.made + self.missing + self.failed

    def __add__(self, other: ShardCounts) -> ShardCounts:
        mine, others = self.model_dump(), other.model_dump()
        return ShardCounts(**{name: mine[name] + others[name] for name in mine})


class ShardRecord(_Part):
    """The footer of a shard, as JSON in the Parquet file's metadata.

    Nothing in it tells when or how fast it was made: a run that was broken off and went on gives the same bytes.

    Attributes:
        version: of this form.
        spec: what decided the numbers.
        spec_digest: `spec.digest()`.
        levels: which columns there are.
        corpus: whose utterances they are; None for other rows.
        split: the split of its rows.
        number: of this shard among those of the split.
        total: shards of the split.
        start: first row of the split that it holds.
        num_rows: how many.
        ids_digest: of its utterance ids, in their order.
        source_digest: of what its rows were made from, as cheaply as it can be told: text, and size and time of
            files.
        counts: what became of its rows.
        max_batch_seconds: how much was encoded at once.
        device: what calculated, such as `cpu` or `NVIDIA H200`.
        libraries: versions of what took part.
    """

    version: Literal[1] = 1
    spec: FeatureSpec
    spec_digest: _Digest
    levels: tuple[Level, ...]
    corpus: Literal["emotalk", "m3ed"] | None
    split: _Split
    number: _Count
    total: Annotated[int, Field(ge=1)]
    start: _Count
    num_rows: Annotated[int, Field(ge=1)]
    ids_digest: _Digest
    source_digest: _Digest
    counts: ShardCounts
    max_batch_seconds: float
    device: str
    libraries: dict[str, str]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.counts.rows != self.num_rows:
            raise ValueError("the counts do not add up to the rows")
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise ValueError("levels are one or two different ones")
        return self


class SplitPlan(_Part):
    """What a split is to have.

    Attributes:
        num_rows: rows of all its shards.
        num_shards: files.
    """

    num_rows: _Count
    num_shards: _Count

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not (self.num_shards > 0) == (self.num_rows > 0) or self.num_shards > self.num_rows:
            raise ValueError(f"{self.num_rows:,} rows cannot be in {self.num_shards:,} shards")
        return self


class SetPlan(_Part):
    """Which shards a set is to have, as `plan.json` says it: a split of which none is there yet is known by this.

    It says nothing of what is finished; shards do. A set without it is as whole as its shards say.

    Attributes:
        version: of this form.
        splits: what each split is to have.
    """

    version: Literal[1] = 1
    splits: dict[_Split, SplitPlan]

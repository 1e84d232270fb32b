"""What the specs of all encoders have in common."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Compute", "EncoderSpec", "FeatureModality", "Pooling", "Storage"]

FeatureModality = Literal["text", "audio", "video"]
Compute = Literal["float32", "bfloat16", "float16"]
Storage = Literal["float32", "float16"]
Pooling = Literal["mean", "first", "last", "given"]
"""How the vectors of an utterance become one: their mean, the first, the last; or the encoder gives it itself."""

_NAME: Final = r"^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*$"


class EncoderSpec(BaseModel):
    """What all specs have in common.

    Attributes:
        name: of the recipe, such as `clean/chinese-hubert-base`.
        model: the encoder's id on the Hub; or a name, where it is not from there.
        revision: the commit of its weights on the Hub; None in a recipe, whose weights are not looked up yet.
            Weights of a plain folder have `local`.
        weights_digest: blake2b of its weights, configurations and vocabularies, 32 hex digits; None in a recipe,
            or without weights.
        num_dims: D, the length of each vector; None where only the encoder knows.
        pooling: how an utterance's vectors become one.
        compute: what the encoder calculates in.
        storage: what is written. float16 halves the size; values above 65,504 are refused in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    MODALITY: ClassVar[FeatureModality]

    name: Annotated[str, Field(pattern=_NAME, max_length=120)]
    model: Annotated[str, Field(min_length=1, max_length=200)]
    revision: Annotated[str, Field(max_length=100)] | None = None
    weights_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    num_dims: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    pooling: Pooling = "mean"
    compute: Compute = "float32"
    storage: Storage = "float32"

    @property
    def modality(self) -> FeatureModality:
        """What of an utterance is encoded."""
        return self.MODALITY

    @property
    def column(self) -> str:
        """The name of its columns: the last part of the name, with `_` for what is no letter or digit."""
        last = self.name.rpartition("/")[2]
        return "".join(c if c.isalnum() else "_" for c in last)

    def digest(self) -> str:
        """Return 32 hex digits that change with every field."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()

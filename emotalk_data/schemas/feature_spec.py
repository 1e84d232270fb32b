"""What decides the numbers of a feature set: one record for each kind of encoder.

A spec is data. A recipe is a spec before its weights are known; the spec that every shard carries also says
which revision they were, and their digest. Two specs with the same digest give the same numbers, within the
tolerance of the arithmetic (`compute`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from emotalk_data.errors import OptionError, SchemaError, quote
from emotalk_data.schemas.encoder_spec import EncoderSpec, FeatureModality

__all__ = [
    "CallableSpec",
    "DenseNetSpec",
    "FeatureSpec",
    "FrameChoice",
    "OpensmileSpec",
    "SentenceSpec",
    "SpeechSpec",
    "TextSpec",
    "TimmSpec",
    "VisionSpec",
    "WhisperSpec",
    "checked_spec",
    "read_spec",
]

_Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Layers = Annotated[tuple[int, ...], Field(min_length=1, max_length=128)]
_Tokens = Annotated[int, Field(ge=1, le=1_000_000)]


class SpeechSpec(EncoderSpec):
    """A speech encoder of transformers: HuBERT, wav2vec 2.0, WavLM, data2vec-audio.

    Attributes:
        sampling_rate: in Hz; sound is decoded to it, mono.
        layers: which of `hidden_states`: 0 is what goes into the first layer, negative ones count from the end.
        combine: how the layers become one.
        chunk_seconds: sound that is longer is cut into pieces of this length, encoded one by one; None for never.
        padding: `masked`: padding is never seen by a layer, nor counted in a mean. `counted`: sound that is
            longer than a chunk is filled up with zeros to whole chunks after it was normalised, and their frames
            stay, in the mean too, as in EmotionTalk's code.
        max_seconds: sound behind it is left out, and the row's notes say so; None for all.
        exact_seconds: sound is cut or filled up with zeros to this length.
    """

    MODALITY = "audio"

    backend: Literal["speech"] = "speech"
    sampling_rate: Annotated[int, Field(ge=1_000, le=384_000)] = 16_000
    layers: _Layers = (-1,)
    combine: Literal["sum", "mean"] = "mean"
    chunk_seconds: _Seconds | None = 30.0
    padding: Literal["masked", "counted"] = "masked"
    max_seconds: _Seconds | None = None
    exact_seconds: _Seconds | None = None


class WhisperSpec(EncoderSpec):
    """Whisper of transformers.

    Attributes:
        sampling_rate: in Hz.
        states: `encoder`: the encoder's states of real sound, one in 0.02 s. `decoder_start`: the decoder's
            states of two start tokens, (2, D), as in EmotionTalk's code, which ends at 30 s.
        layers: which of the states; see `SpeechSpec`.
        combine: how the layers become one.
    """

    MODALITY = "audio"

    backend: Literal["whisper"] = "whisper"
    sampling_rate: Literal[16_000] = 16_000
    states: Literal["encoder", "decoder_start"] = "encoder"
    layers: _Layers = (-1,)
    combine: Literal["sum", "mean"] = "mean"


class OpensmileSpec(EncoderSpec):
    """Acoustic functionals of openSMILE: one vector an utterance, which is also its only frame.

    Attributes:
        sampling_rate: in Hz.
        model: the configuration: `IS10_paraling_compat`, `IS09_emotion`, `eGeMAPSv02`, …
    """

    MODALITY = "audio"

    backend: Literal["opensmile"] = "opensmile"
    sampling_rate: Annotated[int, Field(ge=1_000, le=384_000)] = 16_000


class TextSpec(EncoderSpec):
    """A text encoder or language model of transformers.

    Attributes:
        text_column: `text` without markup, or `text_raw` with it.
        max_tokens: text behind it is left out, and the row's notes say so; None for the model's own limit.
        special_tokens: whether vectors of [CLS] and the like stay among the frames.
        pool_special_tokens: whether they count when an utterance's vectors become one.
        layers: which of `hidden_states`; see `SpeechSpec`.
        combine: how the layers become one.
    """

    MODALITY = "text"

    backend: Literal["text"] = "text"
    text_column: Literal["text", "text_raw"] = "text"
    max_tokens: _Tokens | None = None
    special_tokens: Literal["drop", "keep"] = "drop"
    pool_special_tokens: bool = False
    layers: _Layers = (-1,)
    combine: Literal["sum", "mean"] = "mean"


class SentenceSpec(EncoderSpec):
    """A model of sentence-transformers: its own sentence vector, and its token vectors as frames.

    Attributes:
        text_column: `text` or `text_raw`.
        max_tokens: as in `TextSpec`.
        prefix: put before each text, such as E5's `query: `.
        normalise: whether sentence vectors get length 1.
    """

    MODALITY = "text"

    backend: Literal["sentence"] = "sentence"
    pooling: Literal["given"] = "given"
    text_column: Literal["text", "text_raw"] = "text"
    max_tokens: _Tokens | None = None
    prefix: Annotated[str, Field(max_length=1_000)] = ""
    normalise: bool = False


class FrameChoice(BaseModel):
    """Which pictures of a clip are encoded; exactly one of the first two, or neither for all of them.

    Attributes:
        num: so many, evenly spaced, as `VideoClip.frames(num)` chooses and EmotionTalk's code does; a clip with
            fewer repeats its last.
        rate: so many a second.
        faces: whether a detector cuts out the face first. Without a detector the whole picture is taken, and the
            spec then says False.
        detector: name of the detector; None without.
        face_size: crops become squares of this many pixels before the encoder's own scaling; None for as they
            are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num: Annotated[int, Field(ge=1, le=10_000)] | None = None
    rate: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] | None = None
    faces: bool = False
    detector: Annotated[str, Field(max_length=200)] | None = None
    face_size: Annotated[int, Field(ge=8, le=4_096)] | None = None


class VisionSpec(EncoderSpec):
    """An image or video encoder of transformers: CLIP, DINOv2, data2vec-vision, VideoMAE.

    Attributes:
        frames: which pictures.
        output: `image_embeds`, CLIP's projected vector of each picture; `last_hidden_state`; or `hidden_states`,
            with `layers` (before a final norm, where the model has one).
        tokens: how the vectors of a picture's patches become one: their sum, their mean, or the class token.
            For a video encoder the mean of the patches of a moment: (moments, D).
        layers: which of `hidden_states`; see `SpeechSpec`.
        combine: how the layers become one.
    """

    MODALITY = "video"

    backend: Literal["vision"] = "vision"
    frames: FrameChoice = FrameChoice(num=8)
    output: Literal["image_embeds", "last_hidden_state", "hidden_states"] = "last_hidden_state"
    tokens: Literal["sum", "mean", "cls"] = "cls"
    layers: _Layers = (-1,)
    combine: Literal["sum", "mean"] = "mean"


class TimmSpec(EncoderSpec):
    """An image encoder of timm: its pooled vector before the classifier, for each picture.

    Attributes:
        frames: which pictures.
        architecture: timm's name of the model.
    """

    MODALITY = "video"

    backend: Literal["timm"] = "timm"
    frames: FrameChoice = FrameChoice(num=8)
    architecture: Annotated[str, Field(min_length=1, max_length=200)]


class DenseNetSpec(EncoderSpec):
    """The face encoder of M3ED: DenseNet-BC-100, growth 12, grey pictures of 64 x 64 pixels, 342 numbers.

    Attributes:
        frames: which pictures.
        mean: taken off each grey value of 0 to 255.
        std: then divided by it.
    """

    MODALITY = "video"

    backend: Literal["densenet"] = "densenet"
    frames: FrameChoice = FrameChoice(faces=True)
    mean: _Finite = 89.936
    std: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 45.955


class CallableSpec(EncoderSpec):
    """An encoder of the user's own.

    Attributes:
        input: what it is given of an utterance.
        params: anything else that decides its numbers.
    """

    backend: Literal["callable"] = "callable"
    input: FeatureModality
    params: dict[str, str | int | _Finite | bool | None] = Field(default_factory=dict)

    @property
    def modality(self) -> FeatureModality:
        """What of an utterance is encoded."""
        return self.input


FeatureSpec: TypeAlias = Annotated[
    SpeechSpec
    | WhisperSpec
    | OpensmileSpec
    | TextSpec
    | SentenceSpec
    | VisionSpec
    | TimmSpec
    | DenseNetSpec
    | CallableSpec,
    Field(discriminator="backend"),
]

_ADAPTER: TypeAdapter[FeatureSpec] = TypeAdapter(FeatureSpec)


def checked_spec(spec: EncoderSpec) -> FeatureSpec:
    """Return a spec whose every field is one that can be: `model_copy(update=...)` checks nothing.

    Raises:
        OptionError: a field that there is not, or a value that it cannot have.
    """
    for part in (spec, getattr(spec, "frames", None)):
        if not isinstance(part, BaseModel):
            continue
        if unknown := sorted(set(vars(part)) - set(type(part).model_fields)):
            fields = ", ".join(type(part).model_fields)
            raise OptionError(f"{type(part).__name__} has no {quote(unknown[0])}; its fields are {fields}.")
    try:
        checked = type(spec).model_validate(spec.model_dump(warnings=False))
    except (ValidationError, TypeError) as error:
        if not isinstance(error, ValidationError):
            raise OptionError(f"the spec cannot be read: {error}.") from error
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the spec"
        raise OptionError(f"{field} of the spec is {quote(first['input'])}: {first['msg']}.") from error
    return cast("FeatureSpec", checked)


def read_spec(values: Any, *, where: str) -> FeatureSpec:
    """Return the spec that a mapping describes.

    Args:
        values: fields to values, `backend` among them.
        where: what to call it in a message: a file, or the name of a recipe.

    Raises:
        SchemaError: it describes none; says which field, and what is expected.
    """
    try:
        return _ADAPTER.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the spec"
        raise SchemaError(
            f"{where}: {field} is {quote(first['input'])}: {first['msg']}.", json_path=field
        ) from error

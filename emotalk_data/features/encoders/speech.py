"""Speech encoders of transformers: HuBERT, wav2vec 2.0, WavLM, UniSpeech, data2vec-audio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.errors import ExtractionError, ModelError, OptionError
from emotalk_data.features.encoders.conv_frames import ConvFrames, cut_pieces
from emotalk_data.features.encoders.layers import check_layers, combine
from emotalk_data.features.encoders.loading import load_model, read_beside, read_processor
from emotalk_data.features.encoders.model_encoder import ModelEncoder
from emotalk_data.features.encoders.sound import decode_sound, sound_seconds
from emotalk_data.features.encoders.weights import Weights, describe_weights
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.schemas.feature_spec import SpeechSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PreparedSpeech", "SpeechEncoder"]

# Classes whose frames do not depend on padding behind them when it is masked: the tests hold this for each.
# All others, such as data2vec-audio with its five convolutions in a row, get batches of one length.
_CAN_BE_PADDED: Final = ("hubert", "wav2vec2", "wavlm", "unispeech", "unispeech-sat")
_MAY_BE_MISSING: Final = ("masked_spec_embed",)  # stands for masked frames in training
_PIECES_AT_ONCE: Final = 8  # of one utterance that is long: a batch of it alone must not outgrow any other
_VARIANCE_FLOOR: Final = 1e-7  # Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm


class PreparedSpeech(NamedTuple):
    """What `SpeechEncoder.prepare` makes of an utterance.

    Attributes:
        pieces: float32 samples of each piece, normalised.
        seconds: of each frame of all pieces, float32, shape (frames,).
        notes: what was left out or odd.
    """

    pieces: tuple[NDArray[np.float32], ...]
    seconds: NDArray[np.float32]
    notes: tuple[str, ...]


class SpeechEncoder(ModelEncoder[SpeechSpec]):
    """A speech encoder that takes samples. A row's numbers do not depend on its batch, within rounding.

    Args:
        spec: which layers, how they become one, and how long sound is cut.
        weights: a folder as `save_pretrained` writes it, with preprocessor_config.json.
        device: such as `cpu` or `cuda:0`.

    Raises:
        ModelError: the folder holds no such encoder, or one that does not fit the spec.
        MissingDependencyError: transformers or torch is not installed.
    """

    def __init__(self, spec: SpeechSpec, weights: Weights, *, device: str = "cpu") -> None:
        config = read_beside("AutoConfig", weights)
        self._conv = _convolutions(config, weights)
        self._is_normalised = _is_normalised(spec, weights)
        check_layers(spec.layers, config.num_hidden_layers + 1)
        self._spec = describe_weights(spec, weights, num_dims=config.hidden_size)
        self._piece = _piece_samples(spec, self._conv)
        self._only_last = all(layer in (-1, config.num_hidden_layers) for layer in spec.layers)
        self._can_be_padded = config.model_type in _CAN_BE_PADDED and not getattr(
            config, "conv_pos_batch_norm", False
        )
        options = {"attn_implementation": "eager"} if config.model_type == "wavlm" else {}
        self._model = load_model(
            weights, compute=spec.compute, device=device, may_be_missing=_MAY_BE_MISSING, **options
        )
        self._device = device
        self._norm, self._first = self._adapt(config)

    def _adapt(self, config: Any) -> tuple[Any, ConvFrames]:
        """Make the model's rows independent of each other."""
        from emotalk_data.features.encoders.group_norm import use_real_lengths
        from emotalk_data.features.encoders.wavlm_mask import use_one_mask

        if config.model_type == "wavlm":
            use_one_mask(self._model)
        norm = use_real_lengths(self._model) if self._can_be_padded else None
        return norm, ConvFrames.first(config.conv_kernel, config.conv_stride)

    def size_seconds(self, utterance: Utterance) -> float:
        """Return how long an utterance is for the encoder.

        Raises:
            MediaError: its sound is damaged.
        """
        if self._spec.exact_seconds is not None:
            return self._spec.exact_seconds
        seconds = min(sound_seconds(utterance), self._spec.max_seconds or math.inf)
        piece = self._spec.chunk_seconds
        if self._spec.padding == "counted" and piece is not None and seconds > piece:
            return math.ceil(seconds / piece) * piece
        return seconds

    def prepare(self, utterance: Utterance) -> PreparedSpeech:
        """Decode, normalise and cut the sound of an utterance.

        Raises:
            MediaError: it is damaged.
            ExtractionError: there is none, it is too short for one frame, or some samples are not numbers.
        """
        spec = self._spec
        limits = [limit for limit in (spec.max_seconds, spec.exact_seconds) if limit is not None]
        samples, notes = decode_sound(
            utterance, sampling_rate=spec.sampling_rate, max_seconds=min(limits, default=None)
        )
        if self._is_normalised:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + _VARIANCE_FLOOR)
        if spec.exact_seconds is not None and len(samples) < (
            wanted := round(spec.exact_seconds * spec.sampling_rate)
        ):
            seconds = len(samples) / spec.sampling_rate
            notes = (*notes, f"filled up with zeros from {seconds:.3f} s to {spec.exact_seconds:g} s")
            samples = np.pad(samples, (0, wanted - len(samples)))
        if self._conv.count(len(samples)) < 1:
            raise ExtractionError(
                f"the sound has {len(samples)} samples at {spec.sampling_rate} Hz, and one frame needs "
                f"{self._conv.window}",
                utterance_id=utterance.utterance_id,
            )
        if spec.padding == "counted" and self._piece is not None and len(samples) > self._piece:
            return self._fill_up(samples, self._piece, notes)
        bounds = cut_pieces(len(samples), self._piece, self._conv.window)
        pieces = tuple(samples[start:stop] for start, stop in bounds)
        return PreparedSpeech(pieces, self._seconds([start for start, _ in bounds], pieces), notes)

    def _fill_up(self, samples: NDArray[np.float32], piece: int, notes: tuple[str, ...]) -> PreparedSpeech:
        """Cut into whole pieces, the last one with zeros behind the sound, whose frames stay."""
        num_pieces = math.ceil(len(samples) / piece)
        filled = np.zeros(num_pieces * piece, np.float32)
        filled[: len(samples)] = samples
        pieces = tuple(filled.reshape(num_pieces, piece))
        seconds = self._seconds(range(0, len(filled), piece), pieces)
        # A frame is of zeros alone when its window starts behind the sound.
        starts = seconds.astype(np.float64) * self._spec.sampling_rate - self._conv.window / 2
        num_empty = int(np.count_nonzero(np.rint(starts) >= len(samples)))
        note = f"{num_empty} of {len(seconds)} frames are of padding alone, and counted"
        return PreparedSpeech(pieces, seconds, (*notes, note) if num_empty else notes)

    def _seconds(self, starts: Sequence[int], pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        rate = self._spec.sampling_rate
        return np.concatenate(
            [
                self._conv.seconds(len(piece), rate) + np.float32(start / rate)
                for start, piece in zip(starts, pieces, strict=True)
            ]
        )

    def extract(self, batch: Sequence[PreparedSpeech]) -> list[Encoded]:
        """Encode some utterances, each piece as a row of its own.

        Returns:
            For each utterance float32 frames (T, D) of all its pieces, their times, and its notes.

        Raises:
            ModelError: the encoder gave another number of frames than its convolutions say.
        """
        rows = [piece for prepared in batch for piece in prepared.pieces]
        frames: list[Any] = [None] * len(rows)
        for numbers in self._passes([len(row) for row in rows], is_alone=len(batch) == 1):
            for number, states in zip(numbers, self._encode([rows[i] for i in numbers]), strict=True):
                frames[number] = states
        encoded = []
        for prepared in batch:
            own, frames = frames[: len(prepared.pieces)], frames[len(prepared.pieces) :]
            values = own[0] if len(own) == 1 else np.concatenate(own)
            encoded.append(Encoded(values, prepared.seconds, None, prepared.notes))
        return encoded

    def _passes(self, lengths: Sequence[int], *, is_alone: bool) -> list[list[int]]:
        """Return which rows go through the model together."""
        groups: dict[int, list[int]] = {}
        for number, length in enumerate(lengths):
            groups.setdefault(0 if self._can_be_padded else length, []).append(number)
        size = _PIECES_AT_ONCE if is_alone else max(1, len(lengths))
        return [
            group[start : start + size] for group in groups.values() for start in range(0, len(group), size)
        ]

    def _encode(self, rows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return the frames of some rows, padded to one length where they may be."""
        import torch

        from emotalk_data.features.encoders.precision import inference

        lengths = [len(row) for row in rows]
        padded = np.zeros((len(rows), max(lengths)), np.float32)
        for place, row in zip(padded, rows, strict=True):
            place[: len(row)] = row
        mask = None
        if min(lengths) < max(lengths):
            ends = torch.tensor(lengths, device=self._device)[:, None]
            mask = (torch.arange(max(lengths), device=self._device) < ends).long()
        if self._norm is not None:
            self._norm.lengths = [self._first.count(length) for length in lengths]
        with inference():
            values = torch.from_numpy(padded).to(self._device, self._model.dtype)
            output = self._model(values, attention_mask=mask, output_hidden_states=not self._only_last)
            states = self._combine(output).cpu().numpy()
        return self._real_frames(states, lengths)

    def _combine(self, output: Any) -> Any:
        if self._only_last:
            hidden: tuple[Any, ...] = (output.last_hidden_state,)
            return combine(hidden, [-1] * len(self._spec.layers), self._spec.combine)
        # With a final normalisation, as "large" models have it, transformers 4 gave the last state behind it, and
        # EmotionTalk's features have it so; transformers 5 gives it before.
        hidden = (*output.hidden_states[:-1], output.last_hidden_state)
        return combine(hidden, self._spec.layers, self._spec.combine)

    def _real_frames(self, states: NDArray[np.float32], lengths: Sequence[int]) -> list[NDArray[np.float32]]:
        counts = [self._conv.count(length) for length in lengths]
        if states.shape[1] != max(counts):
            raise ModelError(
                f"{self._spec.model} gave {states.shape[1]} frames of {max(lengths)} samples; its convolutions "
                f"say {max(counts)}. This kind of encoder is not supported."
            )
        return [row[:count] for row, count in zip(states, counts, strict=True)]


def _convolutions(config: Any, weights: Weights) -> ConvFrames:
    """Return the convolutions over samples that a configuration describes.

    Raises:
        ModelError: it describes an encoder of another kind.
    """
    kernels, strides = getattr(config, "conv_kernel", None), getattr(config, "conv_stride", None)
    if not isinstance(kernels, list | tuple) or not isinstance(strides, list | tuple):
        raise ModelError(
            f"the model in {weights.folder} is of type {config.model_type!r}, which takes no samples of sound; "
            "expected HuBERT, wav2vec 2.0, WavLM, UniSpeech or data2vec-audio.",
            path=str(weights.folder),
        )
    if getattr(config, "add_adapter", False):
        raise ModelError(
            f"the model in {weights.folder} has an adapter, which gives fewer frames than its layers. "
            "Set add_adapter to false in config.json to take the layers' frames.",
            path=str(weights.folder),
        )
    return ConvFrames(kernels, strides)


def _is_normalised(spec: SpeechSpec, weights: Weights) -> bool:
    """Return whether the encoder takes sound of mean 0 and variance 1.

    Raises:
        ModelError: the file beside its weights does not say so, or names another sampling rate.
    """
    path, values = read_processor(weights.folder, "feature_extractor")
    rate, normalises = values.get("sampling_rate"), values.get("do_normalize")
    if not isinstance(rate, int) or not isinstance(normalises, bool):
        raise ModelError(
            f"{path} does not say sampling_rate and do_normalize, as that of a speech encoder does. Take the "
            "file that belongs to the weights.",
            path=str(path),
        )
    if rate != spec.sampling_rate:
        raise ModelError(
            f"the encoder in {weights.folder} takes sound of {rate} Hz, and the spec says {spec.sampling_rate}. "
            f"Set sampling_rate={rate}.",
            path=str(path),
        )
    return normalises


def _piece_samples(spec: SpeechSpec, conv: ConvFrames) -> int | None:
    """Return how many samples a piece has; None when sound is never cut.

    Raises:
        OptionError: too few for a frame.
    """
    if spec.chunk_seconds is None:
        return None
    samples = round(spec.chunk_seconds * spec.sampling_rate)
    if samples < conv.window:
        raise OptionError(
            f"chunk_seconds={spec.chunk_seconds:g} is {samples} samples at {spec.sampling_rate} Hz, and a frame "
            f"needs {conv.window}."
        )
    return samples

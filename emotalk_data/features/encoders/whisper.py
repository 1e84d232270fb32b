"""Whisper of transformers: its encoder's states of real sound, or its decoder's of two start tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.errors import ModelError
from emotalk_data.features.encoders.conv_frames import cut_pieces
from emotalk_data.features.encoders.layers import check_layers, combine
from emotalk_data.features.encoders.loading import load_model, read_beside
from emotalk_data.features.encoders.model_encoder import ModelEncoder
from emotalk_data.features.encoders.sound import decode_sound, sound_seconds
from emotalk_data.features.encoders.weights import Weights, describe_weights
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.schemas.feature_spec import WhisperSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PreparedWhisper", "WhisperEncoder"]

_WINDOW_SECONDS: Final = 30
_HOP: Final = 320  # samples: mel frames are 160 apart, and the second convolution takes every other one
_PIECES_AT_ONCE: Final = 16  # of one utterance that is long


class PreparedWhisper(NamedTuple):
    """What `WhisperEncoder.prepare` makes of an utterance.

    Attributes:
        mels: float32, shape (pieces, mel channels, 3000): each piece filled up to 30 s.
        num_frames: of real sound in each piece.
        notes: what was left out or odd.
    """

    mels: NDArray[np.float32]
    num_frames: tuple[int, ...]
    notes: tuple[str, ...]


class WhisperEncoder(ModelEncoder[WhisperSpec]):
    """Whisper. It always takes 30 s; frames of what was filled up are left out.

    Args:
        spec: which states, and which layers.
        weights: a folder as `save_pretrained` writes it, with preprocessor_config.json.
        device: such as `cpu` or `cuda:0`.

    Raises:
        ModelError: the folder holds no Whisper, or one that does not fit the spec.
        MissingDependencyError: transformers or torch is not installed.
    """

    def __init__(self, spec: WhisperSpec, weights: Weights, *, device: str = "cpu") -> None:
        config = read_beside("AutoConfig", weights)
        if config.model_type != "whisper":
            raise ModelError(
                f"the model in {weights.folder} is of type {config.model_type!r}; expected Whisper.",
                path=str(weights.folder),
            )
        self._features = read_beside("WhisperFeatureExtractor", weights)
        self._window = self._features.n_samples
        self._is_encoder = spec.states == "encoder"
        _check_window(self._features, config, spec, weights)
        num_layers = config.encoder_layers if self._is_encoder else config.decoder_layers
        check_layers(spec.layers, num_layers + 1)
        self._only_last = all(layer in (-1, num_layers) for layer in spec.layers)
        self._spec = describe_weights(spec, weights, num_dims=config.d_model)
        model = load_model(weights, compute=spec.compute, device=device)
        self._model = model.get_encoder() if self._is_encoder else model
        self._start_token = config.decoder_start_token_id
        self._device = device

    def size_seconds(self, utterance: Utterance) -> float:
        """Return how long an utterance is for the encoder: whole windows of 30 s.

        Raises:
            MediaError: its sound is damaged.
        """
        if not self._is_encoder:
            return _WINDOW_SECONDS
        return max(1, math.ceil(sound_seconds(utterance) / _WINDOW_SECONDS)) * _WINDOW_SECONDS

    def prepare(self, utterance: Utterance) -> PreparedWhisper:
        """Decode the sound of an utterance and compute its log-mel spectrum, in windows of 30 s.

        Raises:
            MediaError: it is damaged.
            ExtractionError: there is none, or some samples are not numbers.
        """
        samples, notes = decode_sound(
            utterance,
            sampling_rate=self._spec.sampling_rate,
            max_seconds=None if self._is_encoder else _WINDOW_SECONDS,
        )
        pieces = [samples[a:b] for a, b in cut_pieces(len(samples), self._window, 1)]
        # One at a time: the extractor's numbers for a batch are those of each alone, and memory stays small.
        mels = [
            self._features(piece, sampling_rate=self._spec.sampling_rate, return_tensors="np").input_features[
                0
            ]
            for piece in pieces
        ]
        return PreparedWhisper(np.stack(mels), tuple(math.ceil(len(piece) / _HOP) for piece in pieces), notes)

    def extract(self, batch: Sequence[PreparedWhisper]) -> list[Encoded]:
        """Encode some utterances.

        Returns:
            For each utterance float32 frames: (T, D), one in 0.02 s of sound, with their times; or (2, D), of the
            decoder's start tokens, without.
        """
        mels = [mel for prepared in batch for mel in prepared.mels]
        size = _PIECES_AT_ONCE if len(batch) == 1 else len(mels)
        longest = max(count for prepared in batch for count in prepared.num_frames) if self._is_encoder else 2
        states = [
            row
            for start in range(0, len(mels), size)
            for row in self._encode(mels[start : start + size], longest)
        ]
        encoded = []
        for prepared in batch:
            own, states = states[: len(prepared.mels)], states[len(prepared.mels) :]
            if self._is_encoder:
                encoded.append(self._sound_frames(own, prepared))
            else:
                encoded.append(Encoded(own[0].copy(), None, None, prepared.notes))
        return encoded

    def _sound_frames(self, states: Sequence[NDArray[np.float32]], prepared: PreparedWhisper) -> Encoded:
        """Join the frames of real sound. Frame i is centred on sample 320 i, as its spectrum is."""
        counts = prepared.num_frames
        values = np.concatenate([row[:count] for row, count in zip(states, counts, strict=True)])
        samples = np.concatenate(
            [np.arange(count) * _HOP + i * self._window for i, count in enumerate(counts)]
        )
        seconds = (samples / self._spec.sampling_rate).astype(np.float32)
        return Encoded(values, seconds, None, prepared.notes)

    def _encode(self, mels: Sequence[NDArray[np.float32]], longest: int) -> NDArray[np.float32]:
        """Return (rows, frames, D) of some windows, the first frames alone: most of 30 s is no sound."""
        import torch

        from emotalk_data.features.encoders.precision import inference

        with inference():
            values = torch.from_numpy(np.stack(mels)).to(self._device, self._model.dtype)
            states: NDArray[np.float32] = self._states(values)[:, :longest].cpu().numpy()
        return states

    def _states(self, values: Any) -> Any:
        """Return the states of some windows, of their sound or of two start tokens, on the device."""
        import torch

        kept = {"output_hidden_states": not self._only_last}  # all of 32 layers are 250 MB for each window
        if self._is_encoder:
            output = self._model(values, **kept)
        else:
            heard = self._model.encoder(values).last_hidden_state
            tokens = torch.full((len(values), 2), self._start_token, device=self._device)
            output = self._model.decoder(tokens, encoder_hidden_states=heard, use_cache=False, **kept)
        if self._only_last:
            return combine((output.last_hidden_state,), [-1] * len(self._spec.layers), self._spec.combine)
        return combine(output.hidden_states, self._spec.layers, self._spec.combine)


def _check_window(features: Any, config: Any, spec: WhisperSpec, weights: Weights) -> None:
    """Do nothing when the spectrum that is computed is the one that the model takes.

    Raises:
        ModelError: it is not.
    """
    expected = {
        "sampling_rate": (features.sampling_rate, spec.sampling_rate),
        "feature_size": (features.feature_size, config.num_mel_bins),
        "nb_max_frames": (features.nb_max_frames, 2 * config.max_source_positions),
        "n_samples": (features.n_samples, _WINDOW_SECONDS * spec.sampling_rate),
    }
    for name, (found, wanted) in expected.items():
        if found != wanted:
            raise ModelError(
                f"preprocessor_config.json in {weights.folder} has {name}={found}, and the model takes {wanted}. "
                "Take the files that belong together.",
                path=str(weights.folder),
            )

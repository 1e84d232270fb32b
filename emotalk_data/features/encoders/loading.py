"""A transformers model from its folder: in the number format that was asked for, complete, and quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotalk_data._optional import require
from emotalk_data.errors import ModelError, OptionError, quote

if TYPE_CHECKING:
    from emotalk_data.features.encoders.weights import Weights
    from emotalk_data.schemas.encoder_spec import Compute

__all__ = ["check_loaded", "load_model", "quiet_transformers", "read_beside", "read_processor", "to_device"]

_PURPOSE = "encode with a transformers model"
# Not weights: constants that older releases of transformers wrote into checkpoints, and newer ones compute.
_CONSTANTS = ("position_ids", "inv_freq", "masked_bias", "num_batches_tracked")


def load_model(
    weights: Weights,
    *,
    compute: Compute,
    device: str,
    loader: str = "AutoModel",
    may_be_missing: Sequence[str] = (),
    **options: Any,
) -> Any:
    """Return a model in evaluation mode, without gradients, on its device.

    Args:
        weights: as `find_weights` found them.
        compute: what it calculates in, whatever the checkpoint was saved in.
        device: such as `cpu` or `cuda:0`.
        loader: name of the class in transformers whose `from_pretrained` is called.
        may_be_missing: last parts of the names of parameters that no state depends on.
        options: for `from_pretrained`, such as `attn_implementation="eager"`.

    Raises:
        ModelError: the folder holds no model of transformers that needs no code of its own; or weights are
            missing, superfluous or of another shape; or they do not fit in the device's memory.
        OptionError: torch cannot use this device.
        MissingDependencyError: transformers or torch is not installed.
    """
    torch = require("torch", extra="features", purpose=_PURPOSE)
    transformers = _transformers()
    where = quote(str(weights.folder))
    try:
        with quiet_transformers():
            model, info = getattr(transformers, loader).from_pretrained(
                weights.folder,
                dtype=getattr(torch, compute),
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
                **options,
            )
    except Exception as error:  # whatever a damaged or foreign folder makes transformers say
        raise ModelError(
            f"no model could be loaded from {where}: {type(error).__name__}: {error}. Expected what "
            "save_pretrained writes, of a class that is part of transformers.",
            path=str(weights.folder),
        ) from error
    check_loaded(model, info, weights=weights, may_be_missing=may_be_missing)
    model.eval().requires_grad_(False)
    return to_device(model, device)


def check_loaded(
    model: Any, info: dict[str, Any], *, weights: Weights, may_be_missing: Sequence[str] = ()
) -> None:
    """Do nothing when a model's parameters all came from its files.

    Args:
        model: as loaded.
        info: what `from_pretrained(…, output_loading_info=True)` gave beside it.
        weights: where from.
        may_be_missing: last parts of the names of parameters that no state depends on.

    Raises:
        ModelError: some are missing or of another shape, so that they would be random; or the files hold more
            than the configuration says, of a part that the model has: its layers do not fit.
    """
    missing = sorted(
        key for key in info["missing_keys"] if not key.endswith(tuple(may_be_missing) or ("\0",))
    )
    missing += sorted(str(key[0]) for key in info["mismatched_keys"])
    where = quote(str(weights.folder))
    if missing:
        raise ModelError(
            f"the weights in {where} lack {len(missing)} of the model's parameters, which would be random: "
            f"{', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}. "
            "Take the checkpoint that belongs to config.json.",
            path=str(weights.folder),
        )
    prefix = f"{model.base_model_prefix}."
    parts = {name for name, _ in model.named_children()}
    extra = sorted(
        key
        for key in info["unexpected_keys"]
        if key.removeprefix(prefix).partition(".")[0] in parts and not key.endswith(_CONSTANTS)
    )
    if extra:
        raise ModelError(
            f"the weights in {where} have {len(extra)} parameters that config.json has no place for: "
            f"{', '.join(extra[:3])}{', …' if len(extra) > 3 else ''}. Take the one that belongs to them.",
            path=str(weights.folder),
        )


def read_beside(loader: str, weights: Weights, **options: Any) -> Any:
    """Return what lies beside the weights: a configuration, feature extractor, tokenizer or image processor.

    Args:
        loader: name of the class in transformers, such as `AutoConfig`.
        weights: where from.
        options: for its `from_pretrained`.

    Raises:
        ModelError: there is none, or it is damaged.
        MissingDependencyError: transformers is not installed.
    """
    transformers = _transformers()
    try:
        with quiet_transformers():
            return getattr(transformers, loader).from_pretrained(
                weights.folder, local_files_only=True, trust_remote_code=False, **options
            )
    except Exception as error:
        raise ModelError(
            f"{loader} finds nothing that it can read in {quote(str(weights.folder))}: "
            f"{type(error).__name__}: {error}. Copy the model's small files beside its weights too.",
            path=str(weights.folder),
        ) from error


def read_processor(folder: Path, part: str) -> tuple[Path, dict[str, Any]]:
    """Return the file beside the weights that says what a model is given, and what it says.

    The classes of transformers take values of their own where it says nothing, or is of another model.

    Args:
        folder: as `save_pretrained` writes it, with `preprocessor_config.json` or `processor_config.json`.
        part: `feature_extractor` or `image_processor`: where to look in the latter.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    for name in ("preprocessor_config.json", "processor_config.json"):
        path = folder / name
        try:
            values = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read: {error}", path=str(path)) from error
        # Since transformers 5 a model with a tokenizer keeps both in one file.
        if isinstance(values, dict):
            values = values.get(part, values)
        if isinstance(values, dict):
            return path, values
        raise ModelError(f"{path} is no JSON object.", path=str(path))
    raise ModelError(
        f"{folder} has no preprocessor_config.json, which says how sound or pictures are made ready for the "
        "model. Copy it beside the weights too.",
        path=str(folder),
    )


def to_device(model: Any, device: Any) -> Any:
    """Return a model of torch, on a device.

    Args:
        model: on the CPU.
        device: such as `cpu` or `cuda:0`.

    Raises:
        OptionError: torch knows no such device, or cannot use it.
        ModelError: the model does not fit in its memory.
    """
    torch = require("torch", extra="features", purpose=_PURPOSE)
    expected = "expected such as 'cpu', 'cuda' or 'cuda:1'."
    try:
        kind = torch.device(device).type if isinstance(device, str) else "meta"
    except RuntimeError as error:
        raise OptionError(f"device is {quote(device)}; {expected}") from error
    if kind == "meta":  # has shapes and no numbers
        raise OptionError(f"device is {quote(device)}; {expected}")
    try:
        return model.to(device)
    except (
        AssertionError,
        MemoryError,
        RuntimeError,
    ) as error:  # the second is of the CPU, the others of a GPU
        first = str(error).strip().partition("\n")[0][:160]
        if isinstance(error, MemoryError) or "out of memory" in first.lower():
            size = sum(parameter.nbytes for parameter in model.parameters()) / 1e9
            raise ModelError(
                f"the model, of {size:.1f} GB, does not fit in the memory of {device}: {first} Take another "
                'device; or compute="bfloat16", --compute bfloat16, which needs half of what float32 does.'
            ) from error
        raise OptionError(
            f"device is {quote(device)}, and torch cannot use it: {first}; {expected}"
        ) from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing bars and tables while a model is loaded: what matters is raised."""
    logging = _transformers().logging
    verbosity = logging.get_verbosity()
    set_hook = getattr(logging, "set_tqdm_hook", lambda hook: hook)  # absent from early releases of 5
    before = set_hook(lambda bar, args, kwargs: bar(*args, **{**kwargs, "disable": True}))
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        set_hook(before)


def _transformers() -> Any:
    """Import transformers, torch before it: without torch it would print advice of its own."""
    require("torch", extra="features", purpose=_PURPOSE)
    return require("transformers", extra="features", purpose=_PURPOSE)

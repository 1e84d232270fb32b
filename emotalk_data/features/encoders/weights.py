"""Where an encoder's weights are: a folder of the user's, or the cache of the Hub; and their digest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from emotalk_data.errors import ModelError, OptionError, quote
from emotalk_data.schemas.encoder_spec import EncoderSpec

__all__ = ["LOCAL_REVISION", "Weights", "describe_weights", "find_weights", "weight_files"]

LOCAL_REVISION: Final = "local"
"""Revision of weights that lie in a plain folder."""

# Best first: what transformers takes when a folder has several kinds. The last two are for single files.
_KINDS: Final = (
    ("model.safetensors", "model-*-of-*.safetensors"),
    ("*.safetensors",),
    ("pytorch_model.bin", "pytorch_model-*-of-*.bin"),
    ("*.bin",),
    ("*.pt", "*.pth"),
)
_NO_WEIGHTS: Final = ("training_args.bin", "optimizer.*", "scheduler.*", "rng_state*")
_BESIDE: Final = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")  # configurations and tokenizers
# Those of them that decide numbers; what a training or a card left beside them does not.
_DECISIVE: Final = (
    *("config.json", "config_sentence_transformers.json", "modules.json", "sentence_*_config.json"),
    *("*processor_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("tokenizer*.json", "vocab.*", "merges.txt", "*.model"),
)
_OTHER_FORMATS: Final = ("onnx/*", "openvino/*", "coreml/*", *_NO_WEIGHTS)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_BLOCK_BYTES: Final = 1 << 22

_Spec = TypeVar("_Spec", bound=EncoderSpec)


class Weights(NamedTuple):
    """An encoder's files.

    Attributes:
        folder: with configuration and weights; or the weight file itself, where one was given.
        revision: the commit on the Hub; `local` for a plain folder or file.
        digest: blake2b of names and content of the weights, and of the configurations and vocabularies beside
            them, 32 hex digits.
    """

    folder: Path
    revision: str
    digest: str


def find_weights(
    model: str, *, model_path: str | os.PathLike[str] | None = None, revision: str | None = None
) -> Weights:
    """Return where an encoder's weights are; download them if they are nowhere.

    All of the weights are read once, for their digest.

    Args:
        model: its id on the Hub, such as `TencentGameMate/chinese-hubert-base`.
        model_path: a folder as `save_pretrained` writes it, or one weight file. Nothing is downloaded then.
        revision: a branch, tag or commit on the Hub; its main branch if omitted.

    Raises:
        ModelError: there are no weights at `model_path`; or the Hub does not know the model or its revision,
            does not let us have it, or cannot be reached while the cache does not hold it.
        OptionError: both `model_path` and `revision` were given.
    """
    if model_path is not None:
        if revision is not None:
            raise OptionError(
                f"revision={quote(revision)} names a commit on the Hub, and model_path={quote(str(model_path))} "
                "is taken as it is. Leave one of them out."
            )
        folder = _existing(Path(model_path))
    else:
        folder = _from_hub(model, revision)
    return Weights(folder, _revision_of(folder), _digest(folder))


def describe_weights(spec: _Spec, weights: Weights, *, num_dims: int) -> _Spec:
    """Return a spec that says which weights it is of.

    Args:
        spec: a recipe's, or that of features that were made earlier.
        weights: as found.
        num_dims: D, as the loaded encoder has it.

    Raises:
        ModelError: the spec already says which weights, or how long its vectors are, and these are others.
    """
    where = quote(str(weights.folder))
    if spec.weights_digest is not None and spec.weights_digest != weights.digest:
        raise ModelError(
            f"{spec.name} was made with weights of digest {spec.weights_digest}, and those in {where} have "
            f"{weights.digest}. Take the same revision ({spec.revision}), or a new folder for the features.",
            path=str(weights.folder),
        )
    if spec.num_dims is not None and spec.num_dims != num_dims:
        raise ModelError(
            f"{spec.name} has vectors of {spec.num_dims} numbers, and the encoder in {where} gives {num_dims}. "
            f"Expected the weights of {spec.model}.",
            path=str(weights.folder),
        )
    known = {"num_dims": num_dims, "revision": weights.revision, "weights_digest": weights.digest}
    return spec.model_copy(update=known)


def weight_files(path: Path) -> tuple[Path, ...]:
    """Return the weight files of a folder, sorted by name; none when there are none.

    safetensors come before anything else; the numbered subfolders of sentence-transformers are looked into.
    """
    if path.is_file():
        return (path,)
    folders = [path, *sorted(part for part in path.glob("[0-9]*_*") if part.is_dir())]
    return tuple(file for folder in folders for file in _best_files(folder))


def _best_files(folder: Path) -> list[Path]:
    for patterns in _KINDS:
        found = {
            file
            for pattern in patterns
            for file in folder.glob(pattern)
            if file.is_file() and not any(file.match(other) for other in _NO_WEIGHTS)
        }
        if found:
            return sorted(found)
    return []


def _decisive_files(path: Path) -> Iterator[Path]:
    """Yield the configurations and vocabularies of a folder and of its numbered subfolders."""
    for pattern in _DECISIVE:
        yield from (file for file in path.glob(pattern) if file.is_file())
        yield from (file for file in path.glob(f"[0-9]*_*/{pattern}") if file.is_file())


def _existing(given: Path) -> Path:
    try:
        path = given.expanduser()
    except RuntimeError:  # `~nobody`
        path = given
    if not path.exists():
        raise ModelError(
            f"there is nothing at model_path={quote(str(path))}. Give a folder with config.json and "
            "model.safetensors, as save_pretrained writes it.",
            path=str(path),
        )
    if not weight_files(path):
        raise ModelError(
            f"the folder {quote(str(path))} has no weights: expected *.safetensors, *.bin, *.pt or *.pth. "
            "Was the download complete?",
            path=str(path),
        )
    return path


def _from_hub(model: str, revision: str | None) -> Path:
    """Look into the cache and ask the Hub, safetensors first."""
    for patterns in _KINDS:
        folder = _snapshot(model, revision, patterns)
        if weight_files(folder):
            return folder
        revision = folder.name  # the same commit for the next kind
    if _is_offline():
        raise ModelError(
            f"the Hub's cache has no weights of {model}, only its small files, in {quote(str(folder))}, and "
            f"HF_HUB_OFFLINE is set. Run `hf download {model}` on a machine with network, or give its folder as "
            "model_path."
        )
    raise ModelError(
        f"{model} has no weights in a format that is safe to load: expected *.safetensors or PyTorch's *.bin. "
        "Convert them, and give the folder as model_path."
    )


def _snapshot(model: str, revision: str | None, patterns: tuple[str, ...]) -> Path:
    """Return the cache's folder of one commit, with configurations and the files of some patterns.

    Raises:
        ModelError: each way in which that fails, and what to do about it.
    """
    from huggingface_hub import errors, snapshot_download

    at = f" at revision {quote(revision)}" if revision else ""
    wanted = [*_BESIDE, *patterns, *(f"[0-9]*_*/{pattern}" for pattern in patterns)]
    try:
        return Path(
            snapshot_download(
                model, revision=revision, allow_patterns=wanted, ignore_patterns=[*_OTHER_FORMATS]
            )
        )
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{model} is gated: accept its terms on its page of the Hub, then log in with `hf auth login` or "
            "set HF_TOKEN."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"{model} has no revision {quote(revision)} on the Hub. Check its commits."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"the Hub has no model {quote(model)}, or it is private. Check its name; log in with "
            "`hf auth login` or set HF_TOKEN if it is private."
        ) from error
    except errors.HFValidationError as error:
        raise ModelError(f"{quote(model)} is no id of a model on the Hub; expected owner/name.") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise ModelError(
            f"{model}{at} is not complete in the Hub's cache, and the Hub cannot be reached"
            f"{' (HF_HUB_OFFLINE is set)' if _is_offline() else ''}. "
            f"Run `hf download {model}` on a machine with network, or give its folder as model_path."
        ) from error
    except (errors.HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{model}{at} could not be downloaded: {type(error).__name__}: {error}. Try again, or give its "
            "folder as model_path."
        ) from error


def _is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _revision_of(path: Path) -> str:
    """Return the commit of a folder in the Hub's cache, `…/snapshots/<commit>`."""
    folder = path.absolute()
    is_snapshot = folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name)
    return folder.name if is_snapshot else LOCAL_REVISION


def _digest(path: Path) -> str:
    """Return the digest of what decides an encoder's numbers; a single file counts under its own name.

    Raises:
        ModelError: one cannot be read.
    """
    digest = blake2b(digest_size=16)
    base = path.parent if path.is_file() else path
    for file in sorted({*weight_files(path), *_decisive_files(path)}):
        name = file.relative_to(base).as_posix().encode()
        try:
            size = file.stat().st_size
            digest.update(b"%d:%s:%d:" % (len(name), name, size))
            for block in _blocks(file):
                digest.update(block)
        except OSError as error:
            raise ModelError(
                f"the weights in {quote(str(file))} cannot be read: {error.strerror or error}.",
                path=str(file),
            ) from error
    return digest.hexdigest()


def _blocks(file: Path) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with file.open("rb", buffering=0) as opened:
        while count := opened.readinto(buffer):
            yield buffer[:count]

"""Why a row is null: errors of `prepare` and `extract`, each as a code and one line."""

from __future__ import annotations

import re
import sys
import traceback
from typing import TYPE_CHECKING, Final, NamedTuple

from emotalk_data.errors import (
    EmotalkError,
    ExtractionError,
    MissingDependencyError,
    ModelError,
    OptionError,
    printable,
)

if TYPE_CHECKING:
    from emotalk_data.schemas.feature_shard import FailureCode

__all__ = ["Failure", "check_device", "failure_of", "is_out_of_memory", "is_set_up", "one_line"]

_MAX_CHARS: Final = 300
# `/home/me/data/x.wav` becomes `x.wav`: a set may be passed on, and the folders are nobody's business.
_FOLDERS: Final = re.compile(r"(?<![\w./])/(?:[^/\s'\"]+/)+")
_OUT_OF_MEMORY: Final = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",  # there was no memory for its handle
    "unable to find an engine to execute this computation",  # cuDNN: none found the memory that it needs
)


class Failure(NamedTuple):
    """Why an utterance has no features.

    Attributes:
        code: what kind of reason.
        message: one line, at most 300 characters with the code.
        cause: the error, without what its frames held.
    """

    code: FailureCode
    message: str
    cause: BaseException | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"[:_MAX_CHARS]


def one_line(text: str) -> str:
    """Return text as one printable line without the folders of absolute paths, cut to what a reason may have."""
    line = printable(_FOLDERS.sub("", " ".join(text[: 4 * _MAX_CHARS].split())))
    return line if len(line) <= _MAX_CHARS else f"{line[: _MAX_CHARS - 1]}…"


def failure_of(error: Exception) -> Failure:
    """Return the reason that an error of an encoder stands for. What its frames held is let go."""
    _let_go(error)
    if is_out_of_memory(error):
        return Failure("memory", _named(error), error)
    if isinstance(error, ExtractionError):
        return Failure("refused", one_line(str(error)), error)
    if isinstance(error, EmotalkError) and not isinstance(error, OptionError):
        return Failure("unreadable", one_line(str(error)), error)
    return Failure("encoder", _named(error), error)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that the device, or the machine, has too little memory for what was asked."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)


def is_set_up(error: BaseException) -> bool:
    """Say whether an error is of the set-up and not of an utterance: the run ends with it."""
    return isinstance(error, MissingDependencyError | ModelError)


def check_device(error: BaseException, device: str = "cuda") -> None:
    """End the run when the device is lost: all that would follow would fail too, and become null.

    Args:
        error: of an encoder.
        device: where it calculates. It is asked for a sum: not every error of CUDA is the end of a device.

    Raises:
        ExtractionError: it is.
    """
    text = f"{type(error).__name__}: {error}"
    is_of_cuda = isinstance(error, RuntimeError) and "CUDA error" in text and not is_out_of_memory(error)
    if is_of_cuda and not _still_works(device):
        raise ExtractionError(
            f"the device failed and takes no more work: {one_line(text)}. Start again: what is finished stays, "
            "and the same call goes on."
        ) from error


def _still_works(device: str) -> bool:
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return False
    try:
        torch.cuda.synchronize(device)
        return bool(torch.zeros(1, device=device).add_(1).item() == 1)
    except (RuntimeError, AssertionError):  # the second: this torch knows no GPU
        return False


def _named(error: BaseException) -> str:
    text = str(error)
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _let_go(error: BaseException) -> None:
    """Clear the frames of an error: they hold tensors, what a device ran out of memory with."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__

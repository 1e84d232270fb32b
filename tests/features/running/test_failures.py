"""Errors of an encoder: which are of an utterance, which of the set-up, and which of the device."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from emotalk_data.errors import (
    AudioError,
    ExtractionError,
    LimitError,
    MissingDependencyError,
    ModelError,
    OptionError,
    ReleaseNotFoundError,
)
from emotalk_data.features.running.failures import (
    check_device,
    failure_of,
    is_out_of_memory,
    is_set_up,
    one_line,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AudioError("x.wav is cut"), "unreadable: x.wav is cut"),
        (ReleaseNotFoundError("/data/x.wav is not there"), "unreadable: x.wav is not there"),
        (LimitError("a video of 300 s"), "unreadable: a video of 300 s"),
        (ExtractionError("the text is empty"), "refused: the text is empty"),
        (OptionError("shape (2,)"), "encoder: OptionError: shape (2,)"),
        (ValueError("a\nb"), "encoder: ValueError: a b"),
        (MemoryError(), "memory: MemoryError"),
        (torch.OutOfMemoryError("CUDA out of memory"), "memory: OutOfMemoryError: CUDA out of memory"),
        (RuntimeError("[enforce fail] . can't allocate memory: you tried"), "memory: RuntimeError"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate`"), "memory: "),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "memory: RuntimeError"),
        (
            RuntimeError("GET was unable to find an engine to execute this computation"),
            "memory: RuntimeError",
        ),
    ],
)
def test_each_error_has_its_code(error: Exception, expected: str) -> None:
    assert str(failure_of(error)).startswith(expected)


def test_only_memory_counts_as_memory() -> None:
    assert not is_out_of_memory(ValueError("out of memory"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))


def test_what_is_wrong_with_the_set_up_is_not_of_an_utterance() -> None:
    assert is_set_up(ModelError("no weights"))
    assert is_set_up(MissingDependencyError("no torch"))
    assert not is_set_up(ExtractionError("too short"))


def test_a_device_that_is_lost_ends_the_run() -> None:
    check_device(RuntimeError("CUDA error: out of memory"))
    check_device(ValueError("CUDA error: device-side assert triggered"))
    with pytest.raises(
        ExtractionError, match="the device failed and takes no more work: RuntimeError: CUDA error"
    ):
        check_device(RuntimeError("CUDA error: device-side assert triggered"))


@pytest.mark.needs_gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_device_that_still_adds_is_not_lost() -> None:
    check_device(RuntimeError("CUDA error: invalid configuration argument"), "cuda:0")


class Large:
    """Something that a device has little of."""


def test_a_failure_keeps_no_tensor_alive() -> None:
    held: list[weakref.ref[Large]] = []

    def encode() -> None:
        tensor = Large()
        held.append(weakref.ref(tensor))
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("out of memory") from error

    try:
        encode()
    except RuntimeError as error:
        failure = failure_of(error)
    gc.collect()
    assert failure.cause is not None
    assert held[0]() is None


def test_lines_are_short_printable_and_without_folders() -> None:
    assert one_line("cannot open '/home/me/EmotionTalk/wav/x.wav'") == "cannot open 'x.wav'"
    assert one_line("tar://Audio/x.wav::/data/set/Audio.tar is cut") == "tar://Audio/x.wav::Audio.tar is cut"
    assert one_line("see https://pytorch.org/docs/x.html") == "see https://pytorch.org/docs/x.html"
    assert one_line("1/2 and a/b/c") == "1/2 and a/b/c"
    assert one_line("a\x1b[31m\u202eb\n\n  c") == "a\\x1b[31m\\u202eb c"
    assert len(one_line("é" * 5_000)) == 300

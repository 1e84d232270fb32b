"""A batch on the device: too little memory, an utterance that spoils the others, answers that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from emotalk_data.errors import ExtractionError, MissingDependencyError, ModelError
from emotalk_data.features.hook import Encoded
from emotalk_data.features.running.encoding import BatchEncoder
from emotalk_data.features.running.failures import Failure

from .hooks import Numbers, constant


class Checked(Numbers):
    """Calls a function with each batch before it answers."""

    def __init__(self, check: Callable[[Sequence[int]], None]) -> None:
        super().__init__(constant)
        self.check = check

    def extract(self, batch: Sequence[int]) -> list[Encoded]:
        self.batches.append(len(batch))
        self.check(batch)
        return [constant(number) for number in batch]


def holds(limit: float) -> Callable[[Sequence[int]], None]:
    """Return a device that holds so many utterances."""

    def check(batch: Sequence[int]) -> None:
        if len(batch) > limit:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    return check


def numbers_of(answers: Sequence[Any]) -> list[Any]:
    return [answer.code if isinstance(answer, Failure) else int(answer.frames[0, 0]) for answer in answers]


def test_all_answers_come_in_the_order_of_the_batch() -> None:
    encoder = BatchEncoder(Checked(holds(100)), 100)
    assert numbers_of(encoder.encode([3, 1, 2], [1.0, 1.0, 1.0])) == [3, 1, 2]
    assert encoder.encode([], []) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(limit: int) -> None:
    hook = Checked(holds(limit))
    encoder = BatchEncoder(hook, 8)
    values = list(range(8))
    assert numbers_of(encoder.encode(values, [1.0] * 8)) == values
    assert limit / 2 < encoder.max_batch_seconds <= limit
    hook.batches.clear()
    # What follows is tried in smaller batches at once.
    assert numbers_of(encoder.encode(values, [1.0] * 8)) == values
    assert max(hook.batches) <= limit


def test_an_utterance_that_does_not_fit_alone_is_null_and_the_others_are_made() -> None:
    def check(batch: Sequence[int]) -> None:
        if 5 in batch:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    encoder = BatchEncoder(Checked(check), 8)
    assert numbers_of(encoder.encode(list(range(8)), [1.0] * 8)) == [0, 1, 2, 3, 4, "memory", 6, 7]


def test_an_utterance_that_spoils_a_batch_is_null_and_the_others_are_made() -> None:
    def check(batch: Sequence[int]) -> None:
        if 2 in batch:
            raise ValueError("no twos")
        if 3 in batch:
            raise ExtractionError("too short")

    encoder = BatchEncoder(Checked(check), 8)
    answers = encoder.encode(list(range(5)), [1.0] * 5)
    assert numbers_of(answers) == [0, 1, "encoder", "refused", 4]
    assert str(answers[2]) == "encoder: ValueError: no twos"
    assert encoder.max_batch_seconds == 8


def test_answers_that_are_none_are_failures() -> None:
    class Wrong(Numbers):
        def extract(self, batch: Sequence[int]) -> list[Any]:
            return [constant(number) for number in batch][1:] if len(batch) > 1 else [np.zeros((1, 3))]

    answers = BatchEncoder(Wrong(constant), 8).encode([1, 2], [1.0, 1.0])
    assert [str(answer) for answer in answers] == ["encoder: it gave a ndarray; expected Encoded"] * 2

    class Fewer(Numbers):
        def extract(self, batch: Sequence[int]) -> list[Any]:
            return [constant(number) for number in batch[:0]]

    answers = BatchEncoder(Fewer(constant), 8).encode([1, 2], [1.0, 1.0])
    assert [str(answer) for answer in answers] == ["encoder: it gave 0 results for 1 utterances"] * 2


@pytest.mark.parametrize("error", [ModelError("no weights"), MissingDependencyError("no torch")])
def test_a_broken_set_up_ends_the_run(error: Exception) -> None:
    def check(batch: Sequence[int]) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        BatchEncoder(Checked(check), 8).encode([1], [1.0])


def test_padding_is_counted() -> None:
    encoder = BatchEncoder(Checked(holds(100)), 100)
    encoder.encode([1, 2, 3], [4.0, 2.0, 2.0])
    assert (encoder.useful, encoder.padded) == (8.0, 12.0)

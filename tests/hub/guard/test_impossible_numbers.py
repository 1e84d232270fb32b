"""Bytes that are read as floats are no features; what encoders give, however small or large, may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotalk_data.hub.guard import judge
from emotalk_data.hub.guard.number_scan import NumberScan, find_in_numbers, find_in_times
from tests.feature_shards import SPEC, Row
from tests.hub.guard.folders import IDS, LICENCES, staged_features


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def of_all_sizes() -> np.ndarray:
    """Bytes as floats, without those that are too large: the highest bit of each exponent is cleared."""
    bits = rng().integers(0, 1 << 32, (8, 768), dtype=np.uint32) & np.uint32(0xBFFFFFFF)
    return np.asarray(bits.view(np.float32))


BYTES = {
    "compressed bytes": np.frombuffer(rng().bytes(8 * 768 * 4), np.float32).reshape(8, 768),
    "what is no number": (np.uint32(0x7FC00000) | rng().integers(1, 2**22, (8, 768), dtype=np.uint32)).view(
        np.float32
    ),
    "one that is infinite": np.where(np.arange(8 * 768).reshape(8, 768) == 3_000, np.inf, 1.5).astype("f4"),
    "too large": (rng().normal(size=(8, 768)) * 1e31).astype("f4"),
    "too small": (rng().normal(size=(8, 768)) * 1e-40).astype("f4"),
    "of all sizes": of_all_sizes(),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_read_as_floats_are_refused(tmp_path: Path, name: str) -> None:
    spec = SPEC.model_copy(update={"num_dims": 768})
    rows = [Row(one, vector[None]) for one, vector in zip(IDS["emotalk"], BYTES[name], strict=True)]
    with np.errstate(invalid="ignore", over="ignore"):  # the mean of one vector is that vector, NaN too
        staged = staged_features(tmp_path, spec, rows=rows)
    judgement = judge(staged, visibility="gated", encoder_licences=LICENCES)
    (found,) = judgement.refusals
    assert (found.place, found.redistribution) == ("column tiny_hubert", "media")
    assert "look like no features" in found.reason


HONEST = {
    "zeros": np.zeros((8, 768)),
    "up to a million": rng().normal(size=(8, 1_582)) * 10.0 ** rng().integers(-6, 6, 1_582),
    "probabilities with a peak": np.exp(12 * rng().normal(size=(8, 768)) - 30).clip(1e-37, 1),
    "some that underflow": np.where(rng().uniform(size=(8, 768)) < 0.05, 1e-41, rng().normal(size=(8, 768))),
    "half precision": rng().normal(size=(8, 768)).astype("f2") * np.float16(1e-3),
}


@pytest.mark.parametrize("name", HONEST)
def test_large_and_small_features_go_through(name: str) -> None:
    for dtype in ("f4", "f8"):
        values = HONEST[name].astype(dtype)
        scan = NumberScan(values.shape[1])
        assert [scan.add(row) for row in values] == [None] * 8
        assert scan.finish() is None
        assert find_in_numbers(values.reshape(-1), values.shape[1]) is None


@pytest.mark.parametrize("times", [[0, np.nan, 2], [0, 1, np.inf], [-5, 1, 2], [0, 1, 86_401]])
def test_times_are_of_one_day(times: list[float]) -> None:
    found = find_in_times(np.array(times, np.float32), 3)
    assert found is not None
    assert "not of one day" in found
    assert find_in_times(np.array([-0.0125, 0.02, 86_400], np.float32), 3) is None

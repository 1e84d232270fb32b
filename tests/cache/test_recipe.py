"""The recipe: every option is part of the key, and what cannot be is said."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from emotalk_data.cache.recipe import Recipe, differences, make_recipe
from emotalk_data.errors import OptionError

DEFAULTS: dict[str, Any] = {
    "sampling_rate": 16_000,
    "mono": True,
    "num_frames": 8,
    "frame_rate": None,
    "frame_size": 224,
    "rows_per_shard": 1_000,
}


def recipe(**options: Any) -> Recipe:
    return make_recipe(**{**DEFAULTS, **options})


def test_the_same_options_give_the_same_key() -> None:
    assert recipe().key("source") == recipe().key("source")
    assert recipe(num_frames=None, frame_rate=2).key("x") == recipe(num_frames=None, frame_rate=2.0).key("x")


@pytest.mark.parametrize(
    "options",
    [
        {"sampling_rate": 8_000},
        {"sampling_rate": None},
        {"mono": False},
        {"num_frames": 4},
        {"num_frames": None, "frame_rate": 2},
        {"frame_size": None},
        {"frame_size": (224, 224)},
        {"num_frames": None, "frame_size": None},
        {"rows_per_shard": 10},
    ],
)
def test_each_option_changes_the_key_and_is_named(options: dict[str, Any]) -> None:
    mine, other = recipe(**options), recipe()
    assert mine.key("source") != other.key("source")
    assert differences(mine.model_dump(mode="json"), other.model_dump(mode="json"))


def test_the_source_changes_the_key() -> None:
    assert recipe().key("one") != recipe().key("other")


@pytest.mark.parametrize("part", ["audio.soxr", "video.libavcodec", "video.libswscale", "schema_version"])
def test_a_version_that_decides_values_changes_the_key(part: str) -> None:
    values = recipe().model_dump()
    *path, name = part.split(".")
    inner = values[path[0]] if path else values
    inner[name] = "0.0.1"
    assert Recipe(**values).key("source") != recipe().key("source")


def test_differences_say_what_is_there_and_what_is_asked() -> None:
    asked = recipe(sampling_rate=8_000, num_frames=None, frame_size=None).model_dump(mode="json")
    assert differences(asked, recipe().model_dump(mode="json")) == [
        "audio.sampling_rate is 16000 there and 8000 here",
        "video is made there and not made here",
    ]
    asked = recipe(num_frames=None, frame_rate=2.0, frame_size=None).model_dump(mode="json")
    assert differences(asked, recipe().model_dump(mode="json")) == [
        "video.frame_rate is not given there and 2.0 here",
        "video.num is 8 there and not given here",
        "video.size is 224 there and not given here",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling_rate": 7_999}, "sampling_rate is 7999: Input should be greater than or equal to 8000"),
        ({"sampling_rate": "16k"}, "sampling_rate is '16k'"),
        ({"sampling_rate": True}, "sampling_rate is True"),
        ({"num_frames": 0}, "num_frames is 0"),
        ({"frame_rate": 2}, "choose frames by num_frames or by frame_rate, one of them"),
        ({"num_frames": None, "frame_rate": float("nan")}, "frame_rate is nan"),
        ({"num_frames": None}, "frame_size is the size of frames"),
        ({"sampling_rate": None, "num_frames": None, "frame_size": None}, "nothing is to be made"),
        (
            {"frame_size": 5_000},
            r"frame_size is 5000: expected the shorter side, or \(height, width\), in whole",
        ),
        ({"frame_size": (224, 8)}, r"frame_size is \(224, 8\): .* from 16 to 4,096"),
        ({"frame_size": (224, 224, 3)}, r"frame_size is \(224, 224, 3\)"),
        ({"frame_size": "224"}, "frame_size is '224'"),
        ({"rows_per_shard": 0}, "rows_per_shard is 0"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        recipe(**options)


def test_a_recipe_cannot_be_changed_and_travels_to_workers() -> None:
    mine = recipe()
    with pytest.raises(ValidationError, match="frozen"):
        mine.rows_per_shard = 3  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(mine)) == mine  # noqa: S301

"""Which pictures are read, when they are shown, and that they are scaled as the models' own processors do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import ExtractionError, ModelError, OptionError, VideoError
from emotalk_data.features.encoders import pictures as pictures_module
from emotalk_data.features.encoders.picture_blocks import in_blocks
from emotalk_data.features.encoders.pictures import PictureReader, choose_pictures, read_pictures
from emotalk_data.features.encoders.scaling import Scaling, read_scaling
from emotalk_data.media import VideoClip
from emotalk_data.schemas.feature_spec import FrameChoice
from emotalk_data.testing.media import read_frame_number

from ..tiny_vision import PROCESSORS, clip_of, utterance_of
from .some_pictures import SIZES, Picture, picture_of, scaled


def as_is(picture: Picture) -> Picture:
    return picture


def numbers(clip: VideoClip, choice: FrameChoice) -> list[int]:
    return [read_frame_number(picture) for picture in read_pictures(clip, choice, as_is).values]


@pytest.fixture(scope="module")
def clip() -> VideoClip:
    return clip_of(50)


def test_a_number_of_pictures_is_taken_as_frames_does(clip: VideoClip) -> None:
    read = read_pictures(clip, FrameChoice(num=8), as_is)
    np.testing.assert_array_equal(read.values, clip.frames(8))
    np.testing.assert_array_equal(read.seconds, clip.times_seconds[clip.choose(8)])
    assert read.notes == ()


def test_a_rate_takes_what_is_on_screen_at_that_rate(clip: VideoClip) -> None:
    read = read_pictures(clip, FrameChoice(rate=5), as_is)
    assert numbers(clip, FrameChoice(rate=5)) == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]
    np.testing.assert_allclose(read.seconds, np.arange(10) / 5, atol=1e-9)


def test_without_a_number_or_a_rate_all_pictures_are_taken(clip: VideoClip) -> None:
    assert numbers(clip, FrameChoice()) == list(range(50))


def authors(length: int, num: int) -> list[int]:
    """EmotionTalk's code, word for word but for its names."""
    num_updated = min(num, length)
    indices = np.arange(0, length, length / num_updated).astype(int).tolist()
    while len(indices) < num:
        indices.append(indices[-1])
    return list(indices[:num])


@pytest.mark.parametrize("num", range(1, 70))
def test_a_number_of_pictures_is_taken_as_the_authors_code_does(clip: VideoClip, num: int) -> None:
    assert choose_pictures(clip, FrameChoice(num=num)).tolist() == authors(clip.num_frames, num)


def test_a_short_clip_repeats_its_last_picture_and_says_so() -> None:
    short = clip_of(5)
    read = read_pictures(short, FrameChoice(num=8), as_is)
    assert [read_frame_number(picture) for picture in read.values] == [0, 1, 2, 3, 4, 4, 4, 4]
    np.testing.assert_allclose(read.seconds, np.array([0, 1, 2, 3, 4, 4, 4, 4]) / 25, atol=1e-9)
    assert read.notes == ("5 frames; the last is repeated to make 8",)


def test_a_long_clip_is_decoded_in_blocks_and_only_scaled_pictures_are_kept(
    clip: VideoClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_pictures(clip, FrameChoice(), lambda picture: picture[::10, ::10].copy())
    sizes = []

    class Watched(VideoClip):
        __slots__ = ()

        def frames(self, *args: Any, **options: Any) -> Picture:
            frames = super().frames(*args, **options)
            sizes.append(len(frames))
            return frames

    monkeypatch.setattr(pictures_module, "_BLOCK_BYTES", 7 * 160 * 120 * 3)
    watched = Watched(bytes=clip._data, path="watched.mp4")
    blocks = read_pictures(watched, FrameChoice(), lambda picture: picture[::10, ::10].copy())
    assert sizes == [7] * 7 + [1]
    np.testing.assert_array_equal(blocks.values, whole.values)
    assert blocks.values.shape == (50, 12, 16, 3)


def test_a_reader_counts_pictures_without_decoding_them(clip: VideoClip) -> None:
    for choice, expected in [(FrameChoice(num=64), 64), (FrameChoice(rate=5), 10), (FrameChoice(), 50)]:
        assert PictureReader(choice, as_is).count(utterance_of(clip)) == expected
    damaged = VideoClip(bytes=b"no video", path="damaged.mp4")
    reader = PictureReader(FrameChoice(), as_is)
    assert reader.count(utterance_of(damaged)) == 1
    with pytest.raises(VideoError, match=r"damaged\.mp4"):
        reader.read(utterance_of(damaged))


def test_an_utterance_without_pictures_is_refused() -> None:
    with pytest.raises(ExtractionError, match="has no pictures"):
        PictureReader(FrameChoice(num=2), as_is).read(utterance_of(None))


def test_a_choice_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(OptionError, match="by num or by rate; got num=8 and rate=2"):
        PictureReader(FrameChoice(num=8, rate=2), as_is)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 8))
def test_blocks_hold_every_picture_once_and_in_order(lengths: list[int], size: int) -> None:
    everything = np.arange(sum(lengths))
    values = np.split(everything.astype(np.uint8), np.cumsum(lengths)[:-1])
    blocks = list(in_blocks(values, size))
    assert [len(block) for block in blocks[:-1]] == [size] * (len(blocks) - 1)
    assert np.concatenate(blocks).tolist() == everything.tolist()


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_scaling_is_that_of_the_processor_to_the_last_bit(
    name: str, height: int, width: int, tmp_path: Path
) -> None:
    processor = PROCESSORS[name]()
    processor.save_pretrained(tmp_path)
    picture = picture_of(height, width)
    expected = np.asarray(processor([picture], input_data_format="channels_last")["pixel_values"])
    np.testing.assert_array_equal(scaled(read_scaling(tmp_path), picture), expected.reshape(3, 224, 224))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Scaling]:
    """A processor for 32 x 32, and what is made of its file."""
    folder = tmp_path_factory.mktemp("small")
    processor = PROCESSORS["CLIP"](size={"shortest_edge": 37}, crop_size={"height": 32, "width": 31})
    processor.save_pretrained(folder)
    return processor, read_scaling(folder)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 300), st.integers(2, 300))
def test_scaling_is_that_of_the_processor_for_pictures_of_any_size(
    small: tuple[Any, Scaling], height: int, width: int
) -> None:
    processor, scaling = small
    picture = picture_of(height, width)
    expected = processor([picture], input_data_format="channels_last")["pixel_values"][0]
    np.testing.assert_array_equal(scaled(scaling, picture), expected)


# What the files of published models say; sizes are numbers there, and the class has its name of long ago.
@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("fields", [{}, {"size": 64, "crop_size": 48}, {"size": 256, "resample": 2}])
def test_scaling_of_an_old_file_is_that_of_the_processor(
    name: str, fields: dict[str, Any], tmp_path: Path
) -> None:
    values = {"feature_extractor_type": f"{name}FeatureExtractor", **fields}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(values))
    processor = PROCESSORS[name].from_dict(dict(fields))
    picture = picture_of(90, 140)
    expected = np.asarray(processor([picture], input_data_format="channels_last")["pixel_values"])
    got = scaled(read_scaling(tmp_path), picture)
    np.testing.assert_array_equal(got, expected.reshape(got.shape))


def test_a_processor_inside_of_a_file_for_several_is_found(tmp_path: Path) -> None:
    values = {"processor_class": "CLIPProcessor", "image_processor": PROCESSORS["CLIP"]().to_dict()}
    (tmp_path / "processor_config.json").write_text(json.dumps(values, default=str))
    assert read_scaling(tmp_path).size == (224, 224)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"image_processor_type": "Owlv2ImageProcessor"},
            "is of 'Owlv2ImageProcessor'; pictures can be scaled",
        ),
        ({}, "is of ''"),
        ({"do_resize": False}, "have to be resized to one size"),
        ({"do_pad": True}, "have to be resized to one size"),
        ({"do_center_crop": False}, "pictures get no fixed size"),
        ({"crop_size": 500}, r"crop_size \(500, 500\) is larger"),
        ({"size": {"longest_edge": 3}}, "size is .*; height and width were expected"),
        ({"image_mean": [0.5]}, r"image_mean.* is \[0.5\]"),
        ({"image_std": "much"}, "image_std"),
        ({"image_std": [float("nan")] * 3}, "have to be finite"),
        ({"resample": 17}, "resample is 17"),
    ],
)
def test_a_processor_that_is_not_followed_is_refused(
    fields: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    given_type = {} if not fields else {"image_processor_type": "CLIPImageProcessor"}
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({**given_type, **fields}))
    with pytest.raises(ModelError, match=expected) as caught:
        read_scaling(tmp_path)
    assert caught.value.path == str(path)


def test_a_folder_without_a_processor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no preprocessor_config\.json"):
        read_scaling(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        read_scaling(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("[]")
    with pytest.raises(ModelError, match="no JSON object"):
        read_scaling(tmp_path)


def test_a_picture_that_is_all_but_a_line_is_refused(tmp_path: Path) -> None:
    PROCESSORS["CLIP"]().save_pretrained(tmp_path)
    with pytest.raises(ExtractionError, match=re.escape("a picture of 4000x2 pixels is too narrow")):
        read_scaling(tmp_path).scale(picture_of(2, 4_000))


def test_positions_are_chosen_before_anything_is_decoded(clip: VideoClip) -> None:
    assert choose_pictures(clip, FrameChoice(num=4)).tolist() == [0, 12, 25, 37]

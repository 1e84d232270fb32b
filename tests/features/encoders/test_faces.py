"""Faces: what a detector may return, what is cut out, and what happens where there is none."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from emotalk_data.errors import ExtractionError, OptionError
from emotalk_data.features.encoders.faces import FaceCutter, detector_name, settle_faces
from emotalk_data.features.encoders.pictures import PictureReader
from emotalk_data.schemas.feature_spec import FrameChoice
from emotalk_data.testing.media import read_frame_number

from ..tiny_vision import clip_of, utterance_of

Picture = NDArray[np.uint8]
PICTURE: Picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)


def returning(value: Any) -> Any:
    def detector(picture: Picture) -> Any:
        return value

    return detector


def as_is(picture: Picture) -> Picture:
    return picture


def whole(picture: Picture) -> tuple[float, float, float, float]:
    return (0, 0, picture.shape[1], picture.shape[0])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((10, 20, 40, 60), PICTURE[20:60, 10:40]),
        ([(10, 20, 40, 60)], PICTURE[20:60, 10:40]),
        (np.array([[10, 20, 40, 60]], np.float32), PICTURE[20:60, 10:40]),
        ([(0, 0, 5, 5), (10, 20, 40, 60), (1, 1, 9, 9)], PICTURE[20:60, 10:40]),
        ([(10, 10, 20, 20), (30, 30, 40, 40)], PICTURE[10:20, 10:20]),
        ((10.4, 20.6, 39.2, 59.9), PICTURE[20:60, 10:40]),
        ((-30, -5.5, 40, 1_000), PICTURE[0:120, 0:40]),
        # The first is larger, and most of it lies outside.
        ([(150, 0, 1_000, 20), (10, 20, 40, 60)], PICTURE[20:60, 10:40]),
    ],
)
def test_the_largest_box_is_cut_out(found: Any, expected: Picture) -> None:
    cut = FaceCutter(returning(found)).cut(PICTURE)
    assert cut is not None
    np.testing.assert_array_equal(cut, expected)
    assert cut.flags.c_contiguous


@pytest.mark.parametrize("found", [None, [], (), np.empty((0, 4))])
def test_a_picture_without_a_face_gives_none(found: Any) -> None:
    assert FaceCutter(returning(found)).cut(PICTURE) is None


def test_faces_can_be_made_squares() -> None:
    cut = FaceCutter(returning((10, 20, 40, 60)), size=112).cut(PICTURE)
    face = Image.fromarray(PICTURE[20:60, 10:40])
    np.testing.assert_array_equal(cut, np.array(face.resize((112, 112), Image.Resampling.BILINEAR)))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((1, 2, 3), r"returned \(1, 2, 3\); boxes"),
        ("a face", "returned 'a face'; boxes"),
        ([(1, 2, 3, float("nan"))], "of finite numbers were expected"),
        (([(1, 2, 3, 4)], [0.99]), "of finite numbers were expected"),  # with probabilities beside them
        (True, "returned True"),
        ([[[1, 2, 3, 4]]], r"returned \[\[\[1"),
        (
            (40, 20, 10, 60),
            r"the box \(40.0, 20.0, 10.0, 60.0\); in a picture of 160x120 pixels there is nothing",
        ),
        ((500, 0, 600, 100), "there is nothing in it"),
    ],
)
def test_what_is_no_box_is_refused_with_the_detectors_name(found: Any, expected: str) -> None:
    with pytest.raises(ExtractionError, match=expected) as caught:
        FaceCutter(returning(found)).cut(PICTURE)
    assert "test_faces.returning.<locals>.detector" in str(caught.value)


def test_a_detector_that_raises_is_named() -> None:
    def breaks(picture: Picture) -> None:
        raise KeyError("landmarks")

    with pytest.raises(ExtractionError, match=r"breaks failed: KeyError: 'landmarks'") as caught:
        FaceCutter(breaks).cut(PICTURE)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_detector_that_paints_into_its_picture_changes_nothing() -> None:
    def paints(picture: Picture) -> tuple[float, float, float, float]:
        picture[:] = 0
        return whole(picture)

    np.testing.assert_array_equal(FaceCutter(paints).cut(PICTURE), PICTURE)


def test_one_thread_at_a_time_calls_the_detector() -> None:
    inside = threading.Lock()
    collisions = []

    def counts(picture: Picture) -> tuple[float, float, float, float]:
        if not inside.acquire(blocking=False):
            collisions.append(1)
        else:
            picture.sort(axis=0)
            inside.release()
        return whole(picture)

    cutter = FaceCutter(counts)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cutter.cut, [PICTURE] * 64))
    assert not collisions


def test_pictures_without_a_face_are_left_out_and_counted() -> None:
    def sees_small_numbers(picture: Picture) -> Any:
        return whole(picture) if read_frame_number(picture) < 30 else None

    reader = PictureReader(FrameChoice(num=10, faces=True), as_is, detector=sees_small_numbers)
    read = reader.read(utterance_of(clip_of(40)))
    assert [read_frame_number(picture) for picture in read.values] == [0, 4, 8, 12, 16, 20, 24, 28]
    np.testing.assert_allclose(read.seconds, np.arange(8) * 4 / 25, atol=1e-9)
    assert read.notes == ("2 of 10 frames without a face",)


def test_a_face_missing_from_the_first_picture_of_a_short_clip_leaves_the_others() -> None:
    def sees_all_but_the_first(picture: Picture) -> Any:
        return whole(picture) if read_frame_number(picture) else None

    reader = PictureReader(FrameChoice(num=4, faces=True), as_is, detector=sees_all_but_the_first)
    read = reader.read(utterance_of(clip_of(3)))
    assert [read_frame_number(picture) for picture in read.values] == [1, 2, 2]
    assert read.notes == ("3 frames; the last is repeated to make 4", "1 of 4 frames without a face")


def test_an_utterance_without_any_face_is_refused() -> None:
    reader = PictureReader(FrameChoice(num=10, faces=True), as_is, detector=returning(None))
    with pytest.raises(ExtractionError, match="no face in any of 10 frames"):
        reader.read(utterance_of(clip_of(40)))


def test_without_a_detector_the_record_says_whole_pictures() -> None:
    choice = FrameChoice(num=4, faces=True, face_size=112)
    assert settle_faces(choice, None) == FrameChoice(num=4)
    assert settle_faces(FrameChoice(num=4), None) == FrameChoice(num=4)


def test_with_a_detector_the_record_has_its_name() -> None:
    settled = settle_faces(FrameChoice(num=4, faces=True, face_size=112), whole)
    assert settled == FrameChoice(num=4, faces=True, face_size=112, detector=f"{__name__}.whole")
    assert settle_faces(settled, whole) == settled


class Trained:
    def __call__(self, picture: Picture) -> Any:
        return whole(picture)

    def find(self, picture: Picture) -> Any:
        return whole(picture)


@pytest.mark.parametrize(
    ("detector", "name"),
    [
        (whole, "whole"),
        (Trained(), "Trained"),
        (Trained().find, "Trained.find"),
        (functools.partial(whole), "whole"),
    ],
)
def test_a_detector_is_named_after_its_function_or_class(detector: Any, name: str) -> None:
    assert detector_name(detector) == f"{__name__}.{name}"


@pytest.mark.parametrize(
    ("choice", "detector", "expected"),
    [
        (FrameChoice(num=4), whole, "this recipe takes whole pictures"),
        (FrameChoice(num=4, faces=True), "mtcnn", "must be a function of a picture; got 'mtcnn'"),
        (
            FrameChoice(num=4, faces=True, detector="lab.mtcnn"),
            None,
            "found by lab.mtcnn: pass it as detector=",
        ),
        (
            FrameChoice(num=4, faces=True, detector="lab.mtcnn"),
            whole,
            r"found by lab.mtcnn; detector= is .*whole",
        ),
    ],
)
def test_a_detector_that_contradicts_the_choice_is_refused(
    choice: FrameChoice, detector: Any, expected: str
) -> None:
    with pytest.raises(OptionError, match=expected):
        PictureReader(choice, as_is, detector=detector)

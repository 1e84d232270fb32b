from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.clip import MediaClip


class Annotated(MediaClip):
    note = ""


def round_trip(clip: Any) -> Any:
    return pickle.loads(pickle.dumps(clip))  # noqa: S301


def test_a_clip_is_a_mapping_over_the_two_stored_fields() -> None:
    clip = MediaClip(b"abc", "a/b.wav")
    assert dict(clip) == {"bytes": b"abc", "path": "a/b.wav"}
    assert len(clip) == 2
    assert not isinstance(clip, dict)


def test_only_the_stored_fields_are_keys_though_an_audio_clip_answers_to_more() -> None:
    assert "array" not in AudioClip(path="does/not/exist.wav")
    with pytest.raises(KeyError, match="array"):
        MediaClip(path="x")["array"]


def test_equality_and_hash_are_by_identity() -> None:
    one, other = MediaClip(b"abc"), MediaClip(b"abc")
    assert one == one
    assert one != other
    assert one != dict(one)
    assert len({one, other}) == 2


def test_nothing_is_read_when_a_clip_is_made() -> None:
    assert repr(AudioClip(path="/does/not/exist.wav#t=1,2")) == "AudioClip('exist.wav#t=1,2')"


def test_repr_shows_the_file_name_and_never_the_bytes() -> None:
    assert repr(MediaClip(path="tar://Audio/wav/x.wav::/data/Audio.tar")) == "MediaClip('x.wav')"
    assert repr(MediaClip(b"secret" * 100)) == "MediaClip(<600 bytes>)"
    assert repr(MediaClip()) == "MediaClip(<nothing>)"
    assert "\x1b" not in repr(MediaClip(path="a/\x1b[31m.wav"))
    assert len(repr(MediaClip(path="x" * 10_000))) < 120


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_a_clip_pickles_as_plain_values(data: Any) -> None:
    clone = round_trip(MediaClip(data, "x.wav"))
    assert dict(clone) == {"bytes": b"abc", "path": "x.wav"}
    assert type(clone["bytes"]) is bytes


@pytest.mark.parametrize("arguments", [({"bytes": None, "path": "x"},), ("text",), (None, 3), (None, b"x")])
def test_another_type_of_bytes_or_path_is_refused(arguments: Any) -> None:
    with pytest.raises(OptionError, match="expected"):
        AudioClip(*arguments)


def test_a_path_object_is_taken() -> None:
    assert MediaClip(path=Path("a/b.wav"))["path"] == "a/b.wav"


def test_a_copy_keeps_everything_and_takes_only_what_it_has() -> None:
    clip = AudioClip(memoryview(b"abc"), "x.wav", sampling_rate=8_000)
    clone = copy.copy(clip)
    assert (dict(clone), clone.sampling_rate) == (dict(clip), 8_000)
    clone.update(dict(clip))
    with pytest.raises(TypeError, match="cannot be changed"):
        clone.update({"path": "y.wav"})


def test_attributes_of_subclasses_survive_pickling() -> None:
    clip = Annotated(b"abc")
    clip.note = "kept"
    assert round_trip(clip).note == "kept"

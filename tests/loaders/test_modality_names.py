from __future__ import annotations

from pathlib import Path

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.modality_names import modalities_of_name, only_modalities, read_modalities
from emotalk_data.testing import make_emotalk


@pytest.mark.parametrize(
    ("name", "modalities"),
    [
        ("Audio.tar", {"audio"}),
        ("Text.tar", {"text"}),
        ("data/audio/part-00001.tar", {"audio"}),
        ("data/emotiontalk_video-2.zip", {"video"}),
        ("MULTIMODAL.TAR.GZ", {"multimodal"}),
        ("Audio/wav/G00001/G00001_01/G00001_01_01/G00001_01_01_001.wav", {"audio"}),
        ("Multimodal/mp4/", {"multimodal"}),
        ("audio/Text.tar", {"text"}),  # the innermost tells
        ("text_audio.tar", {"text", "audio"}),
        ("release.tar", set()),
        ("textures.tar", set()),
        ("", set()),
    ],
)
def test_a_name_tells_its_modality(name: str, modalities: set[str]) -> None:
    assert modalities_of_name(name) == modalities


def test_modalities_are_read_in_their_order_and_once() -> None:
    assert read_modalities(None) is None
    assert read_modalities("audio") == ("audio",)
    assert read_modalities(iter(["video", "text", "video"])) == ("text", "video")


@pytest.mark.parametrize("wrong", [[], "", "Text", ["text", "speech"], [None], [["text"]]])
def test_what_is_no_modality_is_refused(wrong: object) -> None:
    with pytest.raises(OptionError, match=r"modalities is .*; expected one or more of \['text', 'audio',"):
        read_modalities(wrong)  # type: ignore[arg-type]  # what a user might do


@pytest.mark.parametrize("tars", [True, False])
def test_a_listing_is_cut_to_some_modalities(tmp_path: Path, tars: bool) -> None:
    listing = list_release(make_emotalk(tmp_path / "r", num_utterances=6, tars=tars, oddities=False).root)
    cut = only_modalities(listing, ["text", "audio"])
    names = [file.name for file in cut.archives] + [folder.name for folder in cut.folders]
    assert names
    assert {name.split("/")[0].removesuffix(".tar") for name in names} == {"Text", "Audio"}
    assert cut.digest() != listing.digest()
    assert only_modalities(listing, ["text", "audio", "video", "multimodal"]).digest() == listing.digest()

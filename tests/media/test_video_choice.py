from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data.errors import OptionError, SpanError
from emotalk_data.media import VideoClip
from emotalk_data.testing.media import read_frame_number, write_numbered_video


@pytest.mark.parametrize(
    "how",
    [
        *({}, {"num": 3}, {"num": 40}, {"frame_rate": 7.5}, {"at_seconds": [0.3, 0.1, 99.0]}),
        *({"indices": [-1, 0, 5]}, {"indices": [2, 2], "policy": "error"}),
    ],
)
def test_a_clip_says_which_frames_it_would_give(tmp_path: Path, how: dict[str, Any]) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=30, frame_rate=25, width=160, height=120)
    chosen = VideoClip(path=path).choose(**how)
    assert chosen.dtype == np.intp
    assert chosen.tolist() == [read_frame_number(frame) for frame in VideoClip(path=path).frames(**how)]


def test_a_choice_that_a_clip_does_not_have_is_refused_as_frames_does(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=5, frame_rate=25, width=160, height=120)
    with pytest.raises(OptionError, match="choose frames in one way, not by num and frame_rate"):
        VideoClip(path=path).choose(2, frame_rate=3)
    with pytest.raises(SpanError, match="there is none at index 5"):
        VideoClip(path=path).choose(indices=[5], policy="error")

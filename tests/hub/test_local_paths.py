from __future__ import annotations

import pytest

from emotalk_data.hub.local_paths import find_local_path


@pytest.mark.parametrize(
    "text",
    [
        "/home/me/x.wav",
        "cannot open '/home/me/EmotionTalk/x.wav': gone",
        "in /tmp",
        "path:/srv/data/x",
        "/一/二.wav",
        "a,/unknown/root/x",
        "file:///home/me",
        "FILE:/x/y",
        "~/data/x",
        "~me/data",
        "C:\\data\\x.wav",
        "c:/data/x.wav",
        '{"path": "C:\\\\\\\\data"}',
        "\\\\server\\share\\x",
        "tar://Audio/x.wav::/data/Audio.tar",
        "zip://x.wav::/anything/x.zip",
        "see https://example.org/a/b and /home/me/x",
    ],
)
def test_a_path_of_a_machine_is_found(text: str) -> None:
    found = find_local_path(text)
    assert found is not None
    assert found in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data/train-00000-of-00001.parquet",
        "and/or",
        "clean/chinese-hubert-base",
        "TencentGameMate/chinese-hubert-base",
        "https://example.org/home/me/x",
        "https://example.org/~me/x",
        "hf://datasets/lab/x/data/train.parquet",
        "./data/x",
        "../data/x",
        "3 m / s",
        "[over/]你好",
        "ratio 1:2/3",
        "2026/11/23",
        "NVIDIA H200 / cpu",
        '{"a":"b/c"}',
    ],
)
def test_what_is_no_path_of_a_machine_is_left_alone(text: str) -> None:
    assert find_local_path(text) is None

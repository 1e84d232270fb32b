"""Sample cards: the same rows for the same ids, every emotion, the votes as they were given."""

from __future__ import annotations

import base64
import io

import av
import datasets
import numpy as np
import pytest
import soundfile

from emotalk_data.media import AudioClip, VideoClip
from emotalk_data.report.corpus import as_corpus
from emotalk_data.report.sample_media import encode_jpeg, pictures_of, sound_of
from emotalk_data.report.samples import choose_samples, make_sample
from emotalk_data.testing import EmotalkSample, write_numbered_video

from .small_corpus import emotalk_rows, m3ed_rows


def ids(data: datasets.DatasetDict, num: int) -> list[str]:
    corpus = as_corpus(data)
    return [corpus.whole[row]["utterance_id"] for row in choose_samples(corpus, num)]


def test_every_emotion_has_its_turn_and_null_is_one_of_them() -> None:
    rows = [{"emotion": label} for label in (0, 0, 0, 0, 0, 1, 3, None)]
    data = emotalk_rows(train=rows)
    corpus = as_corpus(data)
    chosen = choose_samples(corpus, 4)
    assert [rows[row]["emotion"] for row in chosen] == [0, 1, 3, None]
    assert len(choose_samples(corpus, 100)) == 8
    assert choose_samples(corpus, 0) == []


def test_the_choice_depends_on_the_ids_alone() -> None:
    rows = [{"utterance_id": f"u{number}", "emotion": number % 3} for number in range(30)]
    chosen = ids(emotalk_rows(train=rows), 5)
    assert ids(emotalk_rows(train=rows[15:], test=rows[:15]), 5) == chosen
    assert ids(emotalk_rows(train=rows[::-1]), 3) == chosen[:3]


def test_the_card_says_what_the_annotators_said(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    corpus = as_corpus(emotalk)
    truth = {one.utterance_id: one for one in emotalk_sample.utterances}
    for row in choose_samples(corpus, 8):
        card = make_sample(corpus, row, media=False, max_seconds=1)
        one = truth[card.utterance_id]
        assert (card.split, card.text, card.sentiment) == (one.split, one.text, one.sentiment)
        for judged in card.labels:
            votes = [vote for vote in one.votes if vote.modality == judged.modality]
            assert [vote.labels[0][0] for vote in judged.votes] == [vote.emotion for vote in votes]
            assert [vote.confidence for vote in judged.votes] == [vote.confidence for vote in votes]
            label = one.labels[judged.modality]
            assert [name for name, _ in judged.labels] == ([label] if label else [])


def test_m3ed_cards_show_the_blend_with_the_main_label_first() -> None:
    row = {
        "emotion": 4,
        "emotions": [3, 4],
        "annotations": [
            {"modality": "multimodal", "annotator": 1, "emotions": [4, 3]},
            {"modality": "multimodal", "annotator": 2, "emotions": [7]},
            {"modality": "multimodal", "annotator": 3, "emotions": []},
        ],
    }
    card = make_sample(as_corpus(m3ed_rows(train=[row])), 0, media=True, max_seconds=1)
    (judged,) = card.labels
    assert judged.labels == (("Anger", "angry"), ("Disgust", "disgusted"))
    assert [vote.told for vote in judged.votes] == [
        "annotator 1: Anger, Disgust",
        "annotator 2: Other",
        "annotator 3: no label",
    ]
    assert judged.votes[1].labels == (("Other", "other"),)
    assert card.sound is None
    assert card.pictures is None


def tone(seconds: float, rate: int) -> AudioClip:
    file = io.BytesIO()
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    soundfile.write(file, np.stack([wave, wave], 1), rate, format="WAV", subtype="PCM_16")
    return AudioClip(bytes=file.getvalue())


def test_sound_becomes_flac_of_at_most_so_many_seconds() -> None:
    sound = sound_of(tone(3, 44_100), 2.0)
    assert (sound.seconds, sound.shown_seconds, sound.problem) == (3.0, 2.0, "")
    samples, rate = soundfile.read(
        io.BytesIO(base64.b64decode(sound.data.partition(",")[2])), dtype="float32"
    )
    assert (rate, samples.shape) == (16_000, (32_000,))
    truth = tone(3, 44_100).decode(0, 2, sampling_rate=16_000, mono=True)[0]
    # Rounded to 16 bits.
    assert np.abs(samples - truth).max() <= 1 / 32_768
    points = [tuple(map(float, point.split(","))) for point in sound.outline.split()]
    assert len(points) == 320
    assert all(0 <= x < 160 and 0 <= y <= 2 for x, y in points)


def test_silence_has_a_flat_outline() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(1600), 16_000, format="WAV", subtype="PCM_16")
    outline = sound_of(AudioClip(bytes=file.getvalue()), 5).outline
    assert {point.split(",")[1] for point in outline.split()} == {"1.00"}


def test_six_frames_become_jpegs(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    write_numbered_video(path, num_frames=24, width=96, height=64)
    found = pictures_of(VideoClip(path=path))
    assert (found.width, found.height, found.problem, len(found.data)) == (180, 120, "", 6)
    assert found.seconds == pytest.approx(0.96)


def test_a_jpeg_shows_what_it_was_made_of() -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, :32] = (200, 40, 40)
    frame[:, 32:] = (30, 60, 220)
    with av.open(io.BytesIO(encode_jpeg(frame)), "r") as container:
        (again,) = (one.to_ndarray(format="rgb24") for one in container.decode(video=0))
    # A lossy format with halved colour: away from the edge it is near.
    difference = np.abs(again.astype(int) - frame.astype(int))
    assert difference[:, :28].max() < 12
    assert difference[:, 36:].max() < 12
    assert encode_jpeg(frame) == encode_jpeg(frame)


def test_what_cannot_be_read_leaves_its_typed_error() -> None:
    assert sound_of(AudioClip(bytes=b"RIFF"), 5).problem.startswith("AudioError: ")
    assert pictures_of(VideoClip(bytes=b"nothing")).problem.startswith("VideoError: ")
    assert sound_of(AudioClip(path="/nowhere/a.wav"), 5).problem.startswith("ReleaseNotFoundError: ")

"""Make a small M3ED release: real layout, real oddities, invented series, people and lines."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from emotalk_data.errors import OptionError, quote
from emotalk_data.testing import media as make_media
from emotalk_data.testing.annotations import M3ED_EMOTIONS, blend, draw_blends
from emotalk_data.testing.m3ed_files import annotation_json, relation_json
from emotalk_data.testing.sentences import LINES
from emotalk_data.testing.truth import M3edSample, M3edUtterance
from emotalk_data.testing.writing import refuse_existing

__all__ = ["make_m3ed"]

_FRAME_RATE = 25
_SAMPLING_RATE = 16_000
# Frame numbers set aside for an episode; its pictures show the numbers from there.
_FRAMES_PER_EPISODE = 2_000
_SERIES = (
    ("qingchengxiaoxiang", "train"),
    ("nanshanchaguan", "val"),
    ("beiwanlanqiao", "test"),
    ("mingtianquhaibian", "train"),
)
_PEOPLE = (
    ("林小禾", "young", "female"),
    ("周大川", "mid", "male"),
    ("许青竹", "old", "female"),
    ("陈小满", "child", "male"),
    ("何明月", "young", "female"),
    ("方远山", "mid", "male"),
)
# Kinds that fall on the n-th utterance of the release.
_UTTERANCE_ODDITIES = {
    1: "blend",
    3: "annotator_other",
    5: "emotion_typo",
    8: "audio_other_speaker",
    10: "audio_missing",
    12: "main_not_in_blend",
    14: "other_typo",
}


def make_m3ed(
    root: str | Path,
    *,
    num_dialogues: int = 6,
    seed: int = 0,
    audio: bool = True,
    episodes: bool = True,
    oddities: bool = True,
) -> M3edSample:
    """Write a small M3ED release, with TV episodes of its own, and return the truth about it.

    Frame f of an episode shows the number `first + f`, where `first` differs by episode, and the sound is the
    tone of `tone_frequency`: both tell the time. A clip holds the tone of its window, 50 ms late at both
    ends, as released. The same arguments give the same JSON and wav bytes. Four dialogues give each of the
    four series one.

    Args:
        root: folder to write to; made if absent.
        num_dialogues: 1 to 60.
        seed: seed of everything drawn.
        audio: write `audio/`.
        episodes: write `episodes/<series>/<series>_<EE>.mp4`, each of 20 to 45 s.
        oddities: add what real releases have: typos, odd times, surplus dialogues, a misnamed and a missing
            clip, gaps in numbering. All of it must load.

    Raises:
        OptionError: `num_dialogues` is out of its range, or `root` is in use.
    """
    if not 1 <= num_dialogues <= 60:
        raise OptionError(f"num_dialogues is {quote(num_dialogues)}; expected 1 to 60.")
    root = Path(root)
    files = ("annotation.json", "relation_annotation_release.json", "splitInfo", "audio", "episodes")
    refuse_existing(root, files)
    rng = random.Random(seed)  # noqa: S311 - made-up data, not secrets
    found: dict[str, list[str]] = {}
    utterances: list[M3edUtterance] = []
    for dialogue in range(num_dialogues):
        utterances += _dialogue(rng, dialogue, utterances, oddities=oddities)
    if oddities:
        utterances = [_odd(rng, u, _UTTERANCE_ODDITIES.get(n), found) for n, u in enumerate(utterances)]
        found["number_gap"] = [b.utterance_id for a, b in pairwise(utterances) if _gap(a, b)]
    utterances.sort(key=_order)
    _write_lists(root)
    (root / "annotation.json").write_text(annotation_json(utterances, found), encoding="utf-8")
    relation = relation_json(utterances, found, oddities=oddities)
    (root / "relation_annotation_release.json").write_text(relation, encoding="utf-8")
    if audio:
        _write_clips(root, utterances)
    else:
        utterances = [replace(utterance, audio_path=None) for utterance in utterances]
    if episodes:
        _write_episodes(root / "episodes", utterances)
    splits = {split: tuple(s for s, of in _SERIES if of == split) for split in ("train", "val", "test")}
    splits["validation"] = splits.pop("val")
    return M3edSample(root, root / "episodes" if episodes else None, tuple(utterances), splits, found)


def _order(utterance: M3edUtterance) -> tuple[int, int, int]:
    series = [name for name, _ in _SERIES].index(utterance.series)
    return series, int(utterance.dialogue_id.rpartition("_")[2]), utterance.utterance_number


def _gap(before: M3edUtterance, after: M3edUtterance) -> bool:
    """Say whether numbers are left out between two utterances of one dialogue."""
    same = before.dialogue_id == after.dialogue_id
    return same and after.utterance_number > before.utterance_number + 1


def _dialogue(
    rng: random.Random, dialogue: int, before: list[M3edUtterance], *, oddities: bool
) -> list[M3edUtterance]:
    """Return the utterances of one dialogue, placed in its episode after those of the dialogues `before`."""
    series, split = _SERIES[dialogue % len(_SERIES)]
    nth = dialogue // len(_SERIES)
    # Two dialogues to an episode; numbers of episodes and dialogues have gaps.
    episode, number = 2 + 3 * (nth // 2), 1 + nth + (nth >= 1 and oddities)
    ends = [u.episode_end_seconds for u in before if (u.series, u.episode) == (series, episode)]
    origin = round(max(ends, default=0.0) * _FRAME_RATE) + rng.randint(30, 60)
    first = _FRAMES_PER_EPISODE * (len(_SERIES) * (nth // 2) + dialogue % len(_SERIES))
    people = rng.sample(_PEOPLE, 2)
    out: list[M3edUtterance] = []
    position, clock, speaker = 0, 1, 0
    for index in range(rng.randint(6, 9)):
        position += rng.choice((1, 1, 1, 2)) if oddities and index else 1
        if index == 1 or (index and rng.random() < 0.55):
            speaker = 1 - speaker
        length = rng.randint(20, 50)
        name, age, gender = people[speaker]
        annotations = draw_blends(rng, blended=rng.random() < 0.2)
        dialogue_id = f"{series}_{number}"
        letter = "AB"[speaker]
        emotions = blend(annotations)
        out.append(
            M3edUtterance(
                utterance_id=f"{dialogue_id}_{position}",
                dialogue_id=dialogue_id,
                series=series,
                split={"val": "validation"}.get(split, split),
                utterance_number=position,
                speaker_id=letter,
                speaker_name=name,
                age=age,
                gender=gender,
                text=rng.choice(LINES).rstrip("。？"),
                annotations=annotations,
                emotions=emotions,
                emotion=emotions[0],
                start_seconds=clock / _FRAME_RATE,
                end_seconds=(clock + length) / _FRAME_RATE,
                episode=episode,
                episode_start_seconds=(origin + clock) / _FRAME_RATE,
                episode_end_seconds=(origin + clock + length) / _FRAME_RATE,
                audio_path=f"audio/{letter}_{dialogue_id}_{position}.wav",
                num_samples=length * _SAMPLING_RATE // _FRAME_RATE,
                first_frame_number=first + origin + clock,
                num_frames=length,
            )
        )
        clock += length + rng.randint(1, 9)
    return out


def _odd(
    rng: random.Random, utterance: M3edUtterance, kind: str | None, found: dict[str, list[str]]
) -> M3edUtterance:
    """Return the utterance with an oddity that is part of the truth; spellings are the files' business."""
    if kind is None:
        return utterance
    found.setdefault(kind, []).append(utterance.utterance_id)
    match kind:
        case "blend":
            pair = ("Anger", "Disgust")
            return replace(utterance, annotations=(pair, pair, ("Anger",)), emotions=pair, emotion="Anger")
        case "annotator_other":
            annotations = (*utterance.annotations[:2], ("Other",))
            final = blend(annotations)
            return replace(utterance, annotations=annotations, emotions=final, emotion=final[0])
        case "emotion_typo":
            mixed = (("Surprise",), ("Surprise", "Happy"), ("Happy", "Surprise"))
            return replace(utterance, annotations=mixed, emotions=("Surprise", "Happy"), emotion="Surprise")
        case "other_typo":
            angry = (("Anger",), ("Anger",), ("Other",))
            return replace(utterance, annotations=angry, emotions=("Anger",), emotion="Anger")
        case "audio_other_speaker":
            other = {"A": "B", "B": "A"}[utterance.speaker_id]
            return replace(utterance, audio_path=f"audio/{other}_{utterance.utterance_id}.wav")
        case "audio_missing":
            return replace(utterance, audio_path=None)
        case _:  # main_not_in_blend
            others = [emotion for emotion in M3ED_EMOTIONS if emotion not in utterance.emotions]
            return replace(utterance, emotion=rng.choice(others))


def _write_lists(root: Path) -> None:
    """Write the four split lists; the last line has no newline, as released."""
    folder = root / "splitInfo"
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "val", "test", "total"):
        names = [series for series, of in _SERIES if split in (of, "total")]
        (folder / f"movie_list_{split}.txt").write_text("\n".join(names), encoding="utf-8")


def _write_clips(root: Path, utterances: list[M3edUtterance]) -> None:
    (root / "audio").mkdir(parents=True, exist_ok=True)
    late = _SAMPLING_RATE // 20
    for utterance in utterances:
        if utterance.audio_path is not None:
            start = round(utterance.episode_start_seconds * _SAMPLING_RATE) + late
            samples = make_media.tone_samples(start, utterance.num_samples, _SAMPLING_RATE)
            data = make_media.pcm16_wav_bytes(samples[None, :], _SAMPLING_RATE)
            (root / utterance.audio_path).write_bytes(data)


def _write_episodes(folder: Path, utterances: list[M3edUtterance]) -> None:
    """Write each episode, one second longer than its last utterance."""
    for path in dict.fromkeys(utterance.episode_path for utterance in utterances):
        inside = [utterance for utterance in utterances if utterance.episode_path == path]
        start = round(inside[0].episode_start_seconds * _FRAME_RATE)
        end = max(round(utterance.episode_end_seconds * _FRAME_RATE) for utterance in inside)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        make_media.write_numbered_video(
            folder / path,
            num_frames=max(end + _FRAME_RATE, 20 * _FRAME_RATE),
            width=96,
            height=64,
            gop=50,
            first_number=inside[0].first_frame_number - start,
        )

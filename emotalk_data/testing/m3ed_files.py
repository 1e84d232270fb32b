"""The truth about an M3ED release as `annotation.json` and `relation_annotation_release.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from emotalk_data.testing.truth import M3edUtterance

__all__ = ["annotation_json", "relation_json"]

_FRAME_RATE = 25
# Kind of oddity -> the three annotators' fields and `final_mul_emo`, as misspelt in the release.
_MISSPELT = {
    "emotion_typo": (("Surperised", "Surprised,Happpy", "Happpy,Surprised"), "Surprise,Happy "),
    "other_typo": (("Angry", "Anger ", "Othe"), "Anger"),
}
_AGE_TYPOS = ("Yong", "yound")


def annotation_json(utterances: Sequence[M3edUtterance], oddities: dict[str, list[str]]) -> str:
    """Return the text of `annotation.json`.

    Args:
        utterances: sorted by series, dialogue and number.
        oddities: kinds found so far; empty for a clean release, else `age_typo` and `gender_typo` are added.
    """
    is_odd = bool(oddities)
    out: dict[str, Any] = {}
    ages = list(_AGE_TYPOS)
    for dialogue_id, group in groupby(utterances, key=lambda u: u.dialogue_id):
        dialogue = list(group)
        speakers = _speakers(dialogue)
        for letter in sorted(speakers) if is_odd else ():
            speaker = speakers[letter]
            if speaker["Age"] == "young" and ages:
                speaker["Age"] = ages.pop(0)
                oddities.setdefault("age_typo", []).append(dialogue_id)
            elif speaker["Gender"] == "female" and "gender_typo" not in oddities:
                speaker["Gender"] = "Femal"
                oddities["gender_typo"] = [dialogue_id]
        lines = {u.utterance_id: _line(u, oddities) for u in dialogue}
        out.setdefault(dialogue[0].series, {})[dialogue_id] = {"SpeakerInfo": speakers, "Dialog": lines}
    return json.dumps(out, ensure_ascii=False, indent=4)


def _speakers(dialogue: Sequence[M3edUtterance]) -> dict[str, dict[str, Any]]:
    return {
        u.speaker_id: {"Name": u.speaker_name, "Age": u.age, "Gender": u.gender, "OtherName": []}
        for u in sorted(dialogue, key=lambda u: u.speaker_id)
    }


def _line(utterance: M3edUtterance, oddities: dict[str, list[str]]) -> dict[str, Any]:
    votes: Sequence[str] = [",".join(labels) for labels in utterance.annotations]
    final = ",".join(utterance.emotions)
    for kind, misspelt in _MISSPELT.items():
        if utterance.utterance_id in oddities.get(kind, ()):
            votes, final = misspelt
    return {
        "StartTime": _clock(round(utterance.start_seconds * _FRAME_RATE)),
        "EndTime": _clock(round(utterance.end_seconds * _FRAME_RATE)),
        "Text": utterance.text,
        "Speaker": utterance.speaker_id,
        "EmoAnnotation": {
            **{f"EmoAnnotator{place}": vote for place, vote in enumerate(votes, 1)},
            "final_mul_emo": final,
            "final_main_emo": utterance.emotion,
        },
    }


def _clock(frames: int) -> str:
    """Return `HH:MM:SS:FF`, FF being the frame at 25 a second."""
    seconds, frame = divmod(frames, _FRAME_RATE)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


def relation_json(utterances: Sequence[M3edUtterance], found: dict[str, list[str]], *, oddities: bool) -> str:
    """Return the text of `relation_annotation_release.json`, and add its oddities to `found`.

    The times that carry a meaning all can agree on (blanks, one-digit fields, frames over 24) stand at real
    dialogues; the three-digit frame stands at a surplus one, since readers may refuse it.
    """
    out: dict[str, Any] = {}
    dialogues = groupby(utterances, key=lambda u: u.dialogue_id)
    for position, (dialogue_id, group) in enumerate(dialogues):
        inside = list(group)
        origin = round((inside[0].episode_start_seconds - inside[0].start_seconds) * _FRAME_RATE)
        start, end = _clock(origin), _clock(round(inside[-1].episode_end_seconds * _FRAME_RATE) + 5)
        if oddities and position == 0:
            found.setdefault("malformed_time", []).append(dialogue_id)
            hours, minutes, rest = start.split(":", 2)
            start, end = f" {hours}:{int(minutes)}:{rest}", f"{end} "
        if oddities and position == 1:
            found["frame_beyond_rate"] = [dialogue_id]
            start = _beyond_rate(origin)
        out.setdefault(inside[0].series, {})[dialogue_id] = _place(inside[0].episode, start, end)
    if oddities:
        series = next(iter(out))
        extra = [f"{series}_{40 + number}" for number in range(2)]
        out[series][extra[0]] = _place(30, "00:00:05:123", "00:00:31:04")
        out[series][extra[1]] = _place(31, "00:12:01:10", "00:12:40:26")
        found["surplus_dialogue"] = extra
        found.setdefault("malformed_time", []).append(extra[0])
    return json.dumps(out, ensure_ascii=False, indent=4)


def _beyond_rate(frames: int) -> str:
    """Return the time with one second moved into the frame field."""
    seconds, frame = divmod(frames, _FRAME_RATE)
    return f"{_clock((seconds - 1) * _FRAME_RATE)[:-2]}{frame + _FRAME_RATE:02d}"


def _place(episode: int, start: str, end: str) -> dict[str, Any]:
    return {"episode": episode, "start_time": start, "end_time": end}

"""Make the annotation files of a release of EmotionTalk's true size, fast, for benchmarks."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from emotalk_data.errors import OptionError, quote
from emotalk_data.testing import media as make_media
from emotalk_data.testing.annotations import EMOTIONS, MODALITIES, draw_votes, weighted_label
from emotalk_data.testing.records import record
from emotalk_data.testing.sentences import LINES, captions, draw_tags, mark_up
from emotalk_data.testing.truth import EmotalkUtterance
from emotalk_data.testing.writing import refuse_existing

__all__ = ["make_fullsize_emotalk"]

# The release's fifteen groups and their speakers (counted on the split tables).
_GROUPS = (
    ("G00001", "01", "02"),
    ("G00002", "07", "08"),
    ("G00003", "02", "13"),
    ("G00004", "05", "09"),
    ("G00005", "06", "10"),
    ("G00006", "07", "12"),
    ("G00007", "11", "14"),
    ("G00008", "07", "11"),
    ("G00009", "12", "14"),
    ("G00010", "05", "08"),
    ("G00011", "06", "09"),
    ("G00012", "13", "15"),
    ("G00013", "16", "17"),
    ("G00014", "18", "19"),
    ("G00015", "20", "21"),
)
_PER_SESSION = 26
_SESSIONS_PER_GROUP = 99
_TEMPLATES = 64
_MARK = "G99999_99_99_999"  # Stands for the id in a template; no release has it.
_START = 777_777.25  # Stands for the start of an utterance in a template, in seconds.
_PAUSE = 0.5  # Seconds between two utterances of a dialogue.


def make_fullsize_emotalk(
    root: str | Path,
    *,
    num_utterances: int = 19_250,
    media: Literal["none", "tiny", "shared"] = "none",
    seed: int = 0,
) -> Path:
    """Write four JSON files per utterance, in the clean form, about 1 KB each, and return the root.

    Values come from a few dozen drawn records, so contents repeat; ids, paths and times are each utterance's
    own. Each session spans both of its speakers.

    Args:
        root: folder to write to; made if absent.
        num_utterances: 1 to 38,610; the release has 19,250.
        media: `none`; `tiny`: a wav (1 s, 16 kHz, mono) and an mp4 (1 s, 96 × 64) at every path;
            `shared`: the same as hard links to one file each, which takes no space.
        seed: seed of everything drawn.

    Raises:
        OptionError: an argument is out of its range, or `root` is in use.
    """
    limit = len(_GROUPS) * _SESSIONS_PER_GROUP * _PER_SESSION
    if not 1 <= num_utterances <= limit:
        raise OptionError(f"num_utterances is {quote(num_utterances)}; expected 1 to {limit}.")
    if media not in ("none", "tiny", "shared"):
        raise OptionError(f"media is {quote(media)}; expected 'none', 'tiny' or 'shared'.")
    root = Path(root)
    refuse_existing(root, [modality.capitalize() for modality in MODALITIES])
    rng = random.Random(seed)  # noqa: S311 - made-up data, not secrets
    drawn = [_drawn(rng, seconds=1.0 if media != "none" else None) for _ in range(_TEMPLATES)]
    templates = [(_templates(utterance), utterance.end_seconds or _START) for utterance in drawn]
    sources = _sources(seed) if media != "none" else {}
    folders: set[str] = set()
    firsts: dict[str, str] = {}
    dialogue, clock = "", _PAUSE
    for position, (folder, utterance_id) in enumerate(_ids(num_utterances)):
        if dialogue != utterance_id[:9]:
            dialogue, clock = utterance_id[:9], _PAUSE
        files, end_mark = templates[position % _TEMPLATES]
        end = round(clock + end_mark - _START, 2)
        speaker = folder.rpartition("_")[2].encode()
        old, new = _media_path(_MARK).encode(), f"{folder}/{utterance_id}".encode()
        for tree, template in files.items():
            data = template.replace(old, new).replace(b'"99"', b'"' + speaker + b'"')
            if tree == "Audio":
                for mark, seconds in ((_START, clock), (end_mark, end)):
                    data = data.replace(json.dumps(mark).encode(), json.dumps(seconds).encode())
            _write(root, folders, f"{tree}/json/{folder}", f"{utterance_id}.json", data)
        clock = round(end + _PAUSE, 2)
        for (tree, suffix), data in sources.items():
            first = firsts.get(suffix)
            if media == "tiny" or first is None:
                firsts[suffix] = _write(root, folders, f"{tree}/{folder}", f"{utterance_id}{suffix}", data)
            else:
                _link(root, folders, f"{tree}/{folder}", f"{utterance_id}{suffix}", first, data)
    return root


def _ids(num_utterances: int) -> Iterator[tuple[str, str]]:
    """Yield folder and id of each utterance, groups as even in size as they come."""
    for group_index, (group, *speakers) in enumerate(_GROUPS):
        share = num_utterances * (group_index + 1) // len(_GROUPS) - num_utterances * group_index // len(
            _GROUPS
        )
        for index in range(share):
            session, within = divmod(index, _PER_SESSION)
            # Turns of two; every fifth number is left out.
            speaker, number = speakers[within // 2 % 2], 1 + within + within // 5
            dialogue = f"{group}_{session + 1:02d}"
            folder = f"{group}/{dialogue}/{dialogue}_{speaker}"
            yield folder, f"{dialogue}_{speaker}_{number:03d}"


def _media_path(utterance_id: str) -> str:
    group, session, speaker, _ = utterance_id.split("_")
    return f"{group}/{group}_{session}/{group}_{session}_{speaker}/{utterance_id}"


def _drawn(rng: random.Random, *, seconds: float | None) -> EmotalkUtterance:
    """Return one made-up utterance under the id that `_MARK` is."""
    group, session, speaker, number = _MARK.split("_")
    emotion = rng.choice(EMOTIONS)
    line = "".join(rng.sample(LINES, 3))  # About as long as the release's mean transcript.
    tags = draw_tags(rng, line)
    votes = {modality: draw_votes(rng, modality, emotion) for modality in MODALITIES}
    sentiments = [vote.sentiment for vote in votes["multimodal"] if vote.sentiment is not None]
    length = round(rng.uniform(1.5, 7.3), 2) if seconds is None else seconds
    return EmotalkUtterance(
        ordinal=0,
        utterance_id=_MARK,
        dialogue_id=f"{group}_{session}",
        group_id=group,
        session_id=session,
        speaker_id=speaker,
        utterance_number=int(number),
        split="train",
        text_raw=mark_up(line, tags),
        text=line,
        tags=tags,
        labels={modality: weighted_label(votes[modality]) for modality in MODALITIES},
        overridden=(),
        sentiment=round(sum(sentiments) / len(sentiments), 1),
        votes=tuple(vote for modality in MODALITIES for vote in votes[modality]),
        captions=captions(rng, emotion),
        start_seconds=_START,
        end_seconds=round(_START + length, 2),
        presence=frozenset(MODALITIES),
        sampling_rate=16_000,
        num_channels=1,
        num_samples=round(length * 16_000),
        num_frames=25,
        first_frame_number=0,
    )


def _templates(utterance: EmotalkUtterance) -> dict[str, bytes]:
    """Return the JSON bytes of each tree for one drawn utterance."""
    return {
        modality.capitalize(): json.dumps(record(utterance, modality), ensure_ascii=False, indent=4).encode()
        for modality in MODALITIES
    }


def _sources(seed: int) -> dict[tuple[str, str], bytes]:
    wav = make_media.wav_bytes(
        num_samples=16_000, sampling_rate=16_000, num_channels=1, seed=seed & 0xFFFFFFFF
    )
    mp4 = make_media.numbered_video_bytes(num_frames=25, width=96, height=64)
    return {("Audio/wav", ".wav"): wav, ("Multimodal/mp4", ".mp4"): mp4}


def _write(root: Path, folders: set[str], folder: str, name: str, data: bytes) -> str:
    """Write one file by the bare system calls: `open()` takes twice as long, and there are 77,000."""
    path = _place(root, folders, folder, name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    return path


def _link(root: Path, folders: set[str], folder: str, name: str, first: str, data: bytes) -> None:
    """Link `name` to the file `first`, or write it where the file system allows no (more) links."""
    try:
        os.link(first, _place(root, folders, folder, name))
    except OSError:
        _write(root, folders, folder, name, data)


def _place(root: Path, folders: set[str], folder: str, name: str) -> str:
    if folder not in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        folders.add(folder)
    return f"{root}/{folder}/{name}"

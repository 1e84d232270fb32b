"""Make a small EmotionTalk release: real layout, real oddities, invented content."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from emotalk_data.errors import OptionError, quote
from emotalk_data.testing import media as make_media
from emotalk_data.testing.annotations import (
    EMOTIONS,
    MODALITIES,
    draw_intentions,
    draw_votes,
    weighted_label,
)
from emotalk_data.testing.records import ODDITY_MODALITY, json_files
from emotalk_data.testing.sentences import LINES, captions, draw_tags, mark_up
from emotalk_data.testing.truth import EmotalkSample, EmotalkUtterance, Vote
from emotalk_data.testing.writing import refuse_existing, write_tars, write_tree, zip_bytes

__all__ = ["make_emotalk"]

_FRAME_RATE = 25
_MAX_UTTERANCES = 2_500  # Beyond it two-digit session numbers could run out.
_FRAMES_PER_CLIP = 100  # Numbers set aside for each clip's frames; clips are shorter.
_VALIDATION, _TEST = ("G00001", "G00012"), ("G00003", "G00015")
# The release's groups with their two speakers, in an order that covers all splits with three dialogues and
# soon gives one group a second session. G00001, G00012 and G00003 share speakers, as released.
_SESSIONS = (
    ("G00002", "07", "08"),
    ("G00001", "01", "02"),
    ("G00003", "02", "13"),
    ("G00002", "07", "08"),
    ("G00012", "13", "15"),
    ("G00015", "20", "21"),
    ("G00004", "05", "09"),
    ("G00005", "06", "10"),
    ("G00014", "18", "19"),
)
_TREES = tuple(modality.capitalize() for modality in MODALITIES)


def make_emotalk(
    root: str | Path,
    *,
    num_utterances: int = 48,
    seed: int = 0,
    tars: bool = False,
    gzip_text: bool = False,
    modalities: Sequence[str] = MODALITIES,
    media: bool = True,
    oddities: bool = True,
    nested_zip: bool = False,
) -> EmotalkSample:
    """Write a small EmotionTalk release and return the truth about it.

    The same arguments give the same JSON and wav bytes. 18 utterances cover the three splits, 24 all kinds
    of oddity; the sound of each clip and the numbers in its frames are its own (frame i of the utterance with
    ordinal n shows `100 n + i`, modulo 65,536).

    Args:
        root: folder to write to; made if absent.
        num_utterances: 1 to 2,500; dialogues take 6 to 10 each, the last what is left.
        seed: seed of everything drawn.
        tars: write `Text.tar`, `Audio.tar`, `Video.tar`, `Multimodal.tar` in place of the four trees.
        gzip_text: make `Text.tar` and `Video.tar` gzip data under the name `.tar`; needs `tars`.
        modalities: which of the four the release has.
        media: write wav and mp4 files, not only annotations.
        oddities: give some utterances the oddities that real releases have; all of them must load.
        nested_zip: put the mp4s only into `Multimodal/mp4.zip`.

    Raises:
        OptionError: an argument is out of its range, two contradict each other, or `root` is in use.
    """
    _check(num_utterances, tars, gzip_text, modalities, media, nested_zip)
    root = Path(root)
    refuse_existing(root, [*_TREES, *(f"{tree}.tar" for tree in _TREES)])
    has = frozenset(modalities) | (
        {name for name, of in (("wav", "audio"), ("mp4", "multimodal")) if of in modalities}
        if media
        else set()
    )
    kinds = _kinds(num_utterances, has) if oddities else {}
    rng = random.Random(seed)  # noqa: S311 - made-up data, not secrets
    utterances: list[EmotalkUtterance] = []
    found: dict[str, list[str]] = {}
    for dialogue, size in enumerate(_sizes(rng, num_utterances)):
        one_sided = oddities and dialogue == 3
        for utterance in _dialogue(rng, dialogue, size, len(utterances), kinds, one_sided=one_sided):
            utterances.append(_visible(utterance, kinds.get(utterance.ordinal), has))
            if one_sided:
                found.setdefault("one_sided_session", []).append(utterance.utterance_id)
    for ordinal, kind in kinds.items():
        found[kind] = [utterances[ordinal].utterance_id]
    members = _members(utterances, kinds, seed, nested_zip=nested_zip)
    if tars:
        write_tars(root, members, gzipped=("Text", "Video") if gzip_text else ())
    else:
        write_tree(root, members)
    return EmotalkSample(root, tuple(utterances), found)


def _check(
    num_utterances: int, tars: bool, gzip_text: bool, modalities: Sequence[str], media: bool, nested_zip: bool
) -> None:
    if not 1 <= num_utterances <= _MAX_UTTERANCES:
        raise OptionError(
            f"num_utterances is {quote(num_utterances)}; expected 1 to {_MAX_UTTERANCES}. "
            "make_fullsize_emotalk makes larger releases."
        )
    unknown = [modality for modality in modalities if modality not in MODALITIES]
    if unknown or not modalities:
        raise OptionError(f"modalities is {quote(modalities)}; expected some of {list(MODALITIES)}.")
    if gzip_text and not tars:
        raise OptionError("gzip_text=True packs tars: pass tars=True with it.")
    if nested_zip and not (media and "multimodal" in modalities):
        raise OptionError("nested_zip=True packs mp4s: it needs media=True and the modality 'multimodal'.")


def _sizes(rng: random.Random, num_utterances: int) -> list[int]:
    """Return dialogue lengths of 6 to 10: 6 for the first three, so that few utterances reach all splits."""
    sizes: list[int] = []
    left = num_utterances
    while left > 0:
        if len(sizes) < 3 or left == 11:
            size = min(left, 6)
        else:
            # Leave none, or enough for a dialogue.
            size = left if left <= 10 else rng.randint(6, min(10, left - 6))
        sizes.append(size)
        left -= size
    return sizes


def _kinds(num_utterances: int, has: frozenset[str]) -> dict[int, str]:
    """Return ordinal to kind of oddity: spread over the release, one to an utterance."""
    needs = {"missing_mp4": "mp4", "zip_repeats_mp4": "mp4"}
    kinds = [kind for kind, modality in ODDITY_MODALITY.items() if needs.get(kind, modality) in has]
    stride = max(1, num_utterances // len(kinds))
    placed = ((position * stride + stride - 1, kind) for position, kind in enumerate(kinds))
    return {ordinal: kind for ordinal, kind in placed if ordinal < num_utterances}


def _dialogue(
    rng: random.Random, dialogue: int, size: int, ordinal: int, kinds: dict[int, str], *, one_sided: bool
) -> list[EmotalkUtterance]:
    """Return the utterances of one dialogue, with all that they have in all modalities."""
    turn, place = divmod(dialogue, len(_SESSIONS))
    group, *speakers = _SESSIONS[place]
    session = f"{2 * turn + 1 + (place == 3):02d}"
    out: list[EmotalkUtterance] = []
    number, end, gap, speaker = 0, 0.0, round(rng.uniform(0.5, 4), 2), 0
    for position in range(size):
        # Numbers are shared by both speakers and have gaps: what nobody could use was left out.
        number += rng.choice((1, 1, 1, 2, 3))
        if not one_sided and (position == 1 or rng.random() < 0.6):
            speaker = 1 - speaker
        elif position:
            gap = abs(gap)
        clock = round(end + gap, 2)
        utterance_id = f"{group}_{session}_{speakers[speaker]}_{number:03d}"
        utterance = _utterance(rng, utterance_id, ordinal + position, clock, kinds.get(ordinal + position))
        out.append(utterance)
        # People talk into each other: the other speaker may start before this one ends.
        end, gap = utterance.end_seconds or clock, rng.uniform(-0.3, 1.2)
    return out


def _utterance(
    rng: random.Random, utterance_id: str, ordinal: int, start: float, kind: str | None
) -> EmotalkUtterance:
    group, session, speaker, number = utterance_id.split("_")
    line = rng.choice(LINES)
    tags = _tags(rng, line, kind)
    emotion = EMOTIONS[ordinal % 7] if rng.random() < 0.75 else "neutral"
    intended = draw_intentions(rng, emotion)
    if kind == "alias_label":
        # "neutral" has no alias, so here all must say something else.
        intended["text"] = "happy"
    votes: list[Vote] = []
    labels: dict[str, str | None] = {}
    overridden = []
    for modality in MODALITIES:
        judged = draw_votes(rng, modality, intended[modality], agree=kind == "alias_label")
        label = weighted_label(judged)
        if rng.random() < 0.06 and kind != "alias_label":
            overridden.append(modality)
            label = rng.choice([word for word in EMOTIONS if word != label])
        votes.extend(judged)
        labels[modality] = label
    sentiments = [vote.sentiment for vote in votes if vote.sentiment is not None]
    num_frames, rate = rng.randint(_FRAME_RATE, 3 * _FRAME_RATE), rng.choice((44_100, 16_000))
    # The wav is up to one sample longer or shorter than the pictures, as cutting tools leave it.
    num_samples = num_frames * rate // _FRAME_RATE + rng.choice((-1, 0, 1))
    return EmotalkUtterance(
        ordinal=ordinal,
        utterance_id=utterance_id,
        dialogue_id=f"{group}_{session}",
        group_id=group,
        session_id=session,
        speaker_id=speaker,
        utterance_number=int(number),
        split="validation" if group in _VALIDATION else "test" if group in _TEST else "train",
        text_raw=mark_up(line, tags),
        text=line,
        tags=tags,
        labels=labels,
        overridden=tuple(overridden),
        sentiment=round(sum(sentiments) / len(sentiments), 1),
        votes=tuple(votes),
        captions=captions(rng, emotion),
        start_seconds=start,
        end_seconds=round(start + num_samples / rate, 6),
        presence=frozenset(),
        sampling_rate=rate,
        num_channels=rng.choice((1, 2)),
        num_samples=num_samples,
        num_frames=num_frames,
        first_frame_number=ordinal * _FRAMES_PER_CLIP % 65_536,
    )


def _tags(rng: random.Random, line: str, kind: str | None) -> tuple[tuple[str, int], ...]:
    tags = draw_tags(rng, line)
    if kind == "unbalanced_overlap":
        return (("[over/]", 2),)
    if kind == "malformed_tag":
        # The words stand inside the brackets: deleting "[...]" would lose them.
        return (("[over/", 1), ("]", 3))
    return tags


def _visible(utterance: EmotalkUtterance, kind: str | None, has: frozenset[str]) -> EmotalkUtterance:
    """Return the utterance with only what this release holds."""
    missing = {"missing_video": "video", "missing_mp4": "mp4"}.get(kind or "")
    presence = frozenset(name for name in has if name != missing)
    labels = {m: utterance.labels[m] if m in presence else None for m in MODALITIES}
    if kind == "missing_label":
        labels["video"] = None
    spoken = bool({"text", "audio"} & presence)
    timed = "audio" in presence
    return replace(
        utterance,
        text_raw=utterance.text_raw if spoken else None,
        text=utterance.text if spoken else None,
        tags=utterance.tags if spoken else (),
        labels=labels,
        overridden=tuple(m for m in utterance.overridden if labels[m] is not None),
        sentiment=utterance.sentiment if "multimodal" in presence else None,
        votes=tuple(vote for vote in utterance.votes if vote.modality in presence),
        captions=utterance.captions if timed and kind != "captions_absent" else None,
        start_seconds=utterance.start_seconds if timed else None,
        end_seconds=utterance.end_seconds if timed else None,
        presence=presence,
    )


def _members(
    utterances: Sequence[EmotalkUtterance], kinds: dict[int, str], seed: int, *, nested_zip: bool
) -> dict[str, Callable[[], bytes]]:
    """Return member name to what makes its bytes."""
    members: dict[str, Callable[[], bytes]] = {}
    zipped: dict[str, Callable[[], bytes]] = {}
    for utterance in utterances:
        kind = kinds.get(utterance.ordinal)
        for name, data in json_files(utterance, kind):
            members[name] = partial(bytes, data)
        if "wav" in utterance.presence:
            members[f"Audio/wav/{utterance.media_path('.wav')}"] = partial(
                make_media.wav_bytes,
                num_samples=utterance.num_samples,
                sampling_rate=utterance.sampling_rate,
                num_channels=utterance.num_channels,
                seed=(seed & 0xFFFFFFFF) * 1_000_003 + utterance.ordinal,
            )
        if "mp4" in utterance.presence:
            path = f"mp4/{utterance.media_path('.mp4')}"
            make = partial(
                make_media.numbered_video_bytes,
                num_frames=utterance.num_frames,
                first_number=utterance.first_frame_number,
            )
            if not nested_zip:
                members[f"Multimodal/{path}"] = make
            if nested_zip or kind == "zip_repeats_mp4":
                zipped[path] = make
    if zipped:
        members["Multimodal/mp4.zip"] = partial(zip_bytes, zipped)
    return members

"""`emotalk demo`: everything once, on made-up data, with nothing to download."""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emotalk_data.cli.output import (
    cells,
    echo,
    examples,
    heading,
    pairs,
    printable,
    progress,
    quiet_libraries,
    shorten,
    table,
)
from emotalk_data.cli.problems import print_problems
from emotalk_data.cli.sample import make_emotalk_sample, make_m3ed_sample, refuse_non_empty

if TYPE_CHECKING:
    import datasets

    from emotalk_data.media import VideoClip

__all__ = ["demo"]

_UTTERANCES, _DIALOGUES = 24, 4  # the three splits, and every kind of oddity
_TEXT_CELLS = 56
_SHOWN_PROBLEMS = 2


@click.command(
    epilog=examples(
        "emotalk demo",
        "emotalk demo --keep /tmp/emotalk-demo    keeps the two samples, to go on from there",
        footer="Nothing is downloaded, and no data of yours is read. The cache is inside the folder too.",
    )
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Work in this folder, empty or new, and leave it there; a temporary one if omitted.",
)
def demo(keep: Path | None) -> None:
    """Try everything on made-up data, in seconds.

    Makes a small sample of each corpus, checks it, loads it, decodes sound and pictures, and makes features.
    """
    quiet_libraries(bars=False)
    if keep is not None:
        refuse_non_empty(keep)
    place = (
        nullcontext(str(keep)) if keep is not None else tempfile.TemporaryDirectory(prefix="emotalk-demo-")
    )
    with place as folder:
        root = Path(folder)
        _show_emotalk(root / "EmotionTalk", root / "cache")
        _show_m3ed(root / "RUCM3ED", root / "cache")
    _say_what_next(keep)
    echo("\nIt works: two corpora made, checked, loaded and decoded.", fg="green")


def _show_emotalk(folder: Path, cache: Path) -> None:
    from emotalk_data.cli.demo_features import show_features

    heading("1. A made-up EmotionTalk, oddities of the real one included")
    progress("  making it …")
    make_emotalk_sample(folder, _UTTERANCES)
    _call(f"emotalk sample emotalk DIR --utterances {_UTTERANCES}")

    heading("2. What is wrong with it")
    _check(folder)

    heading("3. Load it")
    _call('ds = load_dataset("emotalk", data_dir=DIR)')
    loaded = _load("emotalk", folder, cache)
    _show_splits(loaded)

    heading("4. One row")
    number, row = _row_with_media(loaded["train"])
    _call(f'row = ds["train"][{number}]')
    _show_row(row, loaded["train"].features)

    heading("5. Sound and pictures, decoded when asked")
    _show_media(row)

    heading("6. What a task sees")
    _show_views(loaded)

    heading("7. Features, by an encoder of ten lines")
    show_features(loaded, folder, cache, folder.with_name("loudness"))


def _show_m3ed(folder: Path, cache: Path) -> None:
    heading("8. M3ED: an utterance is a window of a TV episode that you own")
    progress("  making a sample with episodes …")
    sample = make_m3ed_sample(folder, _DIALOGUES)
    _call('ds = load_dataset("m3ed", data_dir=DIR, episodes_dir=EPISODES)')
    loaded = _load("m3ed", folder, cache, episodes_dir=sample.episodes_dir)
    _show_splits(loaded)
    number, row = _row_with_media(loaded["train"])
    echo()
    _call(f'row = ds["train"][{number}]')
    names = loaded["train"].features["emotion"].names
    clip: VideoClip = row["video"]
    path = clip["path"]
    frames = clip.frames(8)
    pairs(
        [
            ("utterance_id", row["utterance_id"]),
            ("text", shorten(row["text"], _TEXT_CELLS)),
            ("emotion", f"{names[row['emotion']]} (blend: {', '.join(names[i] for i in row['emotions'])})"),
            ("video", f"…/{Path(path).name}"),
            ("in the episode", _span(row["episode_start_seconds"], row["episode_end_seconds"])),
            ('row["video"].frames(8)', f"{frames.dtype} {frames.shape}"),
        ]
    )


def _check(folder: Path) -> None:
    from emotalk_data.validation.validate import validate as read_release

    report = read_release(folder)
    _call("emotalk validate DIR")
    echo(f"  {report.summary()}\n")
    codes = list(dict.fromkeys(problem.code for problem in report.problems()))[:_SHOWN_PROBLEMS]
    print_problems(report, limit=1, codes=codes)
    rest = len(report.num_by_code()) - len(codes)
    if rest > 0:
        echo(f"  … and {rest} more codes; every row is there all the same", dim=True)


def _load(
    corpus: str, folder: Path, cache: Path, *, episodes_dir: Path | None = None
) -> datasets.DatasetDict:
    from emotalk_data.load import load_dataset

    progress("  loading …")
    return load_dataset(
        corpus, data_dir=os.fspath(folder), cache_dir=os.fspath(cache), episodes_dir=episodes_dir
    )


def _call(code: str) -> None:
    """Show what to type for what follows."""
    echo(f"  > {code}", fg="cyan")


def _show_splits(loaded: datasets.DatasetDict) -> None:
    rows = [[split, f"{len(rows):,}", f"{len(set(rows['dialogue_id'])):,}"] for split, rows in loaded.items()]
    table(["split", "rows", "dialogues"], rows, right=(1, 2))


def _row_with_media(rows: datasets.Dataset) -> tuple[int, dict[str, Any]]:
    """Return the first row that has everything, and its number: presence is a fact of each row."""
    wanted = ("video", "audio", "text", "emotion", "start_seconds")
    complete = ((n, row) for n, row in enumerate(rows) if all(row[name] is not None for name in wanted))
    return next(complete)


def _span(start: float, end: float) -> str:
    return f"{start:.2f} s to {end:.2f} s"


def _show_row(row: dict[str, Any], features: datasets.Features) -> None:
    names = features["emotion"].names
    perceived = {of: row[f"emotion_{of}"] for of in ("text", "audio", "video")}
    labels = ", ".join(f"{of} {'none' if label is None else names[label]}" for of, label in perceived.items())
    captions = row["captions"] or {}
    sentiment = "none" if row["sentiment"] is None else f"{row['sentiment']:+.1f} of -2 to 2"
    pairs(
        [
            ("utterance_id", row["utterance_id"]),
            ("speaker_id", row["speaker_id"]),
            ("text", shorten(row["text"], _TEXT_CELLS)),
            ("text_raw", shorten(row["text_raw"] or "", _TEXT_CELLS)),
            ("emotion", f"{names[row['emotion']]}   (by what was perceived: {labels})"),
            ("sentiment", sentiment),
            ("annotations", f"{len(row['annotations'])} judgements of five annotators per modality"),
            ("captions", shorten(captions.get("speaker") or "none", _TEXT_CELLS)),
            ("time", f"{_span(row['start_seconds'], row['end_seconds'])} of the session"),
            ("audio", repr(row["audio"])),
            ("video", repr(row["video"])),
        ]
    )


def _show_media(row: dict[str, Any]) -> None:
    audio, video = row["audio"], row["video"]
    one_second = audio.decode(0, min(1.0, audio.duration_seconds))
    speech = audio.decode(0, min(1.0, audio.duration_seconds), sampling_rate=16_000, mono=True)
    frames = video.frames(8)
    rows = [
        [
            'row["audio"].decode(0, 1)',
            f"{one_second.dtype} {one_second.shape}",
            f"{audio.sampling_rate:,} Hz, {audio.duration_seconds:.2f} s in all",
        ],
        [
            'row["audio"].decode(0, 1, sampling_rate=16_000, mono=True)',
            f"{speech.dtype} {speech.shape}",
            "16,000 Hz",
        ],
        [
            'row["video"].frames(8)',
            f"{frames.dtype} {frames.shape}",
            f"{video.frame_rate:g} frames/s, {video.num_frames} in all",
        ],
    ]
    table(["call", "gives", "of"], rows)


def _show_views(loaded: datasets.DatasetDict) -> None:
    from emotalk_data.views import audit_splits, label_report

    _call('label_report(ds["train"], "emotion4", modality="audio")')
    for line in str(label_report(loaded["train"], "emotion4", modality="audio")).splitlines():
        echo(f"  {line}")
    echo()
    _call("audit_splits(ds)")
    for leak in audit_splits(loaded).leaks:
        for line in str(leak).splitlines():
            echo(f"  {line}")


def _say_what_next(keep: Path | None) -> None:
    heading("Next")
    if keep is not None:
        place = printable(shlex.quote(str(keep / "EmotionTalk")))
        steps = [
            (f"emotalk validate {place}", "all problems of the sample"),
            (f"emotalk info emotalk --data-dir {place}", "what it holds"),
            (f"emotalk report {place} --out report.html", "the same as a page to look at"),
        ]
    else:
        steps = [("emotalk sample emotalk DIR", "the same sample, to keep and to play with")]
    steps += [
        ("emotalk info emotalk", "the real corpus: columns, licence, where to get it"),
        ("emotalk validate /data/EmotionTalk", "check your copy of it"),
        ("emotalk doctor", "check this installation"),
    ]
    width = max(cells(command) for command, _ in steps)
    for command, why in steps:
        echo(f"  {command}{' ' * (width - cells(command))}  {why}")

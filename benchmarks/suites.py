"""What each suite makes, what it runs, and in which order."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.environment import environment
from benchmarks.measure import Result, Role, Section, run_command, run_task
from emotalk_data.testing import make_fullsize_emotalk

__all__ = ["SUITES"]

_FULL_SIZE, _QUICK_SIZE = 19_250, 120
_PEER_RECORDS = 1_000
"""Records of each modality that the other validators get: their rate does not depend on the number."""
_PEERS = ("audiofolder", "first_clip_stock", "check_jsonschema", "jsonschema", "jsonschema_rs")
_FLOORS = ("json_loop", "stat_loop", "nothing", "import_datasets")


def load(folder: Path, *, is_quick: bool, rounds: int | None) -> Section:
    """Measure loading, validation and start-up, each task in a fresh process."""
    num_utterances = _QUICK_SIZE if is_quick else _FULL_SIZE
    root = folder / "release"
    make_fullsize_emotalk(root, num_utterances=num_utterances, media="shared")
    wavs = _audiofolder(root, folder / "audiofolder")
    parquet = _parquet(root, folder)
    part = _part(root, folder / "part")
    section = Section("load", environment("load"), f"{num_utterances:,} utterances", not is_quick)
    results = section.results

    def task(name: str, *arguments: object, label: str = "") -> None:
        role: Role = "peer" if name in _PEERS else "limit" if name in _FLOORS else "ours"
        result = results.setdefault(label or name, Result(role=role))
        if not result.error:
            run_task(result, f"load.{name}", arguments)

    help_command = [sys.executable, "-m", "emotalk_data", "--help"]
    for number in _rounds(rounds or (1 if is_quick else 5)):
        cache = folder / f"cache-{number}"
        task("json_loop", root)
        task("stat_loop", root)
        task("cold_load", root, cache)
        task("warm_load", root, cache)
        task("validate", root)
        task("validate", part, label="validate_part")
        for peer in ("check_jsonschema", "jsonschema", "jsonschema_rs"):
            task(peer, root, _PEER_RECORDS)
        task("first_clip", root, cache)
        task("audiofolder", wavs, folder / f"stock-{number}")
        task("first_clip_stock", parquet)
        task("nothing")
        task("import_package")
        task("import_datasets")
        run_command(results.setdefault("bare_python", Result(role="limit")), [sys.executable, "-c", ""])
        run_command(results.setdefault("help", Result(role="ours")), help_command)
        shutil.rmtree(folder / f"stock-{number}", ignore_errors=True)
    return section


def audio(folder: Path, *, is_quick: bool, rounds: int | None) -> Section:
    """Measure a wav to samples, all tasks in one process."""
    num_wavs = 8 if is_quick else 200
    wavs = data.write_wavs(folder / "wavs", num_wavs)
    data.write_wavs(folder / "stereo", num_wavs // 4, num_channels=2)
    data.write_tar(wavs, folder / "wavs.tar")
    data.save_as_arrow(wavs, folder / "arrow")
    data.write_release(folder / "release", wavs)
    run_task(Result(), "formats.write_stored", [folder])
    text = f"{num_wavs} wavs of {data.CLIP_SECONDS} s, PCM16, 44.1 kHz, mono; page cache warm"
    section = Section("audio", environment("audio"), text, not is_quick)
    return _in_one_process(section, folder, rounds or (2 if is_quick else 15), 2 if is_quick else num_wavs)


def video(folder: Path, *, is_quick: bool, rounds: int | None) -> Section:
    """Measure a clip to frames, all tasks in one process."""
    num_clips, clip_seconds = (2, 1.2) if is_quick else (8, data.CLIP_SECONDS)
    episode_seconds, part_seconds = (20, 5) if is_quick else (45 * 60, 60)
    data.write_clips(folder / "clips", num_clips, seconds=clip_seconds)
    data.write_episode(folder / "episode.mp4", seconds=episode_seconds, part_seconds=part_seconds)
    text = (
        f"{num_clips} clips of {clip_seconds} s, 640 × 480, 25 frames/s, H.264 with B-frames, and an "
        f"episode of {episode_seconds / 60:.2g} minutes with a key frame every 10 s at most"
    )
    section = Section("video", environment("video"), text, not is_quick)
    return _in_one_process(section, folder, rounds or (2 if is_quick else 11), 2 if is_quick else 32)


def epoch(folder: Path, *, is_quick: bool, rounds: int | None) -> Section:
    """Measure all utterances once, in batches, each task in a fresh process; and a long mix of decodes."""
    from benchmarks.tasks.formats import FORMATS

    num_utterances = 64 if is_quick else 2_000
    wavs = data.write_wavs(folder / "wavs", num_utterances, is_varied=True)
    videos = data.write_clips(folder / "clips", 1, seconds=0.4)
    data.write_release(folder / "release", wavs, videos)
    num_mib = sum(path.stat().st_size for path in wavs) / 2**20
    text = (
        f"{num_utterances:,} utterances of 1.5 to 7.3 s, PCM16, 44.1 kHz, mono, {num_mib:,.0f} MiB; "
        "batches of 32; page cache warm"
    )
    section = Section("epoch", environment("epoch"), text, not is_quick)
    unwritten: dict[str, str] = {}
    for name in FORMATS:
        print(f"writing {name} …", file=sys.stderr)
        written = Result()
        run_task(written, f"formats.write_{name}", [folder])
        unwritten[name] = written.error
    for number in _rounds(rounds or (1 if is_quick else 5)):
        _epoch_round(section.results, folder, number, unwritten, is_quick=is_quick)
    soak = section.results.setdefault("long run/mixed decodes", Result(role="ours"))
    run_task(soak, "soak.mixed_decodes", [folder, 400 if is_quick else 20_000])
    return section


def _epoch_round(
    results: dict[str, Result], folder: Path, number: int, unwritten: dict[str, str], *, is_quick: bool
) -> None:
    from benchmarks.tasks.epoch import EPOCHS
    from benchmarks.tasks.formats import BUILDS

    for name, way in EPOCHS.items():
        result = results.setdefault(name, Result(role=way.role, error=unwritten.get(way.format, "")))
        if not result.error and not is_quick:
            run_task(result, "epoch.run", [folder, name])
    if is_quick:  # one process for all: to import torch takes longer than the epochs
        names = [name for name in EPOCHS if not results[name].error]
        values = run_task(Result(), "epoch.run_all", [folder, *names])
        results.update({name: Result(**result) for name, result in values.items()})
    for name, (task, role) in BUILDS.items():
        result = results.setdefault(name, Result(role=role))
        if not result.error:
            run_task(result, f"formats.{task}", [folder, number])


def features(folder: Path, *, is_quick: bool, rounds: int | None) -> Section:
    """Measure features of a release's sound, each task in a fresh process; on a GPU where there is one."""
    device = run_task(Result(), "features.device", []) or "cpu"
    sizes: dict[tuple[str, str], int] = {("tiny", "float32"): 600, ("base", "float32"): 64}
    if device != "cpu":
        sizes = {(size, "float32"): 2_000 for size in ("tiny", "base", "large")} | {
            ("large", "bfloat16"): 2_000
        }
    if is_quick:
        sizes = {("tiny", "float32"): 12}
    text = ", ".join(f"{count:,} for HuBERT {size} in {compute}" for (size, compute), count in sizes.items())
    text = f"Utterances of 1.5 to 7.3 s, PCM16, 44.1 kHz, mono: {text}; random weights; on {device}"
    section = Section("features", environment("features"), text, not is_quick)
    tasks: tuple[tuple[str, str, Role], ...] = (
        ("ours", "ours", "ours"),
        ("one file at a time", "one_file", "peer"),
        ("encoder alone, all decoded before", "encoder_alone", "limit"),
    )
    for size, count in {size: count for (size, _), count in sizes.items()}.items():
        run_task(Result(), "features.write", [folder, size, count])
    for _ in _rounds(rounds or (1 if is_quick else 5)):
        for (size, compute), count in sizes.items():
            for label, task, role in tasks:
                result = section.results.setdefault(f"{size}, {compute}/{label}", Result(role=role))
                if not result.error:
                    run_task(result, f"features.{task}", [folder, size, count, device, compute])
    for size, compute in sizes:
        worst = run_task(Result(), "features.largest_difference", [folder, size, compute])
        if worst is not None:
            section.facts[f"difference, {size}, {compute}"] = worst
    return section


SUITES: dict[str, Callable[..., Section]] = {
    "load": load,
    "audio": audio,
    "video": video,
    "epoch": epoch,
    "features": features,
}


def _in_one_process(section: Section, folder: Path, rounds: int, num_items: int) -> Section:
    run = Result()
    print(f"{section.suite}: {rounds} rounds in one process …", file=sys.stderr)
    values: dict[str, Any] | None = run_task(run, f"{section.suite}.measure", [folder, rounds, num_items])
    if values is None:
        raise RuntimeError(f"the suite {section.suite!r} stopped: {run.error}")
    section.results = {name: Result(**result) for name, result in values["results"].items()}
    section.facts = values["facts"]
    return section


def _rounds(count: int) -> Any:
    for number in range(count):
        print(f"round {number + 1} of {count} …", file=sys.stderr)
        yield number


def _audiofolder(root: Path, target: Path) -> Path:
    """Give `audiofolder` the wavs in the release's own layout, as hard links, and a ready-made metadata file."""
    target.mkdir()
    lines = ["file_name,utterance_id,emotion"]
    wavs = root / "Audio" / "wav"
    for wav in sorted(wavs.rglob("*.wav")):
        name = wav.relative_to(wavs)
        link = target / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.hardlink_to(wav)
        lines.append(f"{name.as_posix()},{wav.stem},neutral")
    (target / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def _part(root: Path, target: Path) -> Path:
    """Link the first eight of the fifteen groups, for the growth of memory: fewer folders, each as full."""
    for group in sorted(root.glob("*/*/G*")):
        if group.name <= "G00008":
            shutil.copytree(group, target / group.relative_to(root), copy_function=os.link)
    return target


def _parquet(root: Path, folder: Path) -> Path:
    """Write the validation split with plain Audio columns: the quickest start stock `datasets` can have."""
    from emotalk_data import load_dataset

    rows = load_dataset("emotalk", data_dir=root, cache_dir=folder / "parquet-cache", split="validation")
    path = folder / "validation.parquet"
    rows.select_columns(["utterance_id", "audio"]).to_parquet(path)
    return path

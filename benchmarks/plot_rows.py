"""Which bars the picture shows: per suite a heading, ours, and the peers under it by name and label."""

from __future__ import annotations

from benchmarks.media_rules import NATIVE_PEERS, STOCK

_STOCK = f"{STOCK}, "
_LOW = "16 kHz mono"


def _torchcodec_and_others(group: str) -> dict[str, str]:
    names = ("torchcodec, exact", "torchcodec, approximate", "decord2", "PyAV, in order")
    return {f"{group}/{name}": name for name in names}


def _epoch(group: str, *names: str, workers: tuple[int, ...] = (0, 2)) -> dict[str, str]:
    labels = [f"{name}, {number} workers" for name in names for number in workers]
    return {f"{group}/{label}": label for label in labels}


ROWS: dict[str, tuple[tuple[str, str, dict[str, str]], ...]] = {
    "audio": (
        (
            "a whole wav from a file",
            "whole/ours, file",
            {
                f"whole/{_STOCK}file": STOCK,
                "whole/torchcodec WavDecoder, file": "torchcodec WavDecoder",
                "whole/soundfile": "soundfile",
                "whole/torchaudio": "torchaudio",
                "whole/PyAV": "PyAV",
                "whole/PyAV, probesize 4096": "PyAV, small probesize",
            },
        ),
        (
            "a whole wav from an Arrow table",
            "whole/ours, Arrow",
            {
                f"whole/{_STOCK}bytes": STOCK,
                "whole/torchcodec WavDecoder, tensor over the Arrow buffer": "torchcodec WavDecoder",
                "whole/soundfile, BytesIO": "soundfile",
            },
        ),
        (
            "a slice of 1 s from a file",
            "slice/ours, file",
            {
                f"slice/{_STOCK}file": STOCK,
                "slice/torchcodec WavDecoder, file": "torchcodec WavDecoder",
                "slice/soundfile": "soundfile",
            },
        ),
        (
            "to 16 kHz mono, from a file",
            f"{_LOW}/ours, file",
            {
                f"{_LOW}/{_STOCK}file": STOCK,
                f"{_LOW}/soundfile and soxr HQ": "soundfile and soxr",
                f"{_LOW}/torchaudio": "torchaudio",
                f"{_LOW}/PyAV, probesize 4096": "PyAV, small probesize",
            },
        ),
        (
            "16 kHz mono from emotalk cache",
            "stored at 16 kHz/ours, emotalk cache",
            {f"{_LOW}/{_STOCK}bytes": f"{STOCK}, from 44.1 kHz"},
        ),
        (
            "all columns of a row, and its sound",
            "row/ours, full row",
            {f"row/{_STOCK}full row": STOCK},
        ),
    ),
    "video": (
        (
            "8 frames of 224 × 224, 1 thread each",
            "8 frames, 1 thread/ours",
            _torchcodec_and_others("8 frames, 1 thread"),
        ),
        (
            "8 frames of 224 × 224, 2 threads each",
            "8 frames, 2 threads/ours",
            _torchcodec_and_others("8 frames, 2 threads"),
        ),
        ("the middle frame", "middle frame/ours", _torchcodec_and_others("middle frame")),
        ("all frames, 224 × 224", "all frames/ours", _torchcodec_and_others("all frames")),
        (
            "all frames, 640 × 480",
            "all frames, full size/ours",
            _torchcodec_and_others("all frames, full size"),
        ),
        (
            "8 frames somewhere in an episode",
            "inside an episode/ours",
            {
                f"inside an episode/{how}": how
                for how in (
                    *("torchcodec, exact, kept open", "torchcodec, approximate, kept open"),
                    *("torchcodec, approximate, opened each time", "decord2, kept open", "PyAV seek"),
                )
            },
        ),
    ),
    "epoch": (
        (
            "our loader, 44.1 kHz, from Arrow",
            "native/ours: loader, 2 threads, Arrow",
            _epoch("native", *NATIVE_PEERS),
        ),
        (
            "DataLoader, 0 workers, 44.1 kHz, from Arrow",
            "native/ours: DataLoader, 0 workers, Arrow",
            _epoch("native", *NATIVE_PEERS, workers=(0,)),
        ),
        (
            "our loader, to 16 kHz mono",
            f"{_LOW}/ours: loader, 2 threads, release",
            _epoch(_LOW, STOCK, "webdataset, soundfile and soxr"),
        ),
        (
            "our loader, 16 kHz mono from emotalk cache",
            f"{_LOW}/ours: loader, 2 threads, emotalk cache",
            _epoch(_LOW, STOCK),
        ),
    ),
    "features": tuple(
        (f"HuBERT {group}", f"{group}/ours", {f"{group}/one file at a time": "one file at a time"})
        for group in ("tiny, float32", "base, float32", "large, float32", "large, bfloat16")
    ),
}

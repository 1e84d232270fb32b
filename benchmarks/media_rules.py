"""What is claimed of sound, pictures and epochs: ours, against whom, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

STOCK = "datasets (AudioDecoder)"
NATIVE_PEERS = (
    *(STOCK, "datasets, bytes and numpy", "webdataset and soundfile", "webdataset and numpy"),
    *("litdata", "mosaicml-streaming"),
)


class Faster(NamedTuple):
    """Ours does at least so many times as much in a second as the fastest of these peers.

    The fastest is the one to which the median of the rounds' ratios is smallest.

    Attributes:
        what: the line's words.
        ours: name of our task.
        peers: names of the peers' tasks.
        at_least: the ratio that is claimed; None where it is only told.
    """

    what: str
    ours: str
    peers: tuple[str, ...]
    at_least: float | None


class Within(NamedTuple):
    """Ours takes at most so many times as long as a limit; the attributes are as those of `Faster`."""

    what: str
    ours: str
    limit: str
    at_most: float | None


class Counted(NamedTuple):
    """Something that was counted is at most, or at least, so much.

    Attributes:
        what: the line's words.
        fact: its name among the facts of the section, or among the extras of `task`.
        unit: of the number.
        at_most: the largest that is claimed; None where it is only told, or has a least.
        task: the task whose extra it is, if it is one.
        at_least: the smallest that is claimed.
    """

    what: str
    fact: str
    unit: str
    at_most: float | None
    task: str = ""
    at_least: float | None = None


Rule = Faster | Within | Counted


def _audio() -> list[Rule]:
    pairs = (("file", "file", "file"), ("tar", "bytes", "tar"), ("Arrow", "bytes", "Arrow"))
    wav_decoder = {
        "file": "file",
        "tar": "bytes read from the tar",
        "Arrow": "tensor over the Arrow buffer",
    }
    limits = {"tar": "whole/bare pread from the tar and numpy"}
    rules: list[Rule] = []
    for ours, stock, wav in pairs:
        rules += [
            Faster(f"whole wav from {ours}", f"whole/ours, {ours}", (f"whole/{STOCK}, {stock}",), 60),
            Faster(
                f"whole wav from {ours}",
                f"whole/ours, {ours}",
                (f"whole/torchcodec WavDecoder, {wav_decoder[wav]}",),
                1.2,
            ),
            Within(
                f"whole wav from {ours}",
                f"whole/ours, {ours}",
                limits.get(ours, "whole/bare pread and numpy"),
                1.5,
            ),
        ]
    rules += [
        Within("whole wav from Arrow", "whole/ours, Arrow", "whole/bare numpy over the Arrow buffer", None),
        Faster("whole wav from file", "whole/ours, file", ("whole/soundfile",), None),
        Faster("whole wav from file", "whole/ours, file", ("whole/PyAV, probesize 4096",), None),
    ]
    for ours, stock, _ in pairs:
        rules.append(
            Faster(f"1 s slice from {ours}", f"slice/ours, {ours}", (f"slice/{STOCK}, {stock}",), 150)
        )
    rules.append(Within("1 s slice from file", "slice/ours, file", "slice/bare pread and numpy", None))
    for ours, stock, _ in pairs:
        name, group = f"to 16 kHz mono from {ours}", "16 kHz mono"
        rules += [
            Faster(name, f"{group}/ours, {ours}", (f"{group}/{STOCK}, {stock}",), 7),
            Within(name, f"{group}/ours, {ours}", f"{group}/soxr alone, from float32 in memory", 1.2),
        ]
    return [
        *rules,
        Faster(
            "16 kHz mono from `emotalk cache`",
            "stored at 16 kHz/ours, emotalk cache",
            (f"16 kHz mono/{STOCK}, bytes",),
            150,
        ),
        Faster(
            "`ds[i]['audio']` and decode, full row", "row/ours, full row", (f"row/{STOCK}, full row",), 15
        ),
        Counted("samples that differ from soundfile's", "samples_that_differ_from_soundfile", "", 0),
        Counted("resampling, signal to noise against soxr VHQ: ours", "snr_at_16_khz_ours", "dB", None),
        Counted("the same of AudioDecoder", "snr_at_16_khz_AudioDecoder", "dB", None),
    ]


def _video() -> list[Rule]:
    def against(group: str, at_least: float, what: str) -> Faster:
        modes = ("exact", "approximate")
        return Faster(what, f"{group}/ours", tuple(f"{group}/torchcodec, {mode}" for mode in modes), at_least)

    kept = ("exact, kept open", "approximate, kept open", "approximate, opened each time")
    group = "inside an episode"
    return [
        against("8 frames, 1 thread", 1.45, "8 uniform frames at 224 × 224, 1 thread each"),
        against("8 frames, 2 threads", 1.6, "8 uniform frames at 224 × 224, 2 threads each"),
        against("middle frame", 1.45, "one middle frame at 224 × 224"),
        against("all frames", 1.0, "all frames at 224 × 224"),
        against("all frames, full size", 1.0, "all frames, full size"),
        Faster(
            "8 frames of a random utterance inside an episode",
            f"{group}/ours",
            tuple(f"{group}/torchcodec, {how}" for how in kept),
            1.0,
        ),
        Within(
            "8 uniform frames, 1 thread",
            "8 frames, 1 thread/ours",
            "8 frames, 1 thread/libav: every frame decoded, no RGB",
            None,
        ),
        Counted("frames that differ from a full decode's", "frames_that_differ_from_a_full_decode", "", 0),
        Counted("PSNR of scaled frames against torchcodec's", "psnr_against_torchcodec_224", "dB", None),
    ]


def _epoch() -> list[Rule]:
    def peers(group: str, names: tuple[str, ...], workers: tuple[int, ...] = (0, 2)) -> tuple[str, ...]:
        return tuple(f"{group}/{name}, {number} workers" for name in names for number in workers)

    native, low = "native", "16 kHz mono"
    limits = (  # and how many times as fast as the fastest peer, and as stock `datasets`
        ("release", "pread, numpy, zeros, 2 threads", 1.5, 25),
        ("Arrow", "numpy over the Arrow table, zeros, 2 threads", 2, 30),
    )
    rules: list[Rule] = []
    for source, limit, peers_at_least, stock_at_least in limits:
        loader = f"{native}/ours: loader, 2 threads, {source}"
        none = f"{native}/ours: DataLoader, 0 workers, {source}"
        two = f"{native}/ours: DataLoader, 2 workers, {source}"
        what = f"loader, 2 threads, from {source}"
        rules += [
            Faster(what, loader, peers(native, NATIVE_PEERS), peers_at_least),
            Faster(what, loader, peers(native, (STOCK,)), stock_at_least),
            Within(what, loader, f"{native}/{limit}", None),
            Faster(
                f"the limit itself, from {source}", f"{native}/{limit}", peers(native, NATIVE_PEERS), None
            ),
            Faster(f"the limit itself, from {source}", f"{native}/{limit}", peers(native, (STOCK,)), None),
            Faster(f"DataLoader, 0 workers, from {source}", none, peers(native, (STOCK,), (0,)), 15),
            Faster(f"DataLoader, 0 workers, from {source}", none, peers(native, NATIVE_PEERS, (0,)), 1.0),
            Faster(f"DataLoader, 2 workers, from {source}", two, peers(native, NATIVE_PEERS, (2,)), 1.0),
            Counted(f"{what}: opening the table", "opening", "s", None, loader),
            Counted(f"{what}: the first batch after that", "first_batch", "s", 0.1, loader),
        ]
    for source, at_least in (("release", 4.0), ("emotalk cache", 20.0)):
        rules += [
            Faster(
                f"16 kHz mono, loader from {source}",
                f"{low}/ours: loader, 2 threads, {source}",
                peers(low, (STOCK,)),
                at_least,
            ),
            Faster(
                f"16 kHz mono, DataLoader, 0 workers, from {source}",
                f"{low}/ours: DataLoader, 0 workers, {source}",
                peers(low, (STOCK,), (0,)),
                at_least,
            ),
        ]
    build = "build/ours: save_to_disk, bytes in the table"
    return [
        *rules,
        Within("save_to_disk with the bytes in the table", build, "build/cat of the wavs to one file", None),
        Counted(
            "descriptors open after all mixed decodes, over those at a tenth of them",
            "leaked_descriptors",
            "",
            0,
            "long run/mixed decodes",
        ),
        Counted(
            "growth of memory over the same stretch",
            "growth_mib",
            "MiB",
            20e6 / 2**20,
            "long run/mixed decodes",
        ),
    ]


def _features() -> list[Rule]:
    loop, alone = "one file at a time", "encoder alone, all decoded before"
    rules: list[Rule] = []
    claims: tuple[
        tuple[str, float, float | None, float], ...
    ] = (  # against the loop, the encoder, largest difference
        ("tiny, float32", 2.0, None, 1e-4),
        ("base, float32", 1.0, 1.1, 1e-4),
        ("large, float32", 3.0, 1.1, 1e-4),
        ("large, bfloat16", 15.0, 1.1, 5e-2),
    )
    for group, faster, slower, differs in claims:
        ours, encoder = f"{group}/ours", f"{group}/{alone}"
        rules += [
            Faster(f"HuBERT {group}", ours, (f"{group}/{loop}",), faster),
            Within(f"HuBERT {group}", ours, encoder, slower),
            Counted(
                f"HuBERT {group}: frames that are no padding", "useful", "of all", None, ours, at_least=0.88
            ),
            Counted(
                f"HuBERT {group}: time spent in the encoder, copies included", "busy", "of all", None, ours
            ),
            Counted(
                f"HuBERT {group}: rate of the device's own matrix product", "of_gemm", "of it", None, encoder
            ),
            Counted(
                f"HuBERT {group}: largest difference from the loop's vectors",
                f"difference, {group}",
                "",
                differs,
            ),
        ]
    return rules


RULES: dict[str, Callable[[], list[Rule]]] = {
    "audio": _audio,
    "video": _video,
    "epoch": _epoch,
    "features": _features,
}

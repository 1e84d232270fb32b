"""Features of a release's sound: ours, the loop of one file at a time, and the encoder alone.

All three give each utterance one vector of the same numbers: the sum of HuBERT's last four layers, averaged over
time. Weights are random: what is measured does not depend on their values.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import data
from benchmarks.tasks import clock

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from numpy.typing import NDArray

    from emotalk_data.schemas.encoder_spec import Compute
    from emotalk_data.schemas.feature_spec import SpeechSpec

SIZES: Final[dict[str, dict[str, int]]] = {
    "tiny": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 64},
    "base": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3_072,
    },
    "large": {
        "hidden_size": 1_024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4_096,
    },
}
"""HuBERT's own sizes, and one so small that all the rest is what takes the time."""

_RATE: Final = 16_000
_WARM_UP: Final = 4  # utterances before the clock starts: what is imported, and planned, at the first
_GEMM_SIDE: Final = {"cpu": 1_024, "cuda": 8_192}


def write(folder: str, size: str, count: str) -> None:
    """Write a release with so many wavs of 1.5 to 7.3 s at 44.1 kHz, and a random HuBERT of a size."""
    import torch
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    root = Path(folder)
    if not (root / f"release-{count}").exists():
        wavs = data.write_wavs(root / f"wavs-{count}", int(count), is_varied=True)
        data.write_release(root / f"release-{count}", wavs)
    torch.manual_seed(0)
    narrow = {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16} if size == "tiny" else {}
    # As in the released models: the large one normalises by layers, the others by groups.
    norm = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
    config = HubertConfig(**SIZES[size], **narrow, **(norm if size == "large" else {}))
    HubertModel(config).eval().save_pretrained(root / size)
    Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=_RATE, do_normalize=True, return_attention_mask=size == "large"
    ).save_pretrained(root / size)


def device() -> str:
    """Return what torch calculates on here: `cuda` or `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def ours(folder: str, size: str, count: str, device: str, compute: str) -> int:
    """Extract all utterances with `extract_features`.

    Loading the release and the model is not timed, nor is the search for the size of batches, once a run.
    """
    from emotalk_data import extract_features
    from emotalk_data.features.running.memory import automatic_batch
    from emotalk_data.features.running.plan import plan_shards
    from emotalk_data.features.running.rows import read_source
    from emotalk_data.features.running.shard_file import read_record

    root = Path(folder)
    rows = _rows(root, count)
    encoder = _Timed(_encoder(root, size, device, compute))
    out = root / f"ours-{size}-{compute}-{time.time_ns()}"
    extract_features(
        rows.select(range(_WARM_UP)), encoder, out=out.with_suffix(".warm"), level=("utterance",)
    )
    source = read_source(rows)
    limit = automatic_batch(source, plan_shards(source, 256), encoder, encoder.device)
    encoder.reset()
    clock.start()
    extract_features(rows, encoder, out=out, level=("utterance",), max_batch_seconds=limit)
    clock.set_seconds(taken := clock.seconds())
    clock.extras["busy"] = encoder.seconds / taken
    clock.extras["useful"] = encoder.useful / encoder.padded
    clock.extras["batches"] = encoder.batches
    made = sum(read_record(path).counts.made for path in (out / "data").glob("*.parquet"))
    (root / f"ours-{size}-{compute}").unlink(missing_ok=True)
    (root / f"ours-{size}-{compute}").symlink_to(out)
    return made


def one_file(folder: str, size: str, count: str, device: str, compute: str) -> int:
    """Do as the authors' script does: read, resample, encode and save one file after the other."""
    import numpy as np
    import soundfile
    import soxr
    import torch
    from transformers import HubertModel, Wav2Vec2FeatureExtractor

    root = Path(folder)
    dtype = getattr(torch, compute)
    model = HubertModel.from_pretrained(root / size, dtype=dtype, local_files_only=True).eval().to(device)
    processor = Wav2Vec2FeatureExtractor.from_pretrained(root / size, local_files_only=True)
    target = root / f"loop-{size}-{compute}"
    target.mkdir(exist_ok=True)
    wavs = sorted((root / f"release-{count}" / "Audio" / "wav").rglob("*.wav"))

    def encode(wav: Path) -> None:
        samples, rate = soundfile.read(wav, dtype="float32")
        samples = soxr.resample(samples, rate, _RATE)
        values = processor(samples, sampling_rate=_RATE, return_tensors="pt").input_values.to(device, dtype)
        with torch.no_grad():
            states = model(values, output_hidden_states=True)
        # As in transformers 4: the last state is behind the final norm.
        layers = torch.stack([*states.hidden_states[:-1], states.last_hidden_state])
        frames = layers[[-4, -3, -2, -1]].sum(dim=0)[0]
        np.save(target / f"{wav.stem}.npy", frames.float().cpu().numpy().mean(axis=0))

    for wav in wavs[:_WARM_UP]:
        encode(wav)
    clock.start()
    for wav in wavs:
        encode(wav)
    clock.set_seconds(clock.seconds())
    if device != "cpu":
        from emotalk_data.features.encoders.precision import inference

        with inference():  # what is compared: a plain loop lets a GPU round convolutions to TF32
            for wav in wavs:
                encode(wav)
    return len(wavs)


def encoder_alone(folder: str, size: str, count: str, device: str, compute: str) -> int:
    """Encode the batches that a run makes, decoded beforehand: nobody who uses this encoder is faster."""
    from emotalk_data.features.running.batches import make_batches
    from emotalk_data.features.running.rows import utterances

    root = Path(folder)
    rows = _rows(root, count)
    encoder = _encoder(root, size, device, compute)
    everything = list(utterances(rows))
    sizes = [encoder.size_seconds(one) for one in everything]
    batches: Any = make_batches(sizes, _batch_seconds(root, size, compute))
    prepared = [[encoder.prepare(everything[row]) for row in batch] for batch in batches]
    encoder.extract(prepared[0])
    _wait(device)
    clock.start()
    for batch in prepared:
        encoder.extract(batch)
    _wait(device)
    taken = clock.seconds()
    clock.set_seconds(taken)
    # Of each batch the utterance in its middle: they are sorted by length.
    operations = sum(_flops(encoder, [batch[len(batch) // 2]]) * len(batch) for batch in prepared)
    clock.extras["flops"] = operations / len(everything)
    clock.extras["of_gemm"] = clock.extras["flops"] * len(everything) / taken / _gemm_rate(device, compute)
    return len(everything)


def largest_difference(folder: str, size: str, compute: str) -> float:
    """Return the largest difference between a vector of ours and the loop's, over the largest number in it."""
    import numpy as np

    from emotalk_data import FeatureSet

    root = Path(folder)
    ids, values, is_there = FeatureSet.open((root / f"ours-{size}-{compute}").resolve()).utterances()
    if not is_there.all():
        raise RuntimeError(f"{int((~is_there).sum())} utterances have no vector")
    worst = 0.0
    for name, mine in zip(ids, values, strict=True):
        theirs: NDArray[np.float32] = np.load(root / f"loop-{size}-{compute}" / f"{name}.npy")
        worst = max(worst, float(np.abs(mine - theirs).max() / np.abs(theirs).max()))
    return worst


class _Timed:
    """An encoder that counts the seconds that it is at work, and what of that is padding."""

    def __init__(self, encoder: Any) -> None:
        self._encoder, self.device = encoder, encoder.device
        self.spec, self.prepare, self.size_seconds = encoder.spec, encoder.prepare, encoder.size_seconds
        self.num_parameters = encoder.num_parameters
        self.reset()

    def reset(self) -> None:
        """Count from 0."""
        self.seconds = self.useful = self.padded = 0.0
        self.batches = 0

    def extract(self, batch: Sequence[Any]) -> Any:
        started = time.perf_counter()
        encoded = self._encoder.extract(batch)
        _wait(self.device)
        self.seconds += time.perf_counter() - started
        lengths = [len(one.frames) for one in encoded]
        self.useful += sum(lengths)
        self.padded += max(lengths) * len(lengths)
        self.batches += 1
        return encoded


def _spec(compute: Compute) -> SpeechSpec:
    from emotalk_data.schemas.feature_spec import SpeechSpec

    return SpeechSpec(
        name="benchmark/hubert",
        model="hubert",
        layers=(-4, -3, -2, -1),
        combine="sum",
        compute=compute,
    )


def _encoder(root: Path, size: str, device: str, compute: Any) -> Any:
    from emotalk_data.features.encoders.build import build_extractor

    return build_extractor(_spec(compute), model_path=root / size, device=device)


def _rows(root: Path, count: str) -> datasets.Dataset:
    import datasets

    from emotalk_data import load_dataset

    datasets.disable_progress_bars()
    return load_dataset("emotalk", data_dir=root / f"release-{count}", cache_dir=root / "cache", split="all")


def _batch_seconds(root: Path, size: str, compute: str) -> float:
    """Return the size of the batches that the run before took."""
    from emotalk_data.features.running.shard_file import read_record

    first = next((root / f"ours-{size}-{compute}" / "data").glob("*.parquet"))
    return read_record(first).max_batch_seconds


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def _flops(encoder: Any, batch: Sequence[Any]) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        encoder.extract(batch)
    return float(counter.get_total_flops())


def _gemm_rate(device: str, compute: str) -> float:
    """Return the operations a second of the device's own multiplication of large square matrices."""
    import torch

    side = _GEMM_SIDE[device.partition(":")[0]]
    left, right = (torch.randn(side, side, device=device, dtype=getattr(torch, compute)) for _ in range(2))
    for _ in range(3):
        left @ right
    _wait(device)
    started = time.perf_counter()
    for _ in range(10):
        left @ right
    _wait(device)
    return 10 * 2 * side**3 / (time.perf_counter() - started)

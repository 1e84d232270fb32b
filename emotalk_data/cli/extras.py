"""The optional packages, and code that tries them in a process that may die of it."""

from __future__ import annotations

import importlib.util
from typing import Any, Final, NamedTuple

from emotalk_data.cli.probes import Probe, probe_all

__all__ = ["EXTRAS", "Extra", "probe_extras"]

_TORCH: Final = (
    "import torch; gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]; "
    "answer = dict(version=torch.__version__, gpus=gpus)"
)
_TORCHCODEC: Final = (
    "import torchcodec, importlib.metadata; from torchcodec.decoders import VideoDecoder; "
    "answer = dict(version=importlib.metadata.version('torchcodec'))"
)


class Extra(NamedTuple):
    """An optional package.

    Attributes:
        tried: its module; or code that begins with its import and sets `answer`.
        extra: what brings it.
        note: what is lost without it.
        mend: what mends it when it is there and does not work; its extra, installed again, if empty.
        needs: another package before it that it imports: where that does not work, it is not tried.
    """

    tried: str
    extra: str
    note: str
    mend: str = ""
    needs: str = ""


EXTRAS: Final = {
    "scikit-learn": Extra("sklearn", "views", "only the metrics of emotalk_data.views.score need it"),
    "Jinja2": Extra("jinja2", "report", "only `emotalk report` needs it"),
    "torchvision": Extra(
        "torchvision",
        "timm",
        "only timm needs it, but a broken one breaks transformers too",
        "install the torchvision that belongs to this torch, or uninstall it",
    ),
    "transformers": Extra(
        # Its own import loads next to nothing: one class of models tells whether they load.
        "import transformers; transformers.BertModel; answer = dict(version=transformers.__version__)",
        "features",
        "most encoders of `emotalk features` need it",
        'mend torchvision first, where it is broken; else pip install "emotalk-data[features]"',
    ),
    "timm": Extra("timm", "timm", "only EVA-02 and other encoders of timm need it", needs="torchvision"),
    "sentence-transformers": Extra(
        "sentence_transformers", "features", "only sentence encoders need it", needs="transformers"
    ),
    "opensmile": Extra("opensmile", "opensmile", "only m3ed/is10 and its kin need it"),
    "ray": Extra("ray", "ray", "only `emotalk features extract --runner ray` needs it"),
}


def probe_extras() -> dict[str, dict[str, Any] | str]:
    """Try torch, torchcodec and all optional packages, in one process; return what `probe_all` says of each."""
    first = {"torch": Probe(_TORCH), "torchcodec": Probe(_TORCHCODEC)}
    answers = probe_all(
        first | {package: Probe(_code(wanted), wanted.needs) for package, wanted in EXTRAS.items()}
    )
    for package, wanted in EXTRAS.items():
        if package not in answers:  # what it needs does not work
            is_there = importlib.util.find_spec(wanted.tried) is not None
            answers[package] = f"{wanted.needs} does not work" if is_there else "not installed"
    return answers


def _code(wanted: Extra) -> str:
    plain = f"import {wanted.tried}; answer = dict(version={wanted.tried}.__version__)"
    return wanted.tried if wanted.tried.startswith("import ") else plain

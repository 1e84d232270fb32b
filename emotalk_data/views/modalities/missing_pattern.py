"""A pattern of missing modalities: which utterance lost what, as a value to save, share and compare."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.errors import OptionError
from emotalk_data.views.modalities.missing_file import (
    ABSENT,
    AVAILABLE,
    LOST,
    MissingFile,
    MissingParameters,
    Protocol,
    digest_of,
    read_missing_file,
    write_missing_file,
)
from emotalk_data.views.modalities.presence import INPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MissingPattern", "load_missing"]


@dataclass(frozen=True, eq=False, repr=False)
class MissingPattern:
    """Which modalities each utterance has, and which of them a protocol takes away.

    Patterns are equal when their digests are. `print` shows the counts.

    Attributes:
        protocol: its name.
        parameters: what it was made with, such as `parameters.rate`.
        seed: what it was drawn from.
        utterance_ids: sorted.
        present: bool (utterances, 3): text, audio, video are there in the data that the pattern was made of.
        missing: bool (utterances, 3): lost by the protocol; nothing that is absent in the data counts.
    """

    protocol: Protocol
    parameters: MissingParameters
    seed: int
    utterance_ids: tuple[str, ...]
    present: NDArray[np.bool_]
    missing: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shape = (len(self.utterance_ids), len(INPUTS))
        for name in ("present", "missing"):
            mask = np.array(getattr(self, name), np.bool_)
            if mask.shape != shape:
                raise OptionError(f"{name} has the shape {mask.shape}; expected (utterances, 3) = {shape}.")
            mask.setflags(write=False)
            object.__setattr__(self, name, mask)
        if list(self.utterance_ids) != sorted(set(self.utterance_ids)):
            raise OptionError(
                "utterance_ids are not sorted, or one is there twice; expected each once, sorted."
            )
        if (self.missing & ~self.present).any():
            raise OptionError("missing has a cell that present has not; what is absent cannot be lost.")

    @property
    def available(self) -> NDArray[np.bool_]:
        """What is left, bool (utterances, 3)."""
        return self.present & ~self.missing

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits of protocol, parameters, seed, and the state of every cell."""
        return digest_of(self.protocol, self.parameters, self.seed, self._states)

    @property
    def rates(self) -> dict[str, float | None]:
        """Share of what is there that is lost, for each modality and for `all`; None where nothing is there."""
        there = {**_per_modality(self.present), "all": int(self.present.sum())}
        lost = {**_per_modality(self.missing), "all": int(self.missing.sum())}
        return {name: lost[name] / there[name] if there[name] else None for name in there}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the pattern as JSON, a line an utterance: the whole file, or nothing.

        Raises:
            OptionError: it cannot be written there.
        """
        content = MissingFile(
            protocol=self.protocol,
            parameters=self.parameters,
            seed=self.seed,
            digest=self.digest,
            utterances=self._states,
        )
        write_missing_file(content, path)

    def to_dict(self) -> dict[str, Any]:
        """Return what `print` shows, ready for JSON. Which utterance lost what is in the file of `save`."""
        left = self.available.sum(axis=1)
        return {
            "protocol": self.protocol,
            "parameters": self.parameters.model_dump(mode="json", exclude_none=True),
            "seed": self.seed,
            "digest": self.digest,
            "num_utterances": len(self.utterance_ids),
            "num_emptied": int(((left == 0) & self.present.any(axis=1)).sum()),
            "present": _per_modality(self.present),
            "missing": _per_modality(self.missing),
            "available": _per_modality(self.available),
            "rates": self.rates,
            "combinations": self._combinations(),
        }

    def __str__(self) -> str:
        said = self.to_dict()
        made_with = ", ".join(f"{name}={value!r}" for name, value in said["parameters"].items())
        lines = [
            f"missing pattern {self.digest}",
            f"{self.protocol}, seed {self.seed}: {made_with}",
            "",
            f"{'':<16}{'in the data':>12}{'lost':>9}{'rate':>9}{'left':>9}",
        ]
        for name in INPUTS:
            lines.append(_line(name, said["present"][name], said["missing"][name], self.rates[name]))
        lines.append(_line("all", int(self.present.sum()), int(self.missing.sum()), self.rates["all"]))
        lines += ["", f"{'utterances with':<37}{len(self.utterance_ids):>9,}"]
        lines += [f"  {name:<35}{count:>9,}" for name, count in said["combinations"].items()]
        if said["num_emptied"]:
            lines.append(f"{said['num_emptied']:,} utterances lost everything they had.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"MissingPattern(protocol={self.protocol!r}, seed={self.seed}, num_utterances="
            f"{len(self.utterance_ids)}, digest={self.digest!r})"
        )

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, MissingPattern) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def _states(self) -> dict[str, str]:
        signs = np.where(self.missing, LOST, np.where(self.present, AVAILABLE, ABSENT))
        return dict(zip(self.utterance_ids, _joined(signs), strict=True))

    def _combinations(self) -> dict[str, int]:
        """Count the utterances by what is left of them, all combinations that occur, the fullest first."""
        counts = Counter(_joined(np.where(self.available, AVAILABLE, LOST)))
        fullest_first = sorted(counts, key=lambda signs: (-signs.count(AVAILABLE), signs))
        return {_name_of(signs): counts[signs] for signs in fullest_first}


def load_missing(path: str | os.PathLike[str]) -> MissingPattern:
    """Read a pattern that `MissingPattern.save` wrote, and check its digest.

    Raises:
        OptionError: the file cannot be read.
        LimitError: it is larger than any pattern.
        DecodeError: it is not strict JSON.
        SchemaError: it is no pattern, one of a later version, or it was changed after it was written.
    """
    content = read_missing_file(path)
    ids = sorted(content.utterances)
    signs = np.array([list(content.utterances[name]) for name in ids], "U1").reshape(-1, len(INPUTS))
    return MissingPattern(
        content.protocol, content.parameters, content.seed, tuple(ids), signs != ABSENT, signs == LOST
    )


def _per_modality(mask: NDArray[np.bool_]) -> dict[str, int]:
    return dict(zip(INPUTS, mask.sum(axis=0).tolist(), strict=True))


def _joined(signs: NDArray[np.str_]) -> list[str]:
    """Return the three signs of each row as one text."""
    rows: list[str] = np.ascontiguousarray(signs, "U1").view(f"U{len(INPUTS)}").ravel().tolist()
    return rows


def _name_of(signs: str) -> str:
    left = [name for name, sign in zip(INPUTS, signs, strict=True) if sign == AVAILABLE]
    return "+".join(left) or "nothing"


def _line(name: str, there: int, lost: int, rate: float | None) -> str:
    share = "-" if rate is None else f"{100 * rate:.1f} %"
    return f"{name:<16}{there:>12,}{lost:>9,}{share:>9}{there - lost:>9,}"

"""BATCHES FOR TRAINING: padded tensors with lengths and masks, in this process or in torch's workers.

    loader              rows of a dataset as batches, decoded by threads of this process
    Collate, collate    rows as one batch: for `DataLoader(collate_fn=Collate(…))`
    LengthBatchSampler  batches of utterances of similar length, for `DataLoader(batch_sampler=…)`
    utterance_seconds   how long each utterance of a dataset is, without decoding

    threaded_loader
            ├─ sampler ── order          which rows make a batch
            ├─ progress                  where to go on after a stop
            └─ batch ─┬─ media_batch ── memory    sound and pictures of a batch, in recycled memory
                      └─ columns ── frames        labels, numbers and texts; an encoder's frames, padded

Names are resolved on first use; those that give tensors need torch, the extra `torch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emotalk_data._lazy import lazy_names
from emotalk_data._optional import require

if TYPE_CHECKING:
    from emotalk_data.torch.batch import Batch, Collate, collate
    from emotalk_data.torch.lengths import utterance_seconds
    from emotalk_data.torch.media_batch import Failure
    from emotalk_data.torch.sampler import LengthBatchSampler
    from emotalk_data.torch.threaded_loader import Loader, loader

__all__ = [
    "Batch",
    "Collate",
    "Failure",
    "LengthBatchSampler",
    "Loader",
    "collate",
    "loader",
    "utterance_seconds",
]

_MODULES = {
    "Batch": ".batch",
    "Collate": ".batch",
    "Failure": ".media_batch",
    "LengthBatchSampler": ".sampler",
    "Loader": ".threaded_loader",
    "collate": ".batch",
    "loader": ".threaded_loader",
    "utterance_seconds": ".lengths",
}
_WITHOUT_TORCH = (".lengths", ".sampler")

_getattr, __dir__ = lazy_names(__name__, _MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES and _MODULES[name] not in _WITHOUT_TORCH:
        require("torch", extra="torch", purpose="make batches for training")
    return _getattr(name)

"""Who may look at whom in a dialogue: the four attention masks of M3ED's dialogue-aware model (MDI)."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np

from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DialogueMasks", "dialogue_masks"]

_PADDING = -1
_MAX_CELLS = 1 << 30  # of a mask: one gigabyte, and there are four


@dataclass(frozen=True)
class DialogueMasks:
    """Boolean masks: row i, column j is True where utterance i may **not** look at utterance j.

    The meaning of `attn_mask` of `torch.nn.MultiheadAttention`. Shape (n, n) for one dialogue, (dialogues, n, n)
    for several. All look in both directions, and each utterance sees itself.

    Nobody sees padding, except that a padded position sees itself: with all of its row blocked, softmax would
    give NaN, which the next layer spreads over the dialogue. What comes out at `padding` means nothing.

    Attributes:
        global_: blocks nothing.
        local: blocks utterances more than `window` positions away.
        intra_speaker: blocks utterances of other speakers.
        inter_speaker: blocks the other utterances of the same speaker.
        padding: shape (n,) or (dialogues, n): True where there is no utterance.
    """

    global_: NDArray[np.bool_]
    local: NDArray[np.bool_]
    intra_speaker: NDArray[np.bool_]
    inter_speaker: NDArray[np.bool_]
    padding: NDArray[np.bool_]

    def stack(self) -> NDArray[np.bool_]:
        """Return the four masks in the order above as one array, (4, n, n) or (dialogues, 4, n, n)."""
        return np.stack([self.global_, self.local, self.intra_speaker, self.inter_speaker], axis=-3)


def dialogue_masks(speakers: Iterable[Any], *, window: int = 2, pad_to: int | None = None) -> DialogueMasks:
    """Return the attention masks of one dialogue, or of several padded to one length.

    Args:
        speakers: who speaks at each position: a sequence of texts or numbers, such as `["A", "B", "A"]`. Or a
            sequence of such sequences, such as `dialogues(ds)["speaker_ids"]`.
        window: how many positions away the local mask lets look; M3ED's model has 2.
        pad_to: length n of the result; that of the longest dialogue if omitted.

    Raises:
        OptionError: no dialogue, a speaker that is None or neither text nor number, a dialogue longer than
            `pad_to`, a number that cannot be, or masks of more than 2**30 cells each.
    """
    batch, is_one = _batch(speakers)
    window = _number("window", window)
    longest = max(map(len, batch))
    length = longest if pad_to is None else _number("pad_to", pad_to)
    if length < longest:
        raise OptionError(f"pad_to is {length}, and the longest dialogue has {longest} utterances.")
    if len(batch) * length**2 > _MAX_CELLS:
        raise OptionError(
            f"{len(batch):,} dialogues of {length:,} positions are masks of {len(batch) * length**2:,} cells; "
            f"expected at most {_MAX_CELLS:,}. Take fewer dialogues at a time, or a smaller pad_to."
        )
    codes = np.full((len(batch), length), _PADDING, np.int64)
    for number, dialogue in enumerate(batch):
        codes[number, : len(dialogue)] = _codes(dialogue, number)
    padding = codes == _PADDING
    itself = np.eye(length, dtype=bool)
    # A padded position is nobody's key and, so that its row is not all blocked, its own.
    unseen = (padding[:, :, None] | padding[:, None, :]) & ~itself
    same = codes[:, :, None] == codes[:, None, :]
    places = np.arange(length)
    far = np.abs(places[:, None] - places) > window
    masks = (unseen, unseen | far, unseen | ~same, unseen | (same & ~itself), padding)
    return DialogueMasks(*(mask[0] for mask in masks) if is_one else masks)


def _batch(speakers: Iterable[Any]) -> tuple[list[list[Any]], bool]:
    """Return the dialogues as lists, and whether one was given rather than a sequence of them."""
    unfit = str | bytes | Mapping | Set | datasets.Dataset
    if isinstance(speakers, unfit) or not isinstance(speakers, Iterable):
        raise OptionError(
            f"speakers is {quote(speakers)}; expected the speakers of a dialogue in their order, or a list of "
            'such lists: dialogues(ds)["speaker_ids"].'
        )
    items = list(speakers)
    if not items:
        raise OptionError("speakers is empty; expected the speakers of one dialogue, or of several.")
    nested = [isinstance(item, Sequence | np.ndarray) and not isinstance(item, str | bytes) for item in items]
    if not any(nested):
        return [items], True
    if not all(nested):
        raise OptionError(
            f"speakers holds both lists and {quote(items[nested.index(False)])}; expected the speakers of one "
            "dialogue, or a list for each dialogue."
        )
    return [list(item) for item in items], False


def _codes(dialogue: list[Any], number: int) -> list[int]:
    """Number the speakers of a dialogue from 0."""
    codes: dict[Any, int] = {}
    for place, speaker in enumerate(dialogue):
        if not isinstance(speaker, str | int | np.integer):
            raise OptionError(
                f"the speaker at position {place} of dialogue {number} is {quote(speaker)}; expected a text or a "
                "number that says who speaks."
            )
    return [codes.setdefault(speaker, len(codes)) for speaker in dialogue]


def _number(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or number < 0:
        raise OptionError(f"{name} is {quote(value)}; expected 0 or more.")
    return number

"""Text as the numbers of a tokenizer: special tokens known, cut where it was asked for, and never in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data._optional import is_usable
from emotalk_data.errors import ExtractionError, ModelError, OptionError, quote
from emotalk_data.features.encoders.loading import read_beside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.weights import Weights

__all__ = ["TextTokenizer", "Tokens", "load_tokenizer", "num_embeddings", "padded", "token_limit"]

# Tokenizers without a limit of their own say 10^30.
_NO_LIMIT: Final = 10**9
_SENTENCEPIECE: Final = ("sentencepiece", "google.protobuf")
_POSITION_TABLES: Final = ("position_embeddings", "wpe")


class Tokens(NamedTuple):
    """One text.

    Attributes:
        ids: shape (T,), int64, special tokens among them.
        is_special: shape (T,), bool: [CLS], [SEP] and the like, which the tokenizer has put in.
        notes: what was cut, and whether the tokenizer knows the script.
    """

    ids: NDArray[np.int64]
    is_special: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


class TextTokenizer:
    """A tokenizer with a limit. Several threads may call it at once.

    Args:
        tokenizer: of transformers; it is used by nobody else.
        max_tokens: most tokens of a text, special ones counted; None for no limit.
        num_embeddings: how many different tokens the encoder has vectors for.

    Raises:
        OptionError: `max_tokens` leaves no room beside the special tokens.
    """

    def __init__(self, tokenizer: Any, *, max_tokens: int | None, num_embeddings: int) -> None:
        num_special = tokenizer.num_special_tokens_to_add()
        if max_tokens is not None and max_tokens <= num_special:
            raise OptionError(
                f"max_tokens is {max_tokens}, and {num_special} of them are special tokens; expected at least "
                f"{num_special + 1}"
            )
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._num_embeddings = num_embeddings
        # The first call undoes what tokenizer.json says about cutting and padding; two at once would collide.
        self._encode("")

    @property
    def padding_id(self) -> int:
        """What fills up a batch. No vector depends on it: it is masked, and stands behind the text."""
        known = (
            self._tokenizer.pad_token_id,
            self._tokenizer.eos_token_id,  # language models are trained without padding
            self._tokenizer.unk_token_id,
        )
        return next((number for number in known if number is not None and number < self._num_embeddings), 0)

    def __call__(self, text: str) -> Tokens:
        """Return the tokens of a text.

        Raises:
            ExtractionError: there is nothing in it.
            ModelError: the tokenizer knows tokens that the encoder does not.
        """
        if not text.strip():
            raise ExtractionError("the text is empty")
        whole = self._encode(text)
        if whole.is_special.all():
            raise ExtractionError(f"the tokenizer finds no token in the text {quote(text)}")
        tokens = self._cut(whole)
        if tokens.ids.max() >= self._num_embeddings:
            raise ModelError(
                f"the tokenizer gives token {tokens.ids.max()}, and the encoder has vectors for "
                f"{self._num_embeddings}: they do not belong together. Take the tokenizer of the weights."
            )
        return tokens._replace(notes=(*tokens.notes, *self._unknown(tokens)))

    def _encode(self, text: str) -> Tokens:
        found = self._tokenizer(
            text,
            return_special_tokens_mask=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            truncation=False,
            padding=False,
            verbose=False,
        )
        ids = np.asarray(found["input_ids"], np.int64)
        return Tokens(ids, np.asarray(found["special_tokens_mask"], np.bool_))

    def _cut(self, tokens: Tokens) -> Tokens:
        """Leave out the end of the text and no special token, as the tokenizer's own truncation does.

        That cannot be used: it changes the tokenizer, which other threads use.
        """
        num_tokens = len(tokens.ids)
        if self._max_tokens is None or num_tokens <= self._max_tokens:
            return tokens
        text = np.flatnonzero(~tokens.is_special)
        is_kept = np.ones(num_tokens, np.bool_)
        is_kept[text[self._max_tokens - int(tokens.is_special.sum()) :]] = False
        note = f"cut at {self._max_tokens} tokens of {num_tokens}"
        return Tokens(tokens.ids[is_kept], tokens.is_special[is_kept], (note,))

    def _unknown(self, tokens: Tokens) -> tuple[str, ...]:
        """Note a tokenizer that does not know the script, such as an English one on Chinese."""
        unknown = self._tokenizer.unk_token_id
        text = tokens.ids[~tokens.is_special]
        num_unknown = 0 if unknown is None else int((text == unknown).sum())
        if 2 * num_unknown <= len(text):
            return ()
        return (f"{num_unknown} of {len(text)} tokens unknown to the tokenizer",)


def load_tokenizer(weights: Weights) -> Any:
    """Return the tokenizer that lies beside an encoder's weights.

    Raises:
        ModelError: there is none, it has no vocabulary, or one that needs packages which are not installed.
        MissingDependencyError: transformers is not installed.
    """
    _check_format(weights)
    tokenizer = read_beside("AutoTokenizer", weights)
    # Without these files transformers 5 gives a tokenizer of the special tokens alone, to which all is unknown.
    names = sorted({"tokenizer.json", *tokenizer.vocab_files_names.values()})
    if not any((weights.folder / name).is_file() for name in names):
        raise ModelError(
            f"the folder {quote(str(weights.folder))} has no vocabulary for {type(tokenizer).__name__}: expected "
            f"{' or '.join(names)}. Copy the tokenizer's files beside the weights.",
            path=str(weights.folder),
        )
    return tokenizer


def _check_format(weights: Weights) -> None:
    """Make sure that a vocabulary of SentencePiece can be read; transformers would ask for another package."""
    models = sorted(path.name for path in weights.folder.glob("*.model"))
    if not models or (weights.folder / "tokenizer.json").is_file():
        return
    absent = [name for name in _SENTENCEPIECE if not is_usable(name)]
    if absent:
        raise ModelError(
            f"the vocabulary in {quote(str(weights.folder))} is {models[0]}, of SentencePiece. Install what "
            "reads it: pip install sentencepiece protobuf. Or put a tokenizer.json beside it.",
            path=str(weights.folder),
        )


def num_embeddings(model: Any, weights: Weights) -> int:
    """Return how many different tokens an encoder has vectors for.

    Raises:
        ModelError: it takes something else than tokens.
    """
    try:
        return int(model.get_input_embeddings().num_embeddings)
    except (AttributeError, NotImplementedError) as error:
        raise ModelError(
            f"the model in {quote(str(weights.folder))} is of type {quote(model.config.model_type)}, which reads "
            "no text; expected an encoder of text, or a language model.",
            path=str(weights.folder),
        ) from error


def token_limit(max_tokens: int | None, model: Any, tokenizer: Any) -> int | None:
    """Return how many tokens of a text an encoder is given; None for all.

    Args:
        max_tokens: as in a spec: None for the encoder's own limit.
        model: of transformers.
        tokenizer: of transformers.

    Raises:
        OptionError: the encoder has no positions for so many.
    """
    positions = _position_limit(model)
    if max_tokens is not None:
        if positions is not None and max_tokens > positions:
            raise OptionError(f"max_tokens is {max_tokens}; the encoder has positions for {positions} tokens")
        return max_tokens
    trained = positions or getattr(model.config, "max_position_embeddings", None)
    limits = [limit for limit in (trained, tokenizer.model_max_length) if limit and 0 < limit < _NO_LIMIT]
    return min(limits, default=None)


def _position_limit(model: Any) -> int | None:
    """Return how many positions an encoder has a vector for; None where it calculates them instead.

    RoBERTa and MPNet count from behind the padding: of 514 vectors 512 are of use.
    """
    for name, module in model.named_modules():
        if name.endswith(_POSITION_TABLES) and hasattr(module, "num_embeddings"):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings) - unused
    return None


def padded(texts: Sequence[Tokens], padding_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids of a batch and its attention mask, both int64, shape (texts, longest).

    Padding stands behind the text, so that the positions of its tokens are those they have alone.
    """
    longest = max(len(text.ids) for text in texts)
    ids = np.full((len(texts), longest), padding_id, np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text.ids)] = text.ids
        mask[row, : len(text.ids)] = 1
    return ids, mask

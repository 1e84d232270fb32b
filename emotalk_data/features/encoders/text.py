"""Text encoders and language models of transformers: BERT, RoBERTa, MPNet, DeBERTa, BLOOM, LLaMA, GLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data._optional import require
from emotalk_data.errors import ExtractionError, ModelError, OptionError, quote
from emotalk_data.features.encoders.layers import check_layers, combine
from emotalk_data.features.encoders.loading import load_model, read_beside
from emotalk_data.features.encoders.model_encoder import ModelEncoder
from emotalk_data.features.encoders.tokens import (
    TextTokenizer,
    Tokens,
    load_tokenizer,
    num_embeddings,
    padded,
    token_limit,
)
from emotalk_data.features.encoders.weights import describe_weights
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.schemas.feature_spec import TextSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.weights import Weights
    from emotalk_data.schemas.feature_spec import SentenceSpec

__all__ = ["EAGER_ONLY", "UNUSED_WEIGHTS", "TextEncoder", "chosen_text", "text_size"]

EAGER_ONLY: Final = ("bloom", "deberta", "deberta-v2", "mpnet")
"""Types of models for which transformers has the plain form of attention alone."""

UNUSED_WEIGHTS: Final = ("pooler.dense.weight", "pooler.dense.bias")
"""Weights that may be missing: they turn [CLS] into a sentence vector, which is not taken."""


class TextEncoder(ModelEncoder[TextSpec]):
    """A text encoder: the vectors of a text's tokens.

    The last of `hidden_states` is what the model gives at its end: behind the final norm, for language models
    that have one. Special tokens are those that the tokenizer puts in; [MASK] in a text is a part of it.

    Args:
        spec: what decides its numbers.
        weights: as `find_weights` found them.
        device: such as `cpu` or `cuda:0`.

    Raises:
        ModelError: the weights are missing, incomplete, without vocabulary, of an architecture that needs code of
            its own, or of another length than the spec says.
        OptionError: `pooling="given"`; or `max_tokens` is more than the encoder has positions for, or leaves no
            room beside the special tokens.
        MissingDependencyError: transformers or torch is not installed.
    """

    def __init__(self, spec: TextSpec, weights: Weights, *, device: str = "cpu") -> None:
        if spec.pooling == "given":
            raise OptionError(
                "pooling is 'given', and a text encoder gives no vector of its own; expected 'mean', 'first' or "
                "'last'"
            )
        config = read_beside("AutoConfig", weights)
        num_layers, num_dims = _sizes(config, weights)
        check_layers(spec.layers, num_layers + 1)
        tokenizer = load_tokenizer(weights)
        self._model = _load(weights, config, spec, device)
        self._tokenize = TextTokenizer(
            tokenizer,
            max_tokens=token_limit(spec.max_tokens, self._model, tokenizer),
            num_embeddings=num_embeddings(self._model, weights),
        )
        self._device = device
        self._spec = describe_weights(spec, weights, num_dims=num_dims)

    def size_seconds(self, utterance: Utterance) -> float:
        """Return the number of characters."""
        return text_size(utterance, self._spec)

    def prepare(self, utterance: Utterance) -> Tokens:
        """Return the tokens of an utterance's text.

        Raises:
            ExtractionError: the text is empty.
        """
        return self._tokenize(chosen_text(utterance, self._spec))

    def extract(self, batch: Sequence[Tokens]) -> list[Encoded]:
        """Return the vectors of the tokens of each text, float32, shape (tokens, D)."""
        torch = require("torch", extra="features", purpose="encode text")
        from emotalk_data.features.encoders.precision import inference

        ids, mask = padded(batch, self._tokenize.padding_id)
        with inference():
            states = self._model(
                input_ids=torch.from_numpy(ids).to(self._device),
                attention_mask=torch.from_numpy(mask).to(self._device),
                output_hidden_states=True,
            ).hidden_states
            vectors = combine(states, self._spec.layers, self._spec.combine).cpu().numpy()
        return [
            self._encoded(tokens, row[: len(tokens.ids)]) for tokens, row in zip(batch, vectors, strict=True)
        ]

    def _encoded(self, tokens: Tokens, vectors: NDArray[np.float32]) -> Encoded:
        """Part the vectors that stay from those that count."""
        keeps, counts = self._spec.special_tokens == "keep", self._spec.pool_special_tokens
        of_text = vectors[~tokens.is_special]
        frames = vectors.copy() if keeps else of_text
        # The runner pools the frames; it cannot, where others count.
        pooled = None if keeps == counts else self._pool(vectors if counts else of_text)
        return Encoded(frames, pooled=pooled, notes=tokens.notes)

    def _pool(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._spec.pooling == "mean":
            pooled = vectors.mean(axis=0, dtype=np.float64)
        else:
            pooled = vectors[0 if self._spec.pooling == "first" else -1]
        return np.array(pooled, np.float32)


def chosen_text(utterance: Utterance, spec: TextSpec | SentenceSpec) -> str:
    """Return the text of an utterance that a spec asks for.

    Raises:
        ExtractionError: it has none.
    """
    text = utterance.text if spec.text_column == "text" else utterance.text_raw
    if text is None:
        raise ExtractionError(f"{spec.text_column} is missing")
    return text


def text_size(utterance: Utterance, spec: TextSpec | SentenceSpec) -> float:
    """Return the number of characters of the text that a spec asks for, at least 1."""
    text = utterance.text if spec.text_column == "text" else utterance.text_raw
    return float(max(len(text or ""), 1))


def _sizes(config: Any, weights: Weights) -> tuple[int, int]:
    """Return an encoder's number of layers, and of numbers in a vector.

    Raises:
        ModelError: its configuration is of a model without them.
    """
    sizes = config.get_text_config()
    try:
        return int(sizes.num_hidden_layers), int(sizes.hidden_size)
    except AttributeError as error:
        raise ModelError(
            f"the model in {quote(str(weights.folder))} is of type {quote(config.model_type)}, which reads "
            "no text; expected an encoder of text, or a language model.",
            path=str(weights.folder),
        ) from error


def _load(weights: Weights, config: Any, spec: TextSpec, device: str) -> Any:
    """Return the model; of one that writes text from text, the part that reads."""
    model = load_model(
        weights,
        compute=spec.compute,
        device=device,
        loader="AutoModelForTextEncoding" if config.is_encoder_decoder else "AutoModel",
        may_be_missing=UNUSED_WEIGHTS,
        **({"attn_implementation": "eager"} if config.model_type in EAGER_ONLY else {}),
    )
    model.config.use_cache = False  # keys and values of earlier tokens, for writing on
    return model

"""Sentence encoders, by sentence-transformers: one vector a text, made as the model's own folder says."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from emotalk_data._optional import require
from emotalk_data.errors import ModelError, quote
from emotalk_data.features.encoders.loading import load_model, quiet_transformers, read_beside, to_device
from emotalk_data.features.encoders.model_encoder import ModelEncoder
from emotalk_data.features.encoders.text import EAGER_ONLY, UNUSED_WEIGHTS, chosen_text, text_size
from emotalk_data.features.encoders.tokens import TextTokenizer, num_embeddings, token_limit
from emotalk_data.features.encoders.weights import Weights, describe_weights
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.schemas.feature_spec import SentenceSpec

__all__ = ["SentenceEncoder"]

_MODULES: Final = "modules.json"
_OLD_FOLDER: Final = "0_Transformer"  # where early releases put the encoder
_PURPOSE: Final = "encode sentences"


class _Text(NamedTuple):
    text: str  # without the prefix
    notes: tuple[str, ...]


class SentenceEncoder(ModelEncoder[SentenceSpec]):
    """A sentence encoder: its vector of a text is the utterance's, and those of its tokens are the frames.

    Frames are the vectors that the model's pooling is given: all tokens that attention sees, special ones and
    those of the prefix among them. A model that takes their mean and no more gives the mean of the frames.

    Prompts that the model's folder may name are not used: `prefix` says what stands before each text.

    Args:
        spec: what decides its numbers.
        weights: as `find_weights` found them.
        device: such as `cpu` or `cuda:0`.

    Raises:
        ModelError: the folder is none of sentence-transformers, needs code of its own, or is incomplete; or its
            vectors are of another length than the spec says, or longer than those of its tokens.
        OptionError: `max_tokens` is more than the encoder has positions for, or leaves no room beside the special
            tokens.
        MissingDependencyError: sentence-transformers is not installed.
    """

    def __init__(self, spec: SentenceSpec, weights: Weights, *, device: str = "cpu") -> None:
        self._model = _load(spec, weights, device)
        inner = self._model.transformers_model
        limit = token_limit(spec.max_tokens, inner, self._model.tokenizer)
        if spec.max_tokens is None:
            limit = min(filter(None, (limit, self._model.max_seq_length)), default=None)
        # Its own is cut and padded with, on the device's thread; this one only counts, on others.
        self._count = TextTokenizer(
            copy.deepcopy(self._model.tokenizer),
            max_tokens=limit,
            num_embeddings=num_embeddings(inner, weights),
        )
        if limit is not None:
            self._model.max_seq_length = limit
        self._device = device
        self._spec = describe_weights(spec, weights, num_dims=_num_dims(spec, self._model, weights))

    def size_seconds(self, utterance: Utterance) -> float:
        """Return the number of characters."""
        return text_size(utterance, self._spec)

    def prepare(self, utterance: Utterance) -> _Text:
        """Return an utterance's text, and what of it the model will not see.

        Raises:
            ExtractionError: the text is empty.
        """
        text = chosen_text(utterance, self._spec)
        found = self._count(text)  # alone, for with a prefix no text is empty
        if self._spec.prefix:
            found = self._count(self._spec.prefix + text)
        return _Text(text, found.notes)

    def extract(self, batch: Sequence[_Text]) -> list[Encoded]:
        """Return the vectors of each text, float32: its tokens', shape (tokens, D), and its own, shape (D,)."""
        torch = require("torch", extra="features", purpose=_PURPOSE)
        from emotalk_data.features.encoders.precision import inference

        with inference():
            found = self._model.preprocess([text.text for text in batch], prompt=self._spec.prefix or None)
            found = {name: _moved(value, self._device) for name, value in found.items()}
            found = self._model(found)
            sentences = found["sentence_embedding"].float()
            if self._spec.normalise:
                sentences = torch.nn.functional.normalize(sentences, p=2, dim=1)
            sentences = sentences.cpu().numpy()
            tokens = found["token_embeddings"].float().cpu().numpy()
            is_seen = found["attention_mask"].bool().cpu().numpy()
        return [
            Encoded(tokens[row][is_seen[row]], pooled=np.array(sentences[row]), notes=text.notes)
            for row, text in enumerate(batch)
        ]


def _load(spec: SentenceSpec, weights: Weights, device: str) -> Any:
    """Return a SentenceTransformer whose weights were all in the folder.

    sentence-transformers does not tell which were missing and are random. So its encoder is loaded once before.
    """
    package = require("sentence_transformers", extra="features", purpose=_PURPOSE)
    torch = require("torch", extra="features", purpose=_PURPOSE)
    where = quote(str(weights.folder))
    if not (weights.folder / _MODULES).is_file():
        raise ModelError(
            f"the folder {where} has no {_MODULES}, so it does not say how a sentence becomes one vector. "
            "Take the spec of a text encoder for it, or a model of sentence-transformers.",
            path=str(weights.folder),
        )
    inner = weights.folder / _OLD_FOLDER
    encoder = weights._replace(folder=inner) if inner.is_dir() else weights
    config = read_beside("AutoConfig", encoder)
    options = {"attn_implementation": "eager"} if config.model_type in EAGER_ONLY else {}
    loader = "AutoModelForTextEncoding" if config.is_encoder_decoder else "AutoModel"
    load_model(
        encoder, compute=spec.compute, device="cpu", loader=loader, may_be_missing=UNUSED_WEIGHTS, **options
    )
    try:
        with quiet_transformers():
            model = package.SentenceTransformer(
                str(weights.folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": getattr(torch, spec.compute), **options},
            )
    except Exception as error:  # whatever a damaged or foreign folder makes the package say
        raise ModelError(
            f"sentence-transformers cannot load {where}: {type(error).__name__}: {error}. Expected a folder that "
            "it saved itself, of modules that it knows.",
            path=str(weights.folder),
        ) from error
    if model.transformers_model is None or model.tokenizer is None:
        raise ModelError(
            f"the model in {where} does not begin with an encoder of text.", path=str(weights.folder)
        )
    for layer in list(model.children())[1:]:
        # Those behind the encoder were saved in a format of their own. It itself keeps some numbers in float32.
        layer.to(getattr(torch, spec.compute))
    return to_device(model.eval().requires_grad_(False), device)


def _num_dims(spec: SentenceSpec, model: Any, weights: Weights) -> int:
    """Return the length of a sentence's vector and of a token's."""
    num_dims = int(model.get_embedding_dimension())
    of_tokens = int(model.transformers_model.config.get_text_config().hidden_size)
    if num_dims != of_tokens:
        raise ModelError(
            f"{spec.name} has vectors of {num_dims} numbers for a sentence and of {of_tokens} for a token; a set "
            "has one length. Take another model, or write an extractor for it.",
            path=str(weights.folder),
        )
    return num_dims


def _moved(value: Any, device: str) -> Any:
    return value.to(device) if hasattr(value, "to") else value

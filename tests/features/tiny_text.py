"""Small random text models with small tokenizers, saved in a folder as a download would lie there.

Each kind has the special tokens of the real ones: [CLS] and [SEP], <s> and </s>, two in front for GLM, one for
LLaMA, none for BLOOM.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from emotalk_data.features.encoders.weights import Weights, find_weights

__all__ = ["CHARACTERS", "TEXT_MODELS", "TextKind", "save_text_model", "text_weights"]

CHARACTERS = (
    "我你他她们是的了不在有这那好吗啊呢吧很都也就还要去来说想看会什么没一个人天上中大家今明生气高兴难过"
)
"""What the tokenizers know, a token a character."""

_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
}
_BERT: dict[str, Any] = {**_SIZES, "pad_token_id": 0}
_ROBERTA: dict[str, Any] = {**_SIZES, "max_position_embeddings": 42, "pad_token_id": 1}
_DEBERTA: dict[str, Any] = {
    **_BERT,
    "relative_attention": True,
    "position_buckets": 8,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
    "type_vocab_size": 0,
}
_BLOOM: dict[str, Any] = {"hidden_size": 32, "n_layer": 4, "n_head": 4, "pad_token_id": 3}
_LLAMA: dict[str, Any] = {
    **_SIZES,
    "num_key_value_heads": 4,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_GLM: dict[str, Any] = {**_SIZES, "num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}


class TextKind(NamedTuple):
    """One kind of model.

    Attributes:
        config: its class in transformers.
        options: for it.
        specials: special tokens, in the order of their ids.
        template: where they go: `$A` is the text.
        roles: what the tokenizer calls them.
    """

    config: str
    options: dict[str, Any]
    specials: tuple[str, ...]
    template: str
    roles: dict[str, str]


_CLS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CLS_ROLES = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), _CLS, strict=True))
_S = ("<s>", "<pad>", "</s>", "<unk>")
_S_ROLES = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
_LLAMA_ROLES = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}

TEXT_MODELS: dict[str, TextKind] = {
    "bert": TextKind("BertConfig", _BERT, _CLS, "[CLS] $A [SEP]", _CLS_ROLES),
    "roberta": TextKind("RobertaConfig", _ROBERTA, _S, "<s> $A </s>", _S_ROLES),
    "mpnet": TextKind("MPNetConfig", _ROBERTA, _S, "<s> $A </s>", _S_ROLES),
    "deberta-v2": TextKind("DebertaV2Config", _DEBERTA, _CLS, "[CLS] $A [SEP]", _CLS_ROLES),
    "bloom": TextKind(
        "BloomConfig", _BLOOM, ("<unk>", "<s>", "</s>", "<pad>"), "$A", {**_LLAMA_ROLES, "pad_token": "<pad>"}
    ),
    "llama": TextKind("LlamaConfig", _LLAMA, ("<unk>", "<s>", "</s>"), "<s> $A", _LLAMA_ROLES),
    # Baichuan's tokenizer puts nothing in, and knows neither padding nor an end.
    "baichuan-as-llama": TextKind("LlamaConfig", _LLAMA, ("<unk>",), "$A", {"unk_token": "<unk>"}),
    "glm": TextKind(
        "GlmConfig", _GLM, ("<pad>", "<eos>", "[gMASK]", "<sop>"), "[gMASK] <sop> $A",
        {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<eos>"},
    ),
}  # fmt: skip


def save_text_model(
    folder: Path, kind: str, *, seed: int = 0, dtype: str = "float32", **changes: Any
) -> Path:
    """Save a model and its tokenizer into a folder; return the folder.

    Args:
        folder: made if it is not there.
        kind: one of `TEXT_MODELS`.
        seed: of its random weights.
        dtype: what the checkpoint is saved in.
        changes: to its configuration.
    """
    chosen = TEXT_MODELS[kind]
    tokenizer = _bert_tokenizer(folder) if kind == "bert" else _character_tokenizer(chosen)
    tokenizer.save_pretrained(folder)
    config = getattr(transformers, chosen.config)(
        **{**chosen.options, "vocab_size": len(chosen.specials) + len(CHARACTERS), **changes}
    )
    torch.manual_seed(seed)
    model = transformers.AutoModel.from_config(config).to(getattr(torch, dtype))
    model.save_pretrained(folder)
    return folder


def text_weights(folder: Path, kind: str, **options: Any) -> Weights:
    """Save a model as `save_text_model` does, and find its weights."""
    return find_weights("tiny/text", model_path=save_text_model(folder, kind, **options))


def _bert_tokenizer(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join((*_CLS, *CHARACTERS)), encoding="utf-8")
    return transformers.BertTokenizer.from_pretrained(folder)


def _character_tokenizer(kind: TextKind) -> Any:
    numbers = {token: number for number, token in enumerate((*kind.specials, *CHARACTERS))}
    inner = Tokenizer(models.WordLevel(numbers, unk_token=kind.roles["unk_token"]))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    used = [(token, numbers[token]) for token in kind.specials if token in kind.template.split()]
    if used:
        inner.post_processor = processors.TemplateProcessing(single=kind.template, special_tokens=used)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **kind.roles)

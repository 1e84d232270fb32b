"""Text encoders: padding changes nothing, special tokens are known, and what is cut is noted."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from emotalk_data.errors import ExtractionError, ModelError, OptionError
from emotalk_data.features.encoders.text import TextEncoder
from emotalk_data.features.encoders.weights import Weights, find_weights
from emotalk_data.features.hook import Encoded, FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.schemas.feature_spec import TextSpec

from ..tiny_models import save_speech_model
from ..tiny_text import CHARACTERS, TEXT_MODELS, save_text_model, text_weights
from ..tiny_vision import save_model

TEXTS = ["我很高兴", "你今天去看他了吗我们都在这", "不", "什么都没有啊", "她是一个人来的"]


def utterance(text: str | None, raw: str | None = None) -> Utterance:
    return Utterance("G00001_01_01_001", text, raw, None, None, {})


def spec(**options: object) -> TextSpec:
    return TextSpec.model_validate({"name": "tiny/text", "model": "tiny/text", **options})


def encoded(encoder: TextEncoder, texts: Sequence[str]) -> list[Encoded]:
    return encoder.extract([encoder.prepare(utterance(text)) for text in texts])


def assert_equal(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare within what the order of additions may change in float32."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    """The weights of one small model of each kind."""
    return {kind: text_weights(tmp_path_factory.mktemp(kind), kind) for kind in TEXT_MODELS}


@pytest.fixture(scope="module")
def bert(weights: dict[str, Weights]) -> Weights:
    return weights["bert"]


@pytest.fixture(scope="module")
def small_bert(bert: Weights) -> TextEncoder:
    return TextEncoder(spec(), bert)


@pytest.mark.parametrize("kind", TEXT_MODELS)
def test_a_batch_gives_what_its_texts_give_alone_in_any_order(kind: str, weights: dict[str, Weights]) -> None:
    encoder = TextEncoder(spec(layers=(-4, -3, -2, -1), combine="sum", special_tokens="keep"), weights[kind])
    together, backwards = encoded(encoder, TEXTS), encoded(encoder, TEXTS[::-1])[::-1]
    for text, one, other in zip(TEXTS, together, backwards, strict=True):
        alone = encoded(encoder, [text])[0]
        assert one.frames.dtype == np.float32
        assert_equal(one.frames, alone.frames)
        assert_equal(other.frames, alone.frames)


@pytest.mark.parametrize("kind", TEXT_MODELS)
def test_vectors_are_those_of_the_model_called_by_hand(kind: str, weights: dict[str, Weights]) -> None:
    encoder = TextEncoder(spec(layers=(-2, -1)), weights[kind])
    model = transformers.AutoModel.from_pretrained(weights[kind].folder, attn_implementation="eager").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights[kind].folder)
    for text, found in zip(TEXTS, encoded(encoder, TEXTS), strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            states = model(input_ids=ids, output_hidden_states=True).hidden_states
        expected = ((states[-2] + states[-1]) / 2)[0].numpy()
        is_text = np.isin(ids[0].numpy(), [tokenizer.convert_tokens_to_ids(c) for c in text])
        assert is_text.sum() == len(text) == len(found.frames)
        assert_equal(found.frames, expected[is_text])


@pytest.mark.parametrize("kind", ["bloom", "llama", "glm"])
def test_the_last_state_of_a_language_model_lies_behind_its_final_norm(
    kind: str, weights: dict[str, Weights]
) -> None:
    encoder = TextEncoder(spec(special_tokens="keep"), weights[kind])
    model = transformers.AutoModel.from_pretrained(weights[kind].folder).eval()
    ids = encoder.prepare(utterance(TEXTS[0])).ids
    with torch.inference_mode():
        last = model(input_ids=torch.from_numpy(ids)[None]).last_hidden_state[0].numpy()
    assert_equal(encoded(encoder, TEXTS[:1])[0].frames, last)


def test_the_spec_records_what_was_found(bert: Weights) -> None:
    encoder = TextEncoder(spec(), bert)
    assert (encoder.spec.num_dims, encoder.spec.revision) == (32, "local")
    assert encoder.spec.weights_digest == bert.digest
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    assert encoder.size_seconds(utterance("今天上")) == 3.0


@pytest.mark.parametrize(
    ("kind", "pooling"), [*((kind, "mean") for kind in TEXT_MODELS), ("bert", "first"), ("glm", "last")]
)
def test_special_tokens_stay_and_count_as_the_spec_says(
    kind: str, pooling: str, weights: dict[str, Weights]
) -> None:
    def made(special_tokens: str, counts: bool) -> Encoded:
        options = {"special_tokens": special_tokens, "pool_special_tokens": counts, "pooling": pooling}
        return encoded(TextEncoder(spec(**options), weights[kind]), TEXTS[:1])[0]

    kept, dropped = made("keep", True), made("drop", False)
    num_special = sum(token in TEXT_MODELS[kind].specials for token in TEXT_MODELS[kind].template.split())
    assert (len(kept.frames), len(dropped.frames)) == (4 + num_special, 4)
    assert kept.pooled is dropped.pooled is None
    for special_tokens, frames in (("keep", kept.frames), ("drop", dropped.frames)):
        counts = special_tokens == "drop"
        found = made(special_tokens, counts)
        assert_equal(found.frames, frames)
        assert found.pooled is not None
        counted = kept.frames if counts else dropped.frames
        expected = {"mean": counted.mean(axis=0), "first": counted[0], "last": counted[-1]}[pooling]
        assert_equal(found.pooled, expected)


def test_a_special_token_that_stands_in_the_text_is_text(bert: Weights) -> None:
    assert len(encoded(TextEncoder(spec(), bert), ["你[MASK]好[SEP]"])[0].frames) == 4


@pytest.mark.parametrize("kind", TEXT_MODELS)
def test_a_long_text_is_cut_as_its_tokenizer_cuts_and_that_is_noted(
    kind: str, weights: dict[str, Weights]
) -> None:
    text = (CHARACTERS * 2)[:60]
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights[kind].folder)
    cut = tokenizer(text, truncation=True, max_length=10, truncation_side="right")["input_ids"]
    tokens = TextEncoder(spec(max_tokens=10), weights[kind]).prepare(utterance(text))
    assert tokens.ids.tolist() == cut
    assert tokens.notes == (f"cut at 10 tokens of {len(tokenizer(text)['input_ids'])}",)


@pytest.mark.parametrize("kind", [kind for kind in TEXT_MODELS if kind != "bloom"])
def test_a_text_is_cut_where_the_positions_end(kind: str, weights: dict[str, Weights]) -> None:
    found = encoded(TextEncoder(spec(special_tokens="keep"), weights[kind]), [CHARACTERS, "好"])[0]
    assert len(found.frames) == 40
    assert found.notes[0].startswith("cut at 40 tokens of ")


def test_a_model_without_a_limit_takes_a_text_whole(weights: dict[str, Weights]) -> None:
    found = encoded(TextEncoder(spec(), weights["bloom"]), [CHARACTERS * 3])[0]
    assert (len(found.frames), found.notes) == (3 * len(CHARACTERS), ())


def test_the_limit_of_the_tokenizer_holds_when_it_is_lower(bert: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "lower")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": 12}))
    tokens = TextEncoder(spec(), find_weights("x", model_path=folder)).prepare(utterance(CHARACTERS))
    assert tokens.notes == ("cut at 12 tokens of 51",)


def test_padding_and_truncation_of_the_tokenizer_file_do_not_matter(bert: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "padded")
    settings = json.loads((folder / "tokenizer.json").read_text())
    settings["truncation"] = {"direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    settings["padding"] = {
        "strategy": {"Fixed": 8}, "direction": "Left", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    expected = TextEncoder(spec(max_tokens=30), bert)
    encoder = TextEncoder(spec(max_tokens=30), find_weights("x", model_path=folder))
    for text in (*TEXTS, CHARACTERS):
        found, wanted = encoder.prepare(utterance(text)), expected.prepare(utterance(text))
        assert found.ids.tolist() == wanted.ids.tolist()
        assert found.notes == wanted.notes


@pytest.mark.parametrize(
    ("max_tokens", "message"),
    [(41, "max_tokens is 41; the encoder has positions for 40 tokens"), (2, "expected at least 3")],
)
def test_a_limit_that_cannot_be_is_refused(bert: Weights, max_tokens: int, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        TextEncoder(spec(max_tokens=max_tokens), bert)


@pytest.mark.parametrize("text", ["", "  \n\t", "\u3000", "\u200b\x00"])
def test_an_empty_text_is_refused(bert: Weights, text: str) -> None:
    encoder = TextEncoder(spec(), bert)
    with pytest.raises(ExtractionError, match=r"text is empty|no token in the text"):
        encoder.prepare(utterance(text))


def test_the_text_is_the_one_that_the_spec_names(bert: Weights) -> None:
    both = utterance("你好", "[over/]你好[/over]")
    raw = TextEncoder(spec(text_column="text_raw"), bert)
    assert len(TextEncoder(spec(), bert).prepare(both).ids) == 4
    assert len(raw.prepare(both).ids) > 4
    assert raw.size_seconds(both) == 16.0
    with pytest.raises(ExtractionError, match="text_raw is missing"):
        raw.prepare(utterance("你好"))


def test_a_script_that_the_tokenizer_does_not_know_is_noted(bert: Weights) -> None:
    encoder = TextEncoder(spec(), bert)
    assert encoder.prepare(utterance("早餐 面包 好")).notes == ("4 of 5 tokens unknown to the tokenizer",)
    assert encoder.prepare(utterance("早你 好面")).notes == ()  # half, and no more


def test_a_folder_without_vocabulary_is_refused_and_not_read_as_one_of_unknown_tokens(
    bert: Weights, tmp_path: Path
) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(
        ModelError, match=r"has no vocabulary for BertTokenizer: expected tokenizer.json or vocab.txt"
    ):
        TextEncoder(spec(), find_weights("x", model_path=folder))


def test_a_vocabulary_of_sentencepiece_says_what_it_needs(
    weights: dict[str, Weights], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)  # as if it were not installed
    folder = shutil.copytree(weights["llama"].folder, tmp_path / "pieces")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").write_bytes(b"\n\x0e")
    with pytest.raises(
        ModelError, match=r"is tokenizer\.model, of SentencePiece.* pip install sentencepiece"
    ):
        TextEncoder(spec(), find_weights("x", model_path=folder))


def test_weights_that_are_missing_are_never_random(bert: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "part")
    kept = {
        key: value for key, value in load_file(folder / "model.safetensors").items() if "layer.1" not in key
    }
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="which would be random"):
        TextEncoder(spec(), find_weights("x", model_path=folder))


def test_a_missing_pooler_does_not_matter_since_it_is_not_used(bert: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "headless")
    kept = {
        key: value for key, value in load_file(folder / "model.safetensors").items() if "pooler" not in key
    }
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    encoder = TextEncoder(spec(), find_weights("x", model_path=folder))
    assert_equal(encoded(encoder, TEXTS)[1].frames, encoded(TextEncoder(spec(), bert), TEXTS)[1].frames)


def test_the_weights_of_a_masked_language_model_are_taken_without_its_head(
    bert: Weights, tmp_path: Path
) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "head")
    encoder = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False)
    model = transformers.BertForMaskedLM(encoder.config)
    model.bert.load_state_dict(encoder.state_dict())
    model.save_pretrained(folder)
    found = TextEncoder(spec(), find_weights("x", model_path=folder))
    assert_equal(encoded(found, TEXTS)[1].frames, encoded(TextEncoder(spec(), bert), TEXTS)[1].frames)


def test_a_checkpoint_in_half_precision_is_calculated_in_what_the_spec_says(tmp_path: Path) -> None:
    weights = text_weights(tmp_path, "bert", dtype="float16")
    exact, rough = TextEncoder(spec(), weights), TextEncoder(spec(compute="bfloat16"), weights)
    whole, half = encoded(exact, TEXTS)[1].frames, encoded(rough, TEXTS)[1].frames
    assert half.dtype == np.float32
    assert 1e-4 < np.abs(whole - half).max() / np.abs(whole).max() < 0.05


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pooling": "given"}, OptionError, "pooling is 'given'"),
        ({"layers": (5,)}, ModelError, "layers=\\(5,\\) asks for layer 5"),
        ({"num_dims": 768}, ModelError, "vectors of 768 numbers, and the encoder in .* gives 32"),
    ],
)
def test_a_spec_that_does_not_fit_the_weights_is_refused(
    bert: Weights, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TextEncoder(spec(**options), bert)


def test_weights_that_need_code_of_their_own_are_refused(bert: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "code")
    (folder / "modeling_own.py").write_text("raise SystemExit('this ran')\n")
    config = json.loads((folder / "config.json").read_text())
    own = {
        "model_type": "chatglm",
        "auto_map": {"AutoConfig": "modeling_own.Config", "AutoModel": "modeling_own.Model"},
    }
    (folder / "config.json").write_text(json.dumps({**config, **own}))
    with pytest.raises(ModelError, match="AutoConfig finds nothing that it can read"):
        TextEncoder(spec(), find_weights("x", model_path=folder))


@pytest.mark.parametrize("kind", ["hubert", "clip", "resnet"])
def test_a_model_for_something_else_is_refused_though_a_tokenizer_lies_beside_it(
    bert: Weights, tmp_path: Path, kind: str
) -> None:
    if kind == "hubert":
        save_speech_model(tmp_path, "hubert-layer")
    elif kind == "clip":
        save_model("clip", tmp_path)
    else:
        sizes = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1]}
        transformers.ResNetModel(transformers.ResNetConfig(**sizes)).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bert.folder / name, tmp_path)
    with pytest.raises(ModelError, match=f"is of type '{kind}', which reads no text"):
        TextEncoder(spec(), find_weights("x", model_path=tmp_path))


def test_a_tokenizer_of_another_model_is_found_out(bert: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(bert.folder, tmp_path / "other")
    save_text_model(folder, "bert", vocab_size=20)
    encoder = TextEncoder(spec(), find_weights("x", model_path=folder))
    with pytest.raises(ModelError, match="has vectors for 20: they do not belong together"):
        encoder.prepare(utterance("高兴"))


def test_threads_may_prepare_at_once(bert: Weights) -> None:
    encoder = TextEncoder(spec(max_tokens=12), bert)
    texts = [(CHARACTERS * 2)[start : start + 5 + start % 20] for start in range(49)] * 4
    expected = [encoder.prepare(utterance(text)) for text in texts]
    start = threading.Barrier(8)

    def prepare(part: int) -> list[list[int]]:
        start.wait()
        return [encoder.prepare(utterance(text)).ids.tolist() for text in texts[part::8]]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(prepare, range(8)))
    assert found == [[tokens.ids.tolist() for tokens in expected[part::8]] for part in range(8)]


@given(texts=st.lists(st.text(CHARACTERS, min_size=1, max_size=45), min_size=1, max_size=6))
def test_every_text_has_a_vector_for_each_of_its_tokens_whatever_it_is_encoded_with(
    texts: list[str], small_bert: TextEncoder
) -> None:
    for text, found in zip(texts, encoded(small_bert, texts), strict=True):
        assert found.frames.shape == (min(len(text), 38), 32)
        assert np.isfinite(found.frames).all()
        assert found.seconds is None
        assert bool(found.notes) == (len(text) > 38)

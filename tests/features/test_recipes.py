"""The recipes: all that were promised are there, and each says what is known of it."""

from __future__ import annotations

import html
import re
from collections import Counter

import pytest
from pydantic import ValidationError

from emotalk_data.errors import OptionError
from emotalk_data.features.recipes.catalogue import Recipe, list_recipes, recipe
from emotalk_data.schemas.feature_spec import (
    OpensmileSpec,
    SpeechSpec,
    TextSpec,
    VisionSpec,
    WhisperSpec,
    read_spec,
)

ALL = list_recipes()
TABLE_8 = {
    "TencentGameMate/chinese-hubert-base": ("audio", 768),
    "TencentGameMate/chinese-hubert-large": ("audio", 1024),
    "TencentGameMate/chinese-wav2vec2-base": ("audio", 768),
    "TencentGameMate/chinese-wav2vec2-large": ("audio", 1024),
    "microsoft/wavlm-base": ("audio", 768),
    "microsoft/wavlm-large": ("audio", 1024),
    "openai/whisper-base": ("audio", 512),
    "openai/whisper-large-v2": ("audio", 1280),
    "google-bert/bert-base-chinese": ("text", 768),
    "hfl/chinese-roberta-wwm-ext": ("text", 768),
    "hfl/chinese-roberta-wwm-ext-large": ("text", 1024),
    "hfl/chinese-lert-base": ("text", 768),
    "sentence-transformers/paraphrase-multilingual-mpnet-base-v2": ("text", 768),
    "microsoft/deberta-v3-large": ("text", 1024),
    "bigscience/bloom-7b1": ("text", 4096),
    "CarperAI/stable-vicuna-13b-delta": ("text", 4096),
    "baichuan-inc/Baichuan-7B": ("text", 4096),
    "THUDM/chatglm2-6b": ("text", 4096),
    "openai/clip-vit-base-patch32": ("video", 512),
    "openai/clip-vit-large-patch14": ("video", 768),
    "facebook/data2vec-vision-base": ("video", 768),
    "facebook/dinov2-large": ("video", 1024),
    "facebook/dinov2-giant": ("video", 1536),
    "MCG-NJU/videomae-base": ("video", 768),
    "MCG-NJU/videomae-large": ("video", 1024),
    "timm/eva02_base_patch14_224.mim_in22k": ("video", 768),
}
"""The paper's ids, what is encoded, and the length of a vector (the recipes' D is of the model they take)."""


def test_all_26_encoders_of_the_paper_are_there() -> None:
    found = {one.paper_model: (one.spec.modality, one.published_dims) for one in list_recipes("emotiontalk")}
    assert found == TABLE_8
    assert len(found) == 26


def test_m3ed_has_the_sets_of_its_authors() -> None:
    found = {one.name.removeprefix("m3ed/"): one.published_dims for one in list_recipes("m3ed")}
    assert found == {
        "l_frm": 768,
        "sent_cls": 768,
        "a_frm": 1024,
        "a_utt": 1024,
        "is10": 1582,
        "v_densenet": 342,
    }


def test_names_are_unique_and_begin_with_their_family() -> None:
    assert max(Counter(one.name for one in ALL).values()) == 1
    assert all(one.name.partition("/")[0] == one.family for one in ALL)
    assert len(list_recipes("emotiontalk")) + len(list_recipes("m3ed")) + len(list_recipes("clean")) == len(
        ALL
    )


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_each_builds_its_spec_without_naming_weights_that_nobody_looked_up(one: Recipe) -> None:
    assert read_spec(one.spec.model_dump(mode="json"), where=one.name) == one.spec
    assert (one.spec.revision, one.spec.weights_digest, one.spec.num_dims) == (None, None, None)
    assert one.spec.storage == "float32"
    assert one.notes


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_each_prints_all_that_is_known_within_100_columns(one: Recipe) -> None:
    text = str(one)
    assert max(map(len, text.splitlines())) <= 100
    flat = " ".join(text.split())
    for said in (one.name, one.spec.model, one.licence, *one.notes, *one.limits, one.why, one.weights_note):
        assert " ".join(said.split()) in flat
    assert one._repr_html_() == f"<pre>{html.escape(text)}</pre>"


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_sentences_are_whole(one: Recipe) -> None:
    for sentence in (*one.notes, *one.limits, *filter(None, [one.weights_note])):
        assert re.fullmatch(r"[A-Z0-9`].+\.", sentence), sentence


@pytest.mark.parametrize(
    ("name", "paper", "code"),
    [
        ("vicuna-7b-v0", "CarperAI/stable-vicuna-13b-delta", "lmsys/vicuna-7b-delta-v0"),
        ("deberta-chinese-large", "microsoft/deberta-v3-large", "WENGSYX/Deberta-Chinese-Large"),
        ("data2vec-vision-base-ft1k", "facebook/data2vec-vision-base", "facebook/data2vec-vision-base-ft1k"),
    ],
)
def test_where_paper_and_code_disagree_both_are_named_and_which_is_taken(
    name: str, paper: str, code: str
) -> None:
    one = recipe(f"emotiontalk/{name}")
    assert (one.paper_model, one.code_model, one.takes) == (paper, code, "code")
    assert one.spec.model == code
    flat = " ".join(str(one).split())
    assert f"The paper's Table 8 says {paper}, the authors' code {code}. Taken is the code's: " in flat


def test_everywhere_else_they_agree() -> None:
    odd = [one.name for one in list_recipes("emotiontalk") if one.takes != "both"]
    assert len(odd) == 3
    assert {one.takes for one in list_recipes("clean")} == {None}


def test_the_authors_quirks_are_in_their_recipes_and_not_in_the_clean_ones() -> None:
    for one in list_recipes("emotiontalk"):
        spec = one.spec
        if isinstance(spec, SpeechSpec):
            assert (spec.padding, spec.chunk_seconds, spec.combine) == ("counted", 10.0, "sum")
            assert spec.layers == (-4, -3, -2, -1)
        elif isinstance(spec, TextSpec):
            assert (spec.text_column, spec.layers, spec.combine) == ("text_raw", (-4, -3, -2, -1), "sum")
            assert not spec.pool_special_tokens
        elif isinstance(spec, WhisperSpec):
            assert (spec.states, spec.layers) == ("decoder_start", (-1,))
        elif isinstance(spec, VisionSpec):
            assert (spec.frames.faces, spec.frames.face_size, spec.frames.rate) == (True, 112, None)
    for one in list_recipes("clean"):
        spec = one.spec
        assert getattr(spec, "padding", "masked") == "masked"
        assert getattr(spec, "text_column", "text") == "text"
        assert getattr(spec, "layers", (-1,)) == (-1,)
        assert getattr(spec, "states", "encoder") == "encoder"
        assert spec.compute == "float32"
        assert not one.limits


def test_only_the_language_models_of_the_authors_calculate_in_half_precision() -> None:
    half = {one.name for one in ALL if one.spec.compute != "float32"}
    names = ("bloom-7b1", "vicuna-7b-v0", "baichuan-7b", "chatglm2-6b")
    assert half == {f"emotiontalk/{name}" for name in names}


UNKNOWN = {
    "WENGSYX/Deberta-Chinese-Large",  # its card names none
    "openai/clip-vit-base-patch32",  # nor do these, and the authors' repository speaks of its code
    "openai/clip-vit-large-patch14",
    "lmsys/vicuna-7b-delta-v0",  # terms of their own
    "baichuan-inc/Baichuan-7B",
    "THUDM/chatglm2-6b",
}


def test_known_licences_are_said_and_the_others_are_called_unknown() -> None:
    said = {one.spec.model: one.licence for one in ALL}
    for part, licence in (
        ("videomae", "NC"),
        ("wavlm", "BY-SA"),
        ("bloom", "RAIL"),
        ("IS10", "no commercial"),
    ):
        assert all(licence in text for model, text in said.items() if part in model)
    assert said["TencentGameMate/chinese-hubert-base"] == "mit; as its card says"
    assert said["facebook/dinov2-large"] == "apache-2.0; as its card says"
    assert {model for model, text in said.items() if text == "unknown: read its card"} == UNKNOWN
    per_model = {(one.spec.model, one.licence) for one in ALL}
    assert len(per_model) == len(said)  # one encoder, one licence, in whichever family


def test_weights_that_nobody_can_download_say_what_to_do() -> None:
    found = {one.name: one.weights_note for one in ALL if one.weights == "folder"}
    assert set(found) == {
        "emotiontalk/vicuna-7b-v0",
        "emotiontalk/baichuan-7b",
        "emotiontalk/chatglm2-6b",
        "m3ed/v_densenet",
    }
    assert "GlmModel" in found["emotiontalk/chatglm2-6b"]
    assert [one.name for one in ALL if one.weights == "package"] == ["m3ed/is10"]
    assert isinstance(recipe("m3ed/is10").spec, OpensmileSpec)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clean/chinese-huber-base", r"did you mean 'clean/chinese-hubert-base'"),
        (
            "chinese-hubert-base",
            r"did you mean 'emotiontalk/chinese-hubert-base' or 'clean/chinese-hubert-base'\?",
        ),
        ("M3ED/IS10", r"did you mean 'm3ed/is10'\?"),
        ("vicuna", r"did you mean 'emotiontalk/vicuna-7b-v0'\?"),
        ("xyzzy", r"no recipe 'xyzzy'\. `emotalk features list` shows all"),
        ("", r"no recipe ''\. `emotalk"),
    ],
)
def test_a_name_that_is_none_gets_the_closest(name: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        recipe(name)


@pytest.mark.parametrize("name", [None, 3, ["m3ed/is10"]])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(OptionError, match=r"there is no recipe .*\. `emotalk features list` shows all"):
        recipe(name)  # type: ignore[arg-type]  # what is tested


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(OptionError, match=r"family is 'dirty'; expected one of emotiontalk, m3ed, clean"):
        list_recipes("dirty")  # type: ignore[arg-type]  # what is tested


def test_a_setting_is_changed_in_a_copy() -> None:
    one = recipe("clean/chinese-hubert-base")
    changed = one.spec.model_copy(update={"layers": (9,), "name": "hubert-layer-9"})
    assert isinstance(changed, SpeechSpec)
    assert changed.column == "hubert_layer_9"
    assert changed.digest() != one.spec.digest()
    with pytest.raises(ValidationError, match="frozen"):
        one.licence = "MIT"  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "folder"}, "weights_note says how"),
        ({"weights_note": "Somewhere."}, "weights_note says how"),
        ({"why": "for no reason"}, "why says why"),
        ({"code_model": "owner/other"}, "neither the paper's nor the code's"),
    ],
)
def test_a_recipe_that_contradicts_itself_cannot_be(changes: dict[str, str], message: str) -> None:
    values = recipe("clean/chinese-hubert-base").model_dump()
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate({**values, **changes})

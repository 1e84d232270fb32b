"""The strictest licence of corpus and encoders is the card's, and no owner may name a laxer one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.errors import OptionError, PublishRefusedError
from emotalk_data.features import OpensmileSpec, list_recipes, recipe
from emotalk_data.hub.guard import Judgement, check_licence, judge
from emotalk_data.hub.guard.licences import _known_licences, _read_recipe_text
from emotalk_data.hub.staged import Staged
from tests.feature_shards import SPEC
from tests.hub.guard.folders import Corpus, staged_features


def judged(
    folder: Path, model: str = SPEC.model, corpus: Corpus = "emotalk", licence: str | None = None
) -> Judgement:
    return judge(
        staged_features(folder, SPEC.model_copy(update={"model": model}), corpus=corpus),
        visibility="private",
        allow=["m3ed-private"],
        encoder_licences={} if licence is None else {model: licence},
    )


def test_an_encoder_of_no_known_licence_is_refused_until_it_is_given(tmp_path: Path) -> None:
    unknown = judged(tmp_path / "a", "lab/encoder")
    (refused,) = unknown.refusals
    assert (refused.place, refused.flag) == ("encoder lab/encoder", None)
    assert "--encoder-licence MODEL=LICENCE" in refused.reason
    known = judged(tmp_path / "b", "lab/encoder", licence="apache-2.0")
    known.raise_if_refused()
    assert known.licence.id == "cc-by-nc-sa-4.0"
    assert known.licence.encoders == (("lab/encoder", "apache-2.0"),)
    assert "lab/encoder: apache-2.0" in known.licence.text


@pytest.mark.parametrize(
    ("name", "id_", "licence_name"),
    [
        ("clean/chinese-hubert-base", "cc-by-nc-sa-4.0", None),  # mit, which only asks to be named
        ("m3ed/l_frm", "cc-by-nc-sa-4.0", None),  # apache-2.0, likewise
        ("clean/videomae-base", "cc-by-nc-sa-4.0", None),  # NC, and the corpus is NC too
        ("clean/wavlm-base", "cc-by-nc-sa-4.0", None),  # BY-SA, likewise
        (
            "clean/bloom-7b1",
            "other",
            "cc-by-nc-sa-4.0-and-rail",
        ),  # uses that the corpus's licence does not forbid
        ("m3ed/is10", "other", "cc-by-nc-sa-4.0-and-opensmile"),
    ],
)
def test_licences_of_encoders_come_from_the_recipes(
    tmp_path: Path, name: str, id_: str, licence_name: str | None
) -> None:
    known = recipe(name)
    found = judged(tmp_path, known.spec.model)
    found.raise_if_refused()
    assert (found.licence.id, found.licence.name) == (id_, licence_name)
    assert found.licence.encoders == ((known.spec.model, known.licence),)
    assert (found.licence.link is None) is (id_ != "other")


@pytest.mark.parametrize(
    ("licence", "id_"),
    [
        ("mit", "cc-by-nc-sa-4.0"),
        ("cc-by-sa-3.0", "cc-by-nc-sa-4.0"),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0"),
        ("llama2", "other"),
        ("gpl-3.0", "other"),
        ("openrail", "other"),
    ],
)
def test_the_strictest_licence_decides(tmp_path: Path, licence: str, id_: str) -> None:
    found = judged(tmp_path, "lab/encoder", licence=licence).licence
    assert found.id == id_
    if id_ == "other":
        assert found.name == f"cc-by-nc-sa-4.0-and-{licence}"
        assert found.link == "https://huggingface.co/lab/encoder"
        assert "beside those of the corpus" in found.text


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("apache-2.0", "apache-2.0"),
        ("mit; as its card says", "mit"),
        ("cc-by-sa-3.0, as its card says", "cc-by-sa-3.0"),
        ("RAIL (forbids some uses); read its card", "rail"),
        ("unknown: read its card", None),
        ("that of the weights you give", None),
        ("", None),
    ],
)
def test_a_recipe_s_text_begins_with_the_licence(text: str, id_: str | None) -> None:
    found = _read_recipe_text(text)
    assert (found and found.id) == id_


def test_every_licence_that_a_recipe_tells_is_known_and_no_other() -> None:
    untold = ("unknown:", "that of the weights you give")
    told = {
        one.spec.model.lower(): one.licence for one in list_recipes() if not one.licence.startswith(untold)
    }
    known = _known_licences()
    assert {model: one.text for model, one in known.items()} == told
    begin_with_an_id = {model: text for model, text in told.items() if "as its card says" in text}
    assert len(begin_with_an_id) > 10
    for model, text in begin_with_an_id.items():
        assert text == f"{known[model].id}; as its card says"
        assert known[model].terms == frozenset({"by"})


def test_m3ed_has_no_licence_whatever_the_encoder_has(tmp_path: Path) -> None:
    found = judged(tmp_path, "lab/encoder", "m3ed", licence="mit")
    found.raise_if_refused()
    assert (found.licence.id, found.licence.name) == ("other", "no-licence-file")
    assert found.licence.link == "https://github.com/AIM3-RUC/RUCM3ED"


def test_of_two_corpora_the_stricter_one_decides(tmp_path: Path) -> None:
    one = staged_features(tmp_path / "one").configs[0]
    other = dataclasses.replace(staged_features(tmp_path / "other", corpus="m3ed").configs[0], name="m3ed")
    judgement = judge(
        Staged(folder=tmp_path, configs=(one, other)),
        visibility="private",
        allow=["m3ed-private"],
        encoder_licences={SPEC.model: "mit"},
    )
    judgement.raise_if_refused()
    assert judgement.licence.name == "no-licence-file"
    assert "CC BY-NC-SA 4.0" in judgement.licence.text


@pytest.mark.parametrize(
    "licence", ["mit", "cc-by-4.0", "apache-2.0", "cc-by-nc-4.0", "other", None, [], "", 4]
)
def test_a_laxer_licence_of_the_owner_is_refused(tmp_path: Path, licence: object) -> None:
    judgement = judged(tmp_path, licence="mit")
    with pytest.raises(PublishRefusedError, match=r"has to say cc-by-nc-sa-4\.0") as caught:
        check_licence(judgement, licence)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("licence", ["cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0", ["cc-by-nc-sa-4.0"]])
def test_the_same_licence_is_taken(tmp_path: Path, licence: Any) -> None:
    check_licence(judged(tmp_path, licence="mit"), licence)


def test_with_an_encoder_s_own_terms_the_corpus_licence_alone_is_too_lax(tmp_path: Path) -> None:
    spec = OpensmileSpec(
        name="m3ed/is10", model="IS10_paraling_compat", revision="opensmile 2.6.0", num_dims=4
    )
    judgement = judge(staged_features(tmp_path, spec), visibility="private")
    judgement.raise_if_refused()
    assert judgement.licence.link == "https://github.com/audeering/opensmile"
    check_licence(judgement, "other")
    with pytest.raises(PublishRefusedError, match=r"other \(cc-by-nc-sa-4\.0-and-opensmile\)"):
        check_licence(judgement, "cc-by-nc-sa-4.0")


@pytest.mark.parametrize("licence", ["unknown", "none", "Apache 2.0", "", "other", "x" * 200])
def test_what_is_no_licence_is_no_option(tmp_path: Path, licence: str) -> None:
    with pytest.raises(OptionError, match=r"the licence of .* expected its id as the Hub names it"):
        judged(tmp_path, licence=licence)


def test_encoder_licences_is_a_mapping_of_texts(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected models and the id of their licence"):
        judge(staged_features(tmp_path), visibility="private", encoder_licences="mit")  # type: ignore[arg-type]


def test_a_known_licence_cannot_be_talked_away(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="known to be stricter"):
        judged(tmp_path, "bigscience/bloom-7b1", licence="mit")

"""The licence table, cell by cell, against a copy written by hand from the facts page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from emotalk_data.hub.guard import FLAGS, LICENCE_TABLE, RedistributionClass, judge
from emotalk_data.hub.staged import Staged, Visibility
from tests.feature_shards import SPEC
from tests.hub.guard.folders import LICENCES, Corpus, corpus_table, staged_features, staged_table

# corpus, class, visibility -> what is written on the page: yes, no, or by which flag.
BY_HAND: dict[tuple[str, str, str], str] = {
    # labels, splits, ids: allow, BY-NC-SA | refuse public; private with a named flag
    ("emotalk", "labels", "private"): "yes",
    ("emotalk", "labels", "gated"): "yes",
    ("emotalk", "labels", "public"): "yes",
    ("m3ed", "labels", "private"): "m3ed-private",
    ("m3ed", "labels", "gated"): "no",
    ("m3ed", "labels", "public"): "no",
    # transcripts, captions, token- or frame-level features: refuse by default; a named flag, gated | refuse
    ("emotalk", "transcripts", "private"): "transcripts",
    ("emotalk", "transcripts", "gated"): "transcripts",
    ("emotalk", "transcripts", "public"): "no",
    ("emotalk", "captions", "private"): "captions",
    ("emotalk", "captions", "gated"): "captions",
    ("emotalk", "captions", "public"): "no",
    ("emotalk", "frames", "private"): "frame-features",
    ("emotalk", "frames", "gated"): "frame-features",
    ("emotalk", "frames", "public"): "no",
    ("m3ed", "transcripts", "private"): "no",
    ("m3ed", "transcripts", "gated"): "no",
    ("m3ed", "transcripts", "public"): "no",
    ("m3ed", "captions", "private"): "no",
    ("m3ed", "captions", "gated"): "no",
    ("m3ed", "captions", "public"): "no",
    ("m3ed", "frames", "private"): "no",
    ("m3ed", "frames", "gated"): "no",
    ("m3ed", "frames", "public"): "no",
    # utterance-level audio, visual, text features: allow, private or gated | private only
    ("emotalk", "vectors", "private"): "yes",
    ("emotalk", "vectors", "gated"): "yes",
    ("emotalk", "vectors", "public"): "no",
    ("m3ed", "vectors", "private"): "yes",
    ("m3ed", "vectors", "gated"): "no",
    ("m3ed", "vectors", "public"): "no",
    # speaker- or face-recognition embeddings: refuse | refuse
    ("emotalk", "recognition", "private"): "no",
    ("emotalk", "recognition", "gated"): "no",
    ("emotalk", "recognition", "public"): "no",
    ("m3ed", "recognition", "private"): "no",
    ("m3ed", "recognition", "gated"): "no",
    ("m3ed", "recognition", "public"): "no",
    # audio, video, crops, thumbnails, waveforms in any column: never | never
    ("emotalk", "media", "private"): "no",
    ("emotalk", "media", "gated"): "no",
    ("emotalk", "media", "public"): "no",
    ("m3ed", "media", "private"): "no",
    ("m3ed", "media", "gated"): "no",
    ("m3ed", "media", "public"): "no",
}
CLAUSES = {"emotalk": "CC BY-NC-SA 4.0", "m3ed": "M3ED has no licence file"}


def test_the_table_is_the_one_of_the_facts_page() -> None:
    """As in `{cell: yes, no or flag}`."""
    found = {key: (cell.flag or "yes") if cell.is_allowed else "no" for key, cell in LICENCE_TABLE.items()}
    assert found == BY_HAND


def test_each_cell_names_the_clause_that_it_relies_on() -> None:
    for (corpus, _, _), cell in LICENCE_TABLE.items():
        assert CLAUSES[corpus] in cell.clause
        assert cell.flag is None or cell.flag in FLAGS


def test_there_is_no_flag_for_media_and_for_embeddings_that_recognise() -> None:
    for (_, redistribution, _), cell in LICENCE_TABLE.items():
        if redistribution in ("media", "recognition"):
            assert (cell.is_allowed, cell.flag) == (False, None)


def make(folder: Path, corpus: Corpus, redistribution: RedistributionClass) -> tuple[Staged, str]:
    """A staging folder with one column of a class; and the place of the decision on it."""
    if redistribution == "vectors":
        return staged_features(folder, corpus=corpus), "column tiny_hubert"
    if redistribution == "frames":
        return staged_features(folder, levels=("frame",), corpus=corpus), "column tiny_hubert_frames"
    if redistribution == "recognition":
        spec = SPEC.model_copy(update={"model": "speechbrain/spkrec-ecapa-voxceleb"})
        return staged_features(folder, spec, corpus=corpus), f"encoder {spec.model}"
    columns = {"labels": "emotion", "transcripts": "text", "captions": "captions", "media": "audio"}
    column = columns[redistribution]
    if column == "captions" and corpus == "m3ed":  # M3ED has none: a column of that name is unknown
        pytest.skip("M3ED has no captions")
    given: dict[str, Any] = {}
    if column == "audio":
        given["audio"] = [{"bytes": b"RIFF0000WAVE", "path": None}] * 8
    if column == "captions":
        given["captions"] = [
            {"speaker": "一位女性。", "style": None, "emotion": None, "overall": ["一句"]}
        ] * 8
        column = "captions.overall"
    table = corpus_table(corpus, ["utterance_id", column.split(".")[0]], **given)
    return staged_table(folder, table, corpus=corpus), f"column {column}"


CELLS = [
    (corpus, redistribution, visibility)
    for corpus, redistribution, visibility in BY_HAND
    if (corpus, redistribution) != ("m3ed", "captions")
]


@pytest.mark.parametrize(("corpus", "redistribution", "visibility"), CELLS)
def test_judge_decides_each_cell_with_and_without_flags(
    tmp_path: Path, corpus: Corpus, redistribution: RedistributionClass, visibility: Visibility
) -> None:
    staged, place = make(tmp_path, corpus, redistribution)
    expected = BY_HAND[corpus, redistribution, visibility]
    for allow in ((), tuple(FLAGS)):
        judgement = judge(
            staged,
            visibility=visibility,
            allow=allow,
            encoder_licences={**LICENCES, "speechbrain/spkrec-ecapa-voxceleb": "apache-2.0"},
        )
        found = [one for one in judgement.decisions if one.place.split(".")[0] == place.split(".")[0]]
        of_class = [one for one in found if one.redistribution == redistribution]
        assert of_class, judgement
        for one in of_class:
            assert one.is_allowed is (expected == "yes" or (expected in FLAGS and allow != ()))
            assert one.flag == (expected if expected in FLAGS else None)
            assert CLAUSES[corpus] in one.clause
        if expected == "no":
            assert not judgement.is_allowed


def test_the_copy_has_every_class_that_the_law_speaks_of() -> None:
    ours = {
        "unknown",
        "record",
    }  # on no list: refused; how a set was made: no question of the corpus's licence
    assert {key[1] for key in BY_HAND} == set(get_args(RedistributionClass)) - ours

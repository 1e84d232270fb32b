"""The page of EmotionTalk's real label tables says what is known of them."""

from __future__ import annotations

import pytest

from emotalk_data.report import make_report
from emotalk_data.report.corpus import as_corpus
from emotalk_data.report.histograms import sentiment
from emotalk_data.report.label_pairs import label_pairs
from emotalk_data.report.label_shares import label_panels

from ..loaders.dress_emotalk import read_tables
from ..views.real_tables import needs_tables, real_emotalk
from .markup import read_markup

pytestmark = needs_tables


def test_the_labels_are_those_of_the_tables() -> None:
    rows = list(read_tables().values())
    for panel in label_panels(as_corpus(real_emotalk())):
        whole = panel.views[0]
        assert (whole.num_labelled, whole.num_null) == (19_250, 0)
        for bar, label in zip(whole.bars, range(7), strict=True):
            assert bar.count == sum(1 for row in rows if row.label_ids[panel.modality] == label)


def test_the_multimodal_label_is_another_one_as_often_as_is_known() -> None:
    pairs = {
        pair.first: pair for pair in label_pairs(as_corpus(real_emotalk())) if pair.second == "multimodal"
    }
    shares = {name: 1 - pair.num_same / pair.num_both for name, pair in pairs.items()}
    # Counted on the authors' label tables: 58, 32 and 34 %.
    assert {name: round(100 * share) for name, share in shares.items()} == {
        "text": 58,
        "audio": 32,
        "video": 34,
    }


def test_the_five_bins_are_the_papers() -> None:
    found = sentiment(as_corpus(real_emotalk()))
    assert found is not None
    _, bins = found.by_split[0]
    assert [round(100 * rows / found.total, 2) for rows in bins] == [29.30, 49.08, 11.47, 8.19, 1.96]


@pytest.mark.slow
def test_the_first_screen_tells_the_two_things_to_know() -> None:
    markup = read_markup(make_report(real_emotalk(), media=False))
    head = markup.named("h1")[0].text + markup.named("em")[0].text
    assert "57.7 % of 19,250 utterances" in head
    assert "the words alone say another emotion than the whole." in head
    notes = " ".join(one.text for one in markup.elements if one.tag in ("b", "span"))
    assert "Validation and test share 2 speakers" in notes
    assert "955 rows of validation (50.1 %) and 793 rows of test (41.1 %) are theirs." in notes
    figures = [one.text for one in markup.named("dd")[:3]]
    assert figures == ["19,250", "742", "19"]

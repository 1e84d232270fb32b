"""What the charts show is what is in the data, and it adds up."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.report import histograms
from emotalk_data.report.annotator_agreement import annotator_agreement
from emotalk_data.report.corpus import as_corpus
from emotalk_data.report.histograms import Column, durations, sentiment, utterance_lengths
from emotalk_data.report.label_pairs import label_pairs
from emotalk_data.report.label_shares import blends, label_panels, stacks
from emotalk_data.report.presence_map import presence_map
from emotalk_data.report.shown_audit import split_findings
from emotalk_data.report.shown_text import percent, plural, seconds, shown, signed
from emotalk_data.testing import EmotalkSample, M3edSample
from emotalk_data.views.annotators.agreement import agreement

from .small_corpus import emotalk_rows, m3ed_rows

LABELS = st.none() | st.integers(0, 6)


def test_labels_are_counted_by_modality_and_split() -> None:
    corpus = as_corpus(
        emotalk_rows(
            train=[{"emotion": 1, "emotion_text": 0}, {"emotion": 1}, {"emotion": 2}],
            test=[{"emotion": 1}, {}],
        )
    )
    panels = {panel.modality: panel for panel in label_panels(corpus)}
    assert list(panels) == ["text", "audio", "video", "multimodal"]
    whole, train, test = panels["multimodal"].views
    assert [view.split for view in (whole, train, test)] == ["all", "train", "test"]
    assert [(view.num_labelled, view.num_null) for view in (whole, train, test)] == [(4, 1), (3, 0), (1, 1)]
    happy = [view.bars[1] for view in (whole, train, test)]
    assert [bar.label for bar in happy] == ["happy"] * 3
    assert [bar.count for bar in happy] == [3, 2, 1]
    assert [bar.share for bar in happy] == [0.75, pytest.approx(2 / 3), 1.0]
    # The longest bar of the page is as wide as the chart; the mark is where all splits together are.
    assert [bar.width for bar in happy] == [75.0, 66.667, 100.0]
    assert [bar.mark for bar in happy] == [75.0] * 3
    assert panels["audio"].views[0].num_labelled == 0


@settings(max_examples=30)
@given(
    st.lists(st.tuples(LABELS, LABELS, LABELS), max_size=12),
    st.lists(st.tuples(LABELS, LABELS, LABELS), max_size=5),
)
def test_every_count_adds_up_to_the_rows(
    train: list[tuple[int | None, ...]], test: list[tuple[int | None, ...]]
) -> None:
    names = ("emotion", "emotion_text", "emotion_audio")

    def rows(labels: list[tuple[int | None, ...]]) -> list[dict[str, int | None]]:
        return [dict(zip(names, one, strict=True)) for one in labels]

    corpus = as_corpus(emotalk_rows(train=rows(train), test=rows(test)))
    for panel in label_panels(corpus):
        for view, size in zip(panel.views, (len(train) + len(test), len(train), len(test)), strict=True):
            assert sum(bar.count for bar in view.bars) == view.num_labelled
            assert view.num_labelled + view.num_null == size
    for stack in stacks(corpus):
        assert sum(one.count for one in stack.segments) == stack.total
        assert sum(one.width for one in stack.segments) == pytest.approx(100, abs=0.01)
    for pair in label_pairs(corpus):
        cells = [[cell.count for cell in row.cells] for row in pair.rows]
        assert sum(map(sum, cells)) == corpus.num_rows
        assert [sum(row) for row in cells] == [row.total for row in pair.rows]
        same = sum(cell.count for row in pair.rows if row.key != "none" for cell in row.cells if cell.is_same)
        assert same == pair.num_same
    found = presence_map(corpus)
    assert sum(one.count for one in found.combinations) + found.num_other_rows == corpus.num_rows
    for one in found.combinations:
        assert sum(one.by_split) == one.count
    for part, total in enumerate(found.totals):
        shown_rows = sum(one.count for one in found.combinations if one.there[part])
        assert shown_rows <= total <= shown_rows + found.num_other_rows


def test_two_modalities_are_set_against_each_other() -> None:
    rows = [
        {"emotion_text": 0, "emotion": 0},
        {"emotion_text": 0, "emotion": 3},
        {"emotion_text": 0, "emotion": 3},
        {"emotion_text": 3, "emotion": 3},
        {"emotion_text": 2},
    ]
    pairs = {pair.key: pair for pair in label_pairs(as_corpus(emotalk_rows(train=rows)))}
    assert list(pairs) == ["text-multimodal", "multimodal-text"]
    pair = pairs["text-multimodal"]
    assert (pair.num_both, pair.num_same) == (4, 2)
    assert [label for label, _ in pair.columns][-1] == "no label"
    neutral, sad = pair.rows[0], pair.rows[2]
    assert [cell.count for cell in neutral.cells] == [1, 0, 0, 2, 0, 0, 0, 0]
    assert [cell.shade for cell in neutral.cells] == [3, 0, 0, 7, 0, 0, 0, 0]
    assert [cell.is_same for cell in neutral.cells] == [True] + [False] * 7
    assert sad.cells[-1].count == 1
    assert len(pair.rows) == 7, "every row has a text label, so there is no row for none"


def test_blends_are_counted_whatever_their_order() -> None:
    found = blends(
        as_corpus(
            m3ed_rows(
                train=[
                    {"emotion": 4, "emotions": [4, 3]},
                    {"emotion": 3, "emotions": [3, 4]},
                    {"emotion": 0, "emotions": [4, 3, 2]},
                    {"emotion": 1, "emotions": [1]},
                    {"emotion": 1, "emotions": []},
                    {},
                ]
            )
        )
    )
    assert found is not None
    assert found.num_by_size == ((0, 2), (1, 1), (2, 2), (3, 1))
    assert found.num_blended == 3
    assert found.most == (
        (("Disgust", "Anger"), ("disgusted", "angry"), 2),
        (("Sad", "Disgust", "Anger"), ("sad", "disgusted", "angry"), 1),
    )
    assert found.num_main_outside == 1
    assert (found.num_other_kinds, found.num_other_rows) == (0, 0)
    assert blends(as_corpus(emotalk_rows(train=[{}]))) is None


def _columns_of(values: list[float]) -> tuple[Column, ...]:
    found = sentiment(as_corpus(emotalk_rows(train=[{"sentiment": one} for one in values])))
    assert found is not None
    assert found.by_split[0] == ("all", (0, 0, 0, 0, len(values)))
    assert found.bins[-1] == ("positive", "1 or more")
    return found.columns


def test_sentiments_fall_into_their_columns_and_bins() -> None:
    values = [-2.0, -1.0, -0.8, -0.2, 0.0, 0.2, 0.6, 1.0, 2.0, None, 2.5]
    assert max(one.count for one in _columns_of([1.0, 0.6 + 0.2 + 0.2])) == 2, "a sum of floats is that value"
    found = sentiment(as_corpus(emotalk_rows(train=[{"sentiment": one} for one in values])))
    assert found is not None
    assert (found.total, found.num_null, found.num_outside) == (10, 1, 1)
    assert {one.name: one.count for one in found.columns if one.count} == {
        "−2.0": 1, "−1.0": 1, "−0.8": 1, "−0.2": 1, "+0.0": 1, "+0.2": 1, "+0.6": 1, "+1.0": 1, "+2.0": 1,
    }  # fmt: skip
    assert [one.key for one in found.columns] == ["low"] * 10 + ["middle"] + ["high"] * 10
    assert found.by_split == (("all", (2, 2, 1, 2, 3)), ("train", (2, 2, 1, 2, 3)))
    assert found.columns[0].x > 0
    assert found.columns[-1].x + found.columns[-1].width < 100


def test_lengths_come_from_times_and_then_from_headers(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = [one.num_samples / one.sampling_rate for one in emotalk_sample.utterances]
    corpus = as_corpus(emotalk)
    lengths, from_times = utterance_lengths(corpus, media=False)
    assert from_times.all()
    assert sorted(lengths) == pytest.approx(sorted(truth), abs=1e-4)
    blank = emotalk["train"].remove_columns(["start_seconds", "end_seconds"])
    read, from_times = utterance_lengths(as_corpus(blank), media=True)
    assert not from_times.any()
    assert read == pytest.approx(lengths[corpus.split_of == 0], abs=1e-4)
    monkeypatch.setattr(histograms, "_ROWS_AT_ONCE", 5)
    again, _ = utterance_lengths(as_corpus(blank), media=True)
    assert again.tolist() == read.tolist(), "in whatever portions they are read"
    unread, _ = utterance_lengths(as_corpus(blank), media=False)
    assert np.isnan(unread).all()


def test_times_that_cannot_be_are_no_lengths() -> None:
    times = [(0.0, 2.0), (2.0, 1.0), (0.0, 1e300), (float("nan"), 1.0), (None, 1.0), (1.0, 1.0)]
    corpus = as_corpus(emotalk_rows(train=[{"start_seconds": a, "end_seconds": b} for a, b in times]))
    found = durations(corpus, *utterance_lengths(corpus, media=False))
    assert found is not None
    assert (found.num_from_times, found.num_from_media, found.num_unknown) == (1, 0, 5)
    assert found.splits[0].total_seconds == 2.0


@settings(max_examples=30)
@given(st.lists(st.floats(0.001, 86_400), min_size=1, max_size=40))
def test_every_length_is_in_one_column(lengths: list[float]) -> None:
    corpus = as_corpus(emotalk_rows(train=[{}] * len(lengths)))
    found = durations(corpus, np.array(lengths), np.ones(len(lengths), bool))
    assert found is not None
    assert sum(one.count for one in found.columns) == len(lengths)
    assert len(found.columns) <= 41
    assert max(one.height for one in found.columns) == 100
    assert 0 <= found.median_x <= 100
    assert all(0 <= x <= 100 for x, _ in found.ticks)


def test_what_is_there_is_counted_by_combination() -> None:
    sound = {"bytes": None, "path": "a.wav"}
    corpus = as_corpus(
        emotalk_rows(
            train=[{"text": "好", "audio": sound, "emotion": 0}, {"text": "好"}, {"text": "好"}],
            test=[{"text": "好", "start_seconds": 0.0, "end_seconds": 1.0}],
        )
    )
    found = presence_map(corpus)
    labels = [f"{modality} label" for modality in ("text", "audio", "video", "multimodal")]
    assert found.parts == ("transcript", "sound", "pictures", *labels, "times")
    assert found.totals == (4, 1, 0, 0, 0, 0, 1, 1)
    assert [(one.count, one.by_split) for one in found.combinations] == [
        (2, (2, 0)),
        (1, (1, 0)),
        (1, (0, 1)),
    ]
    assert found.combinations[1].there == (True, True, False, False, False, False, True, False)


def test_agreement_is_that_of_the_view(emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict) -> None:
    rows = {row.modality: row for row in annotator_agreement(as_corpus(emotalk), resamples=20)}
    assert list(rows) == ["text", "audio", "video", "multimodal"]
    whole = datasets.concatenate_datasets(list(emotalk.values()))
    view = agreement(whole, modality="audio", resamples=20)
    kappa, alpha = rows["audio"].coefficients
    assert kappa.value == view.fleiss_kappa.estimate
    assert (kappa.low, kappa.high) == (view.fleiss_kappa.low, view.fleiss_kappa.high)
    assert alpha.value == view.krippendorff_alpha.estimate
    assert kappa.x == pytest.approx(100 * kappa.value, abs=0.001)
    assert [row.coefficients[0].published for row in rows.values()] == [0.66, 0.79, 0.73, 0.78]
    (row,) = annotator_agreement(as_corpus(m3ed), resamples=0)
    assert row.coefficients[0].published == 0.59
    assert not row.coefficients[0].has_interval


def test_the_made_up_splits_share_the_speakers_that_the_real_ones_do(emotalk: datasets.DatasetDict) -> None:
    found = split_findings(as_corpus(emotalk))
    assert found is not None
    leak = found.findings[0]
    assert (leak.is_leak, leak.headline, leak.is_about_people) == (
        True,
        "validation and test share 1 speaker",
        True,
    )
    assert leak.items == ("02",)


def test_one_filled_split_has_nothing_to_share() -> None:
    assert split_findings(as_corpus(emotalk_rows(train=[{}], test=[]))) is None


def test_splits_come_in_their_usual_order(m3ed: datasets.DatasetDict, m3ed_sample: M3edSample) -> None:
    turned = datasets.DatasetDict({"mine": m3ed["train"], "test": m3ed["test"], "train": m3ed["train"]})
    corpus = as_corpus(turned)
    assert corpus.split_names == ("train", "test", "mine")
    assert corpus.num_rows == len(corpus.whole)
    assert as_corpus(m3ed).num_rows == len(m3ed_sample.utterances)


def test_labels_that_are_no_labels_are_refused() -> None:
    words = datasets.Value("string")
    data = emotalk_rows(train=[{"emotion": 1}]).cast_column("emotion", words)
    with pytest.raises(OptionError, match=r"emotion is .*; expected a ClassLabel"):
        as_corpus(data)


def test_splits_with_other_columns_are_refused() -> None:
    data = emotalk_rows(train=[{}], test=[{}])
    data["test"] = data["test"].cast_column("text", datasets.Value("int32"))
    with pytest.raises(OptionError, match="do not have the same columns"):
        as_corpus(data)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.5, "0.5 s"), (59.9, "59.9 s"), (75, "1:15 min"), (3725, "1:02:05 h"), (-75, "−1:15 min")],
)
def test_lengths_are_told_as_people_say_them(value: float, told: str) -> None:
    assert seconds(value) == told


def test_numbers_are_told_as_people_write_them() -> None:
    assert [percent(share) for share in (0, 0.0001, 0.293, 0.9999, 1)] == [
        "0.0 %", "< 0.1 %", "29.3 %", "> 99.9 %", "100.0 %",
    ]  # fmt: skip
    assert [plural(1, "row"), plural(2000, "row"), plural(2, "series", "series")] == [
        "1 row",
        "2,000 rows",
        "2 series",
    ]
    assert [signed(one) for one in (-0.4, 0.0, -0.04, 1)] == ["−0.4", "0.0", "0.0", "+1.0"]
    assert shown(None) == ""
    assert shown("字" * 12, 10) == "字" * 10 + "… (and 2 more characters)"
    assert shown("a\u200fb\ud800c") == "a\\u200fb\\ud800c"

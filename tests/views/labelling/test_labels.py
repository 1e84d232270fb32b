"""A view has the rows and the labels of its task, and the report says what became of every row."""

from __future__ import annotations

import html
import json
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.testing import EmotalkSample, M3edSample
from emotalk_data.views.columns import column, label_ids
from emotalk_data.views.labelling.harmonised import HARMONISED
from emotalk_data.views.labelling.labels import label_report, label_view
from emotalk_data.views.labelling.targets import TARGETS, Target
from emotalk_data.views.labelling.tasks import SENTIMENT_BINS, Task

from ...loaders.dress_emotalk import four_class_ids
from ..label_tables import emotalk_table, emotalk_tables, emotalk_votes, m3ed_table, m3ed_tables, m3ed_votes
from ..real_tables import needs_tables, real_emotalk

EMOTION_TASKS: tuple[Task, ...] = ("emotion7", "emotion4")
SENTIMENT_TASKS: tuple[Task, ...] = ("sentiment", "sentiment5", "polarity")


# The authors' own label tables


@needs_tables
@pytest.mark.parametrize(
    ("modality", "sizes"),
    [
        ("multimodal", (12_232, 1_555, 1_509)),
        ("audio", (13_243, 1_610, 1_560)),
        ("video", (12_985, 1_565, 1_663)),
        ("text", (11_458, 1_458, 1_488)),
    ],
)
def test_the_four_class_task_has_the_authors_rows(modality: Modality, sizes: tuple[int, ...]) -> None:
    for (split, ds), size in zip(real_emotalk().items(), sizes, strict=True):
        view = label_view(ds, "emotion4", modality=modality)
        assert view.num_rows == size
        report = label_report(ds, "emotion4", modality=modality)
        assert (report.rows_in, report.rows_kept) == (ds.num_rows, size)
        assert report.left_out == {"no label": 0, "not one of the four classes": ds.num_rows - size}
        if modality == "multimodal":
            assert set(view["utterance_id"]) == four_class_ids()[split]


@needs_tables
def test_the_five_bins_have_the_papers_shares() -> None:
    reports = [label_report(ds, "sentiment5") for ds in real_emotalk().values()]
    counts = [sum(report.class_counts[name] for report in reports) for name in SENTIMENT_BINS]
    total = sum(counts)
    assert total == 19_250
    assert [round(100 * count / total, 2) for count in counts] == [29.30, 49.08, 11.47, 8.19, 1.96]


@needs_tables
def test_polarity_drops_the_zeros_and_says_how_many() -> None:
    reports = [label_report(ds, "polarity") for ds in real_emotalk().values()]
    counts = [tuple(report.class_counts.values()) for report in reports]
    assert counts == [(12_024, 1_660), (1_541, 164), (1_523, 130)]
    zeros = [report.left_out["sentiment of exactly zero"] for report in reports]
    assert zeros == [
        ds.num_rows - sum(count) for ds, count in zip(real_emotalk().values(), counts, strict=True)
    ]


@needs_tables
def test_the_multimodal_label_differs_from_the_others_as_often_as_the_tables_say() -> None:
    whole = datasets.concatenate_datasets(list(real_emotalk().values()))

    def ids(modality: Modality) -> Any:
        return label_ids(label_view(whole, "emotion7", modality=modality), "label")

    shares = {name: float((ids("multimodal") != ids(name)).mean()) for name in ("audio", "video", "text")}
    assert {name: round(share, 2) for name, share in shares.items()} == {
        "audio": 0.32,
        "video": 0.34,
        "text": 0.58,
    }


@needs_tables
def test_without_votes_no_label_is_made_of_them_and_the_rows_are_accounted_for() -> None:
    ds = real_emotalk()["test"]
    for target in ("soft", "votes", "ranked"):
        report = label_report(ds, "emotion7", target=target)
        assert report.rows_kept == 0
        assert report.left_out["no votes"] == ds.num_rows
        view = label_view(ds, "emotion7", target=target, keep_unlabelled=True)
        assert column(view, "label").null_count == column(view, "entropy").null_count == ds.num_rows


# Made-up releases


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_label_is_the_one_that_was_released_for_the_modality(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample, modality: Modality
) -> None:
    train = emotalk["train"].shuffle(seed=2)
    view = label_view(train, "emotion7", modality=modality, keep_unlabelled=True)
    names = view.features["label"].names
    got = [None if one is None else names[one] for one in view["label"]]
    assert got == [emotalk_sample.by_id[one].labels[modality] for one in train["utterance_id"]]
    assert view["utterance_id"] == train["utterance_id"]


def test_m3eds_blend_becomes_ones_and_zeros(m3ed: datasets.DatasetDict, m3ed_sample: M3edSample) -> None:
    view = label_view(m3ed["train"], "multilabel")
    names = label_report(m3ed["train"], "multilabel").classes
    assert view.features["label"] == datasets.List(datasets.Value("float32"), length=7)
    for utterance_id, label in zip(view["utterance_id"], view["label"], strict=True):
        blend = {name for name, one in zip(names, label, strict=True) if one == 1.0}
        assert blend == set(m3ed_sample.by_id[utterance_id].emotions)


def test_a_view_of_a_whole_table_copies_no_column(emotalk: datasets.DatasetDict) -> None:
    train = emotalk["train"]
    view = label_view(train, "emotion7", keep_unlabelled=True)
    for name in train.column_names:
        before, after = (ds.data.table.column(name).chunk(0).buffers() for ds in (train, view))
        assert [one and one.address for one in before] == [one and one.address for one in after]
    assert "label" not in train.column_names


# Hand-made tables


def test_sentiments_fall_into_their_bins_however_the_mean_was_rounded() -> None:
    values = [
        -2.0,
        -1.0,
        -0.9999999999,
        -0.8,
        -0.6000000000000001,
        -0.2,
        -1e-12,
        0.0,
        1e-12,
        0.2,
        0.8,
        0.9999999999,
    ]
    bins = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4]
    ds = emotalk_table(sentiment=[*values, 1.0, 2.0, None])
    assert label_view(ds, "sentiment5", keep_unlabelled=True)["label"] == [*bins, 4, 4, None]
    assert label_view(ds, "sentiment")["label"] == [*values, 1.0, 2.0]
    polarity = label_view(ds, "polarity")
    assert polarity["label"] == [0] * 6 + [1] * 5
    assert polarity.features["label"].names == ["negative", "positive"]
    assert label_report(ds, "polarity").left_out == {"no label": 1, "sentiment of exactly zero": 3}


def test_every_mean_of_five_ratings_is_in_the_bin_of_the_exact_fraction() -> None:
    steps = range(-10, 11)
    for values in (
        [step / 5 for step in steps],
        [step * 0.2 for step in steps],
        [sum([step / 25] * 5) for step in steps],
    ):
        got = label_view(emotalk_table(sentiment=values), "sentiment5")["label"]
        exact = [0 if s <= -5 else 1 if s < 0 else 2 if s == 0 else 3 if s < 5 else 4 for s in steps]
        assert got == exact


def test_a_sentiment_that_is_not_a_number_is_no_label() -> None:
    ds = emotalk_table(sentiment=[float("nan"), 0.2])
    for task in SENTIMENT_TASKS:
        assert label_report(ds, task).left_out["no label"] == 1


def test_the_four_classes_of_m3ed_are_in_its_own_order_or_in_emotiontalks() -> None:
    ds = m3ed_table(emotion=[0, 1, 2, 3, 4, 5, 6, None])
    own = label_view(ds, "emotion4")
    assert own.features["label"].names == ["Happy", "Neutral", "Sad", "Anger"]
    assert own["label"] == [0, 1, 2, 3]
    common = label_view(ds, "emotion4", harmonised=True, keep_unlabelled=True)
    assert common.features["label"].names == ["neutral", "happy", "sad", "angry"]
    assert common["label"] == [1, 0, 2, None, 3, None, None, None]
    assert label_report(ds, "emotion4").left_out == {"no label": 1, "not one of the four classes": 3}


def test_min_agreement_counts_first_labels_and_three_of_five_are_06() -> None:
    votes = [
        emotalk_votes(*((label, 0.5) for label in labels))
        for labels in ([0, 0, 0, 1, 2], [0, 0, 1, 1, 2], [3, 3, 3, 3, None], [])
    ]
    ds = emotalk_table(emotion=[0, 0, 3, 1], annotations=votes)
    assert label_view(ds, "emotion7", min_agreement=0.6)["utterance_id"] == ["u0", "u2"]
    assert label_view(ds, "emotion7", min_agreement=0.1 + 0.5)["utterance_id"] == ["u0", "u2"]
    assert label_view(ds, "emotion7", min_agreement=0.61)["utterance_id"] == ["u2"]
    assert label_report(ds, "emotion7", min_agreement=1).left_out == {
        "no label": 0,
        "no votes": 1,
        "below min_agreement": 2,
    }
    assert label_report(ds, "emotion7", min_agreement=0.0).left_out["no votes"] == 1


def test_other_counts_in_the_agreement_of_m3eds_annotators() -> None:
    votes = [m3ed_votes([7], [7], [0]), m3ed_votes([4, 3], [4], [3, 4]), m3ed_votes([0], [1], [7])]
    ds = m3ed_table(emotion=[0, 4, 1], annotations=votes)
    assert label_view(ds, "emotion7", min_agreement=2 / 3)["utterance_id"] == ["u0", "u1"]
    assert label_view(ds, "emotion7", min_agreement=0.67).num_rows == 0  # two of three are less


def test_an_agreement_that_nobody_can_tell_is_not_enough() -> None:
    ds = m3ed_table(emotions=[[4]], annotations=[m3ed_votes([None, 4], [None, 4], [None, 4])])
    assert label_view(ds, "multilabel", target="soft")["label"][0] == [0, 0, 0, 0, 1, 0, 0]
    report = label_report(ds, "multilabel", target="soft", min_agreement=0.0)
    assert report.left_out["below min_agreement"] == 1


def test_min_confidence_is_the_mean_over_the_annotators_of_the_modality() -> None:
    votes = [
        emotalk_votes((0, 0.9), (1, 0.1)) + emotalk_votes((0, 0.9), modality="audio"),
        emotalk_votes((0, 0.7), (0, 0.9), (None, 0.1)),
        emotalk_votes((0, None)),
        None,
    ]
    ds = emotalk_table(emotion=[0, 0, 0, 0], emotion_audio=[0, 0, 0, 0], annotations=votes)
    assert label_view(ds, "emotion7", min_confidence=0.8)["utterance_id"] == ["u1"]
    assert label_view(ds, "emotion7", min_confidence=0.5)["utterance_id"] == ["u0", "u1"]
    assert label_view(ds, "emotion7", modality="audio", min_confidence=0.9)["utterance_id"] == ["u0"]
    left_out = label_report(ds, "emotion7", min_confidence=0.8).left_out
    assert left_out == {"no label": 0, "no votes": 1, "no confidence": 1, "below min_confidence": 1}


def test_a_row_with_two_reasons_is_counted_at_the_first() -> None:
    ds = emotalk_table(emotion=[None, 5, 0], annotations=[None, None, None])
    report = label_report(ds, "emotion4", min_agreement=0.5)
    assert list(report.left_out.items()) == [
        ("no label", 1),
        ("not one of the four classes", 1),
        ("no votes", 1),
        ("below min_agreement", 0),
    ]


def test_a_report_says_what_was_asked_for() -> None:
    votes = [emotalk_votes((0, 0.5), (0, 0.5)), emotalk_votes((0, 0.5), (1, 0.5))]
    ds = emotalk_table(emotion=[0, 0], annotations=votes)
    report = label_report(ds, "emotion7", min_agreement=2 / 3, min_confidence=0.5, harmonised=True)
    assert "left out: below min_agreement 0.667" in str(report)
    assert "left out: below min_confidence 0.5" in str(report)
    kept = {name: report.to_dict()[name] for name in ("harmonised", "min_agreement", "min_confidence")}
    assert kept == {"harmonised": True, "min_agreement": 2 / 3, "min_confidence": 0.5}


def test_views_can_be_made_of_views() -> None:
    votes = [emotalk_votes((0, 0.5), (0, 0.5)), emotalk_votes((0, 0.5), (1, 0.5))]
    ds = emotalk_table(emotion=[0, 0], sentiment=[0.2, -0.4], annotations=votes)
    agreed = label_view(ds, "emotion7", min_agreement=0.8)
    assert label_view(agreed, "sentiment")["label"] == [0.2]


def test_an_empty_table_has_an_empty_view_with_the_columns_of_any_other() -> None:
    for table, task in ((emotalk_table(emotion=[0]), "emotion7"), (m3ed_table(emotions=[[0]]), "multilabel")):
        for target in TARGETS:
            view = label_view(table.select([]), task, target=target)  # type: ignore[arg-type]
            assert view.num_rows == 0
            assert view.features == label_view(table, task, target=target).features  # type: ignore[arg-type]


def test_rows_that_were_selected_twice_are_there_twice() -> None:
    ds = emotalk_table(emotion=[0, 5, 3]).select([2, 0, 2, 1])
    assert label_view(ds, "emotion4")["utterance_id"] == ["u2", "u0", "u2"]


# What cannot be


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "emotion"}, r"task is 'emotion'; expected one of \['emotion7'"),
        ({"target": "hard."}, r"target is 'hard\.'; expected one of \['hard'"),
        ({"modality": "face"}, "modality is 'face'; expected one of"),
        ({"task": "multilabel"}, r'no blends.*target="soft" or target="votes"'),
        ({"task": "sentiment", "modality": "audio"}, "rated from video with sound only; modality is 'audio'"),
        ({"task": "sentiment", "harmonised": True}, "harmonised is for emotions; task is 'sentiment'"),
        ({"task": "sentiment5", "target": "soft"}, "task is 'sentiment5', whose label is the mean"),
        ({"task": "polarity", "min_agreement": 0.5}, "make a view of 'emotion7' first"),
        ({"min_agreement": 60}, "min_agreement is 60; expected a number from 0 to 1, or None"),
        ({"min_agreement": float("nan")}, "min_agreement is nan; expected"),
        ({"min_confidence": "high"}, "min_confidence is 'high'; expected"),
        ({"min_confidence": True}, "min_confidence is True; expected"),
        ({"harmonised": "no"}, "harmonised is 'no'; expected True or False"),
        ({"keep_unlabelled": 1}, "keep_unlabelled is 1; expected True or False"),
    ],
)
def test_what_emotiontalk_does_not_have_is_refused(options: dict[str, Any], message: str) -> None:
    ds = emotalk_table(emotion=[0])
    for function in (label_view, label_report):
        with pytest.raises(OptionError, match=message):
            function(ds, **{"task": "emotion7", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "sentiment"}, "M3ED has no sentiment; task is 'sentiment'"),
        ({"task": "polarity"}, "M3ED has no sentiment; task is 'polarity'"),
        ({"modality": "text"}, "M3ED was judged from video with sound only; modality is 'text'"),
        ({"min_confidence": 0.5}, "M3ED's annotators gave no confidence"),
    ],
)
def test_what_m3ed_does_not_have_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        label_view(m3ed_table(emotion=[0]), **{"task": "emotion7", **options})


def test_a_table_that_is_not_as_it_was_loaded_is_refused() -> None:
    ds = emotalk_table(emotion=[0])
    with pytest.raises(OptionError, match=r"expected a datasets\.Dataset \(choose a split"):
        label_view(datasets.DatasetDict({"train": ds}), "emotion7")
    with pytest.raises(OptionError, match="no column 'annotations'"):
        label_view(ds.remove_columns("annotations"), "emotion7", target="soft")
    with pytest.raises(OptionError, match="no column 'sentiment'"):
        label_view(ds.remove_columns("sentiment"), "sentiment")
    plain = ds.cast_column("emotion", datasets.Value("int64"))
    words = ds.cast_column("sentiment", datasets.Value("string"))
    with pytest.raises(OptionError, match=r"'sentiment' has the type Value\('string'\); expected numbers"):
        label_view(words, "sentiment")
    with pytest.raises(
        OptionError, match=r"'emotion' has the type Value\('int64'\); expected labels \['neutral'"
    ):
        label_view(plain, "emotion7")


# Every row is accounted for


@st.composite
def options(draw: st.DrawFn, corpus: str) -> dict[str, Any]:
    tasks = (*EMOTION_TASKS, *(SENTIMENT_TASKS if corpus == "emotalk" else ("multilabel",)))
    task = draw(st.sampled_from(tasks))
    if task in SENTIMENT_TASKS:
        return {"task": task}
    shares = st.none() | st.sampled_from([0.0, 0.5, 0.6, 2 / 3, 1.0])
    return {
        "task": task,
        "target": draw(st.sampled_from(TARGETS)),
        "modality": draw(st.sampled_from(MODALITIES)) if corpus == "emotalk" else "multimodal",
        "harmonised": draw(st.booleans()),
        "min_agreement": draw(shares),
        "min_confidence": draw(shares) if corpus == "emotalk" else None,
    }


cases = st.one_of(
    st.tuples(emotalk_tables, options("emotalk")),
    st.tuples(m3ed_tables, options("m3ed")),
)


@settings(max_examples=25)
@given(cases)
def test_every_row_is_kept_or_left_out_for_a_reason(case: tuple[datasets.Dataset, dict[str, Any]]) -> None:
    ds, chosen = case
    report = label_report(ds, **chosen)
    assert report.rows_in == ds.num_rows
    assert report.rows_kept + sum(report.left_out.values()) == report.rows_in
    view = label_view(ds, **chosen)
    whole = label_view(ds, **chosen, keep_unlabelled=True)
    assert view.num_rows == report.rows_kept
    assert column(view, "label").null_count == 0
    assert whole["utterance_id"] == ds["utterance_id"]
    labelled = [
        one for one, label in zip(whole["utterance_id"], whole["label"], strict=True) if label is not None
    ]
    assert view["utterance_id"] == labelled
    assert view["label"] == [label for label in whole["label"] if label is not None]
    assert set(ds.column_names) <= set(view.column_names)
    if chosen["task"] not in ("sentiment", "multilabel"):
        assert sum(report.class_counts.values()) == report.rows_kept
    assert label_report(ds, **chosen, keep_unlabelled=True).left_out == report.left_out


@settings(max_examples=25)
@given(cases, st.randoms(use_true_random=False))
def test_a_label_does_not_depend_on_the_order_of_rows_nor_on_the_others(
    case: tuple[datasets.Dataset, dict[str, Any]], random: Any
) -> None:
    ds, chosen = case
    numbers = random.sample(range(ds.num_rows), random.randint(0, ds.num_rows))
    whole = label_view(ds, **chosen, keep_unlabelled=True)
    part = label_view(ds.select(numbers), **chosen, keep_unlabelled=True)
    added = [name for name in whole.column_names if name in ("label", "agreement", "entropy", "outside")]
    for name in added:
        values = whole[name][:]
        assert part[name] == [values[number] for number in numbers]
    kept = label_view(ds.select(numbers), **chosen)
    labels = whole["label"][:]
    assert kept["utterance_id"] == [f"u{number}" for number in numbers if labels[number] is not None]


@settings(max_examples=25)
@given(cases)
def test_a_report_is_ready_for_json_and_prints_every_number(
    case: tuple[datasets.Dataset, dict[str, Any]],
) -> None:
    ds, chosen = case
    report = label_report(ds, **chosen)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    text = str(report)
    assert max(map(len, text.splitlines())) <= 100
    assert report._repr_html_() == f"<pre>{html.escape(text)}</pre>"
    for reason in report.left_out:
        assert reason in text
    for name in report.classes:
        assert name in text


@pytest.mark.parametrize("target", TARGETS)
def test_a_view_survives_a_file(target: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    votes = [emotalk_votes((0, 0.5), (5, 0.9)), None]
    ds = emotalk_table(emotion=[0, 1], annotations=votes).remove_columns(["audio", "video"])
    view = label_view(ds, "emotion7", target=target, keep_unlabelled=True)
    path = tmp_path_factory.mktemp("views") / "view.parquet"
    view.to_parquet(path)
    again = datasets.Dataset.from_parquet(str(path), cache_dir=str(path.parent / "cache"))
    assert isinstance(again, datasets.Dataset)
    assert again.features == view.features
    assert again["label"] == view["label"]


def test_the_harmonised_classes_are_those_of_the_mapping() -> None:
    ds = m3ed_table(emotion=[0, 1, 2, 3, 4, 5, 6])
    view = label_view(ds, "emotion7", harmonised=True)
    own = ds.features["emotion"].names
    assert view.features["label"].names == list(HARMONISED.names)
    got = [HARMONISED.names[label] for label in view["label"]]
    assert got == [HARMONISED.mapping["m3ed"][own[label]] for label in ds["emotion"]]

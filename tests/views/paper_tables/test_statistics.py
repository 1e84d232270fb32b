"""The papers' tables beside what the data says: the authors' label tables, and releases with known answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import datasets
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.builder.features import m3ed_features
from emotalk_data.errors import OptionError
from emotalk_data.testing import EmotalkSample, M3edSample, M3edUtterance
from emotalk_data.views.paper_tables.compare import compare_cell, compare_table, statistics
from emotalk_data.views.paper_tables.counted import Counted
from emotalk_data.views.paper_tables.published_blends import M3ED_BLENDS
from emotalk_data.views.paper_tables.published_emotalk import EMOTALK_PUBLISHED
from emotalk_data.views.paper_tables.published_form import (
    SPLITS,
    WITH_TOTAL,
    Difference,
    PublishedCorpus,
    PublishedRow,
    PublishedTable,
)
from emotalk_data.views.paper_tables.published_m3ed import M3ED_PUBLISHED
from emotalk_data.views.paper_tables.tables import Statistics, Table

from ..real_tables import needs_tables, real_emotalk

Numbers = dict[str, dict[str, float | None]]


def _table(stats: Statistics, start: str) -> Table:
    (table,) = (table for table in stats.tables if table.title.startswith(start))
    return table


def _found(stats: Statistics, start: str) -> Numbers:
    table = _table(stats, start)
    numbers: Numbers = {row: {} for row in table.rows}
    for cell in table.cells:
        numbers[cell.row][cell.column] = cell.found
    return numbers


def _published(table: PublishedTable) -> dict[str, tuple[int, ...]]:
    return {row.name: tuple(map(int, row.printed)) for row in table.rows}  # type: ignore[arg-type]


def _kappa(rows: Iterable[Sequence[str]]) -> float:
    """Fleiss' formula of 1971, of rows with as many votes each."""
    counts = [Counter(votes) for votes in rows]
    num_votes = counts[0].total()
    agreeing = [sum(n * (n - 1) for n in one.values()) / (num_votes * (num_votes - 1)) for one in counts]
    together = sum(counts, Counter[str]())
    expected = sum((n / together.total()) ** 2 for n in together.values())
    observed = sum(agreeing) / len(agreeing)
    return (observed - expected) / (1 - expected)


# The published numbers themselves.


@pytest.mark.parametrize("table", [EMOTALK_PUBLISHED.tables["emotions"], M3ED_PUBLISHED.tables["emotions"]])
def test_published_emotions_add_up_to_their_totals(table: PublishedTable) -> None:
    numbers = _published(table)
    total = numbers.pop("total")
    assert tuple(map(sum, zip(*numbers.values(), strict=True))) == total
    for train, validation, test, all_of_them in (*numbers.values(), total):
        assert train + validation + test == all_of_them


@pytest.mark.parametrize("corpus", [EMOTALK_PUBLISHED, M3ED_PUBLISHED])
def test_every_published_row_has_a_number_for_each_column(corpus: PublishedCorpus) -> None:
    for table in corpus.tables.values():
        assert len({row.name for row in table.rows}) == len(table.rows)
        for row in table.rows:
            assert len(row.printed) == len(table.columns), row.name


def test_published_turns_are_shift_and_inertia_and_dialogues() -> None:
    counts = {row.name: row.printed for row in M3ED_PUBLISHED.tables["counts"].rows}
    shift = {row.name: row.printed for row in M3ED_PUBLISHED.tables["shift"].rows}
    for place in (WITH_TOTAL.index("train"), WITH_TOTAL.index("total")):
        pairs = int(shift["inter-turn shift"][place] or 0) + int(shift["inter-turn inertia"][place] or 0)
        assert pairs == int(counts["turns"][place] or 0) - int(counts["dialogues"][place] or 0)


def test_published_averages_are_quotients_of_published_counts() -> None:
    rows = {row.name: row.printed for row in M3ED_PUBLISHED.tables["counts"].rows}
    for what in ("turns", "utterances"):
        for count, num_dialogues, average in zip(
            rows[what], rows["dialogues"], rows[f"{what} a dialogue"], strict=True
        ):
            assert f"{int(count or 0) / int(num_dialogues or 0):.2f}" == average


def test_published_inertia_of_the_emotions_adds_up() -> None:
    between, inside = zip(*_published(M3ED_PUBLISHED.tables["inertia"]).values(), strict=True)
    shift = {row.name: row.printed for row in M3ED_PUBLISHED.tables["shift"].rows}
    assert sum(between) == shift["inter-turn inertia"][-1]
    assert sum(inside) == shift["intra-turn inertia, published"][-1]


def test_published_combinations_are_2656_utterances_and_2627_without_the_16_rare_ones() -> None:
    rare = [number for number in M3ED_BLENDS.values() if number < 5]
    assert (len(M3ED_BLENDS), sum(M3ED_BLENDS.values())) == (45, 2656)
    assert (len(rare), sum(M3ED_BLENDS.values()) - sum(rare)) == (16, 2627)
    blends = _published(M3ED_PUBLISHED.tables["blends"])
    assert blends == {"all": (2656, 45), "seen five times or more": (2627, 29)}


# One number beside another.


@given(st.floats(-1e4, 1e4), st.integers(1, 4))
def test_a_number_is_equal_to_what_it_is_printed_as_and_to_no_other(found: float, decimals: int) -> None:
    step = 10.0**-decimals
    row = PublishedRow("row", ())
    for shift, state in ((0.0, "equal"), (1.01 * step, "differs"), (-1.01 * step, "differs")):
        cell = compare_cell(row, "total", f"{found:.{decimals}f}", Counted(found + shift), None)
        assert (cell.state, cell.decimals) == (state, decimals)


def test_a_count_is_equal_to_itself_only_and_a_reason_is_given_where_it_fits() -> None:
    row, known = PublishedRow("dialogues", (744,)), Difference(742, "counted")
    cells = [compare_cell(row, "total", 744, Counted(found), known) for found in (744, 743, 742, None)]
    assert [(cell.state, cell.reason) for cell in cells] == [
        ("equal", None),
        ("differs", None),
        ("differs", "counted"),
        ("not in this data", None),
    ]
    assert compare_cell(row, "total", None, Counted(7), known).state == "not published"


@pytest.mark.parametrize(("authors", "reason"), [(2879, True), (2880, False)])
def test_the_other_counting_is_a_reason_where_the_authors_own_is_reproduced(
    authors: int, reason: bool
) -> None:
    table = M3ED_PUBLISHED.tables["shift"]
    rows = {row.name: Counted(0) for row in table.rows}
    rows |= {"intra-turn shift, published": Counted(authors), "intra-turn shift, clean": Counted(3200)}
    compared = compare_table(table, dict.fromkeys(WITH_TOTAL, rows), frozenset(SPLITS))
    clean = compared.cell("intra-turn shift, clean", "total")
    assert clean is not None
    assert clean.state == "differs"
    assert ("drops the last turn" in str(clean.reason)) is reason


# EmotionTalk's own tables.


@needs_tables
def test_every_cell_of_table_7_is_equal() -> None:
    cells = _table(statistics(real_emotalk()), "Table 7").cells
    assert len(cells) == 32
    assert {cell.state for cell in cells} == {"equal"}


@needs_tables
def test_the_five_sentiments_are_equal_at_the_printed_precision() -> None:
    table = _table(statistics(real_emotalk()), "Section 3.3: share")
    assert [cell.state for cell in table.cells] == ["equal"] * 5
    assert [f"{cell.found:.2f}" for cell in table.cells] == ["29.30", "49.08", "11.47", "8.19", "1.96"]


@needs_tables
def test_known_differences_of_emotiontalk_come_with_their_reason() -> None:
    stats = statistics(real_emotalk())
    differing = {cell.row: cell for cell in stats.cells if cell.state == "differs"}
    assert set(differing) == {"dialogues", "characters, marks taken out"}
    assert (differing["dialogues"].published, differing["dialogues"].found) == (744, 742)
    assert "742 dialogues" in str(differing["dialogues"].reason)
    characters = differing["characters, marks taken out"]
    assert (characters.published, characters.found) == (469_387, 463_975)
    assert "636,887" in str(characters.reason)
    assert stats.unexplained == ()
    assert stats.note is None


@needs_tables
def test_what_the_label_tables_do_not_hold_is_none_with_a_reason() -> None:
    stats = statistics(real_emotalk())
    absent = {cell.row: cell for cell in stats.cells if cell.state == "not in this data"}
    assert set(absent) == {
        "hours",
        "seconds an utterance",
        "audio",
        "text",
        "video",
        "video with audio",
    }
    assert absent["hours"].reason == "no row has a start and an end"
    assert absent["audio"].reason == "no row has a vote"
    assert all(cell.found is None for cell in absent.values())


@needs_tables
def test_labels_of_the_modalities_differ_as_counted_before() -> None:
    found = _found(statistics(real_emotalk()), "Rows whose label differs")
    assert {row: round(columns["total"] or 0) for row, columns in found.items()} == {
        "text": 58,
        "audio": 32,
        "video": 34,
    }


@needs_tables
def test_one_changed_label_is_seen_in_four_cells_without_a_reason() -> None:
    splits = dict(real_emotalk())
    labels = splits["train"].with_format(None)["emotion"][:]
    place = labels.index(3)
    changed = [2 if row == place else label for row, label in enumerate(labels)]
    table = splits["train"].data.table
    number = table.schema.get_field_index("emotion")
    table = table.set_column(number, table.schema.field("emotion"), pa.array(changed, pa.int64()))
    splits["train"] = datasets.Dataset(table, info=splits["train"].info, split=splits["train"].split)
    cells = statistics(splits).unexplained
    assert {(cell.row, cell.column) for cell in cells} == {
        (row, column) for row in ("angry", "sad") for column in ("train", "total")
    }


@needs_tables
def test_one_split_is_compared_and_the_others_are_not_loaded() -> None:
    stats = statistics({"test": real_emotalk()["test"]})
    assert stats.note == "Without train and validation: 1,929 of 19,250 utterances."
    table = _table(stats, "Table 7")
    assert {cell.state for cell in table.cells if cell.column == "test"} == {"equal"}
    for column, reason in (
        ("train", "train not loaded"),
        ("total", "train and validation not loaded"),
    ):
        cells = [cell for cell in table.cells if cell.column == column]
        assert {(cell.found, cell.state, cell.reason) for cell in cells} == {
            (None, "not in this data", reason)
        }


@needs_tables
def test_other_splits_of_the_whole_release_are_said_to_be_others() -> None:
    whole = datasets.concatenate_datasets(list(real_emotalk().values()))
    stats = statistics(
        {
            "train": whole.select(range(15_000)),
            "validation": whole.select(range(15_000, 17_000)),
            "test": whole.select(range(17_000, 19_250)),
        }
    )
    assert stats.note is not None
    assert stats.note.startswith("The splits are not the official ones (train 15,000 for 15,413, ")
    totals = [cell for cell in _table(stats, "Table 7").cells if cell.column == "total"]
    assert {cell.state for cell in totals} == {"equal"}
    assert {cell.column for cell in stats.unexplained} == set(SPLITS)


# Made-up releases: the same numbers, counted here in plain Python.


def test_emotiontalk_is_counted_as_its_maker_knows_it(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    stats = statistics(emotalk)
    truth = emotalk_sample.utterances
    emotions = _found(stats, "Table 7")
    for split in WITH_TOTAL:
        inside = [one.labels["multimodal"] for one in truth if split in ("total", one.split)]
        assert {row: columns[split] for row, columns in emotions.items() if columns[split]} == {
            **{"no label" if name is None else name: n for name, n in Counter(inside).items()},
            "total": len(inside),
        }
    numbers = {row: columns["total"] for row, columns in _found(stats, "Section 3.3: the corpus").items()}
    seconds = [
        one.end_seconds - one.start_seconds
        for one in truth
        if one.end_seconds is not None and one.start_seconds is not None
    ]
    texts = [one.text for one in truth if one.text is not None]
    expected = {
        "speakers": len({one.speaker_id for one in truth}),
        "utterances": len(truth),
        "dialogues": len({one.dialogue_id for one in truth}),
        "hours": pytest.approx(sum(seconds) / 3600),
        "seconds an utterance": pytest.approx(sum(seconds) / len(seconds)),
        "characters, marks taken out": sum(map(len, texts)),
        "characters, marks left in": sum(len(one.text_raw) for one in truth if one.text_raw is not None),
        "no times": len(truth) - len(seconds),
        "no transcript": len(truth) - len(texts),
    }
    assert numbers == {row: number for row, number in expected.items() if number != 0}


def test_kappa_is_that_of_fleiss_formula(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    found = _found(statistics(emotalk), "Section 3.2")
    for row, modality in (("audio", "audio"), ("video with audio", "multimodal")):
        rows = [
            [vote.emotion for vote in one.votes if vote.modality == modality]
            for one in emotalk_sample.utterances
        ]
        assert found[row]["total"] == pytest.approx(_kappa([votes for votes in rows if votes]))


def test_shares_of_each_modality_are_of_the_rows_that_have_a_label(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    shares = _found(statistics(emotalk), "Fig. 1")
    for column, modality in (("text", "text"), ("video with audio", "multimodal")):
        labels = [one.labels[modality] for one in emotalk_sample.utterances]
        given = Counter(label for label in labels if label is not None)
        for name in emotalk["train"].features["emotion"].names:
            assert shares[name][column] == pytest.approx(100 * given[name] / given.total())
        if "no label" in shares:
            assert shares["no label"][column] == labels.count(None)


def _turns(truth: Sequence[M3edUtterance]) -> list[list[list[str]]]:
    """The emotions of each turn of each dialogue."""
    by_dialogue: dict[str, list[M3edUtterance]] = {}
    for one in truth:
        by_dialogue.setdefault(one.dialogue_id, []).append(one)
    return [
        [
            [one.emotion for one in turn]
            for _, turn in groupby(
                sorted(of, key=lambda one: one.utterance_number), lambda one: one.speaker_id
            )
        ]
        for of in by_dialogue.values()
    ]


def test_m3ed_is_counted_as_its_maker_knows_it(m3ed: datasets.DatasetDict, m3ed_sample: M3edSample) -> None:
    stats = statistics(m3ed)
    counts, shift, emotions = (
        _found(stats, "Table 2: the"),
        _found(stats, "Table 2: emotion"),
        _found(stats, "Table 3"),
    )
    for split in WITH_TOTAL:
        truth = [one for one in m3ed_sample.utterances if split in ("total", one.split)]
        turns = _turns(truth)
        num_turns = sum(map(len, turns))
        expected = {
            "TV series": len({one.series for one in truth}),
            "dialogues": len(turns),
            "turns": num_turns,
            "utterances": len(truth),
            "turns a dialogue": num_turns / len(turns),
            "utterances a dialogue": len(truth) / len(turns),
        }
        assert {row: columns[split] for row, columns in counts.items()} == expected
        between = [pair for dialogue in turns for pair in pairwise(turn[0] for turn in dialogue)]
        inside = [pair for dialogue in turns for turn in dialogue for pair in pairwise(turn)]
        for kind, pairs in (("inter-turn {}", between), ("intra-turn {}, clean", inside)):
            assert shift[kind.format("shift")][split] == sum(a != b for a, b in pairs)
            assert shift[kind.format("inertia")][split] == sum(a == b for a, b in pairs)
        assert len(between) == num_turns - len(turns)
        labels = Counter(one.emotion for one in truth)
        assert {row: columns[split] for row, columns in emotions.items()} == {
            **{row: labels[row] for row in emotions},
            "total": len(truth),
        }


def test_kappa_of_m3ed_is_of_the_first_labels_with_other(
    m3ed: datasets.DatasetDict, m3ed_sample: M3edSample
) -> None:
    found = _found(statistics(m3ed), "Fleiss")["kappa"]
    for split in WITH_TOTAL:
        rows = [
            [labels[0] for labels in one.annotations]
            for one in m3ed_sample.utterances
            if split in ("total", one.split)
        ]
        assert found[split] == pytest.approx(_kappa(rows))


def test_blends_and_inertia_of_m3ed_are_counted_as_its_maker_knows_them(
    m3ed: datasets.DatasetDict, m3ed_sample: M3edSample
) -> None:
    stats = statistics(m3ed)
    blends = Counter(",".join(one.emotions) for one in m3ed_sample.utterances if len(one.emotions) > 1)
    found = _found(stats, "Blended emotions: each")
    assert {row: columns["total"] for row, columns in found.items() if columns["total"]} == blends
    assert _found(stats, "Blended emotions: how")["all"] == {
        "utterances": blends.total(),
        "combinations": len(blends),
    }
    between = Counter(
        after[0]
        for dialogue in _turns(m3ed_sample.utterances)
        for before, after in pairwise(dialogue)
        if before[0] == after[0]
    )
    inertia = _found(stats, "Inertia")
    assert {row: columns["between turns"] for row, columns in inertia.items()} == {
        row: between[row] for row in inertia
    }


def test_a_combination_that_was_never_published_differs_from_zero(m3ed: datasets.DatasetDict) -> None:
    table = _table(statistics(m3ed), "Blended emotions: each")
    further = [cell for cell in table.cells if cell.row not in M3ED_BLENDS]
    assert further
    assert {(cell.published, cell.state) for cell in further} == {(0, "differs")}


def test_a_part_of_a_release_says_so_and_explains_nothing(m3ed: datasets.DatasetDict) -> None:
    stats = statistics(m3ed)
    num_rows = sum(split.num_rows for split in m3ed.values())
    assert stats.note == f"Not the whole release: {num_rows} of 24,449 utterances, so most numbers differ."
    assert {cell.reason for cell in stats.cells if cell.state == "differs"} == {None}


def _as_large_as_m3ed() -> datasets.DatasetDict:
    """As many rows as M3ED has, in dialogues of four: A A B B, neutral but for one fear at the end."""
    features = m3ed_features()
    neutral, fear = (features["emotion"].str2int(name) for name in ("Neutral", "Fear"))
    splits = {}
    for split, size in M3ED_PUBLISHED.split_sizes.items():
        rows = range(size)
        columns = {
            "utterance_id": [f"{split}_{row // 4}_{row % 4}" for row in rows],
            "dialogue_id": [f"{split}_{row // 4}" for row in rows],
            "series": [split] * size,
            "speaker_id": ["AABB"[row % 4] for row in rows],
            "utterance_number": [row % 4 for row in rows],
            "emotion": [fear if row % 4 == 3 else neutral for row in rows],
            "emotions": [[neutral]] * size,
        }
        arrays = [
            pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(size, field.type)
            for field in features.arrow_schema
        ]
        table = pa.Table.from_arrays(arrays, schema=features.arrow_schema)
        splits[split] = datasets.Dataset(table, info=datasets.DatasetInfo(features=features))
    return datasets.DatasetDict(splits)


def test_known_differences_of_m3ed_come_with_their_reason() -> None:
    stats = statistics(_as_large_as_m3ed())
    assert stats.note is None
    explained = {
        (cell.row, cell.column): cell.reason
        for cell in stats.cells
        if cell.state == "differs" and cell.reason
    }
    rare = {(name, "total") for name, number in M3ED_BLENDS.items() if number < 5}
    # Here the authors' counting does not give what they published, so it is no reason for the clean one.
    assert set(explained) == rare
    assert "fewer than five times" in str(explained["Happy,Sad", "total"])
    # The last turn of each dialogue is all that has a shift: the authors' counting sees none.
    shift = _found(stats, "Table 2: emotion")
    assert shift["intra-turn shift, published"]["train"] == 0
    assert shift["intra-turn shift, clean"]["train"] == 17_427 // 4


# Whatever is given.


def test_the_order_of_rows_makes_no_difference(
    emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict
) -> None:
    for splits in (emotalk, m3ed):
        shuffled = datasets.DatasetDict({name: split.shuffle(seed=3) for name, split in splits.items()})
        assert statistics(shuffled).to_dict() == statistics(splits).to_dict()


def test_labels_that_are_null_everywhere_are_not_counted_as_none(emotalk: datasets.DatasetDict) -> None:
    splits = {}
    for name, split in emotalk.items():
        table = split.data.table
        for column in ("emotion", "sentiment", "text", "text_raw"):
            number = table.schema.get_field_index(column)
            field = table.schema.field(column)
            table = table.set_column(number, field, pa.nulls(len(table), field.type))
        splits[name] = datasets.Dataset(table, info=split.info)
    stats = statistics(splits)
    table = _table(stats, "Table 7")
    angry = table.cell("angry", "train")
    assert angry is not None
    assert (angry.found, angry.state, angry.reason) == (
        None,
        "not in this data",
        "emotion is null in every row",
    )
    total, absent = (_found(stats, "Table 7")[row] for row in ("total", "no label"))
    assert total == absent == {**{n: s.num_rows for n, s in splits.items()}, "total": stats.num_utterances}
    assert {cell.reason for cell in _table(stats, "Section 3.3: share").cells} == {"no row has a sentiment"}
    assert _found(stats, "Section 3.3: the")["characters, marks left in"] == {"total": None}
    assert _found(stats, "Fig. 1")["angry"]["video with audio"] is None
    assert _found(stats, "Fig. 1")["angry"]["audio"] is not None


@pytest.mark.parametrize("corpus", ["emotalk", "m3ed"])
def test_empty_splits_have_no_row_of_anything(corpus: str, request: pytest.FixtureRequest) -> None:
    splits: datasets.DatasetDict = request.getfixturevalue(corpus)
    stats = statistics({name: split.select([]) for name, split in splits.items()})
    assert stats.num_utterances == 0
    assert {cell.found for cell in stats.cells} == {0, None}
    assert all(cell.reason for cell in stats.cells if cell.found is None)


@pytest.mark.parametrize("corpus", ["emotalk", "m3ed"])
def test_every_form_shows_every_cell_and_text_fits_80_columns(
    corpus: str, request: pytest.FixtureRequest
) -> None:
    stats = statistics(request.getfixturevalue(corpus))
    text, markdown, page = str(stats), stats.to_markdown(), stats._repr_html_()
    assert max(map(len, text.split("\n"))) <= 80
    for table in stats.tables:
        assert table.title in text
        assert f"## {table.title}\n" in markdown
        for row in table.rows:
            assert row in text
            assert f"\n| {row} |" in markdown
    assert page.count("<table>") == page.count("</table>") == len(stats.tables)
    values = json.loads(json.dumps(stats.to_dict()))
    assert sum(len(table["cells"]) for table in values["tables"]) == sum(values["counts"].values())
    assert repr(stats).startswith("<Statistics of ")


def test_a_table_has_no_cell_of_another_name(emotalk: datasets.DatasetDict) -> None:
    assert statistics(emotalk).tables[0].cell("angry", "dev") is None


def test_what_is_no_corpus_in_splits_is_refused(
    emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict
) -> None:
    with pytest.raises(OptionError, match=r"the data is a Dataset; expected what load_dataset returns"):
        statistics(emotalk["train"])
    with pytest.raises(OptionError, match="the dict of splits is empty"):
        statistics({})
    with pytest.raises(OptionError, match="there is no split 'dev' in the papers"):
        statistics({"dev": emotalk["train"]})
    with pytest.raises(OptionError, match="the splits are of two corpora"):
        statistics({"train": emotalk["train"], "test": m3ed["test"]})
    with pytest.raises(OptionError, match="has no column 'annotations'"):
        statistics({"train": emotalk["train"].remove_columns("annotations")})
    recast = emotalk["test"].cast_column("sentiment", datasets.Value("string"))
    with pytest.raises(
        OptionError, match="sentiment is 'string'; expected 'double', as load_dataset made it"
    ):
        statistics({**emotalk, "test": recast})
    short = emotalk["test"].cast_column("sentiment", datasets.Value("float32"))
    with pytest.raises(OptionError, match="columns of different types"):
        statistics({**emotalk, "test": short})


@pytest.mark.parametrize(
    ("corpus", "column", "told"),
    [
        ("emotalk", "emotion", "emotion is .*; expected a ClassLabel, as load_dataset made it"),
        ("emotalk", "text", "text is 'int64'; expected 'string'"),
        ("emotalk", "annotations", "annotations is 'int64'; expected 'list<"),
        ("m3ed", "emotions", "emotions is .*; expected a ClassLabel"),
    ],
)
def test_a_column_of_another_type_is_refused(
    corpus: str, column: str, told: str, request: pytest.FixtureRequest
) -> None:
    split: datasets.Dataset = request.getfixturevalue(corpus)["train"]
    other = split.remove_columns(column).add_column(column, list(range(split.num_rows)))
    with pytest.raises(OptionError, match=told):
        statistics({"train": other})


def test_what_parquet_and_pandas_make_of_the_types_is_counted_all_the_same(
    emotalk: datasets.DatasetDict,
) -> None:
    features = emotalk["train"].features.copy()
    features["text"] = datasets.Value("large_string")
    features["sentiment"] = datasets.Value("float32")
    features["annotations"] = datasets.LargeList(features["annotations"].feature)
    recast = {name: split.cast(features) for name, split in emotalk.items()}
    assert statistics(recast).counts() == statistics(emotalk).counts()

from __future__ import annotations

import datasets
import pyarrow as pa
import pytest

from emotalk_data.hub.feature_text import arrow_schema_text, arrow_type_text, feature_text

NESTED = datasets.List({"who": datasets.Value("int32"), "label": datasets.ClassLabel(names=["a", "b"])})


def test_a_nested_feature_is_one_short_text() -> None:
    assert feature_text(NESTED) == "List({who: int32, label: ClassLabel(a, b)})"


def test_the_names_of_labels_can_be_left_out() -> None:
    assert feature_text(NESTED, with_labels=False) == "List({who: int32, label: ClassLabel})"


def test_vectors_say_how_long_they_are() -> None:
    vector = datasets.List(datasets.Value("float32"), length=768)
    assert feature_text(datasets.List(vector)) == "List(List(float32, length=768))"


def test_media_are_named_by_their_stock_type() -> None:
    assert [feature_text(feature) for feature in (datasets.Audio(), datasets.Video())] == ["Audio", "Video"]


@pytest.mark.parametrize("item", ["item", "element", "l"])
def test_the_name_of_list_items_does_not_show(item: str) -> None:
    assert arrow_type_text(pa.list_(pa.field(item, pa.int32()))) == "list<int32>"


def test_a_schema_has_one_aligned_line_per_column() -> None:
    features = datasets.Features(
        {"id": datasets.Value("string"), "score": datasets.Value("float64"), "n": NESTED}
    )
    assert arrow_schema_text(features) == (
        "id     string  string\n"
        "score  double  float64\n"
        "n      list<struct<who: int32, label: int64>>  List({who: int32, label: ClassLabel(a, b)})\n"
    )

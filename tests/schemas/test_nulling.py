from __future__ import annotations

import copy
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Strict

from emotalk_data.schemas.nulling import json_path, validate_or_null


class Item(BaseModel):
    number: Annotated[int, Strict()] | None = None


class Record(BaseModel):
    items: tuple[Item, ...] | None = None
    names: tuple[str, ...] | None = None
    by_name: dict[str, Item | None] | None = None


class Rigid(BaseModel):
    number: int


def read(document: dict[str, Any]) -> tuple[Record, list[str]]:
    found: list[str] = []
    before = copy.deepcopy(document)
    record = validate_or_null(Record, document, lambda steps, _: found.append(json_path(steps)))
    assert document == before
    return record, found


@pytest.mark.parametrize(
    ("steps", "path"),
    [((), ""), (("data",), "data"), (("data", 2, "emotion"), "data[2].emotion"), (("a", "b", 0), "a.b[0]")],
)
def test_a_place_is_written_as_a_path(steps: tuple[int | str, ...], path: str) -> None:
    assert json_path(steps) == path


def test_a_valid_document_reports_nothing() -> None:
    assert read({"items": [{"number": 1}]}) == (Record(items=(Item(number=1),)), [])


def test_every_bad_value_becomes_none_and_is_reported_once() -> None:
    record, found = read(
        {"items": [{"number": "1"}, {"number": 2}, {"number": []}], "by_name": {"a": 5, "b": {}}}
    )
    assert found == ["items[0].number", "items[2].number", "by_name.a"]
    assert record == Record(items=(Item(), Item(number=2), Item()), by_name={"a": None, "b": Item()})


def test_an_item_that_is_no_object_becomes_an_empty_one_in_its_place() -> None:
    # Null is not allowed there: this once went round in circles and failed.
    record, found = read({"items": [None, {"number": 2}, "x", 5]})
    assert found == ["items[0]", "items[2]", "items[3]"]
    assert record == Record(items=(Item(), Item(number=2), Item(), Item()))


def test_a_list_whose_items_may_not_be_null_becomes_null_itself() -> None:
    record, found = read({"names": ["a", 5, "b", None], "items": [{"number": 1}]})
    assert found == ["names[1]", "names[3]"]
    assert record == Record(items=(Item(number=1),))


def test_a_model_that_cannot_be_nulled_is_a_fault_of_the_model() -> None:
    with pytest.raises(RuntimeError, match="Rigid has a field that may not be None: "):
        validate_or_null(Rigid, {"number": "x"}, lambda *_: None)

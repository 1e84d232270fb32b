"""A clean release, damaged in one place at a time: each damage is found by its code, in its file, at its place.

What is found beyond what the tables say is a failure as well.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from emotalk_data import validate
from emotalk_data.testing import make_emotalk

from .emotalk_damages import (
    ADDED,
    CONTENT,
    DAMAGES,
    FIELDS,
    HARMLESS,
    KEY,
    KEYS,
    LEAF,
    LITERALS,
    MODALITIES,
    NEIGHBOUR,
    RATINGS,
    SENTIMENT,
    VALUES,
    VOTES,
    WRONG,
)
from .emotalk_file_damages import ALSO_IN_AUDIO, FILES, MEDIA, MP4, OTHERS_ABSENT, WAV, change_bytes, recode

Found = set[tuple[str, str, str]]  # code, file, place


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=4), encoding="utf-8")


def _name(modality: str) -> str:
    return f"{modality.capitalize()}/json/{LEAF}/{KEY}.json"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with media in which there is nothing to find; the utterance of the tests has known votes."""
    root = tmp_path_factory.mktemp("clean")
    make_emotalk(root, num_utterances=6, seed=0, oddities=False)
    for modality in MODALITIES:
        path = root / _name(modality)
        document = json.loads(path.read_text(encoding="utf-8"))
        document["data"] = [{"emotion": emotion, "Confidence_degree": number} for emotion, number in VOTES]
        document["emotion_result"] = "happy"
        if modality == "multimodal":
            for vote, rating in zip(document["data"], RATINGS, strict=True):
                vote["Continuous_label"] = rating
            document["Continuous label_result"] = SENTIMENT
        if "content" in document:
            document["content"] = CONTENT
        if modality == "audio":
            assert document["paragraphs"] == {"startTime": 11.01, "endTime": 13.17, "duration": 2.16}
        _write(path, document)
    return root


@pytest.fixture
def release(clean: Path) -> Iterator[Path]:
    """The clean release; its four records are put back after the test."""
    kept = {modality: (clean / _name(modality)).read_bytes() for modality in MODALITIES}
    yield clean
    for modality, data in kept.items():
        (clean / _name(modality)).write_bytes(data)


@pytest.fixture
def linked(clean: Path, tmp_path: Path) -> Path:
    """A copy of the clean release whose files may be moved and deleted; they are links, not to be written to."""
    root = tmp_path / "release"
    shutil.copytree(clean, root, copy_function=os.link)
    return root


def _found(root: Path) -> Found:
    report = validate(root)
    report.check()
    return {(problem.code, problem.file, problem.json_path) for problem in report.problems()}


def _document(root: Path, modality: str) -> Any:
    return json.loads((root / _name(modality)).read_text(encoding="utf-8"))


def _steps(place: str) -> list[int | str]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", place)]


def _at(document: Any, steps: list[int | str]) -> Any:
    for step in steps:
        document = document[step]
    return document


def _beside(place: str, key: str) -> str:
    """The place of a key in the object that holds `place`."""
    return ".".join([*place.split(".")[:-1], key])


def _damaged(document: Any, place: str, damage: str) -> str | None:
    """The JSON text of a record with one damage; None where there is no such damage."""
    document = copy.deepcopy(document)
    *before, last = _steps(place)
    holder = _at(document, before)
    if damage in VALUES:
        holder[last] = VALUES[damage](holder[last])
    elif damage in LITERALS:
        if isinstance(last, int) and damage == "twice":
            return None
        old = json.dumps(holder[last], ensure_ascii=False)
        holder[last] = "<literal>"
        return json.dumps(document, ensure_ascii=False).replace(
            '"<literal>"', LITERALS[damage](old, str(last))
        )
    elif isinstance(last, int):
        if damage != "deleted":
            return None
        del holder[last]
    else:
        pairs = [(KEYS[damage](key) if key == last else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update((key, value) for key, value in pairs if key is not None)
        if damage == "neighbour":
            holder[NEIGHBOUR] = "x"
    return json.dumps(document, ensure_ascii=False)


def _expected(entry: str, modality: str, place: str) -> Found:
    """Read an entry of the tables about fields."""
    found: Found = set()
    for one in filter(None, entry.split(" + ")):
        code, at, where = one.partition("@")
        where = where if at else place
        other, colon, rest = where.partition(":")
        if colon:
            modality, where = other, rest
        last = place.rpartition(".")[2]
        for mark, key in (
            ("<respelled>", last.swapcase()),
            ("<misspelled>", f"{last}x"),
            ("<neighbour>", NEIGHBOUR),
        ):
            where = _beside(place, key) if where == mark else where
        found.add((code, _name(modality), where))
    return found


def _spread(damages: Mapping[str, str]) -> dict[str, str]:
    """Give each damage its own entry; a later one wins."""
    return {damage: entry for names, entry in damages.items() for damage in names.split(", ")}


def _rows() -> Iterator[tuple[str, str, dict[str, str]]]:
    for modalities, place, damages in FIELDS:
        for modality in modalities.split():
            yield modality, place, _spread(damages)


def _places(value: Any, place: str = "") -> Iterator[str]:
    """Every place of a record, with `[]` for each entry of a list."""
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = [(f"{place}.{key}" if place else key, child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{place}[]", child) for child in value]
    for child_place, child in children:
        yield child_place
        yield from _places(child, child_place)


def test_nothing_is_found_in_the_clean_release(clean: Path) -> None:
    report = validate(clean)
    assert report.num_by_code() == {}
    assert report.counts["rows"] == 6
    assert validate(clean, media=True).num_by_code() == {}


def test_the_table_has_every_field_of_every_record_and_every_damage(clean: Path) -> None:
    fields: dict[str, set[str]] = {modality: set() for modality in MODALITIES}
    for modality, place, damages in _rows():
        fields[modality].add(re.sub(r"\[\d\]", "[]", place))
        document = _document(clean, modality)
        assert damages.keys() <= set(DAMAGES)
        for damage in DAMAGES:
            text = _damaged(document, place, damage)
            changes = text is not None and text != json.dumps(document, ensure_ascii=False)
            assert changes == (damage in damages), f"{modality} {place}: {damage}"
    for modality in MODALITIES:
        assert fields[modality] == set(_places(_document(clean, modality)))


@pytest.mark.parametrize(
    ("modality", "place", "damages"), [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in _rows()]
)
def test_a_damaged_field_is_found(release: Path, modality: str, place: str, damages: dict[str, str]) -> None:
    document = _document(release, modality)
    wrong = {}
    for damage, entry in damages.items():
        text = _damaged(document, place, damage)
        assert text is not None
        (release / _name(modality)).write_text(text, encoding="utf-8")
        found, expected = _found(release), _expected(entry, modality, place)
        if found != expected:
            wrong[damage] = {"found": found, "expected": expected}
    assert wrong == {}


@pytest.mark.parametrize(("modalities", "place", "values", "entry"), WRONG)
def test_a_value_that_is_wrong_in_its_place_is_found(
    release: Path, modalities: str, place: str, values: tuple[Any, ...], entry: str
) -> None:
    wrong = {}
    for modality in modalities.split():
        clean_text = (release / _name(modality)).read_bytes()
        for value in values:
            document = _document(release, modality)
            *before, last = _steps(place)
            _at(document, before)[last] = value
            _write(release / _name(modality), document)
            found = _found(release)
            if found not in [_expected(either, modality, place) for either in entry.split(" <or> ")]:
                wrong[modality, str(value)] = found
        (release / _name(modality)).write_bytes(clean_text)
    assert wrong == {}


@pytest.mark.parametrize("num", [0, 1, 4, 6, 10])
def test_another_number_of_annotators_is_found(release: Path, num: int) -> None:
    for modality in MODALITIES:
        path = release / _name(modality)
        clean_text = path.read_bytes()
        document = _document(release, modality)
        document["data"] = (document["data"] * 2)[:num]
        if num and modality == "multimodal":
            mean = sum(vote["Continuous_label"] for vote in document["data"]) / num
            document["Continuous label_result"] = mean
        _write(path, document)
        assert _found(release) == {("ET-DATA-001", _name(modality), "data")}
        path.write_bytes(clean_text)


@pytest.mark.parametrize("position", range(5))
def test_the_damaged_annotator_is_named(release: Path, position: int) -> None:
    for key, code, value in (
        ("emotion", "ET-LABEL-001", "hapy"),
        ("Confidence_degree", "ET-CONF-001", 0.2),
        ("Continuous_label", "ET-SENT-001", 3),
    ):
        document = _document(release, "multimodal")
        document["data"][position][key] = value
        path = release / _name("multimodal")
        clean_text = path.read_bytes()
        _write(path, document)
        assert _found(release) == {(code, _name("multimodal"), f"data[{position}].{key}")}
        path.write_bytes(clean_text)


@pytest.mark.parametrize(("modalities", "place", "keys", "entry"), ADDED)
def test_an_added_key_is_found(
    release: Path, modalities: str, place: str, keys: dict[str, Any], entry: str
) -> None:
    for modality in modalities.split():
        clean_text = (release / _name(modality)).read_bytes()
        document = _document(release, modality)
        _at(document, _steps(place)).update(keys)
        _write(release / _name(modality), document)
        assert _found(release) == _expected(entry, modality, place)
        (release / _name(modality)).write_bytes(clean_text)


@pytest.mark.parametrize(("modalities", "place", "values"), HARMLESS)
def test_a_legal_value_finds_nothing(
    release: Path, modalities: str, place: str, values: tuple[Any, ...]
) -> None:
    for modality in modalities.split():
        clean_text = (release / _name(modality)).read_bytes()
        for value in values:
            document = _document(release, modality)
            *before, last = _steps(place)
            holder = _at(document, before)
            holder[last] = holder[last][::-1] if value == "<reversed>" else value
            _write(release / _name(modality), document)
            assert _found(release) == set(), f"{modality}: {value!r}"
        (release / _name(modality)).write_bytes(clean_text)


def _expected_of_files(entry: str, modality: str) -> Found:
    """Read an entry of the table about files."""
    hint = "file_path" if modality == "audio" else "file_name"
    entry = entry.replace("<others absent>", OTHERS_ABSENT[modality])
    found: Found = set()
    for one in filter(None, entry.split(" + ")):
        code, at, where = one.partition("@")
        where = where if at else f"<leaf>/{KEY}.json"
        folder, colon, rest = where.partition(":")
        place = ""
        if colon and folder in MODALITIES:
            tree, where = folder.capitalize(), rest
        else:
            tree, where, place = modality.capitalize(), folder, rest.replace("<hint>", hint)
        where = where.replace("<leaf>", f"json/{LEAF}").replace("<other>", f"{LEAF}/G00002_01_07_099")
        found.add((code, f"{tree}/{where}", place))
    return found


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("damage", FILES)
def test_a_damaged_file_is_found(linked: Path, modality: str, damage: str) -> None:
    change, entry = FILES[damage]
    if modality == "audio" and damage in ALSO_IN_AUDIO:
        entry = f"{entry} + {ALSO_IN_AUDIO[damage]}"
    change(linked / _name(modality))
    assert _found(linked) == _expected_of_files(entry, modality)


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_a_record_in_gbk_is_found(linked: Path, modality: str) -> None:
    """The records of the other two are ASCII, and the same in GBK."""
    recode("gbk")(linked / _name(modality))
    assert _found(linked) == {("ET-JSON-006", _name(modality), "")}


def test_an_empty_object_lacks_everything(linked: Path) -> None:
    change_bytes(lambda _: b"{}")(linked / _name("multimodal"))
    name = _name("multimodal")
    assert _found(linked) == {
        ("ET-DATA-001", name, "data"),
        ("ET-LABEL-003", name, "emotion_result"),
        ("ET-SENT-003", name, "Continuous label_result"),
        ("ET-KEY-004", name, "speaker_id"),
        ("ET-KEY-005", name, "file_name"),
    }


@pytest.mark.parametrize("media", [WAV, MP4])
@pytest.mark.parametrize("damage", MEDIA)
def test_damage_to_media_is_found(linked: Path, media: str, damage: str) -> None:
    change, entry = MEDIA[damage]
    change(linked / media)
    names = {
        "<media>": media,
        "<099>": media.replace(KEY, "G00002_01_07_099"),
        "<notes>": media.replace(KEY, "notes"),
        "<other folder>": media.replace("/G00002_01_07/", "/G00002_01_08/"),
    }
    assert _found(linked) == {
        (code, names[where], "") for code, _, where in (one.partition("@") for one in entry.split(" + "))
    }


def test_media_of_an_utterance_that_has_lost_its_records_is_found(linked: Path) -> None:
    for modality in MODALITIES:
        (linked / _name(modality)).unlink()
    assert _found(linked) == {("ET-PRES-003", WAV, ""), ("ET-PRES-003", MP4, "")}

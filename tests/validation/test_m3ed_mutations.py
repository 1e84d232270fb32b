"""Every field of a clean M3ED release, damaged in every way: each damage is found, by its code, file and path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.report import Report
from emotalk_data.testing import make_m3ed
from emotalk_data.validation.m3ed.checks import validate_m3ed

_ANNOTATION = "annotation.json"
_RELATION = "relation_annotation_release.json"
_SERIES = "qingchengxiaoxiang"
_DIALOGUE = f"{_SERIES}_1"
_UTTERANCE = f"{_DIALOGUE}_3"
_FILLER = "好" * 11_000

Steps = tuple[str | int, ...]
Found = tuple[str, str, str]  # code, file, JSON path


class Field(NamedTuple):
    """A place in a file, and what kind of value stands there."""

    kind: str
    file: str
    steps: Steps

    @property
    def path(self) -> str:
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)[1:]


_LINE: Steps = (_SERIES, _DIALOGUE, "Dialog", _UTTERANCE)
_SPEAKERS: Steps = (_SERIES, _DIALOGUE, "SpeakerInfo")
FIELDS = [
    Field("start", _ANNOTATION, (*_LINE, "StartTime")),
    Field("end", _ANNOTATION, (*_LINE, "EndTime")),
    Field("text", _ANNOTATION, (*_LINE, "Text")),
    Field("letter", _ANNOTATION, (*_LINE, "Speaker")),
    Field("labels", _ANNOTATION, (*_LINE, "EmoAnnotation")),
    *(Field("vote", _ANNOTATION, (*_LINE, "EmoAnnotation", f"EmoAnnotator{n}")) for n in (1, 2, 3)),
    Field("blend", _ANNOTATION, (*_LINE, "EmoAnnotation", "final_mul_emo")),
    Field("main", _ANNOTATION, (*_LINE, "EmoAnnotation", "final_main_emo")),
    *(Field(kind, _ANNOTATION, (*_SPEAKERS, letter, key))
      for letter in "AB"
      for kind, key in (("name", "Name"), ("age", "Age"), ("age", "Gender"), ("names", "OtherName"))),
    *(Field("speaker", _ANNOTATION, (*_SPEAKERS, letter)) for letter in "AB"),
    Field("speakers", _ANNOTATION, _SPEAKERS),
    Field("line", _ANNOTATION, _LINE),
    Field("lines", _ANNOTATION, (_SERIES, _DIALOGUE, "Dialog")),
    Field("dialogue", _ANNOTATION, (_SERIES, _DIALOGUE)),
    Field("series", _ANNOTATION, (_SERIES,)),
    Field("episode", _RELATION, (_SERIES, _DIALOGUE, "episode")),
    Field("place_start", _RELATION, (_SERIES, _DIALOGUE, "start_time")),
    Field("place_end", _RELATION, (_SERIES, _DIALOGUE, "end_time")),
    Field("place", _RELATION, (_SERIES, _DIALOGUE)),
    Field("places", _RELATION, (_SERIES,)),
]  # fmt: skip

_TIMES = ("start", "end", "place_start", "place_end")
_VOCABULARIES = ("vote", "blend", "main")
_TEXTS = ("text", "letter", "name", "age", *_TIMES, *_VOCABULARIES)
_OBJECTS = ("labels", "speaker", "speakers", "line", "lines", "dialogue", "series", "place", "places")
_ALL = (*_TEXTS, *_OBJECTS, "names", "episode")
_DELETED = object()


class Damage(NamedTuple):
    """What is done to a value, and the code it gives by the kind of field; others are not damaged so."""

    make: Callable[[Any], Any]
    codes: dict[str, str]


def _codes(kinds: tuple[str, ...], code: str, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(kinds, code), **others}


_MISSING = (
    _codes(_TIMES, "M3-TIME-005")
    | _codes(("blend", "main", "labels"), "M3-LABEL-003")
    | {"text": "M3-TEXT-001", "letter": "M3-SPEAKER-004", "vote": "M3-DATA-001", "episode": "M3-REL-005"}
    | {"name": "M3-SPEAKER-005", "age": "M3-SPEAKER-005", "names": "M3-SPEAKER-006"}
)
_WRONG = "M3-TYPE-001"
DAMAGES = {
    "deleted": Damage(lambda _: _DELETED, _MISSING | {"speakers": _WRONG, "lines": _WRONG}),
    "null": Damage(lambda _: None, _codes(_OBJECTS, _WRONG) | _MISSING),
    "number": Damage(lambda _: -7, _codes(_ALL, _WRONG)),
    "fraction": Damage(lambda _: 2.5, _codes(_ALL, _WRONG)),
    "huge number": Damage(lambda _: 10**40, _codes(_ALL, _WRONG)),
    "boolean": Damage(lambda _: True, _codes(_ALL, _WRONG)),
    "list": Damage(lambda value: [value], _codes((*_TEXTS, *_OBJECTS, "episode"), _WRONG)),
    "object": Damage(lambda value: {"value": value}, _codes((*_TEXTS, "names", "episode"), _WRONG)),
    "string": Damage(str, _codes((*_OBJECTS, "names", "episode"), _WRONG)),
    "empty string": Damage(
        lambda _: "",
        _codes(_TIMES, "M3-TIME-002")
        | _codes(_VOCABULARIES, "M3-LABEL-001")
        | _codes((*_OBJECTS, "names", "episode"), _WRONG)
        | {
            "text": "M3-TEXT-001",
            "letter": "M3-SPEAKER-001",
            "name": "M3-SPEAKER-005",
            "age": "M3-SPEAKER-003",
        },
    ),
    "unknown word": Damage(
        lambda _: "Joyful!",
        _codes(_TIMES, "M3-TIME-002")
        | _codes(_VOCABULARIES, "M3-LABEL-001")
        | {"letter": "M3-SPEAKER-001", "age": "M3-SPEAKER-003"},
    ),
    "two words": Damage(
        lambda value: f"{value} {value}",
        _codes(_TIMES, "M3-TIME-002")
        | _codes(_VOCABULARIES, "M3-LABEL-001")
        | {"letter": "M3-SPEAKER-001", "age": "M3-SPEAKER-003"},
    ),
    "other case": Damage(
        str.swapcase,
        _codes(_VOCABULARIES, "M3-LABEL-002") | {"age": "M3-SPEAKER-002", "letter": "M3-SPEAKER-001"},
    ),
    "space behind": Damage(
        lambda value: f"{value} ",
        _codes(_TIMES, "M3-TIME-001")
        | _codes(_VOCABULARIES, "M3-LABEL-002")
        | _codes(("text", "name"), "M3-TEXT-002")
        | {"letter": "M3-SPEAKER-001", "age": "M3-SPEAKER-002"},
    ),
    "control character": Damage(
        lambda value: f"{value}\0\x1b[2J",
        _codes(_TIMES, "M3-TIME-002")
        | _codes(_VOCABULARIES, "M3-LABEL-001")
        | _codes(("text", "name"), "M3-TEXT-002")
        | {"letter": "M3-SPEAKER-001", "age": "M3-SPEAKER-003"},
    ),
    "full-width form": Damage(
        lambda value: value.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
        _codes(_TIMES, "M3-TIME-002")
        | _codes(_VOCABULARIES, "M3-LABEL-001")
        | {"letter": "M3-SPEAKER-001", "age": "M3-SPEAKER-003"},
    ),
    "very long": Damage(
        lambda _: _FILLER,
        _codes(_TIMES, "M3-TIME-002")
        | _codes(_VOCABULARIES, "M3-LABEL-001")
        | {"text": _WRONG, "letter": _WRONG, "name": _WRONG, "age": "M3-SPEAKER-003"},
    ),
    "very many": Damage(lambda _: [_FILLER] * 200, {"names": _WRONG}),
    "twice": Damage(
        lambda value: f"{value},{value}",
        {"vote": "M3-LABEL-006", "blend": "M3-LABEL-006", "main": "M3-LABEL-001"},
    ),
    "another emotion": Damage(
        lambda value: "Fear" if value != "Fear" else "Sad", {"main": "M3-LABEL-004", "blend": "M3-LABEL-004"}
    ),
    "no frames": Damage(lambda value: value[:-3], _codes(_TIMES, "M3-TIME-002")),
    "seconds of 60": Damage(lambda value: f"{value[:6]}60{value[8:]}", _codes(_TIMES, "M3-TIME-002")),
    "one digit": Damage(lambda value: f"{value[:3]}0{value[5:]}", _codes(_TIMES, "M3-TIME-001")),
    "last hour": Damage(
        lambda _: "23:59:59:24", {"start": "M3-TIME-003", "end": "M3-TIME-009", "place_start": "M3-TIME-003"}
    ),
    "first frame": Damage(
        lambda _: "00:00:00:00", {"start": "M3-TIME-008", "end": "M3-TIME-003", "place_end": "M3-TIME-003"}
    ),
    "negative": Damage(lambda value: f"-{value}", _codes(_TIMES, "M3-TIME-002")),
    "empty object": Damage(
        lambda _: {}, {"series": "M3-DATA-002", "lines": "M3-DATA-002", "places": "M3-DATA-002"}
    ),
}

# Where the path is not the field's, or one damage is several findings.
_TIME_OF = {"M3-TIME-003": {"start": "EndTime", "place_start": "end_time"}}
_NO_OBJECT = ("null", "number", "fraction", "huge number", "boolean", "list", "string", "empty string")
_MORE: dict[tuple[str, str], set[Found]] = {
    # A dialogue that one file has lost is told by the other, too.
    ("series", "empty object"): {("M3-REL-001", _RELATION, f"{_SERIES}.{_DIALOGUE}")},
    ("places", "empty object"): {("M3-REL-002", _ANNOTATION, f"{_SERIES}.{_DIALOGUE}")},
    **{
        (kind, damage): {("M3-REL-002", _ANNOTATION, f"{_SERIES}.{_DIALOGUE}")}
        for kind in ("place", "places")
        for damage in _NO_OBJECT
    },
    **{("series", damage): {("M3-REL-001", _RELATION, f"{_SERIES}.{_DIALOGUE}")} for damage in _NO_OBJECT},
}


CASES = [(field, name) for field in FIELDS for name, damage in DAMAGES.items() if field.kind in damage.codes]


class Release(NamedTuple):
    """A clean release, and its two JSON files as they were."""

    root: Path
    documents: dict[str, Any]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    root = tmp_path_factory.mktemp("clean") / "m3ed"
    make_m3ed(root, num_dialogues=4, audio=False, episodes=False, oddities=False)
    return Release(
        root, {name: json.loads((root / name).read_text("utf-8")) for name in (_ANNOTATION, _RELATION)}
    )


def _validate(root: Path) -> Report:
    report = Report("m3ed")
    validate_m3ed(list_release(root), None, report)
    report.check()
    return report


def _found(report: Report) -> set[Found]:
    return {(problem.code, problem.file, problem.json_path) for problem in report.problems()}


def _damaged(node: Any, steps: Steps, make: Callable[[Any], Any]) -> Any:
    """Return a copy in which one value is another or gone."""
    if not steps:
        return make(node)
    copy = node.copy()
    value = _damaged(copy[steps[0]], steps[1:], make)
    if value is _DELETED:
        del copy[steps[0]]
    else:
        copy[steps[0]] = value
    return copy


@pytest.fixture
def rewrite(release: Release) -> Iterator[Callable[[str, str], None]]:
    """Write a file anew for one test."""

    def write(name: str, text: str) -> None:
        (release.root / name).write_text(text, encoding="utf-8")

    yield write
    for name, document in release.documents.items():
        (release.root / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def test_the_clean_release_has_no_problem(release: Release) -> None:
    report = _validate(release.root)
    assert list(report.problems()) == []
    assert report.counts["rows"] == report.counts["finals_compared"] > 15


@pytest.mark.parametrize(("field", "name"), CASES, ids=[f"{field.steps[-1]}-{name}" for field, name in CASES])
def test_a_damaged_value_is_found_by_its_code_file_and_path(
    release: Release, rewrite: Callable[[str, str], None], field: Field, name: str
) -> None:
    damage = DAMAGES[name]
    document = _damaged(release.documents[field.file], field.steps, damage.make)
    rewrite(field.file, json.dumps(document, ensure_ascii=False))
    code = damage.codes[field.kind]
    path = field.path
    if field.kind in _TIME_OF.get(code, {}):
        path = f"{path.rpartition('.')[0]}.{_TIME_OF[code][field.kind]}"
    if code == "M3-LABEL-004":
        path = path.replace("final_mul_emo", "final_main_emo")
    report = _validate(release.root)
    assert _found(report) == {(code, field.file, path)} | _MORE.get((field.kind, name), set())
    assert all(len(str(problem)) < 700 and str(problem).isprintable() for problem in report.problems())


_TOKENS = {
    "NaN": "M3-JSON-008",
    "-Infinity": "M3-JSON-008",
    r'"\ud800"': "M3-JSON-006",
    "'A'": "M3-JSON-001",
    "None": "M3-JSON-001",
    "": "M3-JSON-001",
    "01": "M3-JSON-001",
    "[" * 60 + "]" * 60: "M3-JSON-007",
    '{"a": 1, "a": 2}': "M3-JSON-005",
}


@pytest.mark.parametrize("token", _TOKENS)
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.steps[-1]))
def test_a_value_that_is_no_json_is_found_by_its_kind_in_its_file(
    release: Release, rewrite: Callable[[str, str], None], field: Field, token: str
) -> None:
    document = _damaged(release.documents[field.file], field.steps, lambda _: "here")
    rewrite(field.file, json.dumps(document, ensure_ascii=False).replace('"here"', token))
    found = _found(_validate(release.root))
    assert (_TOKENS[token], field.file, "") in found
    assert {code for code, *_ in found} == {_TOKENS[token]}


@pytest.mark.parametrize(
    "field",
    [
        field
        for field in FIELDS
        if field.kind not in ("speaker", "line", "dialogue", "series", "place", "places")
    ],
    ids=lambda field: str(field.steps[-1]),
)
def test_a_key_in_another_spelling_is_noted_and_a_foreign_or_second_one_too(
    release: Release, rewrite: Callable[[str, str], None], field: Field
) -> None:
    *above, key = field.steps
    assert isinstance(key, str)
    respelt = key.upper().replace("_", " ")
    where = field.path.removesuffix(key)

    def rename(node: dict[str, Any]) -> dict[str, Any]:
        return {respelt if name == key else name: value for name, value in node.items()}

    def add(node: dict[str, Any], name: str) -> dict[str, Any]:
        return {**node, name: 0}

    for change, code, name in (
        (rename, "M3-KEY-002", respelt),
        (lambda node: add(node, "Remark"), "M3-KEY-001", "Remark"),
        (lambda node: add(node, respelt), "M3-KEY-003", respelt),
    ):
        document = _damaged(release.documents[field.file], tuple(above), change)
        rewrite(field.file, json.dumps(document, ensure_ascii=False))
        found = _found(_validate(release.root))
        assert (code, field.file, where + name) in found
        if code != "M3-KEY-003":  # what is null then may be missed
            assert len(found) == 1


@pytest.mark.parametrize("name", ["", _SERIES, f"{_DIALOGUE}_03", f"{_DIALOGUE}_x", "other_1_3", "9" * 300])
def test_an_utterance_under_another_name_is_found(
    release: Release, rewrite: Callable[[str, str], None], name: str
) -> None:
    def rename(lines: dict[str, Any]) -> dict[str, Any]:
        return {name if key == _UTTERANCE else key: value for key, value in lines.items()}

    document = _damaged(release.documents[_ANNOTATION], _LINE[:-1], rename)
    rewrite(_ANNOTATION, json.dumps(document))
    (problem,) = _validate(release.root).problems()
    assert (problem.code, problem.file) == ("M3-ID-001", _ANNOTATION)
    assert problem.json_path.startswith(f"{_SERIES}.{_DIALOGUE}.Dialog.")

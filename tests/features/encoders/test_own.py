"""An encoder from one function: what it is given, what it may return, and what is kept of it."""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotalk_data import load_dataset
from emotalk_data.errors import AudioError, ExtractionError, OptionError
from emotalk_data.features.encoders.own import CallableEncoder, from_callable
from emotalk_data.features.hook import Encoded, FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.media import AudioClip
from emotalk_data.schemas.feature_spec import read_spec
from emotalk_data.testing import make_emotalk


def loudness(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root of the mean square of each hundredth of a second: shape (T, 1)."""
    blocks = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return np.asarray(np.sqrt((blocks**2).mean(axis=1, keepdims=True)))


def length(text: str) -> list[float]:
    return [len(text), text.count("你")]


def mean_colour(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(frames.mean(axis=(1, 2)))


THRESHOLD: Any = 1
CALLS = 0


def over(text: str) -> list[float]:
    return [sum(ord(letter) > THRESHOLD for letter in text), 0]


def counting(text: str) -> list[float]:
    global CALLS
    CALLS += 1
    return [len(text), 0]


def scaled(text: str, by: Any = None) -> list[float]:
    return [len(text), 0]


def bound_to(value: Any) -> Callable[[str], list[float]]:
    return lambda text: [len(text), 0 if value is None else 1]


class Network:
    """What a function may have loaded."""

    def __init__(self, weight: float) -> None:
        self.weight = weight


def utterance(text: str | None = None, audio: AudioClip | None = None) -> Utterance:
    return Utterance("G00001_01_01_001", text, text, audio, None, {})


def of_text(function: Callable[[Any], Any], num_dims: int = 2, **options: Any) -> CallableEncoder:
    return from_callable(function, name="own", input="text", num_dims=num_dims, **options)


def digest_of(function: Callable[[Any], Any]) -> object:
    return of_text(function).spec.params.get("source_digest")


def one(encoder: CallableEncoder, row: Utterance) -> Encoded:
    return encoder.extract([encoder.prepare(row)])[0]


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Utterance:
    """A row of a release, with sound of another rate than is asked for, and pictures."""
    root = tmp_path_factory.mktemp("release")
    make_emotalk(root / "EmotionTalk", num_utterances=3)
    first = load_dataset("emotalk", data_dir=root / "EmotionTalk", split="train", cache_dir=root / "cache")[0]
    return Utterance(
        first["utterance_id"], first["text"], first["text_raw"], first["audio"], first["video"], first
    )


def test_a_function_of_sound_gets_mono_samples_at_its_rate(row: Utterance) -> None:
    given_to: list[NDArray[np.float32]] = []

    def keep(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        given_to.append(samples)
        return loudness(samples)

    encoder = from_callable(keep, name="loudness", input="audio", num_dims=1, sampling_rate=16_000)
    found = one(encoder, row)
    assert row.audio is not None
    np.testing.assert_array_equal(given_to[0], row.audio.decode(sampling_rate=16_000, mono=True)[0])
    assert given_to[0].dtype == found.frames.dtype == np.float32
    assert found.frames.shape == (len(given_to[0]) // 160, 1)
    assert (found.seconds, found.pooled) == (None, None)
    assert encoder.size_seconds(row) == row.audio.duration_seconds


@pytest.mark.parametrize(("options", "num"), [({"num_frames": 3}, 3), ({}, 8), ({"frame_rate": 2}, None)])
def test_a_function_of_pictures_gets_the_frames_that_were_chosen(
    options: dict[str, Any], num: int | None, row: Utterance
) -> None:
    encoder = from_callable(mean_colour, name="colour", input="video", num_dims=3, **options)
    assert row.video is not None
    expected = row.video.frames(num, frame_rate=options.get("frame_rate"))
    np.testing.assert_allclose(one(encoder, row).frames, mean_colour(expected), rtol=1e-6)
    assert encoder.size_seconds(row) == row.video.duration_seconds


def test_a_function_of_text_gets_the_text_without_markup(row: Utterance) -> None:
    assert row.text is not None
    np.testing.assert_array_equal(one(of_text(length), row).frames, [length(row.text)])
    assert of_text(length).size_seconds(row) == len(row.text)


def test_one_vector_is_one_frame_in_the_middle_of_the_utterance(row: Utterance) -> None:
    encoder = from_callable(
        lambda samples: samples[:4], name="own", input="audio", num_dims=4, sampling_rate=8_000
    )
    found = one(encoder, row)
    assert row.audio is not None
    assert found.frames.shape == (1, 4)
    assert found.seconds is not None
    np.testing.assert_allclose(found.seconds, [row.audio.duration_seconds / 2], rtol=1e-6)
    assert one(of_text(length), utterance("你好")).seconds is None


@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_function_may_return_the_seconds_of_its_vectors(as_tensor: bool) -> None:
    values, seconds = np.ones((3, 2)), np.array([0.1, 0.2, 0.3])
    returned = (torch.tensor(values), torch.tensor(seconds)) if as_tensor else (values, list(seconds))
    found = one(of_text(lambda _text: returned), utterance("你好"))
    np.testing.assert_array_equal(found.frames, values)
    assert found.seconds is not None
    np.testing.assert_allclose(found.seconds, seconds, rtol=1e-6)


@pytest.mark.parametrize(
    "returned",
    [
        (3, 2.0),
        (np.float32(3), np.int64(2)),
        (np.array(3.0), 2.0),
        (torch.tensor(3.0), torch.tensor(2.0)),
    ],
)
def test_two_numbers_are_a_vector_and_no_pair(returned: tuple[Any, Any]) -> None:
    found = one(of_text(lambda _text: returned), utterance("你好"))
    np.testing.assert_array_equal(found.frames, [[3.0, 2.0]])
    assert found.seconds is None


def test_two_numbers_are_a_vector_of_the_wrong_length_where_another_is_expected() -> None:
    with pytest.raises(OptionError, match=r"shape \(2,\); expected \(1,\)"):
        one(of_text(lambda _text: (3.0, 2.0), num_dims=1), utterance("你好"))


def test_a_pair_of_two_numbers_each_is_vectors_and_seconds() -> None:
    found = one(of_text(lambda _text: ([[1.0, 2.0]], [0.5])), utterance("你好"))
    np.testing.assert_array_equal(found.frames, [[1.0, 2.0]])
    np.testing.assert_array_equal(found.seconds, [0.5])


def test_an_array_that_the_function_fills_again_is_copied() -> None:
    kept = np.zeros((1, 2), np.float32)

    def fill(text: str) -> NDArray[np.float32]:
        kept[:] = len(text)
        return kept

    encoder = of_text(fill)
    found = encoder.extract([encoder.prepare(utterance(text)) for text in ("你", "你好")])
    assert [float(row.frames[0, 0]) for row in found] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (np.ones(3), OptionError, r"returned an array of shape \(3,\); expected \(2,\) or \(T, 2\)"),
        (np.ones((2, 3)), OptionError, r"shape \(2, 3\)"),
        (np.ones((1, 2, 2)), OptionError, r"shape \(1, 2, 2\)"),
        (1.0, OptionError, r"shape \(\)"),
        (([1.0], [2.0]), OptionError, r"shape \(1,\); expected \(2,\)"),
        (None, OptionError, "returned None; expected an array of numbers"),
        ("words", OptionError, "returned 'words'; expected an array of numbers"),
        ([[1.0], [1.0, 2.0]], OptionError, "expected an array of numbers"),
        (np.ones(2) * 1j, OptionError, "expected an array of numbers"),
        ((np.ones((3, 2)), [0.1]), OptionError, r"seconds of shape \(1,\); expected \(3,\)"),
        (np.ones((0, 2)), ExtractionError, "the function returned no vector"),
    ],
)
def test_what_a_function_may_not_return_is_said(returned: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        one(of_text(lambda _text: returned), utterance("你好"))


def test_numbers_that_are_none_are_left_for_the_runner_to_find() -> None:
    found = one(of_text(lambda _text: [math.nan, 1e300]), utterance("你好"))
    assert np.isnan(found.frames[0, 0])
    assert np.isinf(found.frames[0, 1])


def test_an_error_of_the_function_is_not_hidden() -> None:
    def refuse(text: str) -> None:
        raise ExtractionError("no verb in it")

    with pytest.raises(ExtractionError, match="no verb in it"):
        one(of_text(refuse), utterance("你好"))
    with pytest.raises(ZeroDivisionError, match="division"):
        one(of_text(lambda _text: 1 / 0), utterance("你好"))


def test_missing_and_damaged_input_is_never_given_to_the_function() -> None:
    audio = from_callable(loudness, name="own", input="audio", num_dims=1, sampling_rate=16_000)
    with pytest.raises(ExtractionError, match="audio is missing"):
        audio.prepare(utterance())
    with pytest.raises(AudioError, match=r"\S"):
        audio.prepare(utterance(audio=AudioClip(bytes=b"no sound")))
    with pytest.raises(ExtractionError, match="text is missing"):
        of_text(length).prepare(utterance())
    with pytest.raises(ExtractionError, match="the text is empty"):
        of_text(length).prepare(utterance(" \n"))
    assert audio.size_seconds(utterance()) == of_text(length).size_seconds(utterance()) == 0.0


def test_the_spec_keeps_what_was_given_and_a_digest_of_the_source() -> None:
    options: dict[str, Any] = {
        "name": "lab/loudness",
        "input": "audio",
        "num_dims": 1,
        "sampling_rate": 16_000,
    }
    encoder = from_callable(loudness, **options, model="loudness-2", params={"block": 160}, pooling="last")
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    found = encoder.spec
    assert (found.model, found.modality, found.column, found.pooling) == (
        "loudness-2",
        "audio",
        "loudness",
        "last",
    )
    assert found.params.keys() == {"block", "sampling_rate", "source_digest"}
    assert read_spec(found.model_dump(), where="here") == found
    assert from_callable(loudness, **options).spec.model == "loudness"
    same = from_callable(functools.partial(loudness), **options, params={"block": 160})
    assert same.spec.params["source_digest"] == found.params["source_digest"]
    other = from_callable(mean_colour, **options, params={"block": 160})
    assert other.spec.params["source_digest"] != found.params["source_digest"]
    assert other.spec.digest() != same.spec.digest()


def test_a_function_without_a_source_has_no_digest_of_it() -> None:
    typed: dict[str, Any] = {}
    exec("def typed(text):\n    return [1.0, 2.0]\n", typed)  # noqa: S102
    assert of_text(typed["typed"]).spec.params == {}
    assert of_text(len, num_dims=1).spec.params == {}


VALUES: list[Any] = [
    None,
    False,
    True,
    0,
    1,
    1.0,
    100.0,
    1j,
    "1",
    b"1",
    (),
    (1,),
    [1],
    [1, [1]],
    {1},
    {"a": 1},
    {"a": 2},
    np.float32(1),
    np.array([1, 2]),
    np.array([1, 3]),
    np.array([[1, 2]]),
    np.array([1.0, 2.0]),
    Path("a"),
    Path("b"),
    math,
    Network,
    len,
    np.mean,
    np.max,
    np.sqrt,
    length,
    mean_colour,
    functools.partial(length),
    functools.partial(scaled, by=1),
    bound_to(1),
    bound_to(2),
    str.upper,
    "a".upper,
    Network(1.0),
]


@pytest.mark.parametrize(
    "bind",
    [
        bound_to,
        lambda value: functools.partial(scaled, by=value),
        lambda value: functools.partial(functools.partial(scaled, "1"), value),
        lambda value: bound_to({"a": [value]}),
        lambda value: bound_to(bound_to(value)),
    ],
)
def test_values_that_are_bound_are_in_the_digest(bind: Callable[[Any], Callable[[Any], Any]]) -> None:
    found = [digest_of(bind(value)) for value in VALUES]
    same = [(VALUES[i], VALUES[j]) for i in range(len(found)) for j in range(i) if found[i] == found[j]]
    assert not same
    assert [digest_of(bind(value)) for value in VALUES] == found


def test_defaults_are_in_the_digest() -> None:
    def one_of(value: Any) -> tuple[object, object]:
        def by_place(text: str, by: Any = value) -> Any:
            return text

        def by_name(text: str, *, by: Any = value) -> Any:
            return text

        return digest_of(by_place), digest_of(by_name)

    assert one_of(1.0) == one_of(1.0)
    assert not set(one_of(1.0)) & set(one_of(100.0))


def test_what_a_decorator_is_given_is_in_the_digest() -> None:
    def times(by: float) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
        def decorate(function: Callable[[str], Any]) -> Callable[[str], Any]:
            @functools.wraps(function)
            def multiplied(text: str) -> Any:
                return by * np.asarray(function(text))

            return multiplied

        return decorate

    assert digest_of(times(1.0)(length)) == digest_of(times(1.0)(length))
    assert len({digest_of(function) for function in (length, times(1.0)(length), times(2.0)(length))}) == 3
    assert digest_of(functools.lru_cache(times(2.0)(length))) == digest_of(times(2.0)(length))


def test_the_order_of_sets_and_keywords_is_not_in_the_digest() -> None:
    forwards, backwards = list(range(0, 8000, 8)), list(range(7992, -1, -8))
    assert digest_of(bound_to(set(forwards))) == digest_of(bound_to(set(backwards)))
    one_way = functools.partial(scaled, by=1, also=2)  # type: ignore[call-arg]
    assert digest_of(one_way) == digest_of(functools.partial(scaled, also=2, by=1))  # type: ignore[call-arg]


def test_simple_globals_that_a_function_reads_are_in_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {digest_of(over)}
    for value in (2, "2", (2, 3), (2, 4)):
        monkeypatch.setitem(globals(), "THRESHOLD", value)
        found.add(digest_of(over))
    assert len(found) == 5
    monkeypatch.setitem(globals(), "THRESHOLD", Network(1.0))
    assert digest_of(over) == source_digest(over)
    before = digest_of(counting)
    counting("你好")
    assert digest_of(counting) == before


def source_digest(function: Callable[[Any], Any]) -> str:
    return blake2b(inspect.getsource(function).encode(), digest_size=16).hexdigest()


def test_a_function_that_nothing_is_bound_to_has_the_digest_of_its_source() -> None:
    for function in (loudness, length, mean_colour, functools.partial(length)):
        assert digest_of(function) == source_digest(getattr(function, "func", function))


def test_an_object_that_is_bound_is_known_by_its_type_alone() -> None:
    assert digest_of(bound_to(Network(1.0))) == digest_of(bound_to(Network(2.0)))
    assert digest_of(bound_to(Network(1.0))) != digest_of(bound_to(object()))
    assert digest_of(bound_to(np.array([Network(1.0)]))) == digest_of(bound_to(np.array([Network(2.0)])))


def test_a_function_that_refers_to_itself_or_to_nothing_yet_has_a_digest() -> None:
    def mutual(by: float) -> Callable[[str], Any]:
        def first(text: Any) -> Any:
            return second(text[1:]) if text else [by, by]

        def second(text: str) -> Any:
            return first(text)

        loop: list[Any] = [by]
        loop.append(loop)
        return functools.partial(first, loop)

    assert digest_of(mutual(1.0)) == digest_of(mutual(1.0))
    assert digest_of(mutual(1.0)) != digest_of(mutual(2.0))

    def early(text: str) -> Any:
        return [late, late]

    assert digest_of(early) == source_digest(early)
    late = 1.0
    assert digest_of(early) != source_digest(early)


MODULE = """
import functools, pathlib
import numpy as np
from emotalk_data.features import from_callable

LIMIT = 0.5
class Net: pass
def helper(text): return LIMIT
def make(**bound):
    def encode(text, *, names=frozenset({"a", "b", "c", helper, len})):
        return bound, helper, LIMIT
    return encode
function = functools.partial(
    make(
        words=set("abcdefgh"), net=Net(), path=pathlib.Path("x"), array=np.arange(3), function=helper,
        each={helper, make, len, np.mean, Net}, lock=object(), method=Net().__init__, nested=[{"k": (1, 2.5)}],
    ),
    k=100.0,
)
def digest(): return from_callable(function, name="own", input="text", num_dims=2).spec.params["source_digest"]
"""


def test_the_digest_is_the_same_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_encoder_of_a_test.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    here = importlib.import_module("own_encoder_of_a_test").digest()
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    for seed in "12":
        found = subprocess.run(
            [sys.executable, "-c", "import own_encoder_of_a_test as own; print(own.digest())"],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == here


def test_an_object_that_can_be_called_is_known_by_its_class() -> None:
    module = torch.nn.Identity()
    spec = of_text(module).spec
    assert spec.model == "Identity"
    assert "source_digest" in spec.params


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": 3}, "function is 3; expected something to call"),
        ({"name": "Own Encoder"}, "name is 'Own Encoder'"),
        ({"num_dims": 0}, "num_dims is 0"),
        ({"model": ""}, "model is ''"),
        ({"pooling": "given"}, "pooling is 'given'"),
        ({"pooling": "median"}, "pooling is 'median'"),
        ({"input": "smell"}, "input is 'smell'; expected 'text', 'audio' or 'video'"),
        ({"sampling_rate": 16_000}, "sampling_rate is given, and input is 'text'"),
        ({"input": "audio"}, "sampling_rate is missing"),
        ({"input": "audio", "sampling_rate": 1.5}, "sampling_rate is 1.5; expected a whole number"),
        (
            {"input": "audio", "sampling_rate": 16_000, "num_frames": 4},
            "num_frames is given, and input is 'audio'",
        ),
        ({"input": "video", "num_frames": 4, "frame_rate": 2.0}, "two ways to choose pictures"),
        ({"input": "video", "num_frames": True}, "num_frames is True; expected a number above 0"),
        ({"input": "video", "frame_rate": math.inf}, "frame_rate is inf"),
        ({"params": {"source_digest": "x"}}, "which are recorded anyway"),
        ({"params": {"threshold": float("nan")}}, "params has 'threshold': nan; expected a finite number"),
        ({"params": ["block"]}, "expected names to values"),
        ({"input": ["text"]}, "expected 'text', 'audio' or 'video'"),
        ({"params": {"list": [1]}}, "params.list is"),
    ],
)
def test_arguments_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    arguments = {"function": length, "name": "own", "input": "text", "num_dims": 2, **options}
    with pytest.raises(OptionError, match=message):
        from_callable(arguments.pop("function"), **arguments)


@given(texts=st.lists(st.text(min_size=1).filter(str.strip), min_size=1))
def test_a_batch_gives_what_its_utterances_give_alone_in_any_order(texts: list[str]) -> None:
    encoder = of_text(length)
    prepared = [encoder.prepare(utterance(text)) for text in texts]
    together, backwards = encoder.extract(prepared), encoder.extract(prepared[::-1])[::-1]
    for text, one_of, other in zip(texts, together, backwards, strict=True):
        np.testing.assert_array_equal(one_of.frames, [length(text)])
        np.testing.assert_array_equal(other.frames, one_of.frames)

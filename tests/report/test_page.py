"""The page as a file: whole, small, the same again, closed to the outside, and safe whatever the data says."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import soundfile

from emotalk_data.errors import EmotalkError, OptionError, quote
from emotalk_data.report import make_report, write_report
from emotalk_data.report.page import MAX_PAGE_BYTES
from emotalk_data.report.shown_text import without_folders
from emotalk_data.testing import EmotalkSample, M3edSample, make_emotalk, make_m3ed

from .markup import read_markup
from .small_corpus import emotalk_rows, m3ed_rows

SECTIONS = ["labels", "durations", "agreement", "presence", "splits", "dialogues", "samples", "reading"]
KNOWN_TAGS = re.findall(
    r"\w+",
    """
a article audio b blockquote body button caption circle code dd details div dl dt em fieldset
figcaption figure footer g h1 h2 h3 head header html i input label legend li line link main meta nav
ol optgroup option p polygon rect script section select small span style summary svg table tbody td
text tfoot th thead title tr ul
""",
)
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "'><svg onload=alert(1)>",
    "]]><!--",
    "{{ 7 * 7 }}{% for x in y %}",
    "javascript:alert(1)",
)


def quick(data: object, **options: Any) -> str:
    """Return a page without intervals, which take most of the time."""
    return make_report(data, **{"resamples": 0, "samples": 3, **options})


def test_both_corpora_have_their_sections_and_every_element_is_closed(
    emotalk_page: str, m3ed_page: str
) -> None:
    emotalk_sections = [one.attributes.get("id") for one in read_markup(emotalk_page).named("section")]
    assert emotalk_sections == [None, "labels", "pairs", "sentiment", *SECTIONS[1:]]
    assert [one.attributes.get("id") for one in read_markup(m3ed_page).named("section")] == [None, *SECTIONS]


def test_nothing_on_the_page_leads_outside(emotalk_page: str, m3ed_page: str) -> None:
    for page in (emotalk_page, m3ed_page):
        for element in read_markup(page).elements:
            for name in ("src", "href", "srcset", "poster", "action", "data", "xlink:href"):
                value = element.attributes.get(name, "#")
                assert value.startswith(
                    ("#", "data:image/jpeg;base64,", "data:audio/flac;base64,", "data:,")
                ), value
            assert not [name for name in element.attributes if name.startswith("on")]
            assert "style" not in element.attributes
        assert "http:" not in page
        assert "https:" not in page
        assert "url(" not in page
        assert "@import" not in page


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(emotalk_page: str) -> None:
    markup = read_markup(emotalk_page)
    (policy,) = (
        one.attributes["content"]
        for one in markup.named("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    (style,), (script,) = markup.named("style"), markup.named("script")

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; img-src data:; media-src data:; style-src 'sha256-{digest(style.text)}'; "
        f"script-src 'sha256-{digest(script.text)}'; base-uri 'none'; form-action 'none'"
    )


def test_ids_are_unique_and_every_link_inside_leads_somewhere(emotalk_page: str, m3ed_page: str) -> None:
    for page in (emotalk_page, m3ed_page):
        markup = read_markup(page)
        ids = [one.attributes["id"] for one in markup.elements if "id" in one.attributes]
        assert len(ids) == len(set(ids))
        for element in markup.elements:
            for name in ("href", "aria-labelledby", "for"):
                target = element.attributes.get(name, "")
                if name != "href" or target.startswith("#"):
                    assert target.lstrip("#") in {*ids, ""}


def test_every_picture_of_data_can_be_told_without_seeing_it(emotalk_page: str) -> None:
    markup = read_markup(emotalk_page)
    named = [svg for svg in markup.named("svg") if svg.attributes.get("role") == "img"]
    assert all(svg.attributes["aria-label"].strip() for svg in named)
    assert len([svg for svg in named if "stack" in svg.attributes.get("class", "")]) == 4
    assert all(player.attributes["aria-label"] for player in markup.named("audio"))
    assert all(box.attributes.get("aria-label") for box in markup.with_class("scroll"))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_the_data_says_comes_out_as_text(hostile: str) -> None:
    row = {
        "utterance_id": f"{hostile}_1",
        "dialogue_id": hostile,
        "speaker_id": hostile,
        "text": hostile,
        "emotion": 1,
        "captions": {"speaker": hostile, "style": hostile, "emotion": hostile, "overall": [hostile]},
        "annotations": [{"modality": "multimodal", "annotator": 1, "emotion": 1}],
    }
    data = emotalk_rows(train=[row, {**row, "utterance_id": f"{hostile}_2"}], test=[row])
    data[hostile] = data["test"]
    markup = read_markup(quick(data, title=hostile))
    assert len(markup.named("script")) == 1
    assert not markup.named("img")
    assert not [name for one in markup.elements for name in one.attributes if name.startswith("on")]
    assert {one.tag for one in markup.elements} <= {*KNOWN_TAGS}
    said = [one.text for one in markup.elements if one.attributes.get("lang") == "zh"]
    assert hostile in said
    assert markup.named("title")[0].text == hostile


def test_m3ed_escapes_names_and_series_too() -> None:
    hostile = HOSTILE[0]
    row = {"speaker_name": hostile, "series": hostile, "text": hostile, "emotion": 4, "emotions": [4, 3]}
    markup = read_markup(quick(m3ed_rows(train=[row])))
    assert len(markup.named("script")) == 1
    assert hostile in markup.text


def test_directions_and_controls_are_shown_and_not_obeyed() -> None:
    page = quick(emotalk_rows(train=[{"text": "前\u202e后\x00\n行\u3000空", "emotion": 0}]))
    assert "\u202e" not in page
    assert "\x00" not in page
    assert "前\\u202e后\\x00 行 空" in page


def test_the_same_data_gives_the_same_page(emotalk: datasets.DatasetDict) -> None:
    assert quick(emotalk) == quick(emotalk)


@pytest.mark.slow
def test_another_process_gives_the_same_page(emotalk_sample: EmotalkSample, tmp_path: Path) -> None:
    code = (
        "import sys; from emotalk_data.report import write_report; import datasets;"
        "datasets.disable_progress_bars(); write_report(*sys.argv[1:], samples=2, resamples=20)"
    )
    pages = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.html"
        subprocess.run(
            [sys.executable, "-c", code, str(emotalk_sample.root), str(path)],
            env={"PYTHONHASHSEED": seed, "HF_HOME": str(tmp_path / "hf"), "PATH": "", "PYTHONPATH": ROOT},
            check=True,
            capture_output=True,
        )
        pages.append(path.read_bytes())
    assert pages[0] == pages[1]


ROOT = str(Path(sys.modules["emotalk_data"].__path__[0]).parent)


def test_the_order_of_rows_changes_no_sample_and_no_dialogue(emotalk: datasets.DatasetDict) -> None:
    turned = datasets.DatasetDict(
        {name: rows.select(range(len(rows) - 1, -1, -1)) for name, rows in emotalk.items()}
    )
    assert quick(turned, media=False) == quick(emotalk, media=False)


def noise_wav(seconds: float, seed: int) -> bytes:
    """Return white noise, which no codec makes small."""
    file = io.BytesIO()
    samples = np.random.default_rng(seed).uniform(-1, 1, int(seconds * 16_000)).astype(np.float32)
    soundfile.write(file, samples, 16_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.mark.slow
def test_the_page_stays_below_its_limit_and_says_what_it_left_out() -> None:
    rows = [{"emotion": 0, "audio": {"bytes": noise_wav(13, seed), "path": None}} for seed in range(44)]
    page = make_report(emotalk_rows(train=rows), samples=44, resamples=0)
    assert len(page.encode()) < MAX_PAGE_BYTES
    cards = read_markup(page).named("article")
    assert 5 < len(cards) < 44
    left_out = [one.text for one in read_markup(page).with_class("left-out")]
    assert left_out == [
        f"The sound of {len(cards)} samples is cut to 3 s.",
        f"{44 - len(cards)} of 44 samples are left out to keep the page below 5 MB.",
    ]


@pytest.mark.slow
def test_dialogues_go_when_they_alone_are_too_large() -> None:
    rows = [
        {"dialogue_id": f"d{number // 200}", "text": "字" * 5000, "utterance_number": number}
        for number in range(4000)
    ]
    page = make_report(emotalk_rows(train=rows), samples=0, resamples=0, media=False)
    assert len(page.encode()) < MAX_PAGE_BYTES
    assert re.search(r"\d+ of 20 dialogues are left out", page)
    assert "… (and 4,400 more characters)" in page


def test_a_clip_that_cannot_be_decoded_leaves_its_error_on_the_card(tmp_path: Path) -> None:
    (tmp_path / "cut.wav").write_bytes(noise_wav(1, 0)[:20])
    row = {
        "emotion": 0,
        "text": "你好",
        "audio": {"bytes": None, "path": str(tmp_path / "cut.wav")},
        "video": {"bytes": b"no video", "path": None},
    }
    gone = {**row, "audio": {"bytes": None, "path": str(tmp_path / "gone.wav")}, "video": None}
    markup = read_markup(quick(emotalk_rows(train=[row, gone])))
    problems = markup.section("samples")
    assert "Sound cannot be read." in problems
    assert "AudioError: " in problems
    assert "Pictures cannot be read." in problems
    assert "VideoError: " in problems
    assert "ReleaseNotFoundError: " in problems
    assert "No pictures in the data." in problems
    assert len(markup.named("article")) == 2


def test_no_folder_of_the_computer_is_on_the_page(tmp_path: Path) -> None:
    folders = [tmp_path / "secret", tmp_path / ("secret" * 30) / ("deep" * 30)]
    rows = []
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "cut.wav").write_bytes(noise_wav(1, 0)[:20])
        (folder / "cut.mp4").write_bytes(b"no video")
        for sound in ("cut.wav", "gone.wav"):
            rows.append(
                {
                    "emotion": 0,
                    "audio": {"bytes": None, "path": str(folder / sound)},
                    "video": {"bytes": None, "path": str(folder / "cut.mp4")},
                }
            )
    page = quick(emotalk_rows(train=rows), samples=4)
    text = read_markup(page).section("samples")
    assert text.count("'cut.wav'") + text.count("cut.wav'") >= 2
    assert "no file at 'gone.wav'" in text
    assert "cut.mp4'" in text
    for part in ("secret", "deepdeep", tmp_path.name):
        assert part not in page


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/lin/it's/x.wav", "'x.wav'"),
        ("tar://Audio/wav/x.wav::/home/lin/Audio.tar", "'x.wav in Audio.tar'"),
        ("mediafragment:///home/lin/tv/1.mp4#t=12.48,15.2", "'1.mp4#t=12.48,15.2'"),
        ("C:\\Users\\lin\\x.wav", "'x.wav'"),
        ("/home/lin/" + "d" * 300 + "/x.wav", "'x.wav'"),
        ("/home/lin/" + "x" * 300 + ".wav", f"'…{'x' * 73}.wav'"),
    ],
)
def test_an_error_names_the_file_and_not_its_folder(path: str, shown: str) -> None:
    told = without_folders(f"the clip's end: no file at {quote(path, 160)}. Replace it")
    assert told == f"the clip's end: no file at {shown}. Replace it"


def test_sentiments_beyond_the_scale_make_a_page_too() -> None:
    markup = read_markup(quick(emotalk_rows(train=[{"sentiment": 5.0}] * 3)))
    assert "3 utterances beyond −2 and 2" in markup.section("sentiment")


def test_numbers_that_are_none_are_not_drawn() -> None:
    vote = {"modality": "multimodal", "annotator": 1, "emotion": 1}
    confidences = (float("nan"), -3.0, 7.0)
    row = {
        "emotion": 1,
        "sentiment": float("nan"),
        "annotations": [{**vote, "annotator": n, "confidence": c} for n, c in enumerate(confidences, 1)],
    }
    markup = read_markup(quick(emotalk_rows(train=[row])))
    heights = [
        float(one.attributes["height"])
        for one in markup.named("rect")
        if one.attributes.get("class") == "fill e-happy" and one.attributes.get("width") == "16"
    ]
    assert heights == [29.0, 0.0, 29.0]
    assert "nan" not in markup.section("samples")


def test_labels_without_a_name_are_shown_as_they_are() -> None:
    vote = {"modality": "multimodal", "annotator": 1, "emotions": [7, 99, None]}
    row = {"emotion": 4, "emotions": [4, None, 42], "annotations": [vote]}
    samples = read_markup(quick(m3ed_rows(train=[row]))).section("samples")
    assert "label 42" in samples
    assert "annotator 1: Other, label 99" in samples


def test_the_first_sentence_is_of_the_rows_that_have_both_labels() -> None:
    rows = [{"emotion": 0, "emotion_text": 1}, {"emotion": 0, "emotion_text": 0}, {"emotion": 0}, {}]
    markup = read_markup(quick(emotalk_rows(train=rows)))
    assert markup.named("h1")[0].text.startswith("In 50.0 % of 2 utterances with both labels,")


def test_sound_and_frames_are_in_the_page(emotalk_page: str, m3ed_page: str) -> None:
    for page in (emotalk_page, m3ed_page):
        markup = read_markup(page)
        assert len(markup.named("audio")) >= 5
        assert len(markup.named("img")) == 6 * len(
            [one for one in markup.with_class("strip") if "role" in one.attributes]
        )
        encoded = markup.named("audio")[0].attributes["src"].removeprefix("data:audio/flac;base64,")
        info = soundfile.info(io.BytesIO(base64.b64decode(encoded)))
        assert (info.samplerate, info.channels, info.format) == (16_000, 1, "FLAC")


def test_no_media_opens_none(emotalk: datasets.DatasetDict, tmp_path: Path) -> None:
    nowhere = {"bytes": None, "path": str(tmp_path / "gone.wav")}
    data = emotalk_rows(train=[{"emotion": 0, "audio": nowhere}])
    markup = read_markup(quick(data, media=False))
    assert not markup.named("audio")
    assert "Sound and pictures were left out." in markup.section("samples")
    assert "cannot be read" not in markup.text


def test_text_alone_makes_a_page_that_says_what_is_missing(tmp_path: Path) -> None:
    make_emotalk(tmp_path / "EmotionTalk", num_utterances=18, modalities=["text"])
    markup = read_markup(
        write_report(tmp_path / "EmotionTalk", tmp_path / "r.html", resamples=0).read_text("utf-8")
    )
    assert "Labels of two modalities are needed" in markup.section("pairs")
    assert "No utterance of this data has a sentiment" in markup.section("sentiment")
    assert "No utterance of this data has times, sound or pictures" in markup.section("durations")
    assert "No utterance has a multimodal label here." in markup.section("labels")
    assert "In the order of their numbers" in markup.section("dialogues")
    assert "text text alone Fleiss’ kappa" in markup.section("agreement")


def test_no_votes_one_split_and_no_report_are_told() -> None:
    markup = read_markup(quick(emotalk_rows(train=[{"emotion": 0}])["train"]))
    assert "No utterance of this data has two annotators’ judgements" in markup.section("agreement")
    assert "There is one split with rows in it" in markup.section("splits")
    assert "made from a table, not from a release" in markup.section("reading")


def test_no_rows_make_a_page_too() -> None:
    for data in (emotalk_rows(train=[], test=[]), m3ed_rows(train=[])):
        markup = read_markup(quick(data))
        assert "There is no utterance." in markup.section("samples")
        assert "0 utterances in 0 dialogues." in markup.named("h1")[0].text + markup.named("em")[0].text


def test_m3ed_without_episodes_and_sound_makes_a_page(tmp_path: Path) -> None:
    make_m3ed(tmp_path / "RUCM3ED", num_dialogues=4, audio=False, episodes=False)
    markup = read_markup(
        write_report(tmp_path / "RUCM3ED", tmp_path / "r.html", resamples=0).read_text("utf-8")
    )
    assert markup.named("title")[0].text == "M3ED"
    assert "No sound and no pictures in the data." in markup.section("samples")
    assert not markup.named("audio")


def test_a_table_with_missing_columns_still_makes_a_page() -> None:
    data = emotalk_rows(train=[{"emotion": 1, "text": "你好"}], test=[{"emotion": 0}])
    few = data.select_columns(["utterance_id", "dialogue_id", "utterance_number", "emotion_text", "emotion"])
    markup = read_markup(quick(few))
    assert "OptionError: the dataset has no column 'group_id', 'speaker_id'" in markup.section("splits")
    assert len(markup.named("article")) == 2


def test_a_release_gives_its_reading_report(emotalk_sample: EmotalkSample, tmp_path: Path) -> None:
    path = write_report(emotalk_sample.root, tmp_path / "report.html", resamples=0, samples=1)
    text = read_markup(path.read_text("utf-8")).section("reading")
    assert "24 rows" in text
    assert "ET-LABEL-003 warning" in text


def test_episodes_give_pictures(m3ed_sample: M3edSample, tmp_path: Path) -> None:
    path = write_report(
        m3ed_sample.root,
        tmp_path / "report.html",
        episodes_dir=m3ed_sample.episodes_dir,
        resamples=0,
        samples=2,
    )
    assert len(read_markup(path.read_text("utf-8")).named("img")) == 12


def test_a_file_that_is_there_is_kept_unless_force_is_given(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("mine")
    data = emotalk_rows(train=[{"emotion": 0}])
    with pytest.raises(
        OptionError, match=r"is there already; choose another name, or replace it with force=True"
    ):
        write_report(data, path)
    assert path.read_text() == "mine"
    assert write_report(data, path, force=True, resamples=0) == path
    assert path.read_text("utf-8").startswith("<!doctype html>")


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no folder"):
        write_report(tmp_path / "no release", tmp_path / "nowhere" / "r.html")
    with pytest.raises(OptionError, match="is a folder; expected the name of a file"):
        write_report(tmp_path / "no release", tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"samples": -1}, "samples is -1; expected a whole number from 0 to 200"),
        ({"samples": 201}, "samples is 201"),
        ({"samples": True}, "samples is True"),
        ({"resamples": -1}, "resamples is -1"),
        ({"title": 3}, "title is 3; expected a text, or None"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    data = emotalk_rows(train=[{"emotion": 0}])
    with pytest.raises(OptionError, match=re.escape(told)):
        make_report(data, **options)
    with pytest.raises(OptionError, match=re.escape(told)):
        write_report(data, tmp_path / "r.html", **options)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (None, "path is None; expected the name of a file"),
        (b"r.html", "path is b'r.html'; expected the name of a file"),
        ("a\0b", "'a\\x00b' cannot be written: "),
        ("a" * 300, "cannot be written: File name too long"),
        ("~nobody-of-this-name/r.html", "cannot be written: "),
    ],
)
def test_what_can_be_no_file_is_refused_before_the_work(path: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=re.escape(told)):
        write_report(tmp_path / "no release", path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("utterance_id", [1]),
        ("dialogue_id", [1]),
        ("speaker_id", [1]),
        ("text", [["x"]]),
        ("start_seconds", ["x"]),
        ("sentiment", ["x"]),
        ("annotations", ["x"]),
        ("captions", ["x"]),
        ("audio", ["x"]),
    ],
)
def test_a_column_of_another_type_is_refused(name: str, values: list[Any]) -> None:
    data = emotalk_rows(train=[{"emotion": 0}])["train"].remove_columns(name).add_column(name, values)
    with pytest.raises(OptionError, match=rf"{name} is '.*'; expected '.*', as load_dataset made it"):
        make_report(data)


def test_what_is_no_reading_report_is_refused() -> None:
    with pytest.raises(OptionError, match=r"reading is 'x'; expected load_dataset_builder"):
        make_report(emotalk_rows(train=[{}]), reading="x")  # type: ignore[arg-type]


def test_data_of_no_corpus_is_refused(tmp_path: Path) -> None:
    other = datasets.Dataset.from_dict({"x": [1]})
    for data, told in (
        (other, "no column 'utterance_id', 'dialogue_id', 'utterance_number'"),
        ([1, 2], "the data is a list; expected a DatasetDict"),
        (datasets.DatasetDict(), "there are 0 splits"),
        (
            datasets.DatasetDict({"a": emotalk_rows(t=[{}])["t"], "b": m3ed_rows(t=[{}])["t"]}),
            "expected one corpus",
        ),
    ):
        with pytest.raises(OptionError, match=re.escape(told)):
            make_report(data)
    with pytest.raises(OptionError, match="episodes_dir belongs to the folder of a release"):
        write_report(m3ed_rows(train=[{}]), tmp_path / "r.html", episodes_dir=tmp_path)
    with pytest.raises(EmotalkError, match="does not exist"):
        write_report(tmp_path / "gone", tmp_path / "r.html")

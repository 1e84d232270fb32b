"""The listing of a release and its digest: what the cache key rests on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from emotalk_data import load_dataset
from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.load import load_dataset_builder
from emotalk_data.loaders.listing import Listing, list_release
from emotalk_data.loaders.walk import is_text, walk_release
from emotalk_data.testing import make_emotalk

_TIME_NS = 1_700_000_000_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A few files of every kind, all with one time."""
    for name in (
        "Text/json/b.json",
        "Text/json/a.jsonl",
        "Audio/wav/x/2.wav",
        "Audio/wav/x/1.wav",
        "Multimodal/mp4/3.MP4",
        "Multimodal/mp4.zip",
        "tars/Text.tar",
        "tars/Video.tar.gz",
        "splitInfo/movie_list_train.txt",
        "README.md",
        "._b.json",
        ".DS_Store",
        ".git/c.json",
        "__pycache__/d.pyc",
    ):
        path = tmp_path / "release" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
        os.utime(path, ns=(_TIME_NS, _TIME_NS))
    return tmp_path / "release"


def _names(listing: Listing) -> dict[str, list[str]]:
    return {
        "annotations": [file.name for file in listing.annotations],
        "archives": [file.name for file in listing.archives],
        "lists": [file.name for file in listing.lists],
        "zips": [file.name for file in listing.zips],
        "media": [folder.name + name for folder in listing.folders for name in folder.media],
    }


def test_files_are_listed_by_kind_and_in_order_without_hidden_ones(root: Path) -> None:
    listing = list_release(root)
    assert _names(listing) == {
        "annotations": ["Text/json/a.jsonl", "Text/json/b.json"],
        "archives": ["tars/Text.tar", "tars/Video.tar.gz"],
        "lists": ["splitInfo/movie_list_train.txt"],
        "zips": ["Multimodal/mp4.zip"],
        "media": ["Audio/wav/x/1.wav", "Audio/wav/x/2.wav", "Multimodal/mp4/3.MP4"],
    }
    first = listing.annotations[0]
    assert (first.path, first.size_bytes, first.mtime_ns) == (f"{root}/Text/json/a.jsonl", 5, _TIME_NS)
    assert listing.folders[0].path == f"{root}/Audio/wav/x"


def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path) -> None:
    for name in ("a.JSON", "b.Jsonl", "c.Tar", "d.TGZ", "e.Wav", "f.ZIP", "g.Txt"):
        (tmp_path / name).touch()
    assert _names(list_release(tmp_path)) == {
        "annotations": ["a.JSON", "b.Jsonl"],
        "archives": ["c.Tar", "d.TGZ"],
        "lists": ["g.Txt"],
        "zips": ["f.ZIP"],
        "media": ["e.Wav"],
    }


def test_a_single_file_is_a_release_of_one(root: Path) -> None:
    assert [file.name for file in list_release(root / "tars" / "Text.tar").archives] == ["Text.tar"]
    assert [file.name for file in list_release(root / "Text" / "json" / "b.json").annotations] == ["b.json"]


def test_home_and_relative_paths_become_absolute(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(root.parent))
    assert list_release("Text").root == list_release("~/release/Text").root == str(root / "Text")


def test_nothing_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFoundError, match=r"nowhere.*No such file.*Give data_dir the folder"):
        list_release(tmp_path / "nowhere")


def _grow(root: Path) -> None:
    (root / "Text/json/b.json").write_bytes(b"123456")
    os.utime(root / "Text/json/b.json", ns=(_TIME_NS, _TIME_NS))


def _touch(root: Path) -> None:
    os.utime(root / "Text/json/b.json", ns=(_TIME_NS, _TIME_NS + 1))


def _touch_tar(root: Path) -> None:
    os.utime(root / "tars/Text.tar", ns=(_TIME_NS, _TIME_NS + 1))


def _touch_zip(root: Path) -> None:
    os.utime(root / "Multimodal/mp4.zip", ns=(_TIME_NS, _TIME_NS + 1))


def _edit_list(root: Path) -> None:
    os.utime(root / "splitInfo/movie_list_train.txt", ns=(_TIME_NS, _TIME_NS + 1))


def _add_annotation(root: Path) -> None:
    (root / "Text/json/c.json").touch()


def _remove_annotation(root: Path) -> None:
    (root / "Text/json/b.json").unlink()


def _rename_annotation(root: Path) -> None:
    (root / "Text/json/b.json").rename(root / "Text/json/c.json")


def _move_annotation(root: Path) -> None:
    (root / "Text/json/b.json").rename(root / "Text/b.json")


def _add_media(root: Path) -> None:
    (root / "Audio/wav/x/3.wav").touch()


def _remove_media(root: Path) -> None:
    (root / "Audio/wav/x/1.wav").unlink()


def _move_media(root: Path) -> None:
    (root / "Audio/wav/x/1.wav").rename(root / "Audio/wav/1.wav")


@pytest.mark.parametrize(
    "change",
    [
        _grow,
        _touch,
        _touch_tar,
        _touch_zip,
        _edit_list,
        _add_annotation,
        _remove_annotation,
        _rename_annotation,
        _move_annotation,
        _add_media,
        _remove_media,
        _move_media,
    ],
)
def test_the_digest_changes_with_every_change_that_may_change_a_row(
    change: Callable[[Path], None], root: Path
) -> None:
    before = list_release(root).digest("1")
    change(root)
    assert list_release(root).digest("1") != before


def _rewrite_media(root: Path) -> None:
    (root / "Audio/wav/x/1.wav").write_bytes(b"another sound")


def _add_what_is_not_read(root: Path) -> None:
    (root / "README.md").write_text("longer than before")
    (root / "._c.json").touch()
    (root / ".cache").mkdir()
    (root / ".cache" / "d.json").touch()
    (root / "empty").mkdir()


def _remake(root: Path) -> None:
    """Make the same files in another order: a folder lists them as it likes."""
    for folder in ("Text/json", "Audio/wav/x"):
        names = sorted(path.name for path in (root / folder).iterdir())
        for name in names:
            (root / folder / name).rename(root / f"{name}.aside")
        for name in reversed(names):
            (root / f"{name}.aside").rename(root / folder / name)


@pytest.mark.parametrize("change", [_rewrite_media, _add_what_is_not_read, _remake])
def test_the_digest_stays_with_every_change_that_cannot_change_a_row(
    change: Callable[[Path], None], root: Path
) -> None:
    before = list_release(root).digest("1", "True")
    change(root)
    assert list_release(root).digest("1", "True") == before


def test_the_digest_is_the_same_for_a_moved_release_and_differs_by_its_parts(root: Path) -> None:
    before = list_release(root)
    after = list_release(root.rename(root.with_name("moved")))
    assert after.digest("1") == before.digest("1")
    assert len({after.digest(*parts) for parts in ((), ("1",), ("2",), ("1", "2"), ("12",))}) == 5
    assert len(after.digest()) == 32


def test_the_cache_of_a_moved_release_is_not_used_because_its_media_are_elsewhere(tmp_path: Path) -> None:
    made = make_emotalk(tmp_path / "here", num_utterances=1, oddities=False)
    first = load_dataset("emotalk", data_dir=made.root, cache_dir=tmp_path / "cache", split="train")
    moved = made.root.rename(tmp_path / "there")
    again = load_dataset("emotalk", data_dir=moved, cache_dir=tmp_path / "cache", split="train")
    assert first.data["audio"].to_pylist()[0]["path"].startswith(f"{tmp_path}/here/")
    assert again.data["audio"].to_pylist()[0]["path"].startswith(f"{tmp_path}/there/")
    assert again[0]["audio"].num_samples == made.utterances[0].num_samples


def test_an_edited_annotation_never_returns_a_stale_row(tmp_path: Path) -> None:
    made = make_emotalk(tmp_path / "release", num_utterances=1, media=False, oddities=False)
    options = {"data_dir": made.root, "cache_dir": tmp_path / "cache"}
    before = load_dataset_builder("emotalk", **options).cache_dir  # type: ignore[arg-type]
    assert load_dataset_builder("emotalk", **options).cache_dir == before  # type: ignore[arg-type]
    (path,) = (made.root / "Text").rglob("*.json")
    path.write_text(path.read_text().replace("content", "Content"))
    os.utime(path, ns=(_TIME_NS, _TIME_NS))
    assert load_dataset_builder("emotalk", **options).cache_dir != before  # type: ignore[arg-type]


def test_a_link_to_a_folder_elsewhere_is_followed_and_one_inside_is_not_listed_twice(
    root: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "e.json").touch()
    (root / "link").symlink_to(elsewhere)
    (root / "another link").symlink_to(elsewhere / "deep")
    (root / "inner").symlink_to(root / "Text")
    (root / "loop").symlink_to(root)
    (root / "itself").symlink_to("itself")
    (root / "dangling").symlink_to("nowhere")
    names = _names(list_release(root))["annotations"]
    assert names == ["Text/json/a.jsonl", "Text/json/b.json", "another link/e.json"]


def test_a_link_to_a_hidden_folder_inside_is_followed(root: Path) -> None:
    (root / "store").symlink_to(root / ".git")
    assert "store/c.json" in _names(list_release(root))["annotations"]


def test_a_link_to_a_file_is_listed_as_the_file_it_leads_to_and_a_dangling_one_too(root: Path) -> None:
    (root / "Text/json/c.json").symlink_to(root / "README.md")
    (root / "Text/json/d.json").symlink_to("nowhere")
    sizes = {file.name: file.size_bytes for file in list_release(root).annotations}
    assert sizes["Text/json/c.json"] == 5
    assert sizes["Text/json/d.json"] == 0


def test_text_is_what_utf_8_can_hold() -> None:
    assert is_text("/data/对话/x.wav")
    assert not is_text(os.fsdecode(b"/data/\xb6\xd4/x.wav"))


def test_a_file_may_be_skipped_by_any_name_and_a_folder_never(root: Path) -> None:
    (root / "link").symlink_to(root / "Text" / "json" / "b.json")
    walk = walk_release(root, skip=[root / "link", root / "Audio", root / "nothing"])
    names = [
        name for folder in walk.folders for name in (*folder.media, *(one[0] for one in folder.annotations))
    ]
    assert sorted(names) == ["1.wav", "2.wav", "3.MP4", "a.jsonl"]

"""`publish` on a double of the Hub, with the unmodified clients: what is there afterwards, and what never was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest

from emotalk_data import load_dataset, publish
from emotalk_data.errors import OptionError, PublishError, PublishRefusedError
from emotalk_data.hub.building import build_dataset
from emotalk_data.hub.publishing import reload, sending
from emotalk_data.hub.publishing.fingerprints import StagedFile
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.hub.publishing.verify import verify
from emotalk_data.hub.set_texts.card import set_card
from emotalk_data.hub_client.token import Token
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing import make_emotalk
from emotalk_data.testing.hub_double import Fault
from tests.hub_double_fixtures import OnHub

from .conftest import ALLOWED, CONFIGS, REPO, ROWS, TOKEN, RunPlain, changes, make_set, own_commits

LOAD = """
import json, sys, datasets
repo_id, revision, out = sys.argv[1:]
told = {}
for config in datasets.get_dataset_config_names(repo_id, revision=revision):
    rows = datasets.load_dataset(repo_id, config, revision=revision)
    told[config] = {split: part.num_rows for split, part in rows.items()}
    for split, part in rows.items():
        part.to_parquet(f"{out}/{config}-{split}.parquet")
print(json.dumps(told))
"""


def test_a_set_of_two_configs_and_three_splits_opens_where_this_package_is_not_installed(
    either_lab: OnHub, feature_set: Path, run_plain: RunPlain, tmp_path: Path
) -> None:
    hub = either_lab.hub
    done = publish(feature_set, REPO, **ALLOWED)
    loaded = run_plain(hub, LOAD, REPO, done.tag, tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    told = json.loads(loaded.stdout.splitlines()[-1])
    assert told == dict.fromkeys(CONFIGS, ROWS)
    assert done.configs == told
    for split in ROWS:
        source = [pq.read_table(path) for path in sorted((feature_set / "data").glob(f"{split}-*"))]
        rows = [row for table in source for row in table.to_pylist()]
        for config, column in zip(CONFIGS, ("tiny_hubert", "tiny_hubert_frames"), strict=True):
            read = pq.read_table(tmp_path / f"{config}-{split}.parquet").to_pylist()
            assert [row["utterance_id"] for row in read] == [row["utterance_id"] for row in rows]
            assert [row[column] for row in read] == [row[column] for row in rows]  # to the last bit


@pytest.mark.usefixtures("not_reloaded")
def test_what_is_published_is_private_gated_whole_and_tagged(lab: OnHub, feature_set: Path) -> None:
    done = publish(feature_set, REPO, **ALLOWED)
    repo = lab.hub.repo(REPO)
    assert (repo.private, repo.gated) == (True, "manual")
    assert repo.tags == {done.tag: done.commit}
    assert own_commits(lab.hub) == ["Publish tiny_hubert, tiny_hubert_frames"]
    files = repo.files()
    assert done.num_files == len(files) - 1  # .gitattributes is the Hub's
    assert done.num_bytes == sum(map(len, files.values())) - len(files[".gitattributes"])
    assert (done.is_new_commit, done.is_changed, done.num_new_files) == (True, True, done.num_files)
    assert set(lab.hub.received.values()) == {1}
    assert {"README.md", "croissant.json", *(f"{config}/plan.json" for config in CONFIGS)} <= set(files)
    order = [(one.method, one.path.rpartition("/")[2]) for one in changes(lab.hub)]
    assert order[:2] == [
        ("POST", "create"),
        ("PUT", "settings"),
    ]  # private and gated before anything lies in it
    assert "published lab/emotalk-hubert: private, commit " in str(done)
    assert f'load_dataset("{REPO}", "tiny_hubert", revision="{done.tag}")' in str(done)
    assert json.loads(json.dumps(done.to_dict()))["judgement"]["is_allowed"] is True


@pytest.mark.usefixtures("not_reloaded")
def test_what_is_there_already_is_not_touched(either_lab: OnHub, feature_set: Path) -> None:
    hub = either_lab.hub
    first = publish(feature_set, REPO, **ALLOWED)
    before, num_bytes = len(hub.requests), hub.bytes_received
    again = publish(feature_set, REPO, **ALLOWED)
    assert changes(hub, before) == []
    assert hub.bytes_received == num_bytes
    assert (again.commit, again.tag) == (first.commit, first.tag)
    assert not again.is_changed
    assert not again.is_new_commit
    assert str(again).startswith(f"nothing to do: {REPO} has all of it: private, commit ")


@pytest.mark.usefixtures("not_reloaded")
def test_a_changed_set_is_one_more_commit_that_leaves_the_owners_files_alone(
    lab: OnHub, tmp_path: Path
) -> None:
    hub = lab.hub
    first = publish(make_set(tmp_path / "set"), REPO, **ALLOWED)
    own = {"NOTES.md": b"mine", "tiny_hubert/NOTES.md": b"mine too", "other/data/x.parquet": b"not yours"}
    card = hub.repo(REPO).files()["README.md"].decode() + "\n## How we use it\n\nWith care.\n"
    hub.commit(REPO, {**own, "README.md": card.encode()}, "By hand")
    shorter = make_set(tmp_path / "shorter", num_train=6, seed=3)
    planned = publish(shorter, REPO, dry_run=True, **ALLOWED)
    assert "6 files of these configs that the set no longer has would be removed." in str(planned)
    second = publish(shorter, REPO, **ALLOWED)
    assert second.num_removed_files == planned.num_removed_files == 6  # of two configs, train in three shards
    assert "6 files of these configs that the set no longer has were removed." in str(second)
    files = hub.repo(REPO).files()
    assert {path: files[path] for path in own} == own
    assert b"With care." in files["README.md"]
    shards = [path for path in files if path.startswith("tiny_hubert/data/train")]
    assert shards == [f"tiny_hubert/data/train-{number:05d}-of-00002.parquet" for number in range(2)]
    ours = "Publish tiny_hubert, tiny_hubert_frames"
    assert own_commits(hub) == [ours, "By hand", ours]
    assert hub.repo(REPO).tags == {first.tag: first.commit, second.tag: second.commit}
    assert first.tag != second.tag


@pytest.mark.usefixtures("not_reloaded")
def test_a_licence_of_ours_gives_way_to_a_stricter_one_and_never_to_a_laxer(
    lab: OnHub, tmp_path: Path
) -> None:
    sets = {"one": make_set(tmp_path / "one"), "two": make_set(tmp_path / "two", seed=5)}

    def published(name: str, licence: str) -> None:
        publish({name: sets[name]}, REPO, **ALLOWED | {"encoder_licences": {"example/tiny-hubert": licence}})

    published("one", "mit")
    assert b"license: cc-by-nc-sa-4.0\n" in lab.hub.repo(REPO).files()["README.md"]
    published("two", "openrail")  # a licence with terms of its own
    files = lab.hub.repo(REPO).files()
    assert b"\nlicense: other\n" in files["README.md"]
    assert b"license_name: cc-by-nc-sa-4.0-and-openrail\n" in files["README.md"]
    described = {one["@id"] for one in json.loads(files["croissant.json"])["recordSet"]}
    assert {"one", "one_frames", "two", "two_frames"} <= described
    with pytest.raises(PublishRefusedError, match=r"keeps the config 'two.*', whose licence is .*openrail"):
        published("one", "mit")


@pytest.mark.usefixtures("not_reloaded")
def test_the_same_content_has_the_same_tag_whatever_the_card_says(lab: OnHub, feature_set: Path) -> None:
    first = publish(feature_set, REPO, **ALLOWED)
    lab.hub.commit(REPO, {"README.md": None, "croissant.json": None}, "Start the card anew")
    again = publish(feature_set, REPO, **ALLOWED)
    assert again.tag == first.tag
    assert again.commit != first.commit
    assert lab.hub.repo(REPO).tags == {first.tag: first.commit}
    assert f"the tag {first.tag} stays at commit {str(first.commit)[:12]}" in str(again)


@pytest.mark.usefixtures("not_reloaded")
def test_a_tag_is_never_moved(lab: OnHub, tmp_path: Path) -> None:
    first = publish(make_set(tmp_path / "set"), REPO, tag="v1", **ALLOWED)
    before = len(lab.hub.requests)
    with pytest.raises(OptionError, match=r"the tag 'v1' of lab/emotalk-hubert stands for other data"):
        publish(make_set(tmp_path / "other", seed=9), REPO, tag="v1", **ALLOWED)
    assert changes(lab.hub, before) == []
    assert lab.hub.repo(REPO).tags == {"v1": first.commit}
    assert not publish(tmp_path / "set", REPO, tag="v1", **ALLOWED).is_changed


@pytest.mark.usefixtures("not_reloaded")
def test_several_sets_become_configs_with_the_names_they_are_given(lab: OnHub, tmp_path: Path) -> None:
    one, other = make_set(tmp_path / "one"), make_set(tmp_path / "other", seed=5)
    done = publish({"first": one, "second": other}, REPO, levels=["utterance"], **ALLOWED)
    assert done.configs == {"first": ROWS, "second": ROWS}
    assert {path.partition("/")[0] for path in lab.hub.repo(REPO).files() if "/" in path} == {
        "first",
        "second",
    }


def test_labels_and_splits_are_published_too_and_media_never(
    lab: OnHub, tmp_path: Path, run_plain: RunPlain
) -> None:
    make_emotalk(tmp_path / "EmotionTalk", num_utterances=24)
    rows = load_dataset("emotalk", data_dir=tmp_path / "EmotionTalk")
    assert isinstance(rows, datasets.DatasetDict)
    build_dataset(rows, tmp_path / "labels", columns="labels")
    splits = {"train": ["G00001_01"], "validation": ["G00012_01"], "test": ["G00002_01"]}
    SplitFile(corpus="emotalk", folds=[{"splits": splits}]).save(tmp_path / "splits.json")
    done = publish({"labels": tmp_path / "labels", "frozen": tmp_path / "splits.json"}, "lab/labels")
    loaded = run_plain(lab.hub, LOAD, "lab/labels", done.tag, tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    told = json.loads(loaded.stdout.splitlines()[-1])
    assert told == done.configs
    assert told["labels"] == {split: part.num_rows for split, part in rows.items()}
    assert told["frozen"] == {"train": 3}
    read = pq.read_table(tmp_path / "labels-train.parquet").to_pydict()
    assert read["utterance_id"] == rows["train"]["utterance_id"][:]
    assert read["emotion"] == rows["train"]["emotion"][:]
    before = len(lab.hub.requests)
    build_dataset(rows, tmp_path / "media", embed_media=True)
    with pytest.raises(PublishRefusedError):
        publish(tmp_path / "media", "lab/media")
    assert changes(lab.hub, before) == []


@pytest.mark.usefixtures("not_reloaded")
def test_a_config_that_was_published_before_stays_and_is_told_of(lab: OnHub, tmp_path: Path) -> None:
    publish({"first": make_set(tmp_path / "one")}, REPO, levels=["utterance"], **ALLOWED)
    before = lab.hub.repo(REPO).files()
    other = {"second": make_set(tmp_path / "other", seed=5)}
    for dry_run in (True, False):
        done = publish(other, REPO, levels=["utterance"], dry_run=dry_run, **ALLOWED)
        assert "first in the repository stays as it is" in str(done)
    files = lab.hub.repo(REPO).files()
    assert {path: files[path] for path in before if path.startswith("first/")} == {
        path: content for path, content in before.items() if path.startswith("first/")
    }
    names = datasets.get_dataset_config_names(REPO)
    assert sorted(names) == ["first", "second"]


def test_what_the_guard_refuses_leaves_no_repository_behind(lab: OnHub, feature_set: Path) -> None:
    with pytest.raises(PublishRefusedError, match="frame-features"):
        publish(feature_set, REPO, encoder_licences=ALLOWED["encoder_licences"])
    assert changes(lab.hub) == []
    with pytest.raises(KeyError):
        lab.hub.repo(REPO)


@pytest.mark.parametrize("is_there", [True, False])
def test_nothing_is_opened_by_publishing(lab: OnHub, feature_set: Path, is_there: bool) -> None:
    if is_there:
        lab.hub.add_repo(REPO, private=True)
    with pytest.raises(OptionError, match=r"is (private|not there yet), and private is False.*make-public"):
        publish(feature_set, REPO, private=False, **ALLOWED)
    assert changes(lab.hub) == []


def test_a_public_repository_is_not_taken_for_a_private_one(lab: OnHub, feature_set: Path) -> None:
    lab.hub.add_repo(REPO, gated="manual")
    with pytest.raises(OptionError, match=r"is public, and private is True.*private=False"):
        publish(feature_set, REPO, **ALLOWED)
    assert changes(lab.hub) == []


@pytest.mark.usefixtures("not_reloaded")
def test_a_public_repository_is_updated_behind_its_gate(lab: OnHub, feature_set: Path) -> None:
    lab.hub.add_repo(REPO, gated="auto")
    before = lab.hub.repo(REPO).branches["main"]
    with pytest.raises(PublishRefusedError):
        publish(feature_set, REPO, private=False, gated=False, **ALLOWED)
    assert lab.hub.repo(REPO).branches["main"] == before
    done = publish(feature_set, REPO, private=False, gated="auto", **ALLOWED)
    assert done.visibility == "gated"
    assert lab.hub.repo(REPO).settings_history == []  # it had this gate
    assert own_commits(lab.hub) == ["Publish tiny_hubert, tiny_hubert_frames"]


@pytest.mark.usefixtures("not_reloaded")
def test_a_public_repository_without_a_gate_gets_one_before_it_gets_features(
    lab: OnHub, feature_set: Path
) -> None:
    lab.hub.add_repo(REPO)
    publish(feature_set, REPO, private=False, **ALLOWED)
    paths = [one.path.rpartition("/")[2] for one in changes(lab.hub)]
    assert paths[0] == "settings"
    assert lab.hub.repo(REPO).gated == "manual"


def test_a_repository_that_was_opened_meanwhile_gets_nothing(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*words: Any) -> dict[str, StagedFile]:
        lab.hub.repo(REPO).private = False
        raise ConnectionError  # so that it looks again

    monkeypatch.setattr(sending, "write_texts", opened)
    with pytest.raises(PublishError, match=r"is gated now, and what is staged was judged for .* private"):
        publish(feature_set, REPO, **ALLOWED)
    assert own_commits(lab.hub) == []


@pytest.mark.usefixtures("not_reloaded")
def test_what_the_hub_does_not_hold_as_it_was_sent_is_an_error_and_gets_no_tag(
    lab: OnHub, feature_set: Path
) -> None:
    """The owner's own .gitignore makes the Hub leave a file out, and the client says nothing of it."""
    publish(feature_set, "lab/whole", **ALLOWED)
    paths = [path for path in lab.hub.repo("lab/whole").files() if path != ".gitattributes"]
    modes = [
        {
            "path": path,
            "uploadMode": "lfs" if path.endswith(".parquet") else "regular",
            "shouldIgnore": path == "tiny_hubert/plan.json",
            "oid": None,
        }
        for path in paths
    ]
    answer = json.dumps({"files": modes}).encode()
    lab.hub.faults.append(Fault(path="/preupload/", status=200, body=answer))
    with pytest.raises(PublishError, match=r"'tiny_hubert/plan\.json' is missing.*\.gitignore"):
        publish(feature_set, REPO, **ALLOWED)
    assert lab.hub.repo(REPO).tags == {}


def test_each_way_in_which_a_file_can_differ_is_told(lab: OnHub) -> None:
    commit = lab.hub.add_repo(REPO, {"a.txt": b"abc", "b.parquet": b"abcd"}, private=True)
    there = Repository(REPO, Token(TOKEN))
    small = StagedFile(Path("a.txt"), "a.txt", 3, "0" * 64, "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f")
    sha256 = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
    large = StagedFile(Path("b"), "b.parquet", 4, sha256, "0" * 40)
    verify(there, commit, {"a.txt": small, "b.parquet": large})
    for files, problem in (
        ({"c": small}, "'c' is missing"),
        ({"a.txt": StagedFile(Path("a.txt"), "a.txt", 5, small.sha256, small.blob_id)}, "has 3 bytes of 5"),
        (
            {"a.txt": StagedFile(Path("a.txt"), "a.txt", 3, small.sha256, "1" * 40)},
            "has the digest f2ba8f84ab5c",
        ),
        (
            {"b.parquet": StagedFile(Path("b"), "b.parquet", 4, "1" * 64, large.blob_id)},
            "digest 88d4266fd4e6",
        ),
    ):
        with pytest.raises(PublishError, match=problem):
            verify(there, commit, files)


def test_what_plain_datasets_does_not_read_is_an_error_and_the_next_run_goes_on(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_card = set_card

    def wrong_card(*words: Any, **named: Any) -> str:
        return true_card(*words, **named).replace("/data/validation-", "/data/invalidation-")

    with monkeypatch.context() as patch:
        patch.setattr(reload, "_ATTEMPTS", 1)
        patch.setattr(sending, "set_card", wrong_card)
        with pytest.raises(PublishError, match=r"plain `datasets` does not read it: .*No tag was set"):
            publish(feature_set, REPO, **ALLOWED)
    assert lab.hub.repo(REPO).tags == {}
    received = lab.hub.bytes_received
    done = publish(feature_set, REPO, **ALLOWED)
    assert lab.hub.repo(REPO).tags == {done.tag: done.commit}
    assert lab.hub.bytes_received == received  # the card is no large file, and nothing else differed


@pytest.mark.usefixtures("not_reloaded")
def test_bars_are_shown_unless_datasets_shows_none(
    lab: OnHub, feature_set: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled

    publish(feature_set, REPO, **ALLOWED)
    assert "100%" not in capfd.readouterr().err
    datasets.enable_progress_bars()
    publish(feature_set, "lab/once-more", **ALLOWED)
    publish(make_set(feature_set.parent / "other", seed=4), "lab/once-more", **ALLOWED)
    assert "100%" in capfd.readouterr().err
    assert not are_progress_bars_disabled()

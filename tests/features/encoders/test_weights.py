"""Where weights are looked for, what is recorded of them, and that none of them are random."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants, errors
from huggingface_hub.utils._paths import filter_repo_objects
from safetensors.torch import load_file, save_file

from emotalk_data.errors import ModelError, OptionError
from emotalk_data.features.encoders import weights as weights_module
from emotalk_data.features.encoders.layers import combine
from emotalk_data.features.encoders.loading import load_model, read_beside, to_device
from emotalk_data.features.encoders.weights import Weights, describe_weights, find_weights, weight_files
from emotalk_data.schemas.feature_spec import SpeechSpec

from ..tiny_models import save_speech_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SPEC = SpeechSpec(name="test/tiny", model="nobody/tiny")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_speech_model(tmp_path_factory.mktemp("weights") / "hubert", "hubert-layer")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def in_cache(cache: Path, folder: Path, model: str = "nobody/tiny") -> Path:
    """Put a folder where the Hub's client keeps a download of its main branch."""
    place = cache / f"models--{model.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(folder, place / "snapshots" / COMMIT))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


# Where they are


def test_a_folder_is_taken_as_it_is(folder: Path) -> None:
    found = find_weights("nobody/tiny", model_path=folder)

    assert (found.folder, found.revision) == (folder, "local")
    assert len(found.digest) == 32


def test_a_single_file_is_taken_as_it_is(folder: Path) -> None:
    file = folder / "model.safetensors"

    assert find_weights("nobody/tiny", model_path=file).folder == file
    assert weight_files(file) == (file,)


def test_the_cache_of_the_hub_tells_the_commit(cache: Path, folder: Path) -> None:
    snapshot = in_cache(cache, folder)

    found = find_weights("nobody/tiny")

    assert found == Weights(snapshot, COMMIT, find_weights("x", model_path=folder).digest)
    assert find_weights("nobody/tiny", revision=COMMIT) == found
    assert find_weights("x", model_path=snapshot).revision == COMMIT


def test_pytorch_files_in_the_cache_are_found_where_there_are_no_safetensors(
    cache: Path, folder: Path
) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    snapshot = in_cache(cache, folder)

    assert weight_files(find_weights("nobody/tiny").folder) == (snapshot / "pytorch_model.bin",)


def test_a_model_that_is_not_cached_says_how_to_get_it(cache: Path) -> None:
    with pytest.raises(
        ModelError, match=r"nobody/tiny is not complete .* \(HF_HUB_OFFLINE is set\).*hf download"
    ):
        find_weights("nobody/tiny")


def test_another_revision_than_the_cached_one_is_named(cache: Path, folder: Path) -> None:
    in_cache(cache, folder)

    with pytest.raises(ModelError, match="nobody/tiny at revision 'v2' is not complete"):
        find_weights("nobody/tiny", revision="v2")


def test_a_cached_folder_without_weights_says_so(cache: Path, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    in_cache(cache, folder)

    with pytest.raises(
        ModelError, match=r"cache has no weights of nobody/tiny, only its small .*hf download"
    ):
        find_weights("nobody/tiny")


def test_a_model_in_other_formats_alone_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(folder))

    with pytest.raises(ModelError, match="no weights in a format that is safe to load"):
        find_weights("nobody/tiny")


def test_a_tag_in_the_cache_is_found(cache: Path, folder: Path) -> None:
    snapshot = in_cache(cache, folder)
    (snapshot.parents[1] / "refs" / "v1").write_text(COMMIT)

    assert find_weights("nobody/tiny", revision="v1").revision == COMMIT


def test_a_name_that_is_none_is_refused(cache: Path) -> None:
    with pytest.raises(ModelError, match="no id of a model on the Hub; expected owner/name"):
        find_weights("nobody/with/tiny")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errors.GatedRepoError, "is gated: accept its terms.*HF_TOKEN"),
        (errors.RepositoryNotFoundError, "has no model 'nobody/tiny', or it is private"),
        (errors.RevisionNotFoundError, "has no revision 'v2'"),
        (errors.HfHubHTTPError, "could not be downloaded: HfHubHTTPError"),
        (PermissionError, "could not be downloaded: PermissionError"),
    ],
)
def test_what_the_hub_refuses_becomes_an_error_that_says_what_to_do(
    error: type[Exception], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error.__new__(error)  # the client's own take an answer of its server

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)

    with pytest.raises(ModelError, match=advice):
        find_weights("nobody/tiny", revision="v2")


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_weights_is_refused(tmp_path: Path, made: bool) -> None:
    place = tmp_path / "empty"
    if made:
        place.mkdir()
        (place / "training_args.bin").write_bytes(b"no weights")

    with pytest.raises(ModelError, match="has no weights" if made else "there is nothing at model_path"):
        find_weights("nobody/tiny", model_path=place)


def test_a_folder_has_no_revision_of_the_hub(folder: Path) -> None:
    with pytest.raises(OptionError, match="revision='v2' names a commit"):
        find_weights("nobody/tiny", model_path=folder, revision="v2")


# Their digest


def test_what_a_training_or_a_card_left_is_not_in_the_digest(folder: Path) -> None:
    before = find_weights("x", model_path=folder).digest
    (folder / "README.md").write_text("a card")
    (folder / "training_args.bin").write_bytes(b"left by a trainer")
    (folder / "pytorch_model.bin").write_bytes(b"not loaded, as there are safetensors")

    assert find_weights("x", model_path=folder).digest == before


@pytest.mark.parametrize(
    "name",
    ["config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
     "merges.txt", "spiece.model", "modules.json", "1_Pooling/config.json"],
)  # fmt: skip
def test_the_digest_changes_with_a_configuration_or_a_vocabulary(folder: Path, name: str) -> None:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        file.write_text("{}")
    before = find_weights("x", model_path=folder).digest
    file.write_text(file.read_text() + " ")

    assert find_weights("x", model_path=folder).digest != before


def test_of_the_hub_small_files_and_the_best_weights_are_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = [
        "config.json", "preprocessor_config.json", "vocab.txt", "spiece.model", "1_Pooling/config.json",
        "model.safetensors", "2_Dense/model.safetensors", "pytorch_model.bin", "onnx/model.json", "README.md",
        "training_args.bin",
    ]  # fmt: skip
    asked: list[dict[str, Any]] = []

    def note(*_: object, **options: Any) -> str:
        asked.append(options)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", note)
    find_weights("nobody/tiny")

    (options,) = asked
    patterns = {key: options[key] for key in ("allow_patterns", "ignore_patterns")}
    assert list(filter_repo_objects(repository, **patterns)) == repository[:7]


def test_the_digest_changes_with_one_bit(folder: Path) -> None:
    before = find_weights("x", model_path=folder).digest
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    assert find_weights("x", model_path=folder).digest != before


def test_the_digest_changes_when_bytes_move_from_one_file_to_the_next(tmp_path: Path) -> None:
    digests = set()
    for number, (first, second) in enumerate([(b"ab", b"c"), (b"a", b"bc")]):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "model-00001-of-00002.safetensors").write_bytes(first)
        (place / "model-00002-of-00002.safetensors").write_bytes(second)
        digests.add(find_weights("x", model_path=place).digest)

    assert len(digests) == 2


def test_a_dense_layer_of_sentence_transformers_counts(folder: Path) -> None:
    before = find_weights("x", model_path=folder).digest
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"weights")

    assert [file.name for file in weight_files(folder)] == ["model.safetensors", "model.safetensors"]
    assert find_weights("x", model_path=folder).digest != before


def test_a_file_larger_than_a_block_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(bytes(range(256)) * 4)
    whole = find_weights("x", model_path=file).digest

    monkeypatch.setattr(weights_module, "_BLOCK_BYTES", 100)

    assert find_weights("x", model_path=file).digest == whole


# What a spec says of them


def test_a_spec_says_which_weights_it_is_of(folder: Path) -> None:
    found = find_weights("x", model_path=folder)

    spec = describe_weights(SPEC, found, num_dims=32)

    assert (spec.num_dims, spec.revision, spec.weights_digest) == (32, "local", found.digest)
    assert describe_weights(spec, found, num_dims=32) == spec


def test_other_weights_than_those_of_a_spec_are_refused(folder: Path) -> None:
    found = find_weights("x", model_path=folder)
    made = SPEC.model_copy(update={"weights_digest": "0" * 32, "revision": COMMIT})

    with pytest.raises(ModelError, match=f"was made with weights of digest 0{{32}}.*{COMMIT}"):
        describe_weights(made, found, num_dims=32)
    with pytest.raises(ModelError, match=r"has vectors of 768 numbers, and the encoder in .* gives 32"):
        describe_weights(SPEC.model_copy(update={"num_dims": 768}), found, num_dims=32)


# That none are random


def load(folder: Path) -> object:
    found = find_weights("x", model_path=folder)
    return load_model(found, compute="float32", device="cpu", may_be_missing=("masked_spec_embed",))


def change(folder: Path, **renamed: str | None) -> None:
    """Rename parameters, those that end with a key, in a folder's file; None removes them."""
    file = folder / "model.safetensors"
    tensors = {}
    for name, tensor in load_file(file).items():
        ending = next((key for key in renamed if name.endswith(key.replace("__", "."))), None)
        to = name if ending is None else renamed[ending]
        if to is not None:
            tensors[to] = tensor.clone()
    save_file(tensors, file, metadata={"format": "pt"})


def test_a_missing_parameter_is_an_error_and_not_random(folder: Path) -> None:
    change(folder, encoder__layers__2__layer_norm__weight=None)

    with pytest.raises(ModelError, match=r"lack 1 of the model's parameters.*layers\.2\.layer_norm\.weight"):
        load(folder)


def test_what_only_training_needs_may_be_missing(folder: Path) -> None:
    change(folder, masked_spec_embed=None)

    load(folder)


def test_more_layers_than_the_configuration_says_are_an_error(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))

    with pytest.raises(ModelError, match=r"config\.json has no place for: encoder\.layers\.3"):
        load(folder)


def test_parameters_of_another_shape_are_an_error(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))

    with pytest.raises(ModelError, match="no model could be loaded"):
        load(folder)


@pytest.mark.parametrize("damage", ["cut", "no json", "unknown type", "code"])
def test_a_damaged_folder_is_one_error(folder: Path, damage: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    if damage == "cut":
        file = folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "no json":
        (folder / "config.json").write_text("{")
    elif damage == "unknown type":
        (folder / "config.json").write_text(json.dumps({**config, "model_type": "nothing"}))
    else:
        foreign = {"model_type": "mine", "auto_map": {"AutoModel": "m.M", "AutoConfig": "m.C"}}
        (folder / "config.json").write_text(json.dumps(foreign))
        (folder / "m.py").write_text("raise SystemExit('a stranger ran code')")

    with pytest.raises(ModelError, match="no model could be loaded from"):
        load(folder)


def test_a_pickle_that_is_more_than_tensors_is_not_run(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(tmp_path / "written"), "w"))  # type: ignore[return-value]

    (folder / "model.safetensors").unlink()
    torch.save({"weights": Evil()}, folder / "pytorch_model.bin")

    with pytest.raises(ModelError, match="no model could be loaded from"):
        load(folder)
    assert not (tmp_path / "written").exists()


def test_nothing_beside_the_weights_is_an_error(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()

    with pytest.raises(ModelError, match="AutoFeatureExtractor finds nothing that it can read"):
        read_beside("AutoFeatureExtractor", find_weights("x", model_path=folder))


def test_loading_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    change(folder, masked_spec_embed="lm_head.weight")  # which transformers has two things to say about

    load(folder)

    assert capfd.readouterr() == ("", "")


def test_a_model_is_ready_to_encode_and_not_to_train(folder: Path) -> None:
    model = load(folder)

    assert not model.training  # type: ignore[attr-defined]
    assert not any(parameter.requires_grad for parameter in model.parameters())  # type: ignore[attr-defined]


# Where they are put


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "auto", "meta", 3, None])
def test_a_device_that_torch_cannot_use_is_refused(device: object) -> None:
    with pytest.raises(OptionError, match=r"device is .*expected such as 'cpu', 'cuda' or 'cuda:1'"):
        to_device(torch.nn.Linear(2, 2), device)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore"), MemoryError()]
)
def test_a_model_that_is_too_large_for_its_device_says_what_to_do(error: Exception) -> None:
    class TooLarge(torch.nn.Linear):  # type: ignore[misc]  # torch is not followed
        def to(self, *_: object) -> None:
            raise error

    with pytest.raises(ModelError, match=r"of 0\.0 GB, does not fit in the memory of cpu: .*bfloat16"):
        to_device(TooLarge(2, 2), "cpu")


# Several layers as one


def test_layers_are_summed_or_averaged_in_float32() -> None:
    states = [torch.full((1, 2), 1 + i * 2**-7, dtype=torch.bfloat16) for i in range(4)]

    total = combine(states, (-4, -3, -2, -1), "sum")

    assert total.dtype == torch.float32
    assert total.tolist() == [[4 + 6 * 2**-7] * 2]
    assert combine(states, (0, 2), "mean").tolist() == [[1 + 2**-7] * 2]
    assert combine(states, (3,), "mean").tolist() == states[3].tolist()


def test_the_states_themselves_stay_as_they_are() -> None:
    states = [torch.ones(3), torch.ones(3)]
    combine(states, (0, 1), "sum")

    assert states[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("layer", [4, -5])
def test_a_layer_that_is_not_there_is_named(layer: int) -> None:
    with pytest.raises(
        ModelError, match=f"asks for layer {layer}, and the encoder gives 4 .* expected -4 to 3"
    ):
        combine([torch.ones(1)] * 4, (0, layer), "sum")

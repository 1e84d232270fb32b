from __future__ import annotations

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types
from huggingface_hub import DatasetCard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emotalk_data.errors import PublishRefusedError
from emotalk_data.hub.set_texts.merging import merge_card
from emotalk_data.hub.set_texts.sections import OTHERS, config_section
from emotalk_data.hub.staged import CARD_BEGIN, CARD_END

OURS: dict[str, Any] = {
    "pretty_name": "EmotionTalk: features",
    "license": "cc-by-nc-sa-4.0",
    "language": ["zh"],
    "tags": ["emotalk-data", "conversation"],
    "extra_gated_prompt": "You agree.",
    "extra_gated_fields": {"Affiliation": "text"},
    "configs": [
        {"config_name": "hubert", "data_files": [{"split": "train", "path": "hubert/data/train-*.parquet"}]},
        {"config_name": "frames", "data_files": [{"split": "train", "path": "frames/data/train-*.parquet"}]},
    ],
    "dataset_info": [{"config_name": "hubert", "features": []}, {"config_name": "frames", "features": []}],
}

MARK = "<!-- emotalk-data: licence cc-by-nc-sa-4.0 -->"
OTHER = {"license": "other", "license_name": "cc-by-nc-sa-4.0-and-opensmile"}
WHISPER = {"config_name": "whisper", "data_files": "whisper/data/train-*"}


def merged(existing: str | None, ours: dict[str, Any] = OURS, block: str = "# Ours\n\nWords.") -> str:
    return merge_card(existing, ours, block, check_licence=lambda _licence: None)


def metadata(text: str) -> dict[str, Any]:
    data = DatasetCard(text).data.to_dict()  # type: ignore[no-untyped-call]
    assert isinstance(data, dict)
    return data


def outside(text: str) -> tuple[str, str]:
    """What is before and behind our part, without the YAML."""
    body = DatasetCard(text).text
    before, _, rest = body.partition(CARD_BEGIN)
    return before, rest.partition(CARD_END)[2]


def test_without_a_card_ours_is_all_there_is() -> None:
    text = merged(None)
    assert text.startswith("---\npretty_name: ")
    assert text.endswith(f"---\n\n{CARD_BEGIN}\n\n{MARK}\n\n# Ours\n\nWords.\n\n{CARD_END}\n")
    assert merged("") == merged(" \n") == text
    assert metadata(text)["configs"][0]["default"] is True
    assert "default" not in OURS["configs"][0]  # what was passed in stays as it was


def test_the_owners_text_stays_above_ours_and_keeps_its_place() -> None:
    first = merged("# Mine\n\nMy words.")
    assert outside(first) == ("# Mine\n\nMy words.\n\n", "\n")
    moved = first.replace("# Mine\n", "").replace(f"{CARD_END}\n", f"{CARD_END}\n# Mine, now below\r\n\r\n")
    again = merged(moved, block="# Newer")
    assert outside(again) == ("\nMy words.\n\n", "\n# Mine, now below\r\n\r\n")
    assert "# Newer" in again
    assert "# Ours" not in again


def test_keys_of_the_owner_stay_and_ours_are_written_anew() -> None:
    own = {
        "viewer": False,
        "license": "cc-by-nc-sa-4.0",
        "license_name": "old",
        "pretty_name": "Mine",
        "tags": ["mine", "conversation"],
        "language": "zh",
        "extra_gated_prompt": "Old.",
        "extra_gated_heading": "Hello",
        "annotations_creators": ["expert-generated"],
    }
    data = yaml.safe_load(merged(f"---\n{yaml.dump(own)}---\nText\n").split("---\n")[1])
    assert data["pretty_name"] == "Mine"
    assert data["viewer"] is False
    assert data["tags"] == ["mine", "conversation", "emotalk-data"]
    assert data["language"] == ["zh"]
    assert data["extra_gated_prompt"] == "You agree."
    assert data["extra_gated_heading"] == "Hello"
    assert data["annotations_creators"] == ["expert-generated"]
    assert "license_name" not in data


def test_configs_of_other_folders_stay_and_those_of_ours_are_replaced() -> None:
    own = {
        "configs": [
            {"config_name": "whisper", "data_files": [{"split": "train", "path": "whisper/data/train-*"}]},
            {"config_name": "hubert", "data_files": "old/*.parquet"},
            {"config_name": "alias", "data_files": [{"split": "train", "path": ["hubert/data/train-*"]}]},
            {"config_name": "folder", "data_dir": "theirs"},
        ],
        "dataset_info": [
            {"config_name": "whisper", "features": [{"name": "x", "dtype": "string"}]},
            {"config_name": "hubert", "features": [{"name": "old", "dtype": "string"}]},
            {"config_name": "alias", "features": []},
        ],
    }
    data = metadata(merged(f"---\n{yaml.dump(own)}---\n"))
    assert [one["config_name"] for one in data["configs"]] == ["hubert", "frames", "whisper", "folder"]
    assert data["configs"][0]["data_files"] == OURS["configs"][0]["data_files"]
    assert [one["config_name"] for one in data["dataset_info"]] == ["hubert", "frames", "whisper"]
    assert data["dataset_info"][0]["features"] == []


@pytest.mark.parametrize(
    "own", [{"config_name": "whisper", "default": True}, {"config_name": "default"}], ids=["marked", "named"]
)
def test_there_is_one_default_config(own: dict[str, Any]) -> None:
    config = {**own, "data_files": "whisper/*.parquet"}
    data = metadata(merged(f"---\n{yaml.dump({'configs': [config]})}---\n"))
    assert [one.get("default") for one in data["configs"]] == [None, None, own.get("default")]


def test_a_single_info_without_a_name_is_that_of_the_default_config() -> None:
    own = {"configs": {"data_files": "x.parquet"}, "dataset_info": {"features": []}}
    data = metadata(merged(f"---\n{yaml.dump(own)}---\n"))
    assert data["configs"][-1] == {"data_files": "x.parquet"}
    assert data["dataset_info"][-1] == {"features": []}


def test_sections_of_configs_stay_as_long_as_the_configs_do() -> None:
    whisper = {"config_name": "whisper", "data_files": "whisper/data/train-*"}
    sections = [config_section(name, f"About {name}.") for name in ("hubert", "whisper", "gone")]
    before = merged(f"---\n{yaml.dump({'configs': [whisper]})}---\n", block="\n\n".join(sections))
    after = merged(before, block=f"{config_section('hubert', 'Anew.')}\n\n{OTHERS}\n\nEnd.")
    assert f"Anew.\n\n<!-- emotalk-data: end of config hubert -->\n\n{OTHERS}\n\nThe sections from" in after
    assert f"about those that were published last.\n\n{sections[1]}\n\nEnd." in after
    assert "published here before" not in before
    again = merged(after, block=f"{config_section('hubert', 'Anew.')}\n\n{OTHERS}\n\nEnd.")
    assert again == after
    assert "About hubert" not in after
    assert "About gone" not in after


def test_an_owners_licence_is_shown_to_the_guard() -> None:
    asked: list[object] = []
    for card in (
        "---\nlicense: mit\n---\n",
        "---\nlicense:\n- mit\n---\n",
        "---\ntags: [x]\n---\n",
        "# Mine",
        None,
    ):
        merge_card(card, OURS, "x", check_licence=asked.append)
    assert asked == ["mit", ["mit"]]


def refuse(_licence: object) -> None:
    raise PublishRefusedError("another licence")


@pytest.mark.parametrize(("first", "second"), [(OTHER, {}), ({}, OTHER)], ids=["laxer", "stricter"])
def test_a_licence_that_we_wrote_is_no_owners_and_is_written_anew(
    first: dict[str, str], second: dict[str, str]
) -> None:
    before = merge_card(None, {**OURS, **first}, "x", check_licence=refuse)
    after = merge_card(before, {**OURS, **second}, "x", check_licence=refuse)
    expected = {**OURS, **second}
    assert metadata(after)["license"] == expected["license"]
    assert metadata(after).get("license_name") == expected.get("license_name")
    assert after.count("emotalk-data: licence ") == 1


@pytest.mark.parametrize(
    ("ours", "owners"),
    [
        ("license: cc-by-nc-sa-4.0", "license: mit"),
        ("license: cc-by-nc-sa-4.0", "license: cc-by-nc-sa-4.0\nlicense_name: mine"),
        ("license: cc-by-nc-sa-4.0", "license: [cc-by-nc-sa-4.0]"),
        (MARK, ""),
    ],
    ids=["id", "name", "list", "no mark"],
)
def test_a_licence_that_the_owner_wrote_over_ours_is_the_owners(ours: str, owners: str) -> None:
    before = merge_card(None, OURS, "x", check_licence=refuse)
    assert before.count(ours) == 1
    with pytest.raises(PublishRefusedError, match="another licence"):
        merge_card(before.replace(ours, owners), OURS, "x", check_licence=refuse)


def with_whisper(licence: str, yaml_licence: str = "cc-by-nc-sa-4.0") -> str:
    """A card whose config `whisper` is under a licence."""
    section = config_section("whisper", f"{licence}\n\nAbout whisper.")
    return merged(
        f"---\n{yaml.dump({'configs': [WHISPER]})}---\n",
        ours={**OURS, "license": yaml_licence},
        block=f"{OTHERS}\n\n{section}",
    )


_BOTH = "<!-- emotalk-data: licence other cc-by-nc-sa-4.0-and-opensmile -->"
_NONE = "<!-- emotalk-data: licence other no-licence-file -->"


@pytest.mark.parametrize(
    ("kept", "now"),
    [
        (_BOTH, {}),
        (_NONE, {}),
        (_NONE, OTHER),
        (_BOTH, {"license": "other", "license_name": "cc-by-nc-sa-4.0-and-rail"}),
    ],
)
def test_a_config_that_stays_under_a_stricter_licence_is_not_made_laxer(
    kept: str, now: dict[str, str]
) -> None:
    for ends in ("\n", "\r\n"):  # as an owner's editor may write them
        with pytest.raises(PublishRefusedError, match=r"keeps the config 'whisper', whose licence") as caught:
            merged(with_whisper(kept).replace("\n", ends), ours={**OURS, **now})
        assert "emotalk publish hubert whisper --to …, or take another repository" in str(caught.value)


@pytest.mark.parametrize(
    ("kept", "now"),
    [
        (MARK, {}),
        (MARK, OTHER),
        (_BOTH, OTHER),
        (_BOTH, {"license": "other", "license_name": "no-licence-file"}),
        (_BOTH, {"license": "other", "license_name": "cc-by-nc-sa-4.0-and-rail-and-opensmile"}),
        ("", {}),
        ("", OTHER),
    ],
)
def test_a_config_that_stays_under_a_licence_that_is_kept_too_stays(kept: str, now: dict[str, str]) -> None:
    assert "About whisper." in merged(with_whisper(kept), ours={**OURS, **now}, block=OTHERS)


def test_a_section_without_a_licence_has_that_of_its_card() -> None:
    with pytest.raises(PublishRefusedError, match=r"whose licence is 'gpl-3\.0'"):
        merged(with_whisper("", "gpl-3.0"), block=OTHERS)


def test_the_form_of_a_gate_that_is_no_more_goes() -> None:
    without = {**OURS, "extra_gated_prompt": None, "extra_gated_fields": None}
    before = merged("---\nextra_gated_heading: Hello\n---\n")
    assert "extra_gated_prompt: You agree." in before
    data = yaml.safe_load(merged(before, ours=without).split("---\n")[1])
    assert [key for key in data if key.startswith("extra_gated")] == ["extra_gated_heading"]


@pytest.mark.parametrize(
    ("card", "problem"),
    [
        ("---\na: [1\n---\ntext", "its YAML cannot be read"),
        ("---\na: 1\na: 2\n---\n", r"line 3: .*the key 'a' is there twice"),
        ("---\nx: {b: 1, b: 2}\n---\n", "the key 'b' is there twice"),
        ("---\n- a\n- b\n---\n", "its YAML is no list of keys and values"),
        ("---\njust text\n---\n", "its YAML is no list of keys and values"),
        ("---\n1: x\n---\n", "its YAML is no list of keys and values"),
        ("---\na: 1\n# no end", "its YAML begins with --- and has no end"),
        ("---\na: !!python/object/apply:os.system ['true']\n---\n", "its YAML cannot be read"),
        ("---\na: " + "[" * 5_000 + "]" * 5_000 + "\n---\n", "its YAML cannot be read"),
        ("---\ndate: 2026-13-45\n---\n", "its YAML cannot be read"),
        ("---\nconfigs: 5\n---\n" + CARD_BEGIN, "it has 1 marks where our part begins and 0 where it ends"),
        (f"{CARD_END}\n{CARD_BEGIN}\n", "it has 1 marks where our part begins and 1 where it ends"),
        (f"{CARD_BEGIN}\n{CARD_END}\n{CARD_BEGIN}\n{CARD_END}\n", "it has 2 marks"),
        ("x" * ((2 << 20) + 1), "at most 2,097,152 are read"),
        ("---\nignore_metadata_errors: true\n---\n", "the Hub's client cannot read it"),
    ],
)
def test_a_damaged_card_is_refused_and_says_what_to_do(card: str, problem: str) -> None:
    with pytest.raises(PublishRefusedError, match=rf"(?s)is not written over: .*{problem}.* publish again\."):
        merged(card)


@pytest.mark.parametrize("own", ["a: &x [1]\nb: *x\n", "a: 2026-01-02\n", "a: 'it''s'\n", "a: |\n  x\n  y\n"])
def test_what_yaml_can_say_survives(own: str) -> None:
    data = yaml.safe_load(merged(f"---\n{own}---\n").split("---\n")[1])
    assert {key: data[key] for key in yaml.safe_load(own)} == yaml.safe_load(own)


def test_a_byte_order_mark_hides_no_yaml() -> None:
    data = metadata(merged("\ufeff---\nviewer: false\n---\n# Mine\n"))
    assert data["viewer"] is False


def test_windows_line_ends_stay() -> None:
    text = merged("---\r\nviewer: false\r\n---\r\n# Mine\r\n\r\nWords.\r\n")
    assert "# Mine\r\n\r\nWords.\r\n" in text
    assert merged(text) == text


_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"], whitelist_characters="\n\r\t"), max_size=60)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["tags", "language", "configs", "dataset_info", "pretty_name", "viewer", "own", "license_name"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.dictionaries(_KEYS, _VALUES, max_size=4), before=_TEXT, after=_TEXT)
@example(data={}, before="---\n", after="")
@example(data={"configs": [{"config_name": ["x"]}]}, before="# Mine", after="\n\n")
def test_merging_again_changes_nothing_and_the_owners_text_survives(
    data: dict[str, Any], before: str, after: str
) -> None:
    head = f"---\n{yaml.dump(data, allow_unicode=True)}---\n"
    first = merged(f"{head}{before}")
    assert merged(first) == first
    assert outside(first)[0].startswith(before)
    between = first.replace(f"{CARD_END}\n", f"{CARD_END}{after}")
    second = merged(between, block="other words")
    assert outside(second) == (outside(first)[0], after)
    assert merged(second, block="other words") == second
    written = yaml.safe_load(second.split("\n---\n")[0].removeprefix("---\n"))
    for key in ("pretty_name", "viewer", "own"):
        if key in data:
            assert written[key] == data[key]
    for tag in data["tags"] if isinstance(data.get("tags"), list) else []:
        assert tag in written["tags"]

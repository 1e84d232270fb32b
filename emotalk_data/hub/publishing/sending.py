"""A staged and judged set goes to a repository that is there: texts, one commit, verification, reload, tag."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import DatasetCard

from emotalk_data.errors import PublishError
from emotalk_data.hub.guard.folder_check import check_folder
from emotalk_data.hub.guard.judgement import Judgement, refusal
from emotalk_data.hub.publishing.commit import commit_once, is_wider
from emotalk_data.hub.publishing.fingerprints import StagedFile, fingerprint
from emotalk_data.hub.publishing.reload import reload_rows
from emotalk_data.hub.publishing.repository import RemoteFile, Repository, Seen
from emotalk_data.hub.publishing.tagging import set_tag, tagged_commit
from emotalk_data.hub.publishing.verify import verify
from emotalk_data.hub.set_texts.card import set_card
from emotalk_data.hub.set_texts.configs import config_names
from emotalk_data.hub.set_texts.croissant import set_croissant
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME, Staged, Visibility

__all__ = ["Sent", "Shipment", "send", "write_texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What is to be sent.

    Attributes:
        staged: the staging folder.
        judgement: that allows it.
        data: its files, without card and Croissant.
        tag: the name that the commit gets.
    """

    staged: Staged
    judgement: Judgement
    data: Mapping[str, StagedFile]
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of it.

    Attributes:
        commit: that holds it.
        is_new_commit: it was made now.
        is_changed: a commit was made, or a tag set.
        files: all files.
        num_new_files: those that the repository did not have.
        num_new_bytes: of these.
        num_removed_files: files of ours that were there, and are no more in what is published.
        tagged: the commit that has the tag: an older one, where only the card has changed since.
        others: configs that lie there too.
    """

    commit: str
    is_new_commit: bool
    is_changed: bool
    files: Mapping[str, StagedFile]
    num_new_files: int
    num_new_bytes: int
    num_removed_files: int
    tagged: str
    others: tuple[str, ...]


def write_texts(
    shipment: Shipment, repo_id: str, card_there: str | None, croissant_there: str | None
) -> dict[str, StagedFile]:
    """Write card and Croissant into the staging folder; return all files of it.

    Args:
        shipment: what they tell of.
        repo_id: where it goes.
        card_there: the card that is there, which keeps what its owner wrote.
        croissant_there: the description that is there, which keeps the configs that stay.

    Raises:
        PublishRefusedError: something in the folder is not expected there, or tells a path or a token.
    """
    staged, judgement = shipment.staged, shipment.judgement
    card = set_card(staged, judgement, repo_id, existing=card_there, tag=shipment.tag)
    configs = config_names(DatasetCard(card).data.to_dict())  # type: ignore[no-untyped-call]
    croissant = set_croissant(staged, judgement, repo_id, croissant_there, configs)
    texts = {
        CARD_NAME: card,
        CROISSANT_NAME: f"{json.dumps(croissant, ensure_ascii=False, indent=2, allow_nan=False)}\n",
    }
    for name, text in texts.items():
        (staged.folder / name).write_bytes(text.encode("utf-8"))
    refused = tuple(one for one in check_folder(staged) if not one.is_allowed)
    if refused:
        raise refusal(refused, judgement.visibility)
    return {**shipment.data, **{name: fingerprint(staged.folder / name, name) for name in texts}}


def send(repository: Repository, shipment: Shipment, place: Path, *, on_top_of: str | None = None) -> Sent:
    """Make one commit of all that differs, compare it with what was staged, read it with plain datasets, tag it.

    Where all is there and has its tag, nothing is sent. After a kill at any moment the same call goes on.

    Args:
        repository: that is there.
        shipment: what is sent.
        place: a folder for caches, which goes when the run ends.
        on_top_of: the only commit that may be there; any for None.

    Raises:
        OptionError: the tag stands for other data.
        PublishRefusedError: card or Croissant tell what they may not.
        PublishError: what lies on the Hub is not what was sent, or cannot be read; another commit is there; or
            more people can read it than it was judged for.
        CacheCorruptError: a staged file was written to since it was judged.
        HubError: the Hub does not take it.
    """
    tag, data = shipment.tag, shipment.data
    names = [config.name for config in shipment.staged.configs]

    def check_tag_is_free(seen: Seen, remote: Mapping[str, RemoteFile]) -> None:  # noqa: ARG001
        tagged_commit(repository, tag, data, head=seen.head, is_changing=True)

    made = commit_once(
        repository,
        lambda card, croissant: write_texts(shipment, repository.repo_id, card, croissant),
        configs=names,
        judged_for=shipment.judgement.visibility,
        place=place / "card",
        before=check_tag_is_free,
        message=f"Publish {', '.join(names)}",
        on_top_of=on_top_of,
    )
    _check_still_hidden(repository, shipment.judgement.visibility)
    tagged = repository.call(
        f"look for the tag of {repository.repo_id}",
        lambda: tagged_commit(repository, tag, data, head=made.commit, is_changing=False),
    )
    is_tagged_now = False
    if made.is_new or tagged != made.commit:  # the tag of a commit says that all of this was done with it
        verify(repository, made.commit, made.files)
        reload_rows(repository, made.commit, shipment.staged.configs, place / "reload")
    if tagged is None:
        tagged, is_tagged_now = set_tag(repository, tag, made.commit, data)
    return Sent(
        commit=made.commit,
        is_new_commit=made.is_new,
        is_changed=made.is_new or is_tagged_now,
        files=made.files,
        num_new_files=len(made.sent),
        num_new_bytes=sum(one.size_bytes for one in made.sent),
        num_removed_files=len(made.removed),
        tagged=tagged,
        others=made.others,
    )


def _check_still_hidden(repository: Repository, judged_for: Visibility) -> None:
    """Make sure that the repository was not opened while the commit was on its way; hide it again if it was.

    Raises:
        PublishError: it was.
        HubError: the Hub cannot be asked, or does not hide it.
    """
    repo_id = repository.repo_id
    seen = repository.call(f"look at {repo_id}", repository.ask_seen)
    if not is_wider(seen.visibility, judged_for):
        return
    if judged_for == "private":
        repository.change(f"make {repo_id} private again", private=True)
    else:
        repository.change(f"set the gate of {repo_id} again", gated="manual")
    raise PublishError(
        f"someone made {repo_id} {seen.visibility} while it was written to, and what was sent was judged for a "
        f"repository that is {judged_for}: it is that again. To open it, run `emotalk make-public {repo_id}`."
    )

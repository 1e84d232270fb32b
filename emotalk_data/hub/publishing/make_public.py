"""`make_public`: what lies in a private repository is judged once more, and then everybody can find it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, Literal

from emotalk_data.errors import (
    CacheCorruptError,
    HubNotFoundError,
    OptionError,
    PublishRefusedError,
    quote,
)
from emotalk_data.hub.guard.flags import checked_flags
from emotalk_data.hub.guard.judging import judge
from emotalk_data.hub.guard.licences import checked_licences
from emotalk_data.hub.publishing.bars import client_bars
from emotalk_data.hub.publishing.commit import is_ours, is_same
from emotalk_data.hub.publishing.fingerprints import StagedFile, content_tag, fingerprints
from emotalk_data.hub.publishing.history import TEXT_NAMES, check_history
from emotalk_data.hub.publishing.opening import check_whole, open_repository
from emotalk_data.hub.publishing.options import check_gate, check_repo_id
from emotalk_data.hub.publishing.outcome import Published
from emotalk_data.hub.publishing.publish import check_gate_is_kept, facts_of
from emotalk_data.hub.publishing.repository import (
    REPO_TYPE,
    RemoteFile,
    Repository,
    Seen,
    visibility_of,
)
from emotalk_data.hub.publishing.rights import check_may_write
from emotalk_data.hub.publishing.sending import Shipment, send
from emotalk_data.hub.publishing.staging_place import staging_place
from emotalk_data.hub.staged import Staged
from emotalk_data.hub.staging.sources import Source
from emotalk_data.hub.staging.stage import stage
from emotalk_data.hub_client.token import find_token
from emotalk_data.schemas.feature_shard import DATA_FOLDER

__all__ = ["make_public"]

_SPLITS_NAME: Final = "splits.json"
_MAIN: Final = "refs/heads/main"


def make_public(
    repo_id: str,
    *,
    gated: Literal["manual", "auto", False] = "manual",
    allow: Collection[str] = (),
    encoder_licences: Mapping[str, str] | None = None,
    token: bool | str | None = None,
    dry_run: bool = False,
) -> Published:
    """Make a repository public, after the guard has judged all that lies in it for that.

    All its files are downloaded, staged anew and compared; what the guard cannot know refuses the whole. What
    only its history holds, older texts too, becomes readable as well, and is judged likewise. The gate is set
    first, then it is opened. After a commit, branch or tag that was made meanwhile, and so was not judged, it
    stays closed, or is closed again.

    Args:
        repo_id: OWNER/NAME, published with `publish`.
        gated: who is let in: whom you let in, whoever accepts the terms, or everybody.
        allow: named flags, as for `publish`; they are to be given once more.
        encoder_licences: model -> licence, as for `publish`.
        token: a token that may write; that of HF_TOKEN or `hf auth login` if omitted.
        dry_run: only say what the guard decides; changes nothing. What is refused is then in the result.

    Raises:
        OptionError: an argument cannot be.
        PublishRefusedError: something may not be shared with everybody, or without a gate; or is not known.
        HubNotFoundError: there is no such repository, or the token may not see it.
        HubLoginError: there is no token, or it may not write there.
        HubError: the Hub cannot be asked, or refuses.
        PublishError: someone wrote to the repository meanwhile: it is as private as it was.
    """
    # At once, and kept in no variable while it is looked at: a traceback shows those of its frames.
    given, token = [token], None
    hidden = find_token(given.pop())
    repo_id, gate = check_repo_id(repo_id), check_gate(gated)
    flags, licences = checked_flags(allow), encoder_licences or {}
    checked_licences(licences)
    repository = Repository(repo_id, hidden)
    if not dry_run:
        check_may_write(repository)
    seen, head, remote = _whole(repository)
    visibility = visibility_of(is_private=False, gate=gate)

    def judged(commit: str, files: Mapping[str, RemoteFile], place: Path) -> Shipment:
        staged = _stage_again(repository, commit, files, place)
        data = fingerprints(staged.folder)
        _check_known(repo_id, data, files)
        judgement = judge(staged, visibility=visibility, allow=flags, encoder_licences=licences)
        return Shipment(staged=staged, judgement=judgement, data=data, tag=content_tag(data))

    with staging_place() as place, client_bars():
        shipment = _with_tag_of(repository, head, judged(head, remote, place))
        facts = facts_of("make_public", repository, shipment, gate) | {
            "is_dry_run": dry_run,
            "num_files": len(remote),
            "num_bytes": sum(one.size_bytes for one in remote.values()),
        }
        if not dry_run:
            shipment.judgement.raise_if_refused()
            check_gate_is_kept(shipment.judgement, gate)
        if shipment.judgement.is_allowed:
            refs = _check_history(repository, head, remote, judged, place)
        if dry_run:
            nothing: dict[str, Any] = dict.fromkeys(
                ("num_new_files", "num_new_bytes", "num_removed_files"), 0
            )
            return Published(**facts, **nothing, commit=head, is_new_commit=False, is_changed=False)
        sent = send(repository, shipment, place, on_top_of=head)
        check_whole(repository, sent, remote)
        expected = {**refs, _MAIN: sent.commit, f"refs/tags/{shipment.tag}": sent.tagged}
        is_opened = open_repository(repository, seen, gate, expected)
    return Published(
        **facts,
        commit=sent.commit,
        is_new_commit=sent.is_new_commit,
        is_changed=sent.is_changed or is_opened,
        num_new_files=sent.num_new_files,
        num_new_bytes=sent.num_new_bytes,
        num_removed_files=sent.num_removed_files,
    )


def _whole(repository: Repository) -> tuple[Seen, str, dict[str, RemoteFile]]:
    """Return what is there, its last commit, and the files of that.

    Raises:
        HubNotFoundError: nothing is.
    """
    seen = repository.look()
    if seen is None or seen.head is None:
        raise HubNotFoundError(
            f"the Hub has no dataset {repository.repo_id} that this token may see. Publish it first: "
            f"`emotalk publish FOLDER --to {repository.repo_id}`."
        )
    return seen, seen.head, repository.files(seen.head)


def _stage_again(
    repository: Repository, commit: str, remote: Mapping[str, RemoteFile], place: Path
) -> Staged:
    """Download the configs that lie in a commit, and stage them as their owner did.

    Raises:
        PublishRefusedError: there is something that no config has; or a folder that could be none.
    """
    names = sorted(
        {path.partition("/")[0] for path in remote if path.partition("/")[2].startswith(f"{DATA_FOLDER}/")}
    )
    # Names become folders here, and patterns for the client: `..` and `[a]` are none.
    names = [name for name in names if _is_config_name(name)]
    unknown = [path for path in remote if path not in TEXT_NAMES and not is_ours(path, names)]
    if not names and not unknown:
        raise PublishRefusedError(
            f"{repository.repo_id} holds nothing that `emotalk publish` has put there. Publish into it first."
        )
    if unknown:
        raise _not_known(repository.repo_id, unknown)
    api, snapshot = repository.api, place / "snapshot"
    repository.call(
        f"download {repository.repo_id}",
        lambda: api.snapshot_download(
            repository.repo_id,
            repo_type=REPO_TYPE,
            revision=commit,
            local_dir=snapshot,
            allow_patterns=[f"{name}/*" for name in names],
        ),
        revision=commit,
    )
    sources = {name: snapshot / name for name in names}
    for name, folder in sources.items():
        if (folder / _SPLITS_NAME).is_file():
            sources[name] = folder / _SPLITS_NAME
    try:
        return stage(sources, place / "set")
    except (OptionError, CacheCorruptError, PublishRefusedError) as error:
        said = str(error).replace(f"{snapshot}/", "")
        raise PublishRefusedError(
            f"{repository.repo_id} holds what the guard cannot judge: {quote(said, 240)} Remove it from the "
            f"repository, or publish again, and then make it public."
        ) from error


def _is_config_name(name: str) -> bool:
    try:
        Source(Path(name), name).config_name(name)
    except OptionError:
        return False
    return True


def _check_known(repo_id: str, data: Mapping[str, StagedFile], remote: Mapping[str, RemoteFile]) -> None:
    """Make sure that each file is one that publishing made, byte for byte: only then was it judged.

    Raises:
        PublishRefusedError: one is not.
    """
    unknown = [
        path
        for path, file in sorted(remote.items())
        if path not in TEXT_NAMES and not (path in data and is_same(data[path], file))
    ]
    if unknown:
        raise _not_known(repo_id, unknown)


def _not_known(repo_id: str, paths: list[str]) -> PublishRefusedError:
    more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
    return PublishRefusedError(
        f"{repo_id} holds {quote(paths[0])}{more}, and the guard lets nothing become public that `emotalk "
        f"publish` has not put there as it is. Remove it from the repository, or publish again, and then "
        f"make it public.",
        path=paths[0],
    )


def _with_tag_of(repository: Repository, head: str, shipment: Shipment) -> Shipment:
    """Return it with the tag that its card names: one of the last commit, else the one that the content gives."""
    tags = repository.call(f"list the tags of {repository.repo_id}", repository.ask_tags)
    tag = next((tag for tag, commit in sorted(tags.items()) if commit == head), shipment.tag)
    return replace(shipment, tag=tag)


def _check_history(
    repository: Repository,
    head: str,
    remote: Mapping[str, RemoteFile],
    judged: Callable[[str, Mapping[str, RemoteFile], Path], Shipment],
    place: Path,
) -> dict[str, str]:
    """Judge older commits, branches and tags as the last commit was, as far as they hold something else.

    Returns:
        the commit of each branch, tag and pull request.
    """
    older = place / "history"

    def judge_commit(commit: str, files: Mapping[str, RemoteFile]) -> None:
        try:
            judged(commit, files, older).judgement.raise_if_refused()
        finally:
            rmtree(older, ignore_errors=True)

    return check_history(repository, head, remote, judge_commit, place / "texts")

"""`publish`: a feature set, a split file or a built dataset goes to the Hub; a new repository is private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emotalk_data.errors import HubError, HubLoginError, OptionError, PublishRefusedError, quote
from emotalk_data.hub.guard.flags import checked_flags
from emotalk_data.hub.guard.judgement import Judgement
from emotalk_data.hub.guard.judging import judge
from emotalk_data.hub.guard.licences import checked_licences
from emotalk_data.hub.publishing.bars import client_bars
from emotalk_data.hub.publishing.commit import differences, other_configs
from emotalk_data.hub.publishing.fingerprints import StagedFile, content_tag, fingerprints
from emotalk_data.hub.publishing.options import Gate, check_gate, check_repo_id, check_tag
from emotalk_data.hub.publishing.outcome import Published
from emotalk_data.hub.publishing.repository import RemoteFile, Repository, Seen, page_of, visibility_of
from emotalk_data.hub.publishing.rights import check_may_write
from emotalk_data.hub.publishing.sending import Shipment, send, write_texts
from emotalk_data.hub.publishing.staging_place import staging_place
from emotalk_data.hub.staging.stage import stage
from emotalk_data.hub_client.token import find_token

if TYPE_CHECKING:
    from emotalk_data.hub.staging.sources import Sources
    from emotalk_data.schemas.feature_shard import Level

__all__ = ["check_gate_is_kept", "facts_of", "publish"]


def publish(
    path: Sources,
    repo_id: str,
    *,
    private: bool = True,
    allow: Collection[str] = (),
    encoder_licences: Mapping[str, str] | None = None,
    levels: Sequence[Level] | None = None,
    gated: Literal["manual", "auto", False] = "manual",
    tag: str | None = None,
    token: bool | str | None = None,
    dry_run: bool = False,
) -> Published:
    """Publish what was made from a corpus, so that plain `datasets.load_dataset(repo_id)` opens it.

    A new repository is private before anything lies in it. All that differs goes in one commit, is compared
    with what was staged, read with plain `datasets`, and tagged; readers see the old set or the new one. If
    there is nothing to change, nothing is sent; after a kill at any moment the same call goes on.

    Args:
        path: a feature set, a split file, a folder that `emotalk build` made; several of them; or the name of
            each config and its path.
        repo_id: OWNER/NAME.
        private: False updates a repository that is public already; see `make_public` for the others.
        allow: named flags, for what is refused otherwise; the card records them, `emotalk publish --help` lists
            them.
        encoder_licences: model -> licence, for encoders whose licence is not known here.
        levels: of feature sets: vectors of utterances alone, or of frames alone; all that there are for None.
        gated: who is let in once it is public: whom you let in, whoever accepts the terms, or everybody. It is
            set while the repository is private, so that no click on the Hub opens it without: what needs a gate
            has one from the beginning, and a gate that is there is never taken away.
        tag: a name for the commit; one made from the content if omitted. Tags are never moved.
        token: a token that may write; that of HF_TOKEN or `hf auth login` if omitted.
        dry_run: only say what the guard decides of each file and column, and what would be sent. Needs neither
            token nor network. What is refused is then in the result, and no error.

    Raises:
        OptionError: an argument cannot be; `private` or `gated` contradicts the repository; or the tag stands for
            other data.
        PublishRefusedError: something may not be shared, or not with this visibility, which names the clause; it
            needs a gate, and `gated` is False; or the card that is there is no UTF-8.
        HubLoginError: there is no token, or it may not write there.
        HubUnreachableError: no answer after several attempts. Nothing is lost: the same call goes on.
        HubError: the Hub refuses.
        PublishError: what lies on the Hub is not what was sent, or cannot be read; or the repository was opened
            meanwhile, and is private again.
        CacheCorruptError: a shard is damaged, or a file was written to since it was judged; nothing was sent.
        CacheWriteError: there is no room for the staging folder.
    """
    # At once, and kept in no variable while it is looked at: a traceback shows those of its frames.
    given, token = [token], None
    hidden = find_token(given.pop())
    repo_id, gate, tag = check_repo_id(repo_id), check_gate(gated), check_tag(tag)
    flags, licences = checked_flags(allow), encoder_licences or {}
    checked_licences(licences)
    repository = Repository(repo_id, hidden)
    if dry_run:
        seen, remarks = _look_if_possible(repository, is_private=private)
    else:
        check_may_write(repository)
        seen, remarks = repository.look(), ()
    _check_private(repo_id, seen, is_private=private, is_known=not remarks)
    visibility = visibility_of(is_private=private, gate=gate)
    with staging_place() as place, client_bars():
        staged = stage(path, place / "set", levels=levels)
        # Before the guard looks: what is changed while it looks is then found when it is compared with the Hub.
        data = fingerprints(staged.folder)
        judgement = judge(staged, visibility=visibility, allow=flags, encoder_licences=licences)
        shipment = Shipment(staged=staged, judgement=judgement, data=data, tag=tag or content_tag(data))
        facts = facts_of("publish", repository, shipment, gate)
        if judgement.is_allowed:
            check_gate_is_kept(judgement, gate)
            _check_gate_stays(repo_id, seen, gate)
        if dry_run:
            return _planned(repository, seen, shipment, place, facts, remarks)
        judgement.raise_if_refused()
        is_set_up = _set_up(repository, seen, gate)
        sent = send(repository, shipment, place)
    return Published(
        **facts,
        commit=sent.commit,
        is_new_commit=sent.is_new_commit,
        is_changed=sent.is_changed or is_set_up,
        is_dry_run=False,
        num_files=len(sent.files),
        num_bytes=sum(one.size_bytes for one in sent.files.values()),
        num_new_files=sent.num_new_files,
        num_new_bytes=sent.num_new_bytes,
        num_removed_files=sent.num_removed_files,
        remarks=(*_on_others(sent.others), *_on_tag(sent.commit, sent.tagged, shipment.tag)),
    )


def check_gate_is_kept(judgement: Judgement, gate: Gate) -> None:
    """Make sure that what has to be gated is, in a private repository too: one click on the Hub opens that.

    Raises:
        PublishRefusedError: it would not be.
    """
    if judgement.needs_gate and not gate:
        raise PublishRefusedError(
            f"once others may read it, this may only be read by people who were let in ({judgement.licence.id}), "
            f"and gated is False. Give gated='manual', or 'auto', while it is private too: one click on the Hub "
            f"would open it to everybody."
        )


def facts_of(
    verb: Literal["publish", "make_public"], repository: Repository, shipment: Shipment, gate: Gate
) -> dict[str, Any]:
    """Return what a result says whatever comes of it."""
    return {
        "verb": verb,
        "repo_id": repository.repo_id,
        "url": page_of(repository.repo_id),
        "visibility": shipment.judgement.visibility,
        "gated": gate,
        "tag": shipment.tag,
        "configs": {config.name: dict(config.num_rows) for config in shipment.staged.configs},
        "judgement": shipment.judgement,
    }


def _look_if_possible(repository: Repository, *, is_private: bool) -> tuple[Seen | None, tuple[str, ...]]:
    """Look at the repository for a dry run, which goes on without an answer."""
    try:
        return repository.look(attempts=1), ()
    except HubLoginError:
        reason = "there is no token that may see it"
    except HubError as error:
        reason = str(error).partition(". ")[0]
    assumed = "private" if is_private else "public"
    return None, (f"the Hub was not asked ({reason}): this is for a repository that is {assumed}.",)


def _check_private(repo_id: str, seen: Seen | None, *, is_private: bool, is_known: bool) -> None:
    """Make sure that `private` fits what is there: this verb neither opens nor closes a repository.

    Raises:
        OptionError: it does not.
    """
    if is_private and seen is not None and not seen.is_private:
        raise OptionError(
            f"{repo_id} is public, and private is True. To update it as it is, pass private=False "
            f"(--public): the guard then judges for "
            f"{'people who were let in' if seen.gate else 'everybody'}. To make it private, use its settings "
            f"page; or give another name."
        )
    if is_private or not is_known:
        return
    if seen is None or seen.is_private:
        there = "is not there yet" if seen is None else "is private"
        raise OptionError(
            f"{repo_id} {there}, and private is False. Publish it private first, look at it, then make it "
            f"public: `emotalk make-public {repo_id}`, which repeats the guard."
        )


def _check_gate_stays(repo_id: str, seen: Seen | None, gate: Gate) -> None:
    """Make sure that a repository does not lose its gate, which something else in it may need.

    Raises:
        OptionError: it would.
    """
    if seen is not None and seen.gate and not gate:
        raise OptionError(
            f"{repo_id} is gated ({seen.gate}), and gated is False: all that it holds, and all of its "
            f"history, would have no gate. Pass gated={quote(seen.gate)}; or see `emotalk make-public "
            f"{repo_id} --gated none`, which judges for that."
        )


def _set_up(repository: Repository, seen: Seen | None, gate: Gate) -> bool:
    """Make the repository, private; and set its gate. Returns whether anything was changed.

    Raises:
        HubError: the Hub does not do it.
    """
    if seen is None:
        repository.create()
    is_set = (seen.gate if seen is not None else False) == gate
    if not is_set:
        repository.change(f"set the gate of {repository.repo_id}", gated=gate)
    return seen is None or not is_set


def _planned(
    repository: Repository,
    seen: Seen | None,
    shipment: Shipment,
    place: Path,
    facts: dict[str, Any],
    remarks: tuple[str, ...],
) -> Published:
    """Return what would be sent. The Hub is read from, if it could be, and not written to."""
    files: Mapping[str, StagedFile] = shipment.data
    remote: Mapping[str, RemoteFile] = {}
    head = seen.head if seen is not None else None
    texts: tuple[str | None, str | None] = (None, None)
    if head is not None:
        remote = repository.files(head)
        texts = repository.call("read the card", lambda: repository.ask_texts(head, remote, place / "card"))
    if shipment.judgement.is_allowed:
        files = write_texts(shipment, repository.repo_id, *texts)
    found = differences(files, remote, list(facts["configs"]))
    return Published(
        **facts,
        commit=None,
        is_new_commit=False,
        is_changed=False,
        is_dry_run=True,
        num_files=len(files),
        num_bytes=sum(one.size_bytes for one in files.values()),
        num_new_files=len(found.new),
        num_new_bytes=sum(one.size_bytes for one in found.new),
        num_removed_files=len(found.stale),
        remarks=(*remarks, *_on_others(other_configs(remote, list(facts["configs"])))),
    )


def _on_tag(commit: str, tagged: str, tag: str) -> tuple[str, ...]:
    if tagged == commit:
        return ()
    return (
        f"the tag {tag} stays at commit {tagged[:12]}: its data are the same, and only the card has changed "
        f"since.",
    )


def _on_others(others: tuple[str, ...]) -> tuple[str, ...]:
    if not others:
        return ()
    return (
        f"{', '.join(others)} in the repository stays as it is and can be loaded; the card keeps what it says of "
        f"it. To replace all, publish all sets in one call, or remove its folder there.",
    )

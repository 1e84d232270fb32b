"""`emotalk download`: fetch a release from where its authors put it, and say first how much will come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from emotalk_data.builder.releases import CORPORA
from emotalk_data.cli.output import echo, examples, pairs, paragraph, plural, printable, progress, size, table
from emotalk_data.schemas.labels import MODALITIES

if TYPE_CHECKING:
    from emotalk_data.download.plan import Plan
    from emotalk_data.schemas.labels import Modality

__all__ = ["download"]


@click.command(
    epilog=examples(
        "emotalk download emotalk --dry-run                what would come, and whether it fits",
        "emotalk download emotalk                          with the token of `hf auth login` or HF_TOKEN",
        "emotalk download emotalk --modality text          only what the text annotators worked on",
        "emotalk download emotalk --revision main          move on to what is newest",
        "emotalk download m3ed                             clone what the authors of M3ED release",
        footer="EmotionTalk is gated: accept its terms at huggingface.co/datasets/BAAI/Emotiontalk first. It "
        "goes into the Hub's own cache (HF_HOME) and is read there, nothing is unpacked. Stopped, by Ctrl-C or "
        "a kill, the same command goes on where it stopped. The commit that was fetched first is kept until "
        "--revision names another. load_dataset(CORPUS) then finds it.",
    )
)
@click.argument("corpus", type=click.Choice([corpus.name for corpus in CORPORA]))
@click.option(
    "--modality",
    "modalities",
    type=click.Choice(MODALITIES),
    multiple=True,
    help="EmotionTalk: only the archives of this one; may be repeated. All if omitted.",
)
@click.option(
    "--revision", metavar="REV", help="A branch, tag or commit (M3ED: branch or tag), kept from then on."
)
@click.option("--url", metavar="URL", help="M3ED: clone a mirror instead of the authors' repository.")
@click.option("--dry-run", is_flag=True, help="Say what would come, and fetch nothing.")
@click.pass_context
def download(
    ctx: click.Context,
    /,
    corpus: Literal["emotalk", "m3ed"],
    modalities: tuple[Modality, ...],
    revision: str | None,
    url: str | None,
    dry_run: bool,
) -> None:
    """Fetch the release of a corpus, so that load_dataset finds it.

    The token is never an argument: it comes from HF_TOKEN or from `hf auth login`.
    """
    if corpus == "m3ed":
        if modalities:
            raise click.UsageError("--modality belongs to EmotionTalk.", ctx)
        _m3ed(url, revision, is_dry=dry_run)
        return
    if url is not None:
        raise click.UsageError("--url belongs to M3ED; for a mirror of the Hub set HF_ENDPOINT.", ctx)
    _emotalk(modalities, revision, is_dry=dry_run)


def _emotalk(modalities: tuple[Modality, ...], revision: str | None, *, is_dry: bool) -> None:
    from emotalk_data.download.emotalk import check_download, fetch, plan_download
    from emotalk_data.loaders.modality_names import read_modalities

    progress("asking …")
    plan = plan_download(read_modalities(modalities or None), revision, None)
    _show(plan)
    if is_dry:
        check_download(plan, None)
        echo("Nothing was fetched.")
        return
    try:
        fetch(plan, None)
    except KeyboardInterrupt:
        echo("stopped; what has come is kept, and the same command goes on from there.", err=True)
        raise
    echo(f"\nEmotionTalk is in {printable(str(plan.folder))}" if plan.missing else "\nIt was all there.")
    chosen = f", modalities={list(modalities)!r}" if modalities else ""
    echo(f"\nNext:\n  load_dataset('emotalk', split='train'{chosen})")
    home = os.environ.get("EMOTALK_HOME")
    if home:
        echo(f"A release in $EMOTALK_HOME ({printable(home)}) is taken before it.", err=True)


def _show(plan: Plan) -> None:
    from emotalk_data.download.places import REPO_ID, emotalk_folder

    missing = set(plan.missing)
    shown = [file for file in plan.files if file.is_archive] or list(plan.files)
    rows = [
        (printable(file.name), size(file.size_bytes), "to come" if file in missing else "there")
        for file in shown[:20]
    ]
    table(["file", "size", ""], rows, right=(1,))
    if len(plan.files) > len(rows):
        rest = len(plan.files) - len(rows)
        echo(f"  and {plural(rest, 'other file')}")
    items = [
        ("from", f"{REPO_ID}, commit {plan.commit}"),
        ("to", printable(str(emotalk_folder().parent))),
        ("to come", f"{size(plan.num_bytes)} in {plural(len(plan.missing), 'file')}"),
        ("free", size(plan.free_bytes())),
    ]
    if plan.fetched_bytes:
        items.insert(3, ("has come", f"{size(plan.fetched_bytes)} of a download that was stopped"))
    echo()
    pairs(items)


def _m3ed(url: str | None, revision: str | None, *, is_dry: bool) -> None:
    from emotalk_data.download.git import without_password
    from emotalk_data.download.m3ed import M3ED_URL, NOT_RELEASED, fetch_m3ed, m3ed_source
    from emotalk_data.download.places import m3ed_folder

    known = m3ed_source()
    is_new = known is None or url is not None or revision is not None
    if is_dry:
        what = (
            f"git clone --depth 1 {without_password(url or M3ED_URL)}" if is_new else "nothing: it is there"
        )
        pairs([("would run", printable(what)), ("to", printable(str(m3ed_folder())))], indent=0)
        paragraph(NOT_RELEASED, indent=0)
        return
    if is_new:
        progress("cloning …")
        known = fetch_m3ed(url or M3ED_URL, revision=revision)
    if known is not None:
        _show_m3ed(known.folder, known.url, known.commit, known.fetched, is_new=is_new)
    echo()
    paragraph(NOT_RELEASED, indent=0)
    echo("\nNext:\n  load_dataset('m3ed', split='train')")


def _show_m3ed(folder: Path, url: str, commit: str, fetched: str, *, is_new: bool) -> None:
    state = "" if is_new else " was there already; --revision or --url fetches it anew"
    echo(f"M3ED is in {printable(str(folder))}" if is_new else f"M3ED{state}")
    pairs([("from", printable(url)), ("commit", printable(commit)), ("fetched", printable(fetched))])
    if not is_new:
        pairs([("in", printable(str(folder)))])

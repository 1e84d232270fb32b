"""`emotalk publish`: feature sets, split files and built datasets to the Hub, after the guard has judged them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from emotalk_data.cli.output import examples, quiet_libraries
from emotalk_data.cli.publishing_options import FLAGS_FOOTER, gate, guard_options, pairs_of, tell, typed_ends
from emotalk_data.errors import quote

__all__ = ["publish"]

_NAMED: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*=.+")


@click.command(
    epilog=examples(
        "emotalk publish hubert --to lab/emotalk-hubert --dry-run",
        "emotalk publish hubert --to lab/emotalk-hubert",
        "emotalk publish hubert --to lab/emotalk-hubert --level utterance --tag v1",
        "emotalk publish speech=hubert faces=clip --to lab/emotalk-features",
        "emotalk publish hubert --to lab/emotalk-hubert --allow frame-features",
        "emotalk publish hubert --to lab/emotalk-hubert --encoder-licence me/mine=mit",
        footer="The same command goes on after a kill, and does nothing where nothing has changed.\n\n"
        f"{FLAGS_FOOTER}",
    )
)
@click.argument("sources", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--to", "repo_id", required=True, metavar="OWNER/NAME", help="The repository.")
@click.option(
    "--level",
    "levels",
    type=click.Choice(("utterance", "frame")),
    multiple=True,
    help="Of feature sets: vectors of utterances, or of frames; all there are if omitted.",
)
@click.option("--tag", metavar="TAG", help="A name for the commit; made from the content if omitted.")
@click.option("--public", is_flag=True, help="Update a repository that is public already.")
@guard_options
@click.pass_context
def publish(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    repo_id: str,
    levels: tuple[str, ...],
    tag: str | None,
    public: bool,
    allow: tuple[str, ...],
    encoder_licences: tuple[str, ...],
    gated: str,
    dry_run: bool,
    form: str,
) -> None:
    """Publish feature sets, splits or built data on the Hub.

    FOLDER is a feature set, a split file or a folder of `emotalk build`; several become several configs, and
    NAME=FOLDER for each names them. A new repository is private: `emotalk make-public` opens it. Sound,
    pictures, and embeddings that tell who speaks are refused, whatever is allowed.
    """
    named = _named(sources)
    licences = pairs_of(encoder_licences, "--encoder-licence")
    chosen: Any = tuple(dict.fromkeys(levels)) or None
    from emotalk_data.hub.publishing.publish import publish as publish_set

    quiet_libraries()
    with typed_ends(ctx):
        done = publish_set(
            named,
            repo_id,
            private=not public,
            allow=allow,
            encoder_licences=licences,
            levels=chosen,
            gated=gate(gated),
            tag=tag,
            dry_run=dry_run,
        )
    tell(ctx, done, form)


def _named(sources: Sequence[str]) -> dict[str, str] | list[str]:
    """Return what was given: paths, or a path for each name."""
    are_named = [_NAMED.fullmatch(one) is not None and not Path(one).exists() for one in sources]
    if all(are_named):
        return pairs_of(sources, "FOLDER")
    if any(are_named):
        bare = sources[are_named.index(False)]
        raise click.UsageError(f"{quote(bare)} has no name, and others have; write NAME=FOLDER for each.")
    return list(sources)

"""`emotalk make-public`: what lies in a private repository is judged once more, then opened."""

from __future__ import annotations

import click

from emotalk_data.cli.output import examples, quiet_libraries
from emotalk_data.cli.publishing_options import FLAGS_FOOTER, gate, guard_options, pairs_of, tell, typed_ends

__all__ = ["make_public"]


@click.command(
    "make-public",
    epilog=examples(
        "emotalk make-public lab/emotalk-hubert --dry-run",
        "emotalk make-public lab/emotalk-hubert",
        "emotalk make-public lab/emotalk-splits --gated none",
        footer=FLAGS_FOOTER,
    ),
)
@click.argument("repo_id", metavar="OWNER/NAME")
@guard_options
@click.pass_context
def make_public(
    ctx: click.Context,
    /,
    repo_id: str,
    allow: tuple[str, ...],
    encoder_licences: tuple[str, ...],
    gated: str,
    dry_run: bool,
    form: str,
) -> None:
    """Make a published repository public, judged once more.

    All its files are downloaded, and so is the list of what its history holds: what the guard does not know,
    or refuses for everybody, stays private. The gate is set first. Flags are to be given once more.
    """
    licences = pairs_of(encoder_licences, "--encoder-licence")
    from emotalk_data.hub.publishing.make_public import make_public as open_repository

    quiet_libraries()
    with typed_ends(ctx):
        done = open_repository(
            repo_id,
            gated=gate(gated),
            allow=allow,
            encoder_licences=licences,
            dry_run=dry_run,
        )
    tell(ctx, done, form)

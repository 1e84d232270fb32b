"""`emotalk export`: write the published folders, or check that they are as the code says."""

from __future__ import annotations

from pathlib import Path

import click

from emotalk_data.cli.output import examples, plural

__all__ = ["export"]


@click.command(
    epilog=examples(
        "emotalk export            after a change of records, columns or cards",
        "emotalk export --check    in CI: nothing is written",
        footer="Exit status: 0 done, or no difference; 1 --check found a difference; 2 could not run.",
    )
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path(),
    help="Root of the repository; the current folder if omitted.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; show how the files differ from what the code says."
)
@click.pass_context
def export(ctx: click.Context, root: Path, check: bool) -> None:
    """Write the published schemas and Hub loaders.

    They are the folders `schemas/` (JSON Schemas, Arrow schemas) and `loaders/` (dataset cards, Croissant).
    Files that are already right are not touched; files that should not be there are named and left alone.
    """
    # Here, because it brings datasets, which `emotalk export --help` does not need.
    from emotalk_data.hub.published import find_drift, published_files, write_published

    number = plural(len(published_files()), "published file")
    if not check:
        drift = write_published(root)
        for item in drift:
            click.echo(
                f"{'surplus, left alone' if item.kind == 'surplus' else 'written'}: {item.printable_path}"
            )
        num_written = sum(item.kind != "surplus" for item in drift)
        click.echo(f"Wrote {num_written} of {number}; the others were as the code says.")
        return
    drift = find_drift(root)
    for item in drift:
        click.echo(str(item))
        if item.diff:
            click.echo(item.diff)
    if drift:
        click.echo(
            f"{plural(len(drift), 'difference')}; `emotalk export` writes what is missing or different, "
            f"and what is surplus is yours to remove."
        )
        ctx.exit(1)
    click.echo(f"{number} as the code says.")

"""`emotalk features`: features of pretrained encoders, made by a run that can be stopped."""

from __future__ import annotations

import click

from emotalk_data.cli.features_extract import extract
from emotalk_data.cli.features_list import list_, show
from emotalk_data.cli.features_sets import export, info, retry, verify
from emotalk_data.cli.output import echo, examples

__all__ = ["features"]


class _InOrder(click.Group):
    """A group whose help shows commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(
    cls=_InOrder,
    subcommand_metavar="VERB [ARGUMENTS]...",
    invoke_without_command=True,
    epilog=examples(
        "emotalk features list --family clean",
        "emotalk features show clean/chinese-hubert-base",
        "emotalk features extract clean/chinese-hubert-base --corpus emotalk --out hubert --dry-run",
        "emotalk features extract clean/chinese-hubert-base --corpus emotalk --out hubert",
        "emotalk features info hubert",
        footer="Encoders need the extra features: pip install 'emotalk-data[features]'. In Python: "
        "emotalk_data.extract_features, and load_dataset(..., feature_sets=['hubert']).",
    ),
)
@click.pass_context
def features(ctx: click.Context) -> None:
    """Extract features with pretrained encoders, resumable."""
    if ctx.invoked_subcommand is None:
        echo(ctx.get_help())


for _command in (list_, show, extract, info, verify, retry, export):
    features.add_command(_command)

"""The commands, put together, and what happens when one cannot be carried out."""

import sys

import typer

from nsr_core.cli.attack import attack
from nsr_core.cli.data import data
from nsr_core.cli.evaluate import evaluate
from nsr_core.cli.listing import list_all
from nsr_core.cli.train import train
from nsr_core.errors import UserError

app = typer.Typer(
    name="nsr_core",
    help="Train ECG heartbeat classifiers, attack them, and measure how robust they are. "
    "Research and education only, not for clinical use.",
    epilog="Start with:  python -m nsr_core list",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("data")(data)
app.command("train")(train)
app.command("attack")(attack)
app.command("evaluate")(evaluate)
app.command("list")(list_all)


def main(arguments: list[str] | None = None) -> None:
    """Run one command; what a user can mend ends with one line on standard error and status 2."""
    try:
        app(arguments, prog_name="python -m nsr_core")
    except UserError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What was finished is kept: run the same command again to go on.\n")
        sys.exit(130)

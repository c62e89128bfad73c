"""The commands, put together, and what happens when one cannot be carried out."""

import sys
from typing import NoReturn

import typer

from nsr_core.cli.attack import attack
from nsr_core.cli.ceiling import ceiling
from nsr_core.cli.certify import certify
from nsr_core.cli.data import data
from nsr_core.cli.evaluate import evaluate
from nsr_core.cli.honesty import honesty
from nsr_core.cli.listing import list_all
from nsr_core.cli.noise import noise
from nsr_core.cli.patients import patients
from nsr_core.cli.read import read
from nsr_core.cli.report import report
from nsr_core.cli.reproduce import app as reproduce
from nsr_core.cli.train import train
from nsr_core.cli.verdict import verdict
from nsr_core.errors import UserError

PROGRAM = "python -m nsr_core"
#: The status that typer gives a command ended by Ctrl-C.
INTERRUPTED = 130

app = typer.Typer(
    name="nsr_core",
    help="Train ECG heartbeat classifiers, attack them, and measure how robust they are. "
    "Research and education only, not for clinical use.",
    epilog="Start with:  python -m nsr_core list",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("data")(data)
app.command("train")(train)
app.command("attack")(attack)
app.command("evaluate")(evaluate)
app.command("certify")(certify)
app.command("ceiling")(ceiling)
app.command("noise")(noise)
app.command("honesty")(honesty)
app.command("patients")(patients)
app.command("read")(read)
app.command("report")(report)
app.command("verdict")(verdict)
app.add_typer(reproduce, name="reproduce")
app.command("list")(list_all)


def main(arguments: list[str] | None = None) -> None:
    """Run one command; what a user can mend ends with one line on standard error and status 2."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        # Not standalone: else typer prints the usage above each error, and ends a Ctrl-C without a word.
        status = app(given or ["--help"], prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else PROGRAM
        _fail(f"{error.format_message().rstrip('.')}. See: {command} --help")
    except (UserError, OSError) as error:
        _fail(str(error))
    if status == INTERRUPTED:
        sys.stderr.write("\nStopped. What was finished is kept: run the same command again to go on.\n")
    if status:
        sys.exit(status)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"Error: {' '.join(message.split())}\n")
    sys.exit(2)

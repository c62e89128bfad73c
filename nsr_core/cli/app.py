"""The commands, put together, and what happens when one cannot be carried out."""

import ast
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from nsr_core.errors import UserError

#: As it was called: by the installed script of that name, or as a module.
PROGRAM = "nsr" if Path(sys.argv[0]).stem == "nsr" else "python -m nsr_core"
#: The status that typer gives a command ended by Ctrl-C.
INTERRUPTED = 130
#: The function of each command, in the file of the name before the colon. A new one is a file here and a line.
COMMANDS = {
    "data": "data:data",
    "train": "train:train",
    "attack": "attack:attack",
    "evaluate": "evaluate:evaluate",
    "certify": "certify:certify",
    "ceiling": "ceiling:ceiling",
    "noise": "noise:noise",
    "masking": "masking:masking",
    "transfer": "transfer:transfer",
    "universal": "transfer:universal",
    "patients": "patients:patients",
    "read": "read:read",
    "export": "export:export",
    "report": "report:report",
    "verdict": "verdict:verdict",
    "reproduce": "reproduce:reproduce",
    "list": "listing:list_all",
    "app": "start_app:start_app",
}
#: Names of earlier versions.
ALIASES = {"honesty": "masking"}
PLAIN: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


class Commands(TyperGroup):
    """The commands by name, each imported when it is called: the list of them needs no torch."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        file, _, function = COMMANDS[name].partition(":")
        module = import_module(f"nsr_core.cli.{file}")
        group = getattr(module, "app", None)  # a command that has commands of its own
        if group is None:
            group = typer.Typer(**PLAIN)
            group.command(name)(getattr(module, function))
        command = typer.main.get_command(group)
        command.name = name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name, width)) for name in COMMANDS])


def _summary(name: str, width: int) -> str:
    """The beginning of a command's docstring, read from its file without importing it."""
    file, _, function = COMMANDS[name].partition(":")
    tree = ast.parse((Path(__file__).parent / f"{file}.py").read_text(encoding="utf-8"))
    docstring = next(
        ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function
    )
    return textwrap.shorten((docstring or "").partition("\n\n")[0], width, placeholder="...")


app = typer.Typer(
    cls=Commands,
    name="nsr_core",
    help="Train ECG heartbeat classifiers, attack them, and measure how robust they are. "
    "Research and education only, not for clinical use.",
    epilog=f"Start with:  {PROGRAM} list",
    context_settings={"help_option_names": ["-h", "--help"]},
    **PLAIN,
)


@app.callback()
def _none() -> None:
    """Typer wants one command or a callback; the commands come from ``Commands``."""


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
        _fail(f"{error} {getattr(error, 'command_line', '')}")
    if status == INTERRUPTED:
        sys.stderr.write("\nStopped. What was finished is kept: run the same command again to go on.\n")
    if status:
        sys.exit(status)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"Error: {' '.join(message.split())}\n")
    sys.exit(2)

"""``app``: the app in the browser. The only file of ``nsr_core`` that names Streamlit, which it starts and does not import."""

import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from nsr_core.errors import UserError
from nsr_core.files import project_dir
from nsr_core.processes import run_here

#: How this project is installed with what the app needs.
APP_INSTALL = 'pip install "nsr-ecg[app,recordings]"'


def start_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the app is served on this machine.")] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Open no browser; the address is printed.")] = False,
) -> None:
    """Start the app and open it in the browser; Ctrl-C ends it.

    Runs are kept in the folder runs of the current folder, or in the one that NSR_RUNS_DIR names.
    """
    if find_spec("streamlit") is None:
        raise UserError(f"The app needs Streamlit, which is not installed. Install it: {APP_INSTALL}")
    options = ["--server.port", str(port)] + (["--server.headless", "true"] if headless else [])
    # -P: else a folder named ui in the current folder would hide the app's own.
    run_here([sys.executable, "-P", "-m", "streamlit", "run", str(project_dir() / "app.py"), *options])

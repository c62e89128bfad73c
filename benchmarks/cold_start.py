"""How soon a fresh server shows its first words and its drawing, beside an empty Streamlit page, in a browser, in turn.

    python -m benchmarks.cold_start [--starts 3] [--page ""]

Every start is a new server process and a new browser profile. "Words": the page's heading can be read. "Drawn": the page has
answered. Told are medians in seconds and their ratio to the empty page's words of the same run.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from playwright.sync_api import Browser, sync_playwright

from benchmarks.tables import markdown

HERE = Path(__file__).resolve().parents[1]
EMPTY = 'import streamlit as st\n\nst.title("Empty")\n'
FLAGS = ["--no-sandbox", "--disable-gpu"]
WORDS = "[data-testid=stHeading] h1"
DRAWN = "[data-testid=stApp][data-test-script-state=notRunning]"
WAIT_MS = 120_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=3, help="of each server")
    parser.add_argument("--page", default="", help="address of the page of ours, such as beat_lab (default: the first)")
    given = parser.parse_args()
    with TemporaryDirectory() as folder, sync_playwright() as engine:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        times: dict[str, list[tuple[float, float]]] = {"an empty page": [], "ours": []}
        for _ in range(given.starts):
            times["an empty page"].append(_start(browser, empty, ""))
            times["ours"].append(_start(browser, HERE / "app.py", given.page))
    floor = statistics.median(words for words, _ in times["an empty page"])
    rows = []
    for name, found in times.items():
        words, drawn = (statistics.median(one) for one in zip(*found, strict=True))
        rows.append(
            {
                "Page": name,
                "Words (s)": f"{words:.2f}",
                "Drawn (s)": f"{drawn:.2f}",
                "Words, ratio": f"{words / floor:.2f}",
                "Drawn, ratio": f"{drawn / floor:.2f}",
            }
        )
    print(markdown(pd.DataFrame(rows)))


def _start(browser: Browser, script: Path, page: str) -> tuple[float, float]:
    """Seconds from the visitor's first request to the words and to the drawing."""
    with server(script) as (address, _):
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        visit = context.new_page()
        began = time.monotonic()
        visit.goto(f"{address}/{page}", wait_until="commit")
        visit.wait_for_selector(WORDS, timeout=WAIT_MS)
        words = time.monotonic() - began
        visit.wait_for_selector(DRAWN, timeout=WAIT_MS)
        drawn = time.monotonic() - began
        context.close()
    return words, drawn


@contextmanager
def server(script: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server of its own that nobody has visited, once its port answers: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSR_")}
    with TemporaryDirectory() as folder:
        own = {"NSR_CACHE_DIR": f"{folder}/cache", "NSR_RUNS_DIR": f"{folder}/runs"}
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), *arguments],
            cwd=HERE,
            env=environment | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            time.sleep(1)  # what the server still does after its port is open is not the visitor's wait
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait(timeout=30)


if __name__ == "__main__":
    main()

"""The app in a real browser: it opens without network and data, draws, answers, and reports no error."""

import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but this machine can be reached, so a page that needs the network fails here as it would offline.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
WAIT_MS = 60_000

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app as a user starts it, on a free port, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    arguments = ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", *arguments], cwd=ROOT, stdout=output, stderr=output
        )
        try:
            _wait_for(port, server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=["light", "dark", "narrow"])
def page(request, browser, address):
    """The app opened on a wide light, a wide dark and a narrow screen; fails on any error in the console."""
    width = 420 if request.param == "narrow" else 1400
    scheme = "dark" if request.param == "dark" else "light"
    page = browser.new_page(viewport={"width": width, "height": 1200}, color_scheme=scheme)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    page.wait_for_selector(IDLE, timeout=WAIT_MS)
    yield page
    assert page.locator("[data-testid=stException]").count() == 0
    assert problems == []
    page.close()


def test_the_beat_is_drawn_and_fits_the_screen(page):
    page.wait_for_selector(".st-key-beat_figure .main-svg .scatterlayer .trace", timeout=WAIT_MS)
    assert page.locator(".st-key-beat_figure .main-svg .scatterlayer .trace").count() == 3
    assert page.get_by_text("Not for clinical use").count() == 1
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_turning_the_noise_off_brings_the_reading_back(page):
    """Home moves a slider to its lower end: without noise the reading holds, or was wrong from the start."""
    verdict = page.get_by_role("heading", level=3).first
    playwright.expect(verdict).to_be_visible(timeout=WAIT_MS)
    page.locator(".st-key-eps input[type=range]").press("Home")
    playwright.expect(verdict).to_contain_text(re.compile("held|Misread"), timeout=WAIT_MS)

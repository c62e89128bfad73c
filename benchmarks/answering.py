"""How long a browser waits for an answer: from a new noise level, and from a click on another page, to the finished page.

    python -m benchmarks.answering [--times 9]

A headless Chromium on a server of its own, synthetic beats. Every noise level is one that was not asked for before. Pages are
changed from the bar above them, each after it was seen once. The table has medians and the slowest, in seconds.
"""

import argparse
import shutil
import statistics

import pandas as pd
from playwright.sync_api import Page, sync_playwright

from benchmarks.cold_start import DRAWN, FLAGS, HERE, WAIT_MS, server
from benchmarks.tables import markdown

NETWORKS = {
    "1 MLP": ("mlp-loss2",),
    "1 CNN": ("cnn-loss2",),
    "4 MLPs": ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-adv0.1"),
}
DIAL = ".st-key-eps input[type=range]"
LINKS = "[data-testid=stTopNavLink]"
#: Does something, waits until the page has run and its last picture is painted; returns milliseconds.
WAIT = """async (element, act) => {
    const app = document.querySelector("[data-testid=stApp]");
    const state = (wanted) => new Promise((resolve) => {
        const look = () => wanted === (app.dataset.testScriptState === "running") && (observer.disconnect(), resolve());
        const observer = new MutationObserver(look);
        observer.observe(app, {attributes: true});
        look();
    });
    const began = performance.now();
    if (act === "turn") {
        element.stepUp();
        for (const name of ["input", "change"]) element.dispatchEvent(new Event(name, {bubbles: true}));
    } else element.click();
    await state(true);
    await state(false);
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=9, help="noise levels for each choice of networks")
    given = parser.parse_args()
    with server(HERE / "app.py") as (address, _), sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        waits = {title: _turns(page, address, names, given.times) for title, names in NETWORKS.items()}
        waits |= _changes(page)
    rows = [
        {"From": title, "Median (s)": f"{statistics.median(found):.2f}", "Slowest (s)": f"{max(found):.2f}"}
        for title, found in waits.items()
    ]
    print(markdown(pd.DataFrame(rows)))


def _turns(page: Page, address: str, names: tuple[str, ...], times: int) -> list[float]:
    """Seconds from a level to the picture of the next, one after another."""
    page.goto(f"{address}/beat_lab?eps=0.05&" + "&".join(f"models={name}" for name in names))
    dial = page.locator(DIAL)
    dial.wait_for(timeout=WAIT_MS)
    found = []
    for _ in range(times + 1):
        _settle(page)
        found.append(dial.evaluate(WAIT, "turn") / 1000)
    return found[1:]


def _changes(page: Page) -> dict[str, list[float]]:
    """Seconds from a click in the bar to each page, in the second round."""
    found: dict[str, list[float]] = {}
    for _ in range(3):
        for link in page.locator(LINKS).all():
            _settle(page)
            found.setdefault(f"to {link.inner_text().splitlines()[-1]}", []).append(link.evaluate(WAIT, "click") / 1000)
    return {title: seconds[1:] for title, seconds in found.items()}


def _settle(page: Page) -> None:
    """Until nothing runs, what is searched for in the background included."""
    page.wait_for_selector(DRAWN, timeout=WAIT_MS)
    page.wait_for_timeout(3000)
    page.wait_for_selector(DRAWN, timeout=WAIT_MS)


if __name__ == "__main__":
    main()

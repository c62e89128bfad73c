"""How fast the Beat lab's pictures follow the dial in a browser, without the server: four networks, a new level a picture.

    streamlit run app.py
    python -m benchmarks.moving http://localhost:8501

Pictures a second depend on what else the machine does; the time of the page's own thread does not.
"""

import shutil
import sys

from playwright.sync_api import CDPSession, sync_playwright

NETWORKS = ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-adv0.1")
SECONDS = 5
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
FLAGS = ["--no-sandbox", "--disable-gpu"]
#: Turns the dial by a level for each picture that the browser paints; returns how many it painted.
TURN = """async (input, seconds) => {
    const start = performance.now();
    let painted = 0;
    while (performance.now() - start < 1000 * seconds) {
        input.value = (painted++ % 31) * 0.01;
        input.dispatchEvent(new Event("input"));
        await new Promise(requestAnimationFrame);
    }
    return painted;
}"""


def main(address: str) -> None:
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1300})
        page.goto(f"{address}/beat_lab?" + "&".join(f"models={name}" for name in NETWORKS))
        page.locator("[class*=st-key-beat_] .paper svg").nth(len(NETWORKS) - 1).wait_for(timeout=120_000)
        page.wait_for_selector(IDLE, timeout=120_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _thread_seconds(session)
        painted = page.locator(".st-key-eps input[type=range]").evaluate(TURN, SECONDS)
        spent = _thread_seconds(session) - before
        print(
            f"{painted / SECONDS:.0f} pictures of {len(NETWORKS)} networks a second, {1000 * spent / painted:.1f} ms each"
        )


def _thread_seconds(session: CDPSession) -> float:
    """CPU time of the page's main thread so far."""
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"]


if __name__ == "__main__":
    main(sys.argv[1])

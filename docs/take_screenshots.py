"""Take the README's pictures of the running app.

streamlit run app.py                      # in one terminal
python docs/take_screenshots.py           # in another; needs Chromium on the PATH
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ADDRESS = "http://localhost:8501"
IMAGES = Path(__file__).resolve().parent / "images"
#: A fresh server has to load first, and some pages compute.
WAIT_MS = 120_000
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
#: By file: address, color scheme, width and height.
PICTURES = {
    "beat-lab.png": ("beat_lab?models=mlp-ce&models=mlp-adv0.1&eps=0.03", "light", 1280, 1300),
    "your-ecg.png": ("your_ecg?models=mlp-ce&models=mlp-jacob&prove=true", "light", 1280, 1300),
    "curves.png": ("curves", "light", 1280, 880),
    "verdict.png": ("verdict?verdict_eps=0.1", "light", 1280, 1450),
    "learn.png": ("learn?step=4", "dark", 1280, 900),
    "paper.png": ("paper?table=5", "light", 1280, 1180),
}


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not on the PATH.")
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (address, scheme, width, height) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(f"{ADDRESS}/{address}")
            page.wait_for_selector(IDLE, timeout=WAIT_MS)
            page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
            page.wait_for_timeout(3000)
            page.screenshot(path=IMAGES / name)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()

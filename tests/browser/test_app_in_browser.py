"""The app in a real browser: it opens without network and data, draws, answers, and reports no error."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nsr_core.recordings.sample import sample_recording
from ui.theme import DARK, LIGHT

playwright = pytest.importorskip("playwright.sync_api")
accessibility = pytest.importorskip("tests.browser.accessibility")

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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app as a user starts it on a machine without data, on a free port, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    log = folder / "log"
    own = {"NSR_CACHE_DIR": str(folder / "cache"), "NSR_RUNS_DIR": str(folder / "runs")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSR_")} | own
    arguments = ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env=environment,
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


class Visit:
    """A page in a browser of its own, as one person sees it; what it reports to the console is kept."""

    def __init__(self, browser, width: int = 1400, scheme: str = "light") -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 1400}, color_scheme=scheme, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, message) -> None:
        # Asked for a page's own address, Streamlit first looks for its server below that address.
        if message.type == "error" and "/_stcore/" not in str(message.location):
            self.problems.append(f"{message.text} {message.location}")

    def open(self, url: str) -> "Visit":
        self.page.goto(url)
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until the page has answered."""
        self.page.wait_for_timeout(300)
        self.page.wait_for_selector(IDLE, timeout=WAIT_MS)
        self.page.wait_for_timeout(200)

    def close(self) -> None:
        """End the visit; it must have gone without an error."""
        if not self.page.is_closed():
            assert self.page.locator("[data-testid=stException]").count() == 0
        assert self.problems == []
        self.context.close()


@pytest.fixture
def visit(browser):
    """Begin a visit: ``visit(width=..., scheme=...)``; all are checked for errors at the end."""
    visits: list[Visit] = []

    def begin(**settings) -> Visit:
        visits.append(Visit(browser, **settings))
        return visits[-1]

    yield begin
    for one in visits:
        one.close()


PAGES = ("", "beat_lab", "your_ecg", "curves", "verdict", "train", "learn", "paper", "data")


def test_the_first_address_that_a_fresh_server_is_asked_for_may_be_any_page(visit, address):
    """Runs first: Streamlit would take pages/ for pages of its old kind here."""
    page = visit().open(f"{address}/beat_lab").page
    playwright.expect(page.get_by_role("link", name="Robustness curves")).to_be_visible(timeout=WAIT_MS)
    playwright.expect(page.get_by_role("heading", name="Beat lab")).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize("width", [1400, 375])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_in_every_look(visit, address, name, width):
    one = visit(width=width).open(f"{address}/{name}")
    page = one.page
    playwright.expect(page.get_by_text("Not for clinical use").last).to_be_attached(timeout=WAIT_MS)
    if name != "train":  # where nothing was trained yet
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    one.settle()  # a server that has not begun to draw is idle too: only below the page's last words that tells of its end
    _fits_and_can_be_read(page)
    light = page.evaluate(INK)
    page.emulate_media(color_scheme="dark")  # the page follows at once, without being opened again
    page.wait_for_function(f"{INK} !== '{light}'", timeout=WAIT_MS)
    one.settle()
    _fits_and_can_be_read(page)


#: Streamlit sends after no time what is said in one turn of the browser: a busy browser says more in one turn.
LONG_TURNS = "const soon = window.setTimeout; window.setTimeout = (f, ms, ...more) => soon(f, ms || 700, ...more)"


def test_a_theme_that_changes_while_a_part_of_the_page_asks_for_its_answer_is_followed(visit, address):
    one = visit()
    one.page.add_init_script(LONG_TURNS)
    page = one.open(f"{address}/beat_lab?beat=0").page  # whose bracket is not stored, and takes some seconds
    page.locator("[class*=st-key-wait_]").first.wait_for(state="attached", timeout=WAIT_MS)
    page.wait_for_function(f"{INK} === '{_rgb(LIGHT.muted)}'", timeout=WAIT_MS)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{INK} === '{_rgb(DARK.muted)}'", timeout=WAIT_MS)


def test_a_page_that_is_being_left_asks_nothing_more_and_the_next_one_is_drawn(visit, address):
    one = visit()
    asked, answers, held = [], [], threading.Event()

    def between(browser) -> None:
        server = browser.connect_to_server()
        browser.on_message(lambda message: (asked.append(message), server.send(message)))
        server.on_message(lambda answer: answers.append((browser, answer)) if held.is_set() else browser.send(answer))

    one.page.route_web_socket(re.compile("_stcore/stream"), between)
    page = one.page
    page.goto(f"{address}/beat_lab?models=cnn-ce&beat=demo%3A43")  # whose bracket takes some seconds
    page.locator("[class*=st-key-wait_]").first.wait_for(state="attached", timeout=WAIT_MS)
    held.set()  # a slow server or network: the browser does not know yet that the page changes
    page.get_by_role("link", name="Data").first.click()
    page.wait_for_timeout(100)  # until the request for the next page has passed
    before = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == before
    held.clear()
    for browser, answer in answers:
        browser.send(answer)
    playwright.expect(page.get_by_role("tab", name="Beats")).to_be_visible(timeout=WAIT_MS)


def _rgb(colour: str) -> str:
    return f"rgb{tuple(bytes.fromhex(colour[1:]))}"


#: The colour of the page's last words, which the server chooses.
INK = "getComputedStyle([...document.querySelectorAll('[data-testid=stCaptionContainer] p')].at(-1)).color"


def _fits_and_can_be_read(page) -> None:
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    wide = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stPlotlyChart]')].filter("
        "chart => !chart.closest('[class*=_roll]') &&"  # a strip of paper is rolled on, not squeezed
        "chart.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length"
    )
    assert wide == 0
    assert accessibility.violations(page) == []


FORMULAS = [f"learn?step={step}" for step in (2, 3, 4, 5, 6)] + [
    f"train?train_method={method}" for method in ("mseMargin", "loss2", "trades0.1")
]


#: How far formulas are wider or higher than their boxes, which then could be scrolled by a mouse only.
SPILL = """Math.max(...[...document.querySelectorAll('.katex-display')].flatMap(
    box => [box.scrollWidth - box.clientWidth, box.scrollHeight - box.clientHeight]))"""


def test_formulas_fit_every_screen(visit, address):
    one = visit(width=375)
    spills = {}
    for place in FORMULAS:
        one.open(f"{address}/{place}")
        one.page.wait_for_selector(".katex-display", timeout=WAIT_MS)
        for width in (375, 768, 1024, 1400):
            one.page.set_viewport_size({"width": width, "height": 1400})
            one.page.wait_for_timeout(200)
            spills[place, width] = one.page.evaluate(SPILL)
        one.page.set_viewport_size({"width": 375, "height": 1400})
    assert {place: spill for place, spill in spills.items() if spill > 0} == {}


def test_an_attacked_beat_changes_its_class_and_a_link_to_it_gives_the_same_numbers(visit, address):
    mine = visit().open(f"{address}/beat_lab?models=mlp-ce&eps=0.0")
    playwright.expect(mine.page.get_by_text(re.compile("withstood PGD"))).to_be_visible(timeout=WAIT_MS)
    slider = mine.page.locator(".st-key-eps input[type=range]")
    slider.press("End")
    playwright.expect(mine.page.get_by_text(re.compile("flipped after"))).to_be_visible(timeout=WAIT_MS)
    mine.settle()
    assert "eps=0.3" in mine.page.url
    theirs = visit().open(mine.page.url)
    playwright.expect(theirs.page.get_by_text(re.compile("flipped after"))).to_be_visible(timeout=WAIT_MS)
    for text in ("Read as", "Smallest ε at which", "Protocol:"):
        ours, other = (one.page.get_by_text(text).first.inner_text() for one in (mine, theirs))
        assert ours == other


def test_pictures_follow_the_dial_without_the_server_and_the_level_it_rests_on_is_computed(visit, address):
    one = visit()
    sent: list[bytes | str] = []
    one.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    one.open(f"{address}/beat_lab?models=mlp-ce&models=mlp-loss2&eps=0.001")
    dial = one.page.locator(".st-key-eps input[type=range]")
    level = re.compile(r"±0\.001 of the beat's range · ±0\.00\d mV")
    playwright.expect(dial).to_have_attribute("aria-valuetext", level, timeout=WAIT_MS)
    pictures = [one.page.locator(f".st-key-beat_{name}") for name in ("mlp-ce", "mlp-loss2")]
    place = dial.bounding_box()
    middle = place["y"] + place["height"] / 2
    asked = len(sent)
    one.page.mouse.move(place["x"] + 10, middle)
    one.page.mouse.down()
    seen = []
    for share in (0.3, 0.6, 0.9):
        one.page.mouse.move(place["x"] + share * place["width"], middle)
        playwright.expect(pictures[1].get_by_text("the exact level follows at rest")).to_be_visible(timeout=WAIT_MS)
        one.page.wait_for_timeout(100)
        seen.append([picture.locator("svg").first.inner_html() for picture in pictures])
    assert all(len(set(of_one)) == 3 for of_one in zip(*seen, strict=True))
    playwright.expect(pictures[0].get_by_text(re.compile("flipped by PGD"))).to_be_visible(timeout=WAIT_MS)
    assert len(sent) == asked
    one.page.mouse.up()
    playwright.expect(pictures[0].get_by_text(re.compile("flipped after"))).to_be_visible(timeout=WAIT_MS)
    one.settle()
    assert float(re.search(r"eps=([\d.]+)", one.page.url)[1]) == float(dial.input_value())
    with one.page.expect_download(timeout=WAIT_MS) as waiting:
        pictures[0].get_by_role("button", name="Save this picture").click()
    saved = waiting.value.path().read_text()
    assert saved.startswith("<svg")
    assert "Not for clinical use" in saved
    one.page.locator(".st-key-eps button").click()
    playwright.expect(one.page.locator(".st-key-eps button[aria-label=Pause]")).to_be_visible(timeout=WAIT_MS)


def test_noise_is_drawn_with_the_mouse_and_with_keys_and_each_stroke_is_read(visit, address):
    one = visit().open(f"{address}/learn?step=9")
    paper, score = one.page.locator("[class*=st-key-drawing_] .paper"), one.page.get_by_text("Your noise takes")
    playwright.expect(paper.locator("svg")).to_be_visible(timeout=WAIT_MS)
    assert score.count() == 0
    place = paper.bounding_box()
    left, strip = place["x"] + 0.5 * place["width"], place["y"] + place["height"] - 110
    one.page.mouse.move(left, strip)
    one.page.mouse.down()
    one.page.mouse.move(left + 0.2 * place["width"], strip + 60, steps=10)
    playwright.expect(one.page.get_by_text(re.compile(r"^\d+ ms: noise \u22120\.\d+ mV$"))).to_be_visible(
        timeout=WAIT_MS
    )
    assert score.count() == 0, "nothing is asked before the hand lets go"
    one.page.mouse.up()
    playwright.expect(score).to_be_visible(timeout=WAIT_MS)
    first = score.inner_text()
    for key in ("Shift+ArrowLeft", *["ArrowUp"] * 20):
        paper.press(key)
    playwright.expect(score).not_to_have_text(first, timeout=WAIT_MS)
    assert accessibility.violations(one.page) == []


#: How far apart the lines of a paper's grid are, across and down, in pixels; and how much of it the beat leaves blank.
GRID = """paper => {
    const [fine] = paper.querySelectorAll('svg path');
    const lines = (letter, at) => [...fine.getAttribute('d').matchAll(letter)].map(line => Number(line[at]));
    const gap = places => (Math.max(...places) - Math.min(...places)) / (new Set(places).size - 1);
    const [sheet] = paper.querySelectorAll('svg rect');
    return {across: gap(lines(/M([\\d.]+) [\\d.]+V/g, 1)), down: gap(lines(/M[\\d.]+ ([\\d.]+)H/g, 1)),
            share: Number(sheet.getAttribute('width')) / paper.clientWidth};
}"""


@pytest.mark.parametrize("speed", [25, 50])
def test_squares_are_square_on_a_phone_and_calipers_measure_on_them(visit, address, speed):
    page = visit(width=375).open(f"{address}/beat_lab?models=mlp-ce&speed={speed}").page
    paper = page.locator(".st-key-beat_mlp-ce .paper")
    paper.scroll_into_view_if_needed()
    grid = paper.evaluate(GRID)
    assert grid["across"] == pytest.approx(grid["down"], rel=0.01)
    assert grid["share"] > 0.5
    paper.focus()
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "ArrowUp"):  # 10 mm across, 4 mm down
        page.keyboard.press(key)
    ms = 10 * 1000 // speed
    playwright.expect(page.get_by_text(f"{ms} ms · {60000 // ms} bpm · 0.40 mV")).to_be_visible(timeout=WAIT_MS)
    page.keyboard.press("Escape")
    playwright.expect(page.get_by_text("Drag over the beat")).to_be_visible(timeout=WAIT_MS)


def test_a_page_is_found_as_it_was_left_by_links_by_back_and_by_a_link_that_says_less(visit, address):
    one = visit().open(f"{address}/beat_lab?models=mlp-jacob&eps=0.12&attack=fgsm&signal=false&beat=demo%3A5")

    def go(link: str) -> dict[str, list[str]]:
        one.page.get_by_role("link", name=link, exact=True).first.click()
        one.page.wait_for_timeout(1000)
        one.settle()
        return said()

    def said() -> dict[str, list[str]]:
        return parse_qs(urlsplit(one.page.url).query)

    left = said()
    assert left["eps"] == ["0.12"]
    assert set(left) == {"models", "eps", "attack", "signal", "beat"}
    go("Verdict")
    assert go("Beat lab") == left
    go("Verdict")
    one.page.go_back()
    playwright.expect(one.page.get_by_role("heading", name="Beat lab")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    assert said() == left
    one.page.go_forward()
    playwright.expect(one.page.get_by_role("heading", name="Verdict")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    go("Data")
    one.page.get_by_role("tab", name="Beats").click()
    one.page.get_by_role("link", name="Lab", exact=True).first.click(timeout=WAIT_MS)
    playwright.expect(one.page.get_by_role("heading", name="Beat lab")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    assert set(said()) <= {"beat", "models"}  # and not the attack, its budget and its level that were left


def test_a_slow_attack_tells_how_far_it_is_and_can_be_stopped(visit, address):
    slow = "attack=spsa&steps=200&spsa_samples=65536"
    one = visit()
    one.page.goto(f"{address}/beat_lab?models=mlp-loss2&eps=0.001&{slow}")
    playwright.expect(one.page.get_by_text(re.compile(r"step \d+ of 200, [\d,]+ evaluations"))).to_be_visible(
        timeout=WAIT_MS
    )
    one.page.locator(".st-key-stop button").click()
    playwright.expect(one.page.get_by_text("Stopped.")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    playwright.expect(one.page.locator(".st-key-go_on button")).to_be_visible(timeout=WAIT_MS)


def test_a_beat_found_on_one_page_is_the_beat_of_the_next(visit, address):
    one = visit().open(f"{address}/beat_lab?beat=demo%3A3")
    one.page.get_by_role("link", name="Data").first.click()
    playwright.expect(one.page.get_by_role("tab", name="Beats")).to_be_visible(timeout=WAIT_MS)
    one.page.get_by_role("tab", name="Beats").click()
    link = one.page.get_by_role("link", name="Lab", exact=True).first
    playwright.expect(link).to_be_visible(timeout=WAIT_MS)
    beat = re.search(r"beat=demo%3A(\d+)", link.get_attribute("href"))[1]
    link.click()
    playwright.expect(one.page.get_by_role("heading", name=f"demo:{beat}")).to_be_visible(timeout=WAIT_MS)


def test_a_training_goes_on_when_its_tab_is_closed_and_a_second_browser_sees_it(visit, address):
    mine = visit().open(
        f"{address}/train?train_method=mse&how=My+own&train_epochs=40&train_batch_size=16&train_data=demo"
    )
    mine.page.locator(".st-key-start button").click()
    playwright.expect(mine.page.get_by_text("Train Squared error (mse), MLP, 40 epochs")).to_be_visible(timeout=WAIT_MS)
    mine.page.close()
    theirs = visit().open(f"{address}/train")
    playwright.expect(theirs.page.get_by_text("finished")).to_be_visible(timeout=WAIT_MS)
    last = theirs.page.get_by_text("Epoch 40:")
    playwright.expect(last).to_have_count(1, timeout=WAIT_MS)  # it stands twice while the live picture makes room
    playwright.expect(last).to_be_visible(timeout=WAIT_MS)
    theirs.open(f"{address}/beat_lab?models=runs%2Fmlp-mse-1")
    playwright.expect(theirs.page.get_by_text("yours: mlp-mse-1").first).to_be_visible(timeout=WAIT_MS)


def test_numbers_and_figures_can_be_taken_away(visit, address, tmp_path):
    page = visit().open(f"{address}/beat_lab?view=Numbers+and+files").page
    for kind, start in (("csv", "# use: Research and education only"), ("json", "{"), ("html", "<!doctype html>")):
        button = page.locator(f"[class*='st-key-beat-'][class*='_{kind}'] button").first
        with page.expect_download(timeout=WAIT_MS) as waiting:
            button.click()
        waiting.value.save_as(tmp_path / kind)
        text = (tmp_path / kind).read_text()
        assert text.startswith(start)
        assert "Not for clinical use" in text
        assert "protocol" in text


def test_a_file_is_read_its_most_fragile_beat_opens_in_the_lab_and_stays_in_its_visit(visit, address, tmp_path):
    channel = sample_recording().channels[0]
    path = tmp_path / "mine.csv"
    path.write_text("ECG (mV)\n" + "\n".join(f"{value:.3f}" for value in channel.signal[: 40 * 360]))
    one = visit().open(f"{address}/your_ecg?recording=My+own+file&models=mlp-ce")
    one.page.locator("input[type=file]").set_input_files(path)
    rate = one.page.get_by_test_id("stNumberInputField").first
    playwright.expect(one.page.get_by_text("Nothing says how many samples")).to_be_visible(timeout=WAIT_MS)
    rate.fill("360")
    rate.press("Enter")
    playwright.expect(one.page.get_by_text("Cross-entropy (ce), MLP reads")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    table = one.page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 16, "y": 52})
    one.page.get_by_role("link", name="Open in the Beat lab").click(timeout=WAIT_MS)
    playwright.expect(one.page.get_by_text("beats of your recording")).to_be_visible(timeout=WAIT_MS)
    playwright.expect(one.page.get_by_text("Nobody knows this beat")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    theirs = visit().open(one.page.url)  # the recording is not in the link, nor anywhere else
    playwright.expect(theirs.page.get_by_text("Your recording cannot be shown yet")).to_be_visible(timeout=WAIT_MS)
    one.page.get_by_role("link", name="Your ECG", exact=True).first.click()
    playwright.expect(one.page.get_by_text("Still open: mine")).to_be_visible(timeout=WAIT_MS)
    playwright.expect(one.page.get_by_text("Cross-entropy (ce), MLP reads")).to_be_visible(timeout=WAIT_MS)
    one.settle()
    one.page.locator(".st-key-own_close button").click()
    playwright.expect(one.page.get_by_text("Still open: mine")).not_to_be_visible(timeout=WAIT_MS)


def test_a_click_on_a_curve_lists_the_beats_behind_it(visit, address):
    one = visit().open(f"{address}/curves?checkpoints=mlp-jacob")
    points = one.page.locator(".st-key-curves_pgd100 .scatterlayer .trace .points path")
    playwright.expect(points.first).to_be_visible(timeout=WAIT_MS)
    points.nth(4).click(force=True)
    one.settle()
    playwright.expect(one.page.get_by_text("misread at 0.1.")).to_be_visible(timeout=WAIT_MS)


def test_a_page_is_shared_as_it_stands_and_shown_to_a_room(address, browser):
    """What a widget wrote into the address is in the link, and the room leaves with Escape."""
    visit = Visit(browser).open(f"{address}/data")
    page = visit.page
    page.get_by_role("tab").nth(1).click()
    visit.settle()
    page.get_by_role("button", name="Share").click()
    link = page.locator("[data-testid=stPopoverBody] code")
    playwright.expect(link).to_have_text(page.url, timeout=WAIT_MS)
    assert "tab=" in page.url
    playwright.expect(page.get_by_alt_text("QR code of this link")).to_be_visible()
    visit.settle()  # while the link fades in, its words are fainter than they will be
    assert accessibility.violations(page) == []
    page.get_by_role("button", name="Show this page to a room").click()
    playwright.expect(page.locator("[data-testid=stHeader]")).to_be_hidden(timeout=WAIT_MS)
    visit.settle()
    assert "present=1" in page.url
    assert accessibility.violations(page) == []
    page.keyboard.press("Escape")
    playwright.expect(page.locator("[data-testid=stHeader]")).to_be_visible(timeout=WAIT_MS)
    visit.settle()
    assert "present" not in page.url
    visit.close()


def test_a_reload_keeps_the_lessons_answers(address, browser):
    visit = Visit(browser).open(f"{address}/learn")
    page = visit.page
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    visit.settle()
    page.get_by_role("button", name="Reveal").click()
    visit.settle()
    said = page.get_by_text("You said").inner_text(timeout=WAIT_MS)
    page.reload()
    playwright.expect(page.get_by_text(said)).to_be_visible(timeout=WAIT_MS)
    visit.settle()
    visit.close()

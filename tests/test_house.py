"""The house rules that a tool can check: lint, format, types, imports, and what must not be in the project."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ui import navigation

ROOT = Path(__file__).resolve().parents[1]
#: What each room of the core may import of the others: only those above it. Data flows one way.
GROUND = ("errors", "progress", "settings", "compute", "files", "writing")
LAYERS = (
    "data",
    "models",
    "attacks",
    "methods",
    "training",
    "certificates",
    "evaluation",
    "beat",
    "recordings",
    "verdict",
    "paper",
    "lesson",
    "jobs",
    "reproduction",
    "cli",
)
#: Besides the start page, each page is a room in ui/ and a room in the core, all of one name.
PAGES = sorted(name for name in navigation.PAGES if name != "start")

HOUSE = ("nsr_core", "ui", "pages")


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        pytest.param(["bandit", "-q", "-c", "pyproject.toml", "-r", "app.py", *HOUSE], marks=pytest.mark.slow),
        pytest.param(["mypy"], marks=pytest.mark.slow),
    ],
)
def test_tools_agree(command):
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def imported_rooms(path: Path) -> set[str]:
    """Of the core, by a file: ``from nsr_core.x...``, ``import nsr_core.x...`` and ``from nsr_core import x``."""
    text = path.read_text()
    listed = re.findall(r"^\s*from nsr_core import (?:\(([^)]*)\)|(.*))", text, re.MULTILINE)
    rooms = re.findall(r"^\s*(?:from|import) nsr_core\.(\w+)", text, re.MULTILINE)
    return {*rooms, *re.findall(r"\w+", " ".join(map("".join, listed)))}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_one_way(layer):
    later = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (ROOT / "nsr_core" / layer).rglob("*.py"):
        assert not imported_rooms(path) & set(later), path


def test_the_ground_floor_imports_no_room():
    for name in GROUND:
        assert not imported_rooms(ROOT / "nsr_core" / f"{name}.py") & set(LAYERS), name


def test_every_room_has_its_floor():
    found = {path.name for path in (ROOT / "nsr_core").iterdir() if (path / "__init__.py").exists()}
    assert found == set(LAYERS)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_s_room_in_ui_and_its_room_in_the_core_have_its_name(page):
    """A page that computes nothing needs neither."""
    assert (ROOT / "ui" / page / "__init__.py").exists() == (ROOT / "nsr_core" / page / "__init__.py").exists()


def test_every_room_in_ui_that_draws_what_a_room_of_the_core_computes_is_a_page_s():
    rooms = {path.parent.name for path in (ROOT / "ui").glob("*/__init__.py")}
    assert rooms & set(LAYERS) <= set(PAGES)


def test_every_page_s_file_has_the_name_of_its_address():
    files = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert files == {page.address or page.name for page in navigation.PAGES.values()}


def test_the_core_knows_no_streamlit_and_pages_compute_nothing():
    starts_it = ROOT / "nsr_core" / "cli" / "start_app.py"
    for path in (ROOT / "nsr_core").rglob("*.py"):
        assert not re.search(r"^\s*(?:from|import) streamlit", path.read_text(), re.MULTILINE), path
        assert path == starts_it or "streamlit" not in path.read_text(), path
    for path in (ROOT / "pages").glob("*.py"):
        assert not re.search(r"^\s*(?:from|import) torch", path.read_text(), re.MULTILINE), path


#: Rooms that only the command line enters.
COMMAND_LINE_ONLY = ("cli", "reproduction")
FOR_THE_COMMAND_LINE = re.compile(r"NSR_[A-Z]|_VARIABLE\}|python -m nsr_core|(?<![\w-])--[a-z]")


def told_in_the_browser(path: Path) -> list[str]:
    """All words of a file of ui/ and pages/; of the core the messages of its errors."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    if "nsr_core" not in path.parts:
        return [ast.unparse(node) for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    raised = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError"]
    return [ast.unparse(call.args[0]) for call in raised if call.args]


def test_the_browser_shows_no_variable_and_no_option():
    files = [path for folder in ("pages", "ui", "nsr_core") for path in (ROOT / folder).rglob("*.py")]
    files = [path for path in files if not {*path.relative_to(ROOT).parts} & {*COMMAND_LINE_ONLY}]
    found = {
        str(path): text for path in files for text in told_in_the_browser(path) if FOR_THE_COMMAND_LINE.search(text)
    }
    assert found == {}


def project_files() -> list[str]:
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        return subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [path.as_posix() for path in paths if not path.parts[0].startswith(".") and path.parts[0] != "runs"]


def test_no_record_is_in_the_project():
    """Of what git keeps; without git, of all files but those of the environment and of tools."""
    kept = project_files()
    assert "README.md" in kept
    assert not [name for name in kept if name.endswith((".dat", ".hea", ".atr")) or "mitbih_t" in name]


def test_ci_runs_the_test_command_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- test command -->\n```sh\n(.+)\n```", readme)
    assert block is not None
    assert "-m pytest" in block[1]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()

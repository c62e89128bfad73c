"""The house rules that a tool can check: lint, format, types, imports, and what must not be in the project."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: What each package may import of the others: data flows one way.
LAYERS = (
    "data",
    "recordings",
    "models",
    "attacks",
    "methods",
    "training",
    "certificates",
    "evaluation",
    "jobs",
    "reproduction",
    "cli",
)


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_tools_agree(command):
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_one_way(layer):
    later = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (ROOT / "nsr_core" / layer).rglob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) nsr_core\.(\w+)", path.read_text(), re.MULTILINE)
        assert not set(imported) & set(later), path


def test_the_core_knows_no_streamlit_and_pages_compute_nothing():
    for path in (ROOT / "nsr_core").rglob("*.py"):
        assert "streamlit" not in path.read_text(), path
    for path in (ROOT / "pages").glob("*.py"):
        assert not re.search(r"^\s*(?:from|import) torch", path.read_text(), re.MULTILINE), path


def test_no_record_is_in_the_project():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert not [name for name in listed if name.endswith((".dat", ".hea", ".atr")) or "mitbih_t" in name]


def test_ci_runs_the_test_command_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- test command -->\n```sh\n(.+)\n```", readme)
    assert block is not None
    assert "-m pytest" in block[1]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()

"""The documentation as a site: every page is in its table of contents, and it is built without a warning."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = (ROOT / "mkdocs.yml").read_text()


def test_every_page_of_the_documentation_is_in_the_table_of_contents():
    listed = re.findall(r"^ +- (\S+\.md)$", CONFIG, re.MULTILINE)
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(pages)


@pytest.mark.slow
@pytest.mark.skipif(
    not (find_spec("zensical") and find_spec("mkdocstrings")),
    reason='needs zensical and mkdocstrings: pip install ".[docs]"',
)
def test_the_site_is_built_without_a_warning(tmp_path):
    for name in ("docs", "nsr_core"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "certify_beats" in (tmp_path / "site" / "api" / "certificates.html").read_text()

"""What is installed: every package of the lock is pinned and known by its hash, and a bill of materials names them all."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
#: A line of the lock that begins a package, without the conditions and hashes that follow.
PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


def packages(text: str) -> dict[str, set[str]]:
    """Names in the usual spelling, and the versions that each is pinned to (by platform there may be several)."""
    found: dict[str, set[str]] = {}
    for name, version in PACKAGE.findall(text):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


def test_the_lock_pins_what_the_requirements_pin():
    locked, asked = packages(LOCK.read_text()), packages((ROOT / "requirements.txt").read_text())
    assert asked
    assert {name: locked.get(name) for name in asked} == asked


def test_every_package_of_the_lock_has_a_hash_and_nothing_else_is_in_it():
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK.read_text())[1:]
    assert len(entries) >= len(packages(LOCK.read_text())) > 50
    for entry in entries:
        assert PACKAGE.match(entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in LOCK.read_text()


@pytest.mark.slow
def test_a_bill_of_materials_names_every_package_of_the_lock(tmp_path):
    """The command of SECURITY.md."""
    file = tmp_path / "sbom.json"
    command = ["-m", "cyclonedx_py", "requirements", str(LOCK), "--output-file", str(file)]
    subprocess.run([sys.executable, *command], cwd=tmp_path, check=True, capture_output=True)
    named: dict[str, set[str]] = {}
    for component in json.loads(file.read_text())["components"]:
        named.setdefault(component["name"].lower(), set()).add(component["version"])
    assert named == packages(LOCK.read_text())

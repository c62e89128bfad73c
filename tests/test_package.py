"""The package: what it asks for, what it brings, and that it works when it is installed and nothing else is there."""

import os
import re
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from nsr_core import __version__, files
from nsr_core.cli import start_app
from nsr_core.errors import UserError
from nsr_core.recordings import files as recording_files
from nsr_core.recordings.formats import FORMATS
from nsr_core.recordings.sample import sample_recording
from nsr_core.training.checkpoint import load_checkpoint
from tests.recordings.good import workbook_file

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Which part of the abstract dependencies each list of pinned versions is of: extras, and None for what is always needed.
LISTS = {"requirements.txt": (None, "app", "recordings"), "requirements-dev.txt": ("cluster", "dev", "docs", "onnx")}


def wanted(part: str | None) -> dict[str, Requirement]:
    texts = PROJECT["dependencies"] if part is None else PROJECT["optional-dependencies"][part]
    return {canonicalize_name(each.name): each for each in map(Requirement, texts)}


def pinned(name: str) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    pairs = [line.split("==") for line in lines if line and not line.startswith("-r ")]
    return {canonicalize_name(package): version for package, version in pairs}


@pytest.mark.parametrize("name", LISTS)
def test_every_pinned_version_is_one_that_the_package_asks_for(name):
    asked = {key: each for part in LISTS[name] for key, each in wanted(part).items()}
    versions = pinned(name)
    assert versions.keys() == asked.keys()
    assert [key for key, version in versions.items() if version not in asked[key].specifier] == []


def test_every_dependency_has_a_lower_and_an_upper_bound():
    parts = (None, *PROJECT["optional-dependencies"])
    operators = {
        f"{part}: {each}": {spec.operator for spec in each.specifier}
        for part in parts
        for each in wanted(part).values()
    }
    assert {name: found for name, found in operators.items() if found != {">=", "<"}} == {}


def test_citation_and_changelog_are_of_this_version():
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    newest = re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert cited is not None
    assert newest is not None
    assert cited[1] == newest[1] == __version__


# Where the program finds what it brings


def test_an_included_checkpoint_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mlp-ce", "checkpoints/mlp-ce"):
        assert load_checkpoint(name).folder == ROOT / "checkpoints" / "mlp-ce"


def test_a_wheel_finds_its_own_checkpoints_and_keeps_runs_where_it_is_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(files.RUNS_VARIABLE)
    monkeypatch.setattr(files, "BUNDLE", tmp_path / "bundle")
    assert files.checkpoints_dir() == ROOT / "checkpoints"
    assert files.runs_dir() == ROOT / "runs"
    (tmp_path / "bundle").mkdir()
    assert files.checkpoints_dir() == tmp_path / "bundle" / "checkpoints"
    assert files.runs_dir() == tmp_path / "runs"
    monkeypatch.setenv(files.CHECKPOINTS_VARIABLE, "elsewhere")
    assert files.checkpoints_dir() == tmp_path / "elsewhere"


# The command that starts the app


def test_the_app_is_started_in_place_of_the_command(monkeypatch):
    started = []
    monkeypatch.setattr("nsr_core.processes.os.execv", lambda *arguments: started.append(arguments))
    start_app.start_app(port=8600, headless=True)
    ((program, command),) = started
    assert program == command[0] == sys.executable
    assert str(ROOT / "app.py") in command
    assert command[-4:] == ["--server.port", "8600", "--server.headless", "true"]


def test_without_streamlit_the_app_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(start_app, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs Streamlit.*pip install"):
        start_app.start_app()
    assert {"app", "recordings"} <= PROJECT["optional-dependencies"].keys()
    assert f"{PROJECT['name']}[app,recordings]" in start_app.APP_INSTALL


def test_a_format_whose_package_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(recording_files, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'needs the package openpyxl.*"nsr-ecg\[recordings\]"'):
        recording_files.read_recording({"mine.xlsx": workbook_file()})


def test_the_extra_for_recordings_has_what_the_formats_need():
    assert {each.needs for each in FORMATS.values()} - {""} <= wanted("recordings").keys()


# Built and installed


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    if find_spec("hatchling") is None:
        pytest.skip("needs the build backend: pip install hatchling")
    folder, unpacked = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("sdist")
    _build(ROOT, "sdist", folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(unpacked, filter="data")
    _build(next(unpacked.iterdir()), "wheel", folder)
    return folder


def _build(project: Path, target: str, folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)


@pytest.fixture(scope="module")
def environment(built, tmp_path_factory) -> Path:
    """The bin folder of an environment with the wheel, which borrows the dependencies from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    scripts, packages = folder / "bin", Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ["install", "-q", "--no-deps", "--no-index", "--no-compile", str(next(built.glob("*.whl")))]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(scripts / "python"), *install], check=True)
    return scripts


@pytest.mark.slow
def test_the_wheel_brings_the_program_the_app_and_the_weights_and_no_record(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        names, size = archive.namelist(), sum(each.compress_size for each in archive.infolist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"nsr_core"}
    bundle = {name.removeprefix("nsr_core/_bundle/") for name in names if name.startswith("nsr_core/_bundle/")}
    assert {"app.py", "pages/start.py", "ui/navigation.py", ".streamlit/config.toml"} <= bundle
    here = {path.parent.name for path in (ROOT / "checkpoints").glob("*/card.json")}
    assert {Path(name).parent.name for name in bundle if name.endswith("model.safetensors")} == here
    assert not [name for name in names if re.search(r"\.(dat|hea|atr)$|mitbih_|/seeds/|/longer/", name)]
    assert "nsr_core/py.typed" in names
    assert size < 15e6


@pytest.mark.slow
def test_an_installed_package_does_from_another_folder_what_the_readme_says(environment, tmp_path):
    (channel,) = sample_recording().channels
    np.savetxt(tmp_path / "mine.csv", channel.signal[: 30 * int(channel.fs_hz)], header="MLII (mV)", comments="")
    example = re.search(r"From Python:\n\n```python\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    attack = _run(environment, tmp_path, "nsr", "attack", "mlp-ce", "--beat", "3", "--eps", "0.1")
    assert "mlp-ce flipped at step" in attack
    # In one process, for torch takes seconds to import.
    commands = 'from nsr_core.cli import main\nmain(["list"])\nmain(["read", "mine.csv", "--fs", "360"])\n'
    printed = _run(environment, tmp_path, "python", "-c", commands + example[1])
    assert "mlp-loss2-patient" in printed
    assert "Most fragile readings" in printed
    assert re.fullmatch(r"\w \w \S+ \S+ \S+", printed.splitlines()[-1])


@pytest.mark.slow
def test_an_installed_package_starts_the_app(environment, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(environment / "nsr"), "app", "--headless", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, env=_variables(tmp_path), stdout=subprocess.DEVNULL) as server:
        try:
            answer = _answer(f"http://127.0.0.1:{port}/_stcore/health", server)
        finally:
            server.terminate()
    assert answer == "ok"


def _answer(address: str, server: subprocess.Popen) -> str:
    """What a server says at an address, as soon as it says anything."""
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(address, timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.2)


def _run(environment: Path, folder: Path, program: str, *arguments: str) -> str:
    """What a program of the environment prints, started in a folder that knows nothing of the repository."""
    command = [str(environment / program), *arguments]
    done = subprocess.run(command, cwd=folder, env=_variables(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _variables(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NSR_"))}
    return kept | {"NSR_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1"}

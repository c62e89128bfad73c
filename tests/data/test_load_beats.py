"""The one function for all sources, and what importing the package costs."""

import subprocess
import sys

import pytest

from nsr_core.data import load_beats
from nsr_core.errors import UserError


def test_demo():
    beats = load_beats("demo")
    assert len(beats) == 1000
    assert beats.source == "demo"


def test_mitbih_is_the_default(toy_root):
    result = []
    beats = load_beats(root=toy_root, progress=lambda done, total, what: result.append(what))
    assert beats.source == "mitbih"
    assert len(beats) == 7
    assert "cutting record 900" in result


def test_kaggle(tmp_path):
    for name in ("mitbih_train.csv", "mitbih_test.csv"):
        (tmp_path / name).write_text(",".join(["0.5"] * 187 + ["2"]) + "\n")
    assert load_beats("kaggle", tmp_path).y.tolist() == [2, 2]


def test_an_unknown_source():
    with pytest.raises(UserError, match=r'no source "ptb"\. Choose one of: mitbih, kaggle, demo'):
        load_beats("ptb")


def test_demo_needs_no_folder(tmp_path):
    with pytest.raises(UserError, match="need no folder"):
        load_beats("demo", tmp_path)


def test_importing_is_light():
    """Neither the package nor the demo beats load what reads files, fetches them or clusters."""
    code = (
        "import sys; from nsr_core.data import load_beats; load_beats('demo'); "
        "print([m for m in ('wfdb', 'sklearn', 'pandas', 'requests', 'torch', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""What results took is read off the cards and summed."""

import json

import numpy as np
import pytest

from docs.compute_used import compute_markdown, compute_used


@pytest.fixture
def folders(tmp_path):
    """One trained and attacked and certified, one only trained."""
    cards = {
        "mlp-a": {
            "training": {"epochs": 50, "seconds": 600.0},
            "results": {
                "attacks": {"pgd": {"seconds": 30.0}, "worst-case": {"seconds": 3660.0}, "other": {"seconds": 9e9}},
                "certificates": {"seconds": 120.0},
            },
        },
        "cnn-b": {"training": {"epochs": 8, "seconds": 1200.0}, "results": {}},
    }
    for name, card in cards.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text(json.dumps({"format": "nsr-ecg checkpoint 1"} | card))
    return [tmp_path / name for name in cards]


def test_each_in_its_column(folders):
    used = compute_used(folders)
    assert used.loc["mlp-a"].tolist()[:3] == [50, 600.0, 30.0]
    assert used.loc["mlp-a", ["worst case", "certificates"]].tolist() == [3660.0, 120.0]
    assert used.loc["cnn-b", "training"] == 1200.0
    assert np.isnan(used.loc["cnn-b", ["100-PGD", "SPSA", "worst case", "certificates"]].astype(float)).all()


def test_what_was_not_done_is_left_empty_and_the_rest_summed(folders):
    lines = compute_markdown(folders).splitlines()
    assert (
        lines[0]
        == "| checkpoint | epochs | training | 100-PGD | SPSA | worst case | on the signal only | certificates |"
    )
    assert lines[2] == "| mlp-a | 50 | 10 min | 30 s |  | 1 h 01 min |  | 2 min |"
    assert lines[3] == "| cnn-b | 8 | 20 min |  |  |  |  |  |"
    assert lines[4].startswith("| all |  | 30 min | 30 s | 0 s | 1 h 01 min |")

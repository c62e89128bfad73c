"""The model cards and the data card are what the checkpoints and the code give, and other programs can read them."""

import json
import re

import pytest
import yaml

from docs.write_cards import CARDS, ROOT
from nsr_core.training.card import read_card


@pytest.mark.parametrize("path", CARDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_card_is_what_the_included_results_give(path):
    written = path.read_text() if path.exists() else None
    assert written == CARDS[path](), "Run: python -m docs.write_cards"


@pytest.mark.parametrize("name", ["mlp-ce", "cnn-loss2", "mlp-mtl-ibp0.1", "mlp-ce-patient"])
def test_the_front_matter_of_a_model_card_is_yaml_with_the_results_of_the_card(name):
    folder = ROOT / "checkpoints" / name
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    facts, results = yaml.safe_load(front), read_card(folder)["results"]
    (entry,) = facts["model-index"]
    assert entry["name"] == name
    clean, *attacked = entry["results"][0]["metrics"]
    assert clean["value"] == results["clean"]["acc"]
    worst = results["robust"]["worst-case"]
    assert attacked[-1]["value"] == worst["acc"][worst["eps"].index(0.1)]
    assert "Not for clinical use" in body
    assert re.findall(r"^## (.+)$", body, re.MULTILINE) == ["Use", "Data", "Results", "Limits", "Files and source"]


def test_the_data_card_names_every_file_of_the_records_and_holds_none():
    card = json.loads((ROOT / "docs" / "heartbeats.croissant.json").read_text())
    names = [each["name"] for each in card["distribution"]]
    assert len(names) == len(set(names)) == 144
    assert all(each["contentUrl"].endswith(each["name"]) for each in card["distribution"])
    assert {name.rpartition(".")[2] for name in names} == {"dat", "hea", "atr"}

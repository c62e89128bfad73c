"""What tasks take, from the cards of what ran before."""

import json

import pandas as pd
import pytest

from nsr_core.attacks import PGD, SPSA
from nsr_core.evaluation.assignment import Assignment
from nsr_core.methods import PAPER_METHODS
from nsr_core.models import NETWORKS
from nsr_core.reproduction.costs import Costs
from nsr_core.training.config import paper_config


@pytest.fixture
def card_of(tmp_path):
    """``card_of(method, seconds, ...)``: a folder whose card tells these times."""

    def make(method, seconds, epochs=10, pgd=None, device="cpu"):
        folder = tmp_path / f"{method}-{seconds}"
        folder.mkdir()
        machine = {"device": device}
        attacks = {"pgd": {"attack": {"steps": 100}, "seconds": pgd, "machine": machine}} if pgd else {}
        card = {
            "format": "nsr-ecg checkpoint 1",
            "network": "mlp",
            "method": method,
            "training": {"seconds": seconds, "epochs": epochs, "machine": machine},
            "split": {"train": 1000},
            "results": {"attacks": attacks},
        }
        (folder / "card.json").write_text(json.dumps(card))
        rows = [{"attack": "pgd20", "eps": eps, "beats": 50} for eps in (0.0, 0.1, 0.2)]
        pd.DataFrame(rows).to_csv(folder / "robustness.csv", index=False)
        return folder

    return make


def test_seconds_per_epoch_of_the_method_or_of_those_alike(card_of):
    """100 s in 10 epochs on 1,000 beats are 20 s an epoch on 2,000; of mse and ce the median is 15."""
    costs = Costs([card_of("ce", 100.0), card_of("mse", 50.0), card_of("adv0.1", 400.0)], training_beats=2000)
    assert costs.per_epoch("mlp", "ce") == pytest.approx(20)
    assert costs.per_epoch("mlp", "loss2") == pytest.approx(15)
    assert costs.per_epoch("mlp", "adv0.3") == pytest.approx(80)
    assert costs.training(paper_config("mlp", "ce", epochs=3)) == pytest.approx(60)
    assert not costs.is_measured("mlp")  # three of nine methods
    assert Costs(card_of(method, 500.0) for method in PAPER_METHODS).is_measured("mlp")


def test_an_attack_s_time_goes_with_beats_levels_steps_and_samples(card_of):
    """10 s for 50 beats at two levels: 0.1 s each; half the steps take half of it."""
    costs = Costs([card_of("ce", 100.0, pgd=10.0)])
    config = paper_config("mlp", "ce")
    assert costs.per_beat_and_level("mlp", "ce", "pgd") == pytest.approx(0.1)
    assert costs.attacking(config, "pgd", Assignment(PGD(steps=50), eps_grid=(0.1, 0.2, 0.3)), 20) == pytest.approx(3.0)
    few, many = (costs.attacking(config, "spsa", Assignment(SPSA(samples=samples)), 10) for samples in (128, 2048))
    assert many == pytest.approx(16 * few)


def test_without_cards_and_with_those_of_another_device(card_of, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_text("{")
    costs = Costs([tmp_path / "broken", card_of("ce", 1.0, device="cuda")])
    assert costs.per_epoch("cnn", "adv0.1") == pytest.approx(NETWORKS["cnn"].seconds_per_epoch[True])
    assert costs.per_epoch("mlp", "ce") == pytest.approx(NETWORKS["mlp"].seconds_per_epoch[False])

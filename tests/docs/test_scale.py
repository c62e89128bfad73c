"""What the page on scale computes from measured times."""

from pathlib import Path

import pytest

from docs.scale import scaled_markdown
from nsr_core.reproduction.costs import Costs

ROOT = Path(__file__).resolve().parents[2]


def test_a_thousand_models_take_a_thousandth_of_it_each(monkeypatch):
    """One hour of training, none of attacks: nine models take 9 h, 1,000 take 1,000 h, or 500 on two cores."""
    monkeypatch.setattr(Costs, "per_epoch", lambda self, network, method: 72.0)
    monkeypatch.setattr(Costs, "per_beat_and_level", lambda self, network, method, attack: 0.0)
    monkeypatch.setattr(Costs, "is_measured", lambda self, network: network == "mlp")
    _, _, nine, thousand, corpus = scaled_markdown(Costs([])).splitlines()
    assert "| 9.0 | 4 h | 8 min | 1 min |" in nine
    assert "| 1,000.0 | 21 days | 16 h | 60 min |" in thousand
    assert float(corpus.split("|")[3].replace(",", "")) == pytest.approx(9 * 12 * 10_000_000 / 109_446, rel=1e-4)

"""Attacks propose, evaluation judges: who is attacked, what counts, and that batches do not matter."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
import toys
from toys import attack_beats

from nsr_core.attacks import ATTACKS, FGSM, PGD, SPSA, AttackResult, BeatRandomness, RandomNoise
from nsr_core.attacks.base import Attack
from nsr_core.evaluation.robustness import predict
from nsr_core.evaluation.table import CARRIED, COLUMN_TYPES, MISCLASSIFIED, NOT_BROKEN, outcomes, save_table
from nsr_core.models import NETWORKS

EPS = (0.01, 0.03, 0.1)


@dataclass(frozen=True)
class Cheat(Attack):
    """Breaks every beat by a jump out of the budget, and says so."""

    name: ClassVar[str] = "cheat"
    title: ClassVar[str] = "Cheat"
    summary: ClassVar[str] = "Jumps."

    def run(self, model, x, y, box, randomness, record, progress):
        seen.append(x.clone())
        return AttackResult(1 - x.round(), torch.full_like(y, 3), torch.full_like(y, 5))


seen: list[torch.Tensor] = []


@pytest.fixture
def some(demo_split):
    """60 test beats in an order of their own."""
    return np.random.default_rng(0).permutation(demo_split.test)[:60]


def by_beat(table, eps):
    return table[table["eps"] == eps].sort_values("sample", ignore_index=True)


def test_the_table_has_a_row_for_each_beat_and_level(trained, demo_beats, some):
    table = attack_beats(trained.network, demo_beats, some, PGD(steps=5), "pgd", EPS)
    assert dict(table.dtypes.astype(str)) == COLUMN_TYPES
    assert len(table) == 3 * 60
    for eps in EPS:
        part = table[table["eps"] == eps]
        assert part["sample"].tolist() == demo_beats.sample[some].tolist()
        assert part["y"].tolist() == demo_beats.y[some].tolist()
        assert part["clean"].tolist() == predict(trained.network, demo_beats.x[some]).tolist()


def test_what_it_says_is_what_the_attack_did(trained, demo_beats, some):
    """Step, prediction and queries of each beat that is right clean, beat by beat."""
    table = by_beat(attack_beats(trained.network, demo_beats, some, PGD(steps=5), "pgd", [0.03], seed=4), 0.03)
    rows = np.sort(some)
    x, y = torch.from_numpy(demo_beats.x[rows]), torch.from_numpy(demo_beats.y[rows])
    right = table["clean"].to_numpy() == table["y"].to_numpy()
    result = PGD(steps=5)(trained.network, x[right], y[right], 0.03, randomness=BeatRandomness(4, rows[right]))
    assert table["step"].to_numpy()[right].tolist() == result.step.tolist()
    assert table["queries"].to_numpy()[right].tolist() == result.queries.tolist()
    assert table["pred"].to_numpy()[right].tolist() == toys.predicted(trained.network, result.x_adv).tolist()
    assert {-1} < set(result.step.tolist())


def test_beats_that_are_wrong_clean_keep_their_prediction_and_are_never_queried(trained, demo_beats, some, beats_of):
    """Half of the labels are made wrong; the attack must see the other half only."""
    seen.clear()
    y = demo_beats.y[some].copy()
    clean = predict(trained.network, demo_beats.x[some])
    y[::2] = (clean[::2] + 1) % 5
    beats = beats_of(demo_beats.x[some], y)
    table = attack_beats(trained.network, beats, np.arange(60), Cheat(), "cheat", [0.1])
    wrong = clean != y
    part = table[wrong]
    assert (part["step"] == MISCLASSIFIED).all()
    assert (part["queries"] == 0).all()
    assert part["pred"].tolist() == clean[wrong].tolist()
    assert sum(map(len, seen)) == (~wrong).sum() > 0
    assert (table[~wrong]["queries"] == 5).all()


def test_an_attack_that_leaves_the_budget_is_clipped_and_does_not_count(trained, demo_beats, some):
    """Cheat's points break most beats; what is left of them within 1e-6 of the beat breaks none."""
    right = some[predict(trained.network, demo_beats.x[some]) == demo_beats.y[some]]
    jumped = torch.from_numpy(1 - demo_beats.x[right].round())
    assert (toys.predicted(trained.network, jumped).numpy() != demo_beats.y[right]).mean() > 0.5
    table = attack_beats(trained.network, demo_beats, right, Cheat(), "cheat", [1e-6])
    assert (table["step"] == NOT_BROKEN).all()
    assert (table["pred"] == table["y"]).all()
    whole = attack_beats(trained.network, demo_beats, right, Cheat(), "cheat", [1.0])
    assert (whole["step"] == np.where(whole["pred"] != whole["y"], 3, NOT_BROKEN)).all()
    assert (whole["step"] == 3).any()


@dataclass(frozen=True)
class Modest(Attack):
    """Returns what breaks the beat and claims nothing."""

    name: ClassVar[str] = "modest"
    title: ClassVar[str] = "Modest"
    summary: ClassVar[str] = "Says nothing."

    def run(self, model, x, y, box, randomness, record, progress):
        result = PGD(steps=20).run(model, x, y, box, randomness, record, progress)
        return AttackResult(result.x_adv, torch.full_like(y, -1), result.queries)


def test_what_the_judge_finds_broken_counts_whatever_the_attack_says(trained, demo_beats, some):
    modest, loud = (
        attack_beats(trained.network, demo_beats, some, attack, "any", [0.1]) for attack in (Modest(), PGD(steps=20))
    )
    assert modest["pred"].tolist() == loud["pred"].tolist()
    assert ((modest["step"] >= 0) == (loud["step"] >= 0)).all()
    assert (loud["step"] >= 0).any()


def test_noise_that_is_no_number_breaks_nothing(trained, demo_beats, some):
    """Half of the samples NaN: those stay what they were, and the rest is judged."""

    @dataclass(frozen=True)
    class Nowhere(Attack):
        name: ClassVar[str] = "nowhere"

        def run(self, model, x, y, box, randomness, record, progress):
            x_adv = box.random_point(x, torch.zeros_like(x)).clone()
            x_adv[:, ::2] = torch.nan
            return AttackResult(x_adv, torch.zeros_like(y), torch.ones_like(y))

    table = attack_beats(trained.network, demo_beats, some, Nowhere(), "nowhere", [0.1])
    right = table["clean"] == table["y"]
    assert (table.loc[right, "step"] == NOT_BROKEN).all()
    assert (table["pred"] == table["clean"]).all()


def test_signal_only_leaves_the_padding(trained, demo_beats, some, monkeypatch):
    lengths = []
    original = PGD.run

    def watched(self, model, x, y, box, randomness, record, progress):
        lengths.extend((box.high > box.low).sum(1).tolist())
        return original(self, model, x, y, box, randomness, record, progress)

    monkeypatch.setattr(PGD, "run", watched)
    attack_beats(trained.network, demo_beats, some, PGD(steps=1), "pgd", [0.1], signal_only=True)
    right = predict(trained.network, demo_beats.x[some]) == demo_beats.y[some]
    assert lengths == demo_beats.length[some][right].tolist()


@pytest.mark.parametrize("name", ATTACKS)
def test_the_batch_size_does_not_matter(name, trained, demo_beats, some, beats_of, monkeypatch):
    """Float64, where rounding turns no sign; 60 beats at once, in sevens and one by one, and in another order."""
    network = toys.fresh("mlp", dtype=torch.float64)
    network.load_state_dict(trained.network.state_dict())
    beats = beats_of(demo_beats.x[some[:24]].astype(np.float64), demo_beats.y[some[:24]])
    attack, tables = toys.short(ATTACKS[name]), []
    for size in (512, 7, 1):
        monkeypatch.setattr(NETWORKS["mlp"], "batch_size", size)
        tables.append(attack_beats(network, beats, np.arange(24), attack, name, [0.01, 0.05]))
    monkeypatch.setattr(NETWORKS["mlp"], "batch_size", 5)
    backwards = attack_beats(network, beats, np.arange(24)[::-1], attack, name, [0.01, 0.05])
    tables.append(backwards.sort_values(["eps", "sample"], ignore_index=True))
    for other in tables[1:]:
        pd.testing.assert_frame_equal(other, tables[0])


# Carrying


def test_carried_beats_are_not_attacked_again(trained, demo_beats, some):
    attack = SPSA(steps=3, samples=64)
    plain, carried = (
        attack_beats(trained.network, demo_beats, some, attack, "spsa", EPS, carry=carry) for carry in (False, True)
    )
    broken = np.zeros(60, bool)
    for eps in EPS:
        with_carry, without = (table[table["eps"] == eps].reset_index(drop=True) for table in (carried, plain))
        assert (with_carry["step"].to_numpy() == CARRIED).tolist() == broken.tolist()
        assert (with_carry["queries"][broken] == 0).all()
        pd.testing.assert_frame_equal(with_carry[~broken], without[~broken])
        broken |= with_carry["step"].to_numpy() >= 0
    assert 0 < broken.sum() < 60
    left, right = (outcomes(table, "spsa") for table in (plain, carried))
    assert left["broken"].tolist() == right["broken"].tolist()
    assert not right["mended"].any()


def test_a_carried_beat_keeps_the_label_it_was_broken_to(trained, demo_beats, some):
    table = attack_beats(trained.network, demo_beats, some, PGD(steps=20), "any", EPS, carry=True)
    for sample, rows in table.groupby("sample"):
        carried = rows["step"] == CARRIED
        if carried.any():
            assert rows["pred"][carried].nunique() == 1, sample
            assert rows["pred"][carried].iloc[0] == rows["pred"][rows["step"] >= 0].iloc[-1]


# Going on


class Stop(Exception):
    pass


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_an_interrupted_attack_goes_on_to_the_same_table(trained, demo_beats, some, carry, levels):
    kept = []

    def keep(table):
        kept.append(table.copy())
        if len(kept) == levels:
            raise Stop

    settings = {"carry": carry, "seed": 2}
    whole = attack_beats(trained.network, demo_beats, some, PGD(steps=6), "pgd", EPS, **settings)
    with pytest.raises(Stop):
        attack_beats(trained.network, demo_beats, some, PGD(steps=6), "pgd", EPS, on_level=keep, **settings)
    again = []
    rest = attack_beats(
        trained.network, demo_beats, some, PGD(steps=6), "pgd", EPS, done=kept[-1], on_level=again.append, **settings
    )
    pd.testing.assert_frame_equal(rest, whole)
    assert len(again) == 3 - levels


def test_what_was_kept_may_come_back_in_the_order_of_its_file(trained, demo_beats, some, beats_of, tmp_path):
    """A file is sorted by name: "test" before "train", as text. The rows here are not, and beats were carried."""
    record = np.where(np.arange(60) < 40, "train", "test")
    beats = beats_of(demo_beats.x[some], demo_beats.y[some], record)
    rows = np.arange(60)
    whole = attack_beats(trained.network, beats, rows, PGD(steps=6), "pgd", EPS, carry=True)
    first = attack_beats(trained.network, beats, rows, PGD(steps=6), "pgd", EPS[:1], carry=True)
    save_table(first, tmp_path / "kept.parquet")
    stored = pd.read_parquet(tmp_path / "kept.parquet").astype(COLUMN_TYPES)
    assert stored["sample"].tolist() != first["sample"].tolist()
    rest = attack_beats(trained.network, beats, rows, PGD(steps=6), "pgd", EPS, carry=True, done=stored)
    pd.testing.assert_frame_equal(rest, whole)


def test_progress_ends_at_the_end_and_never_goes_back(trained, demo_beats, some):
    outcome = []
    attack_beats(trained.network, demo_beats, some, RandomNoise(), "noise", EPS, progress=lambda *r: outcome.append(r))
    done = [report[0] for report in outcome]
    assert done == sorted(done)
    assert outcome[-1][:2] == (180, 180)


def test_a_level_without_any_beat_left_is_a_level_all_the_same(trained, demo_beats, some, beats_of):
    clean = predict(trained.network, demo_beats.x[some])
    beats = beats_of(demo_beats.x[some], (clean + 1) % 5)
    table = attack_beats(trained.network, beats, np.arange(60), FGSM(), "fgsm", EPS)
    assert len(table) == 180
    assert (table["step"] == MISCLASSIFIED).all()

"""Recall, precision and F1 by class against scikit-learn, and the bootstrap over patients against counting."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from nsr_core.attacks import FGSM, PGD
from nsr_core.data import CLASSES
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.evaluation.robustness import predict
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict.patients import bootstrap_patients, by_class, overall, patient_counts, read_patients

readings = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from(["100", "201", "202", "233"])),
    min_size=1,
    max_size=60,
)


def result_of(rows):
    return pd.DataFrame(rows, columns=["y", "pred", "record"])


@given(readings)
@settings(deadline=None, max_examples=60)
def test_scores_are_scikit_learns(rows):
    result = result_of(rows)
    outcome = by_class(result)
    present = sorted(result["y"].unique())
    expected = precision_recall_fscore_support(result["y"], result["pred"], labels=present, zero_division=0)
    for column, values in zip(("precision", "recall", "f1"), expected, strict=False):
        np.testing.assert_allclose(outcome[column].iloc[present], values, atol=1e-12)
    absent = [label for label in range(len(CLASSES)) if label not in present]
    assert outcome[["recall", "precision", "f1"]].iloc[absent].isna().all(axis=None)
    assert outcome["beats"].tolist() == np.bincount(result["y"], minlength=5).tolist()


def test_two_records_of_one_patient_are_one():
    names, counts = patient_counts(result_of([(0, 0, "201"), (0, 1, "202"), (1, 1, "100")]))
    assert names == ["100", "201"]
    assert counts[1, 0].tolist() == [1, 1, 0, 0, 0]


def test_as_many_of_each_class_are_weighted_back_to_how_they_are():
    """Two N and two V, one of each misread as the other; 98 N and 2 V in nature: of 49 + 1 read as V one is."""
    result = result_of([(0, 0, "100"), (0, 2, "100"), (2, 2, "101"), (2, 0, "101")])
    outcome = by_class(result, natural=np.array([98, 0, 2, 0, 0])).set_index("class")
    assert outcome.loc["V", ["recall", "precision"]].tolist() == pytest.approx([0.5, 1 / 50])
    assert outcome.loc["N", ["recall", "precision"]].tolist() == pytest.approx([0.5, 49 / 50])
    assert outcome.loc["V", "f1"] == pytest.approx(2 * 0.5 * 0.02 / 0.52)
    assert by_class(result).set_index("class").loc["V", "precision"] == pytest.approx(0.5)


def test_a_resample_is_made_of_whole_patients():
    """Patients of 1, 10 and 100 beats: with three drawn, every total is a sum of three of these."""
    counts = np.zeros((3, 5, 5))
    counts[:, 0, 0] = [1, 10, 100]
    totals = bootstrap_patients(counts, 400).sum((1, 2))
    possible = {a + b + c for a in (1, 10, 100) for b in (1, 10, 100) for c in (1, 10, 100)}
    assert set(totals.tolist()) == possible


def test_intervals_are_wide_where_patients_differ_and_narrow_where_they_do_not():
    """Ten patients of ten N beats: all read half right, or half of the patients read right."""
    alike = result_of([(0, beat % 2, str(patient)) for patient in range(10) for beat in range(10)])
    unlike = result_of([(0, patient % 2, str(patient)) for patient in range(10) for beat in range(10)])
    recall = [by_class(result).iloc[0] for result in (alike, unlike)]
    assert [row["recall"] for row in recall] == [0.5, 0.5]
    assert recall[0]["recall_high"] - recall[0]["recall_low"] == 0
    # The share of ones among ten fair coins has a standard deviation of 0.158.
    assert recall[1]["recall_high"] - recall[1]["recall_low"] == pytest.approx(0.6, abs=0.11)


def test_overall(make_table):
    result = result_of([(0, 0, "100")] * 8 + [(0, 2, "101")] * 2 + [(2, 2, "101")] * 2)
    outcome = overall(result).set_index("measure")["value"]
    assert outcome["accuracy, equal priors"] == pytest.approx((0.8 + 1) / 2)
    assert outcome["accuracy, natural prevalence"] == pytest.approx(10 / 12)
    assert outcome["macro F1, natural prevalence"] == pytest.approx((16 / 18 + 4 / 6) / 2)
    assert (overall(result)["patients"] == 2).all()


def test_of_a_checkpoint(checkpoint_folder, demo_beats, demo_split, monkeypatch):
    """On the whole test split as it is; on some of each class weighted back to the split, by its card or by an attack on all."""
    few = Assignment(PGD(steps=3), per_class=4, eps_grid=(0.02,))
    evaluate(checkpoint_folder, demo_beats, demo_split, {"fgsm": replace(few, attack=FGSM())})
    by_card = read_patients(checkpoint_folder, "fgsm", 0.02)
    monkeypatch.setattr("nsr_core.verdict.patients.frequencies_of", lambda card: None)  # a card that does not say
    with pytest.raises(UserError, match="no attack there met the full test split"):
        read_patients(checkpoint_folder, "fgsm", 0.02)
    evaluate(checkpoint_folder, demo_beats, demo_split, {"pgd-sign": replace(few, per_class=None)})
    pd.testing.assert_frame_equal(read_patients(checkpoint_folder, "fgsm", 0.02).overall, by_card.overall)
    whole, some = (read_patients(checkpoint_folder, name, 0.02) for name in ("pgd-sign", "fgsm"))
    assert (whole.beats, some.beats) == ("full test split", "first 4 test beats of each class")
    assert whole.classes["beats"].sum() == len(demo_split.test)
    assert some.classes["beats"].tolist() == [4] * 5
    clean = read_patients(checkpoint_folder, "pgd-sign").classes
    expected = [
        (predict(load_checkpoint(checkpoint_folder).network, demo_beats.x[rows]) == label).mean()
        for label in range(5)
        for rows in [demo_split.test[demo_beats.y[demo_split.test] == label]]
    ]
    np.testing.assert_allclose(clean["recall"], expected)
    assert (whole.classes["recall"] <= clean["recall"]).all()
    with pytest.raises(UserError, match=r"it has: (pgd-sign, fgsm|fgsm, pgd-sign)"):
        read_patients(checkpoint_folder, "spsa")
    with pytest.raises(UserError, match=r"at 0\.5; it was at 0, 0\.02"):
        read_patients(checkpoint_folder, "fgsm", 0.5)

"""The Verdict page on the shipped checkpoints: what it says is what the core computes from their results."""

import numpy as np
import pandas as pd
import pytest
from apptools import assert_healthy, open_page, words

from nsr_core.certificates import band
from nsr_core.errors import UserError
from nsr_core.verdict.levels import table_of
from nsr_core.verdict.masking import SIGNS
from nsr_core.verdict.patients import by_class
from nsr_core.verdict.transfer import TELLING
from nsr_core.verdict.verdict import breaks
from ui import loaders, results
from ui.plain import plain
from ui.theme import DARK, LIGHT
from ui.verdict import SECTIONS, everyday_figures, figures, patient_figures, transfer_figures
from ui.verdict import words as verdict_words
from ui.verdict.network import FINE

pytestmark = pytest.mark.slow

METHODS = ("ce", "mse", "mseMargin", "loss1", "loss2", "jacob", "adv0.1", "adv0.2", "adv0.3")
NAMES = [f"mlp-{method}" for method in METHODS]


@pytest.fixture(scope="module")
def verdicts():
    found = {name: results.verdict(name) for name in loaders.checkpoint_names() if not name.startswith(loaders.OWN)}
    return {name: verdict for name, verdict in found.items() if verdict is not None}


@pytest.fixture(scope="module")
def levels(verdicts):
    """From the beats, not as they are kept."""
    return {name: verdict.levels for name, verdict in verdicts.items()}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_with_a_figure_or_words(section):
    app = open_page("verdict", verdict_section=section)
    assert_healthy(app)
    assert len(app.get("plotly_chart")) + len(app.dataframe) > 0


@pytest.mark.parametrize("eps", ["0.01", "0.05", "0.3"])
def test_the_table_is_the_cores(eps, levels):
    app = open_page("verdict", verdict_eps=eps)
    shown = app.dataframe[0].value.set_index("checkpoint")
    expected = table_of(levels, float(eps)).set_index("checkpoint")
    for theirs, ours in (
        ("published", "PGD (100 steps), published"),
        ("worst", "worst case"),
        ("proved", "proved"),
        ("gap", "overstated by"),
    ):
        np.testing.assert_allclose(shown.loc[NAMES, ours].astype(float), expected.loc[NAMES, theirs], atol=5e-4)
    groups = shown.groupby([shown.index.str[:3], shown.index.str.endswith("-patient")], sort=False)
    assert [*groups.groups] == [("mlp", False), ("cnn", False), ("mlp", True)]
    assert all(rows["worst case"].is_monotonic_decreasing for _, rows in groups)
    assert shown.loc[NAMES, "masking check"].isin(["green", "amber", "red"]).all()


def test_who_leads_is_said_from_the_numbers(levels):
    table = table_of(levels, 0.1).assign(title=lambda rows: rows["checkpoint"].map(loaders.title), group="MLP")
    table["ceiling"] = results.ceiling_for("mlp-ce").at(0.1)
    said = verdict_words.who_leads(table)
    published, worst = (table.loc[table[column].idxmax()] for column in ("published", "worst"))
    assert f"**{published['title']}**" in said
    assert f"{published['published']:.2f}" in said
    assert f"**{worst['title']}** is first" in said or worst["title"] == published["title"]
    assert said.splitlines()[-1] in words(open_page("verdict", verdict_eps="0.1"))


def test_a_group_that_never_met_the_published_attack_has_a_leader_too(levels):
    table = table_of(levels, 0.1).assign(title=lambda rows: rows["checkpoint"], group="MLP", gap=np.nan)
    table[["published", "ceiling"]] = np.nan
    first = table.loc[table["worst"].idxmax()]
    assert f"**{first['title']}** is first, with {first['worst']:.2f}." in verdict_words.who_leads(table)


def test_one_network_tells_its_protocol_and_what_broke_it(verdicts):
    app = open_page("verdict", verdict_section="One network", verdict_of="mlp-adv0.1")
    assert_healthy(app)
    counts = breaks(verdicts["mlp-adv0.1"])
    outcome = words(app)
    assert f"**{int(counts.sum().sum()):,}** beats fell" in outcome
    assert "paper (PGD with 100 steps, as published) and worst-case" in outcome
    assert "`1bb884844f3b`" in outcome


def test_the_protocol_stands_once_and_names_whose_beats_are_which():
    outcome = words(open_page("verdict"))
    assert outcome.count("paper (PGD with 100 steps, as published)") == 1
    assert (
        "- Adversarial training (adv0.1), MLP, split by patient; Noise-to-signal loss (loss2), MLP, split by patient; Cross-entropy (ce), MLP, split by patient: full test split"
        in outcome
    )
    assert any(
        line.startswith("- ") and ", CNN; " in line and "up to 250 test beats" in line for line in outcome.splitlines()
    )


def test_the_alarm_names_every_sign():
    app = open_page("verdict", verdict_section="Gradient masking", verdict_of="mlp-loss2")
    outcome = words(app)
    assert all(test.title in outcome for test in SIGNS.values())
    assert results.masking("mlp-loss2").verdict in outcome
    assert app.dataframe[0].value["sign"].tolist()[0] == "all together"


def test_without_any_worst_case_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(results, "verdict_levels", lambda name: None)
    app = open_page("verdict")
    assert_healthy(app)
    assert "No worst case was evaluated yet" in words(app)


def test_a_checkpoint_that_cannot_be_read_is_named_and_left_out(monkeypatch, levels):
    def read(name):
        if name == "mlp-ce":
            raise UserError("results are damaged")
        return levels.get(name)

    monkeypatch.setattr(results, "verdict_levels", read)
    app = open_page("verdict")
    assert_healthy(app)
    assert f"{plain(loaders.title('mlp-ce'))} is left out: results are damaged" in app.warning[0].value
    assert "mlp-ce" not in app.dataframe[0].value["checkpoint"].tolist()


# Figures


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_ladder_s_bars_end_at_proof_worst_case_and_published(levels, ink):
    """Where nothing can be proved, as of the CNN, the first bar has no length."""
    table = table_of(levels, 0.03).assign(title=lambda rows: rows["checkpoint"], group="MLP", ceiling=np.nan)
    proved, undecided, overstated, clean = (np.asarray(trace.x, float) for trace in figures.ladder(table, ink).data)
    np.testing.assert_allclose(proved, table["proved"].fillna(0))
    np.testing.assert_allclose(proved + undecided, table["worst"])
    np.testing.assert_allclose(proved + undecided + overstated, table["published"])
    np.testing.assert_allclose(clean, table["clean"])
    assert (overstated >= 0).all()


def test_networks_of_a_kind_stand_together_below_a_heading_with_their_beats(levels):
    table = table_of(levels, 0.03).assign(title=lambda rows: rows["checkpoint"], ceiling=np.nan)
    table = pd.concat([table.assign(group="MLP"), table.assign(group="CNN", beats=1162)], ignore_index=True)
    table.loc[0, "beats"] = 7
    figure = figures.ladder(table, LIGHT)
    said = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    count = len(table) // 2
    assert said[0] == "<b>MLP</b><br>7 to 49,690 beats"
    assert said[count + 1] == "<b>CNN</b><br>1,162 beats"
    assert [*figure.data[0].y] == [*range(1, count + 1), *range(count + 2, 2 * count + 2)]
    assert figure.layout.yaxis.range == (2 * count + 1.5, -0.5)


def test_a_row_does_not_say_again_what_its_heading_says(levels):
    table = table_of(levels, 0.03).head(1).assign(title="Certified training (x), MLP", group="MLP", ceiling=np.nan)
    assert figures.ladder(table, LIGHT).layout.yaxis.ticktext[1] == "Certified training<br>(x)"


def test_a_network_without_certificate_has_no_proved_bar(levels):
    table = table_of(levels, 0.03).assign(title="CNN", group="CNN", proved=np.nan, ceiling=0.9)
    figure = figures.ladder(table, LIGHT)
    assert not np.asarray(figure.data[0].x, float).any()
    assert "no certificate" in figure.data[0].text[0]


def test_the_ceiling_is_a_line_through_the_rows_whose_beats_it_is_of(levels):
    table = table_of(levels, 0.1).assign(title=lambda rows: rows["checkpoint"], group="MLP", ceiling=0.98)
    table = pd.concat([table, table.assign(group="MLP, split by patient", ceiling=np.nan)], ignore_index=True)
    line = figures.ladder(table, LIGHT).data[-1]
    assert line.name.startswith("any classifier, at most")
    assert (line.x[:2], line.y[:2]) == ((0.98, 0.98), (0.5, len(table) / 2 + 0.5))
    assert len(line.x) == 3


def test_it_says_what_is_proved_and_what_nobody_can_exceed():
    """The included certified network at the level of the paper's claim, beside the limit of its own test beats."""
    outcome = words(open_page("verdict", verdict_eps="0.1"))
    assert "**Certified training (mtl-ibp0.1), MLP** keeps at least 0.70" in outcome
    assert "No classifier whatever can keep more than 0.98 of the whole test split" in outcome
    by_patient = next(line for line in outcome.splitlines() if line.startswith("- MLP, split by patient"))
    assert "No classifier" not in by_patient


def test_the_band_lies_between_proof_and_worst_case(verdicts):
    found = verdicts["mlp-jacob"]
    known = band(found.beats, FINE)
    upper, proved, worst, *_ = figures.curves(found.levels, known, "#123456", LIGHT).data
    assert (np.asarray(proved.y) <= np.asarray(upper.y) + 1e-12).all()
    steps = pd.Series(worst.y, index=np.asarray(worst.x, float))
    assert worst.line.shape == "hv"
    for eps, height in zip(upper.x, upper.y, strict=True):
        assert height == pytest.approx(steps[steps.index <= eps * (1 + 1e-9)].iloc[-1], abs=1e-9)


def test_lines_of_attacks_are_all_drawn_with_steps(verdicts):
    """One interpolated beside one with steps would cross it where neither was measured."""
    found = verdicts["mlp-loss2"]
    drawn = {
        trace.name: trace for trace in figures.curves(found.levels, band(found.beats, FINE), "#123456", LIGHT).data
    }
    attacked = {"worst case", "worst case, signal only", "PGD (100 steps), as published"}
    assert attacked <= set(drawn)
    assert {drawn[name].line.shape for name in attacked} == {"hv"}


def test_bars_count_the_beats_that_each_attack_broke(verdicts):
    counts = breaks(verdicts["mlp-loss2"])
    figure = figures.broken_by(counts, LIGHT)
    assert {trace.name: int(np.sum(trace.y)) for trace in figure.data} == counts.sum().to_dict()


def test_everyday_and_aimed_noise_share_an_axis():
    outcome, aimed = results.everyday("mlp-ce"), results.aimed_noise("mlp-ce")
    figure = everyday_figures.everyday(outcome, aimed, LIGHT)
    assert [trace.name for trace in figure.data][-1] == "aimed noise, worst case"
    np.testing.assert_allclose(figure.data[-1].y, results.verdict("mlp-ce").levels["signal"].iloc[1:])
    assert (np.diff(np.asarray(figure.data[-1].x)) < 0).all()  # more noise, fewer dB
    assert figure.layout.xaxis.range[0] > figure.layout.xaxis.range[1]


def test_intervals_reach_from_low_to_high():
    result = pd.DataFrame({"record": ["100", "101"] * 20, "y": [0, 1] * 20, "pred": [0, 1, 1, 1] * 10})
    table = by_class(result)
    figure = patient_figures.by_class({"known patients": table, "new patients": table}, "recall", "Recall", LIGHT)
    first = figure.data[0]
    np.testing.assert_allclose(np.asarray(first.x)[:2] + np.asarray(first.error_x.array)[:2], table["recall_high"][:2])
    np.testing.assert_allclose(
        np.asarray(first.x)[:2] - np.asarray(first.error_x.arrayminus)[:2], table["recall_low"][:2]
    )
    assert [trace.name for trace in figure.data] == ["known patients", "new patients"]


@pytest.mark.parametrize(("of", "eps"), [("mlp", "0.1"), ("all", "0.05")])
def test_the_matrix_of_transfer_is_the_kept_one_and_its_sentence_the_most_telling_pair(of, eps):
    app = open_page("verdict", verdict_section="Transfer", transfer_of=of, transfer_eps=eps)
    assert_healthy(app)
    table = results.transfer()
    names = [name for name in loaders.checkpoint_names() if name in table.noises and of in ("all", name[:3])]
    listed, shown = (frame.value for frame in app.dataframe[:2])
    assert shown.columns[1:].tolist() == list(loaders.titles(names).values())
    expected = table.matrix(float(eps)).loc[names, names]
    np.testing.assert_allclose(shown.iloc[1:-1, 1:].astype(float), expected, atol=5e-4)
    np.testing.assert_allclose(shown.iloc[-1, 1:].astype(float), table.universal(float(eps))[names], atol=5e-4)
    own, others = np.diag(expected), expected.where(~np.eye(len(names), dtype=bool)).min()
    clearest = (own - others).idxmax()
    source = expected[clearest].idxmin()
    assert (len(listed), listed["network"][0]) == (len(names), loaders.title(clearest))
    assert listed["made for"][0] == loaders.title(source)
    assert listed["own noise leaves more by"][0] == pytest.approx((own - others).max(), abs=0.005)
    assert f"noise made for **{loaders.title(source)}** leaves **{loaders.title(clearest)}**" in words(app)
    assert f"**{(own - others >= TELLING).sum()} of {len(names)}** networks" in words(app)


def test_the_figure_of_transfer_frames_each_networks_own_noise():
    names = ["a", "b"]
    accuracy = pd.DataFrame([[0.1, 0.8], [0.4, 0.6]], index=names, columns=names)
    clean, universal = pd.Series({"a": 0.9, "b": 0.85}), pd.Series({"a": 0.5, "b": 0.7})
    figure = transfer_figures.matrix(accuracy, clean, universal, {"a": "A (a)", "b": "B (b)"}, LIGHT)
    (heat,) = figure.data
    np.testing.assert_array_equal(heat.z, [[0.9, 0.85], [0.1, 0.8], [0.4, 0.6], [0.5, 0.7]])
    frames = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [((one.x0 + one.x1) / 2, (one.y0 + one.y1) / 2) for one in frames] == [(0, 1), (1, 2)]
    assert (
        "Noise made for A (a)<br>leaves <b>B (b)</b> an accuracy of <b>0.80</b><br>its own noise 0.60"
        in heat.hovertext[1][1]
    )

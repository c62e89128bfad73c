"""What figures are made of: panels that share the height, arrows at their angle, one margin for all."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from ui.parts import arc, arrow, faint, panel, stack, stretch, upright
from ui.theme import LIGHT, MARGIN, axis, layout


@pytest.mark.parametrize("count", [1, 2, 5])
def test_panels_fill_the_height_from_the_top_down(count):
    axes = stack(axis(LIGHT, "time"), [axis(LIGHT, str(place)) for place in range(count)], 0.05)
    domains = [axes[panel(place).replace("y", "yaxis")]["domain"] for place in range(count)]
    assert domains[0][1] == pytest.approx(1)
    assert domains[-1][0] == pytest.approx(0)
    assert [high - low for low, high in domains] == pytest.approx([(1 - 0.05 * (count - 1)) / count] * count)
    gaps = [upper[0] - lower[1] for upper, lower in pairwise(domains)]
    assert gaps == pytest.approx([0.05] * (count - 1))
    assert axes["xaxis"]["anchor"] == panel(count - 1)
    go.Figure({"layout": axes})  # plotly takes them


def test_an_arrow_ends_at_its_tip_and_an_arc_at_its_angle():
    end = arrow((0.6, 0.8), "#000000", "w_y", "long")
    assert (end["x"][1], end["y"][1]) == (0.6, 0.8)
    turn = arc(60, 2, "#000000", "angle")
    assert np.hypot(turn["x"], turn["y"]) == pytest.approx(np.full(40, 2))
    assert np.degrees(np.arctan2(turn["y"][-1], turn["x"][-1])) == pytest.approx(60)


def test_lines_and_stretches_are_where_they_are_said_to_be():
    figure = go.Figure({"layout": {"shapes": [upright(3, "#000000"), stretch(1, 2, "#000000", 0.2, "y domain")]}})
    line, shade = figure.layout.shapes
    assert (line.x0, line.x1, line.y0, line.y1, line.yref) == (3, 3, 0, 1, "paper")
    assert (shade.x0, shade.x1, shade.yref, shade.layer) == (1, 2, "y domain", "below")


def test_a_faint_colour_keeps_its_hue():
    assert faint("#0072B2", 0.28) == "rgba(0,114,178,0.28)"


def test_a_figure_keeps_the_margins_that_it_does_not_name():
    assert layout(LIGHT, 300)["margin"] == MARGIN
    assert layout(LIGHT, 300, {"t": 8})["margin"] == MARGIN | {"t": 8}

"""Each sign, on counts made by hand."""

import pytest
import torch
from maskingtoys import Told

from nsr_core.verdict.masking import (
    LIGHTS,
    SIGNS,
)
from nsr_core.verdict.masking.sign import light_of_beats, worst


@pytest.mark.parametrize(
    ("sign", "result", "count", "light"),
    [
        ("black-box", {"published": range(50), "square": range(40, 54)}, 4, "green"),
        ("black-box", {"published": range(50), "square": range(40, 53), "spsa": range(52, 55)}, 5, "amber"),
        ("black-box", {"published": range(50), "square": range(40, 65)}, 15, "red"),
        ("targeted", {"apgd-t": range(20), "apgd": range(80, 90)}, 10, "amber"),
        ("targeted", {"apgd-t": range(10), "apgd": range(10, 20)}, 0, "green"),
        ("other-loss", {"margin": range(30), "cross-entropy": range(10)}, 20, "red"),
        ("other-loss", {"margin": range(10), "cross-entropy": range(40)}, -30, "green"),
        ("harder", {"published": range(10), "1000 steps": range(13), "start 2": range(12, 20)}, 10, "amber"),
        ("rescaling", {"published": range(10), "logits / 10": range(30), "logits x 10": range(5)}, 20, "red"),
        ("out-of-order", {"published": range(10), "fgsm": range(17)}, 7, "amber"),
        ("out-of-order", {"published": range(10), "fgsm": range(10)}, 0, "green"),
        ("out-of-order", {"published": range(30), "noise": range(20)}, 20, "red"),
        ("together", {"published": range(10), "apgd-t": range(8, 14), "noise": range(90, 94)}, 8, "amber"),
    ],
)
def test_beats_are_counted_and_lights_change_where_they_should(sign, result, count, light):
    judged = SIGNS[sign].judge(Told(**result))
    assert judged.light == light
    shares = [value for name, value in judged.numbers.items() if name.endswith("0.1") or name == "most"]
    assert count / 100 in shares
    if sign == "together":
        assert "left 90 % of" in judged.sentence
        assert "together 82 %" in judged.sentence
    elif count:
        assert f"{abs(count)} of 100 beats ({abs(count)} %)" in judged.sentence
        assert ("fewer" in judged.sentence) == (count < 0)
    else:
        assert "no more (0 %)" in judged.sentence


def test_where_nothing_can_stand_only_what_is_known_to_be_breakable_counts():
    """The flat line is class 0: at 0.5 beats of class 1 can be turned into it, at 1 all into a beat of the other class."""
    judged = SIGNS["large-noise"].judge(Told(published=range(90)))
    assert judged.numbers == {"share at 0.5": 0.05, "share at 1": 0.1, "left at 0.5": 0.1, "left at 1": 0.1}
    assert judged.light == "amber"
    one_class = Told(published=range(90))
    one_class.y = torch.zeros(100, dtype=torch.int64)
    assert SIGNS["large-noise"].judge(one_class).numbers["share at 1"] == 0


def test_lights():
    assert [light_of_beats(count, 100) for count in (0, 4, 5, 14, 15, 100)] == [
        *("green", "green", "amber", "amber", "red", "red")
    ]
    assert [light_of_beats(count, 5) for count in (2, 3, 4, 5)] == ["green", "amber", "amber", "red"]
    assert worst(["green", "red", "amber"]) == "red"
    assert worst([]) == "green"
    assert LIGHTS == ("green", "amber", "red")

"""Leads as a cardiograph prints them, and the heart's rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsr_core.recordings.leads import RR_SECONDS, TWELVE, arrange, heart_rate, standard_name
from ui.recordings.leads import SECONDS, printout
from ui.theme import LIGHT

ALL = [lead for row in TWELVE for lead in row]


@pytest.mark.parametrize("lead", ALL)
@pytest.mark.parametrize("form", ["{}", "Lead {}", "ECG {}", "MDC_ECG_LEAD_{}", "ecg lead {}", " {} "])
def test_the_twelve_leads_are_known_by_any_usual_name(lead, form):
    assert standard_name(form.format(lead)) == lead
    assert standard_name(form.format(lead).upper()) == lead


@pytest.mark.parametrize("name", ["MLII", "V7", "V", "time", "", "aV", "IV", "ECG", "V11", "Resp"])
def test_other_channels_are_none_of_them(name):
    assert standard_name(name) is None


def test_twelve_leads_stand_in_three_rows_of_four_and_a_rhythm_strip():
    names = [f"Lead {lead}" for lead in reversed(ALL)]
    places = arrange(names, "Lead II")
    assert [(place.row, place.start) for place in places[:4]] == [(0, 0), (0, 0.25), (0, 0.5), (0, 0.75)]
    assert {place.name for place in places[:12]} == set(names)
    assert (places[12].name, places[12].row, places[12].start, places[12].stop) == ("Lead II", 3, 0, 1)


def test_fewer_leads_have_a_row_each():
    assert [(place.name, place.row) for place in arrange(["MLII", "V5"], "MLII")] == [("MLII", 0), ("V5", 1)]


def test_a_printout_shows_each_lead_where_it_belongs_and_what_it_measures():
    time_s = np.arange(0, SECONDS, 1 / 100)
    signals = {lead: (time_s, np.sin(time_s) + 0.1 * number) for number, lead in enumerate(ALL)}
    figure = printout(arrange(ALL, "II"), signals, "II", 0.0, LIGHT)
    drawn = {(trace.name, len(trace.x)): trace for trace in figure.data[1:]}
    assert len(drawn) == 13
    for number, lead in enumerate(ALL):
        trace = drawn[lead, 250]
        column = next(row.index(lead) for row in TWELVE if lead in row)
        assert trace.x[0] == pytest.approx(2.5 * column)
        np.testing.assert_allclose(trace.customdata, np.sin(trace.x) + 0.1 * number)
    assert {trace.line.color for trace in figure.data[1:] if trace.name == "II"} == {LIGHT.noise}


def test_a_lead_that_is_missing_throughout_is_left_blank():
    time_s = np.arange(0, SECONDS, 1 / 100)
    signals = {"I": (time_s, np.full(len(time_s), np.nan)), "V9": (time_s, np.sin(time_s))}
    figure = printout(arrange(["I", "V9"], "I"), signals, "I", 0.0, LIGHT)
    assert np.isnan(np.asarray(figure.data[1].y, float)).all()


@given(st.lists(st.floats(0.05, 6), min_size=1, max_size=40))
def test_the_rate_is_of_every_pair_that_can_be_one(rr):
    time_s = np.concatenate([[0.0], np.cumsum(rr)])
    at, rate = heart_rate(time_s)
    assert len(at) == len(rate)
    assert ((rate >= 60 / RR_SECONDS[1] - 1e-6) & (rate <= 60 / RR_SECONDS[0] + 1e-6)).all()
    inside = [each for each in np.diff(time_s) if RR_SECONDS[0] <= each <= RR_SECONDS[1]]
    np.testing.assert_allclose(60 / rate, inside)

"""Text as devices and spreadsheets write it: rate, unit and lead out of the file, and the ECG found beside the rest.

Every table holds the same synthetic heart, so what is read can be compared with what was written.
"""

import datetime

import numpy as np
import pytest

from nsr_core.errors import UserError
from tests.recordings.heart import beat_train

pytestmark = pytest.mark.slow

FS_HZ, SECONDS = 250, 20
COUNT = FS_HZ * SECONDS


def heart(fs_hz: float = FS_HZ) -> np.ndarray:
    """(n,) in mV: 72 beats a minute, a slow wave and the noise of a recorder."""
    at = np.arange(round(SECONDS * fs_hz)) / fs_hz
    beats = np.interp(
        at, np.arange(SECONDS * 360) / 360, beat_train(SECONDS * 360, np.arange(200, SECONDS * 360 - 100, 300))
    )
    return beats + 0.05 * np.sin(2 * np.pi * 0.2 * at) + np.random.default_rng(0).normal(0, 0.01, len(at))


ECG = heart()
TIME_S = np.arange(COUNT) / FS_HZ
RESP = 0.5 * np.sin(2 * np.pi * 0.25 * TIME_S)


def lines(*columns, separator=",", forms=None) -> str:
    forms = forms or ["{:.4f}"] * len(columns)
    return "\n".join(
        separator.join(form.format(each) for form, each in zip(forms, row, strict=True))
        for row in zip(*columns, strict=True)
    )


def stamps(form: str, start="2024-01-02 11:59:55") -> list[str]:
    """Of every sample, from before noon to after it."""
    first = datetime.datetime.fromisoformat(start)
    return [(first + datetime.timedelta(seconds=float(second))).strftime(form) for second in TIME_S]


def check(recording, *, fs_hz=FS_HZ, unit="mV", name=None, tolerance=0.006, missing=0):
    """The first channel is the heart, whatever stood beside it."""
    channel = recording.channels[0]
    assert recording.default_lead() == channel.name
    assert name is None or channel.name == name
    assert channel.fs_hz == pytest.approx(fs_hz, rel=1e-4)
    assert channel.unit == unit
    scale = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "": 1.0}[unit]
    found = channel.signal[:] * scale
    assert np.isnan(found).sum() == missing
    expected = heart(fs_hz)[: len(found)]
    assert len(found) == len(expected)
    np.testing.assert_allclose(found[~np.isnan(found)], expected[~np.isnan(found)], atol=tolerance)


def comma(text: str) -> str:
    return text.replace(".", ",")


@pytest.mark.parametrize(
    ("rate", "lead", "unit"),
    [
        ("Sample Rate,512 hertz", "Lead,Lead I", "Unit,µV"),
        ("Messrate,512 Hertz", "Ableitung,Ableitung I", "Einheit,µV"),
        ("Fréquence d\u2019échantillonnage,512 hertz", "Dérivation,Dérivation I", "Unité,µV"),
        ("Frecuencia de muestreo,512 hercios", "Derivación,Derivación I", "Unidad,µV"),
        ("Częstotliwość próbkowania,512 herców", "Odprowadzenie,Odprowadzenie I", "Jednostka,µV"),
        ("Частота дискретизации,512 Гц", "Отведение,Отведение I", "Единица измерения,µV"),
        ("サンプリング周波数,512ヘルツ", "誘導,第I誘導", "単位,µV"),
        ("采样率,512赫兹", "导联,导联 I", "单位,µV"),
        ("샘플률,512헤르츠", "리드,리드 I", "단위,µV"),
        ("معدل,512 هرتز", "القطب,القطب I", "الوحدة,µV"),
    ],
)
@pytest.mark.parametrize("decimal_comma", [False, True])
def test_a_watch_in_any_language(read, rate, lead, unit, decimal_comma):
    numbers = lines(1000 * heart(512), forms=["{:.3f}"])
    numbers = comma(numbers) if decimal_comma else numbers
    text = "\n".join(
        [
            "Name,X",
            '"Geboren","1. Jan. 1900"',
            "Datum,2024-01-02 08:00:00 +0100",
            "Version,1.90",
            'Gerät,"Watch6,7"',
            rate,
            "",
            "",
            lead,
            unit,
            "",
            "",
            numbers,
        ]
    )
    check(read({"ecg.csv": text}), fs_hz=512, unit="uV", name="I")


@pytest.mark.parametrize(
    "above",
    [
        "Sampling rate: 250 Hz",
        "# Sampling rate: 250",
        "# Sampling Rate (Hz):= 250.00",
        "fs=250",
        "Fs: 250 Hz",
        "; sample rate = 250",
        "Sampling frequency\t250 Hz",
        "SamplingFrequency: 250",
        "Sampling interval: 4 ms",
        "Interval=\t0.004 s",
        "# dt = 0.004 s",
        "sample period (ms): 4",
        "4 msec/sample",
        "250 samples/s",
        "250 samples per second",
        "250 sps",
        "0.25 kHz",
        "Abtastrate: 250 Hz",
        "Filter: 0.5-40 Hz\nNotch: 50 Hz\nSampling: 250 Hz",
        "High pass 100 Hz\nSample rate 250",
    ],
)
def test_the_rate_stands_above_the_table(read, above):
    check(read({"a.txt": f"Patient: X\n{above}\nUnits: mV\n{lines(ECG)}"}))
    check(read({"a.csv": f"{above}\necg (mV),resp\n{lines(ECG, RESP)}"}))


def test_filters_alone_are_no_rate(read):
    recording = read({"a.txt": f"Filter: 0.5-40 Hz\nLow pass: 100 Hz\n{lines(ECG)}"})
    assert recording.channels[0].fs_hz is None


def test_lines_above_that_name_several_rates_are_noted(read):
    recording = read({"a.txt": f"Sampling rate: 250 Hz\nSample rate: 500 Hz\nmV\n{lines(ECG)}"})
    assert recording.channels[0].fs_hz == 250
    assert "name several rates (250 Hz, 500 Hz)" in recording.notes[0]


@pytest.mark.parametrize("count", [10, 45, 120, 300])
def test_hundreds_of_lines_may_stand_above_the_table(read, count):
    """Also the longest header has its headings just above the data; a look at the first few lines would not reach it."""
    above = "\n".join(f"Key {number},value {number},and more" for number in range(count))
    check(
        read({"a.csv": f"{above}\nSample rate,250 Hz,\ntime (s),ecg (mV),resp (V)\n{lines(TIME_S, ECG, RESP)}"}),
        name="ecg",
    )


def test_opensignals(read):
    counter, still = np.arange(COUNT) % 16, np.ones(COUNT)
    head = '# OpenSignals Text File Format\n# {"00:11": {"sensor": ["RESP", "ECG"], "column": ["nSeq", "I1", "I2", "O1", "A1", "A2"], "sampling rate": 250, "label": ["A1", "A2"], "channels": [1, 2]}}\n# EndOfHeader\n'
    body = lines(counter, still, still, 0 * still, 512 + 200 * RESP, 1000 * ECG, separator="\t", forms=["{:.0f}"] * 6)
    recording = read({"a.txt": head + body.replace("\n", "\t\n")})
    assert [channel.name for channel in recording.channels] == ["ECG", "RESP"]
    assert (recording.channels[0].fs_hz, recording.channels[0].unit) == (250, "")


def test_openbci(read):
    counter = np.arange(COUNT) % 256
    head = "%OpenBCI Raw EXG Data\n%Number of channels = 2\n%Sample Rate = 250 Hz\n%Board = X\nSample Index, EXG Channel 0, EXG Channel 1, Accel Channel 0, Timestamp, Timestamp (Formatted)\n"
    jitter = 1.7e9 + TIME_S + np.random.default_rng(1).normal(0, 0.01, COUNT).cumsum() * 0.01
    rows = lines(
        counter,
        1000 * RESP,
        1000 * ECG,
        RESP / 9,
        np.sort(jitter),
        stamps("%Y-%m-%d %H:%M:%S.%f"),
        separator=", ",
        forms=["{:.0f}", "{:.2f}", "{:.2f}", "{:.3f}", "{:.6f}", "{}"],
    )
    recording = read({"a.txt": head + rows})
    assert recording.default_lead() == "EXG Channel 1"
    assert recording.channels[0].fs_hz == 250


def test_shimmer(read):
    head = '"sep=\t"\nShimmer_1_Timestamp_Unix_CAL\tShimmer_1_ECG_RESP_24BIT_CAL\tShimmer_1_ECG_LL-RA_24BIT_CAL\t\nms\tmV\tmV\t\n'
    body = lines(1.7e12 + 1000 * TIME_S, RESP, ECG, separator="\t", forms=["{:.3f}", "{:.4f}", "{:.4f}"])
    check(read({"a.csv": head + body.replace("\n", "\t\n")}), name="Shimmer_1_ECG_LL-RA_24BIT_CAL")


def test_labchart(read):
    head = "Interval=\t0.004 s\nExcelDateTime=\t4.5e+004\t02/01/2024\nTimeFormat=\tStartOfBlock\nChannelTitle=\tResp\tECG\nRange=\t10.00 V\t2.000 mV\n"
    check(read({"a.txt": head + lines(TIME_S, RESP, ECG, separator="\t")}), name="ECG")
    german = comma(head.replace("0.004 s", "0.004 s") + lines(TIME_S, RESP, ECG, separator="\t"))
    check(read({"a.txt": german}), name="ECG")


def test_acqknowledge(read):
    head = f"a.acq\n4 msec/sample\n2 channels\nECG\nmV\nRSP\nVolts\nsec,CH1,CH2,\n,{COUNT},{COUNT},\n"
    body = lines(TIME_S, ECG, RESP).replace("\n", ",\n")
    check(read({"a.txt": head + body}), name="ECG")
    check(
        read(
            {
                "a.txt": head.replace("sec,CH", "min,CH")
                + lines(TIME_S / 60, ECG, RESP, forms=["{:.9f}", "{:.4f}", "{:.4f}"])
            }
        ),
        name="ECG",
    )


@pytest.mark.parametrize("packet", [10, 73])
@pytest.mark.parametrize("head", ["timestamp;ecg [uV]", "Phone timestamp;ecg [uV]"])
def test_stamps_for_each_packet(read, packet, head):
    """A belt that sends so many samples at once, all with the time at which they came."""
    at = np.arange(round(SECONDS * 130))
    sent = at // packet * packet / 130
    first = datetime.datetime(2024, 1, 2, 8)
    shown = [(first + datetime.timedelta(seconds=float(each))).isoformat(timespec="milliseconds") for each in sent]
    recording = read({"a.txt": head + "\n" + lines(shown, 1000 * heart(130), separator=";", forms=["{}", "{:.0f}"])})
    assert recording.channels[0].fs_hz == pytest.approx(130, rel=2e-3)


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S.%fZ",
        "%d.%m.%Y %H:%M:%S,%f",
        "%m/%d/%Y %I:%M:%S.%f %p",
        "%I:%M:%S.%f %p",
        "%H:%M:%S.%f",
        "%H:%M:%S:%f",
        "%d-%b-%Y %H:%M:%S.%f",
        "%Y/%m/%d %H:%M:%S.%f",
        "[%H:%M:%S.%f]",
        "%b %d, %Y %I:%M:%S.%f %p",
        "%Y%m%d %H:%M:%S.%f",
    ],
)
@pytest.mark.parametrize("start", ["2024-01-02 11:59:55", "2024-01-31 23:59:55"])
def test_stamps_of_all_kinds(read, form, start):
    """Across noon, and across midnight and the end of a month."""
    separator = ";" if "," in form else ","
    text = f"when{separator}ecg (mV)\n" + lines(stamps(form, start), ECG, separator=separator, forms=["{}", "{:.4f}"])
    check(read({"a.csv": text}), name="ecg")


@pytest.mark.parametrize("date", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"])
@pytest.mark.parametrize("time", ["%H:%M:%S.%f", "%I:%M:%S.%f %p"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_date_and_time_in_two_columns(read, date, time, separator):
    body = lines(
        stamps(date, "2024-01-31 23:59:55"),
        stamps(time, "2024-01-31 23:59:55"),
        ECG,
        separator=separator,
        forms=["{}", "{}", "{:.4f}"],
    )
    check(read({"a.csv": separator.join(["Date", "Time", "ECG (mV)"]) + "\n" + body}), name="ECG")


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("s", 1),
        ("sec", 1),
        ("ms", 1e3),
        ("µs", 1e6),
        ("us", 1e6),
        ("ns", 1e9),
        ("min", 1 / 60),
        ("h", 1 / 3600),
        ("Minutes", 1 / 60),
    ],
)
@pytest.mark.parametrize("heading", ["Time ({})", "t [{}]", "Time_{}"])
def test_every_unit_of_time(read, unit, factor, heading):
    body = lines(TIME_S * factor, ECG, forms=["{:.10f}", "{:.4f}"])
    check(read({"a.csv": f"{heading.format(unit)},ECG (mV)\n{body}"}), name="ECG")


def test_minutes_that_name_no_unit_are_asked_for(read):
    """128 Hz in minutes would be 7,680 Hz in seconds, which few recorders have."""
    at = np.arange(2000) / 128
    with pytest.raises(UserError, match="Name its unit in the heading"):
        read({"a.csv": "time,ecg\n" + lines(at / 60, heart(128)[:2000], forms=["{:.8f}", "{:.4f}"])})


@pytest.mark.parametrize(
    ("beside", "form"),
    [
        ("N", "{}"),
        ("sinus rhythm", "{}"),
        (7, "{:.0f}"),
        ("", "{}"),
        ("#N/A", "{}"),
        (True, "{}"),
        ("ok, good", '"{}"'),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_column_beside_the_ecg_does_no_harm(read, beside, form, place):
    columns, forms, names = [TIME_S, ECG], ["{:.4f}", "{:.4f}"], ["time (s)", "ecg (mV)"]
    columns.insert(place, [beside] * COUNT)
    forms.insert(place, form)
    names.insert(place, "label")
    check(read({"a.csv": ",".join(names) + "\n" + lines(*columns, forms=forms)}), name="ecg")


def test_a_column_that_is_filled_late(read):
    """A comment now and then, and a lead that was put on late."""
    comments = ["" if at != 3000 else "started to walk" for at in range(COUNT)]
    late = ["" if at < 2000 else f"{value:.4f}" for at, value in enumerate(RESP)]
    recording = read(
        {
            "a.csv": "time,ecg (mV),note,resp\n"
            + lines(TIME_S, ECG, comments, late, forms=["{:.3f}", "{:.4f}", "{}", "{}"])
        }
    )
    check(recording, name="ecg")
    assert [channel.name for channel in recording.channels] == ["ecg", "resp"]
    assert np.isnan(recording.channels[1].signal).sum() == 2000


@pytest.mark.parametrize("missing", ["#N/A", "#NV", "#DIV/0!", "", "NaN", "null", "-", "#VALUE!", "?", "N/A"])
@pytest.mark.parametrize("heading", ["ecg (mV),resp", "resp,ecg (mV)"])
def test_missing_samples_in_every_spelling(read, missing, heading):
    cells = [missing if 1000 <= at < 1500 else f"{value:.4f}" for at, value in enumerate(ECG)]
    columns = (cells, RESP) if heading.startswith("ecg") else (RESP, cells)
    forms = ["{}", "{:.4f}"] if heading.startswith("ecg") else ["{:.4f}", "{}"]
    check(read({"a.csv": f"{heading}\n" + lines(*columns, forms=forms)}, fs_hz=FS_HZ), missing=500)


def test_rows_of_which_all_samples_are_missing(read):
    """For longer than the first lines that are looked at."""
    rows = [
        "#N/A,#N/A" if 500 <= at < 2500 else f"{value:.4f},{other:.4f}"
        for at, (value, other) in enumerate(zip(ECG, RESP, strict=True))
    ]
    check(read({"a.csv": "ecg (mV),resp\n" + "\n".join(rows)}, fs_hz=FS_HZ), missing=2000)


@pytest.mark.parametrize("separator", ["\t", ";", "|", " ", "   "])
@pytest.mark.parametrize("decimal_comma", [False, True])
@pytest.mark.parametrize("trailing", [False, True])
def test_separators(read, separator, decimal_comma, trailing):
    body = lines(TIME_S, RESP, ECG, separator=separator)
    body = comma(body) if decimal_comma else body
    body = body.replace("\n", f"{separator}\n") if trailing else body
    check(read({"a.txt": separator.join(["time(s)", "resp", "ecg(mV)"]) + "\n" + body}), name="ecg")


@pytest.mark.parametrize("heading", ["", "ECG\n", "ECG (mV)\n", "Unit: mV\n"])
@pytest.mark.parametrize("digits", [1, 2, 3, 4])
def test_one_column_with_decimal_commas(read, heading, digits):
    scale = 1000 if digits < 3 else 1
    recording = read({"a.txt": heading + comma(lines(scale * ECG, forms=[f"{{:.{digits}f}}"]))}, fs_hz=FS_HZ)
    assert len(recording.channels) == 1
    np.testing.assert_allclose(recording.channels[0].signal, scale * ECG, atol=0.6 * 10**-digits)


@pytest.mark.parametrize("columns", [2, 3])
def test_commas_that_separate_and_mark_decimals(read, columns):
    data = (TIME_S, ECG, RESP)[:columns]
    body = "\n".join(",".join(comma(f"{each:.4f}") for each in row) for row in zip(*data, strict=True))
    check(read({"a.csv": ",".join(["time (s)", "ecg (mV)", "resp"][:columns]) + "\n" + body}), name="ecg")


def test_two_columns_of_whole_numbers_are_two_columns(read):
    adc = (512 + 300 * ECG).round()
    recording = read({"a.csv": lines(adc, 512 + 100 * RESP, forms=["{:.0f}", "{:.0f}"])}, fs_hz=FS_HZ)
    assert len(recording.channels) == 2
    np.testing.assert_array_equal(recording.channels[0].signal, adc)


@pytest.mark.parametrize("form", ["{:,.1f}", "{:,.0f}"])
@pytest.mark.parametrize(
    ("group", "decimal", "separator"),
    [
        (",", ".", "\t"),
        (".", ",", ";"),
        (" ", ",", ";"),
        ("'", ".", ";"),
        ("\u00a0", ",", "\t"),
        ("\u202f", ",", ";"),
        (",", ".", '"'),
    ],
)
def test_thousands_separators(read, form, group, decimal, separator):
    values = 32_000 + 4000 * ECG
    if (form, group, decimal) == ("{:,.0f}", ".", ","):
        pytest.skip("32.000 may be either")
    cells = [form.format(value).translate(str.maketrans({",": group, ".": decimal})) for value in values]
    if separator == '"':
        body, heading = "\n".join(f'"{cell}",{resp:.3f}' for cell, resp in zip(cells, RESP, strict=True)), "ecg,resp"
    else:
        body, heading = (
            lines(cells, [f"{at % 7}" for at in range(COUNT)], separator=separator, forms=["{}", "{}"]),
            f"ecg{separator}n7",
        )
    recording = read({"a.csv": f"{heading}\n{body}"}, fs_hz=FS_HZ)
    np.testing.assert_allclose(recording.channel("ecg").signal, values, atol=0.51)


@pytest.mark.parametrize("heading", ["", ",time,ecg\n", "index,time,ecg\n", "Unnamed: 0,time,ecg\n", "n,t,ecg\n"])
def test_an_index_and_a_time_before_the_ecg(read, heading):
    recording = read({"a.csv": heading + lines(np.arange(COUNT), TIME_S, ECG, forms=["{:.0f}", "{:.3f}", "{:.4f}"])})
    check(recording, unit="")
    assert len(recording.channels) == 1


@pytest.mark.parametrize("kind", ["counter", "ramp", "falling", "sawtooth", "constant", "clock"])
def test_what_only_counts_or_rises_is_never_a_lead(read, kind):
    at = np.arange(COUNT)
    column = {
        "counter": at,
        "ramp": at * 0.7,
        "falling": -at,
        "sawtooth": at % 128,
        "constant": at * 0 + 3,
        "clock": 1.7e9 + at // 250,
    }[kind]
    recording = read({"a.csv": "a,b\n" + lines(column, ECG, forms=["{:.6g}", "{:.4f}"])}, fs_hz=FS_HZ)
    assert [channel.name for channel in recording.channels] == ["b"]


@pytest.mark.parametrize(
    "name", ["ECG", "EKG", "Lead II", "aVF", "V5", "MLII", "ECG1", "ECG II (mV)", "ch_ECG", "D2", "ecg_clean", "EKG-1"]
)
def test_the_lead_is_an_ecg_by_name(read, name):
    """The others have the shape of one, too."""
    recording = read({"a.csv": f"pleth,abp,{name}\n" + lines(heart(), heart()[::-1], ECG)}, fs_hz=FS_HZ)
    assert recording.channels[0].name == name.split(" (")[0]
    assert recording.suggested == recording.channels[0].name


def test_the_lead_is_an_ecg_by_shape(read):
    noise = np.random.default_rng(3).normal(size=COUNT)
    recording = read({"a.csv": lines(RESP, noise, np.cumsum(noise), ECG)}, fs_hz=FS_HZ)
    assert recording.suggested == "column 4"
    assert read({"a.csv": lines(RESP, noise, np.cumsum(noise), ECG)}).suggested == "column 4"


def test_where_nothing_looks_like_an_ecg_it_is_said(read):
    noise = np.random.default_rng(3).normal(size=COUNT)
    recording = read({"a.csv": lines(RESP, noise)}, fs_hz=FS_HZ)
    assert recording.suggested is None
    assert "None of the signals looks like an ECG" in recording.notes[-1]
    with pytest.raises(
        UserError, match=r"None of the signals of a looks like an ECG\. Choose the lead that is one: column 1, column 2"
    ):
        recording.default_lead()


@pytest.mark.parametrize(
    ("unit", "factor", "kept"),
    [("mV", 1, "mV"), ("V", 1e-3, "V"), ("uV", 1e3, "uV"), ("V", 1, ""), ("uV", 1, ""), ("mV", 1000, "")],
)
def test_a_range_that_no_heart_has_is_asked_for(read, unit, factor, kept):
    recording = read({"a.csv": f"ecg ({unit})\n" + lines(factor * ECG, forms=["{:.7f}"])}, fs_hz=FS_HZ)
    assert recording.channels[0].unit == kept
    assert any("Give the unit by hand" in note for note in recording.notes) == (kept == "")


@pytest.mark.parametrize(("factor", "kept"), [(1, True), (2, True), (20, False), (1 / 10, False)])
def test_a_heart_rate_that_no_heart_has_is_asked_for(read, factor, kept):
    """The file says a rate at which the heart would beat 1,440 or 7 times a minute."""
    fs_hz = FS_HZ * factor
    long = np.tile(ECG, 6)
    if fs_hz < 50:
        return
    recording = read({"a.txt": f"Sampling rate: {fs_hz:g} Hz\necg\n{lines(long)}"})
    assert recording.channels[0].fs_hz == (fs_hz if kept else None)
    assert any("Give the sampling rate by hand" in note for note in recording.notes) != kept


def test_a_rate_by_hand_that_contradicts_the_files_is_noted(read):
    recording = read({"a.txt": f"Sampling rate: 250 Hz\necg\n{lines(ECG)}"}, fs_hz=360)
    assert recording.channels[0].fs_hz == 360
    assert "The file says 250 Hz. The 360 Hz given by hand are used in its place; check them." in recording.notes


def test_what_the_lines_say_and_the_time_column_differ(read):
    recording = read({"a.csv": f"Sampling rate: 500 Hz\ntime (s),ecg (mV)\n{lines(TIME_S, ECG)}"})
    assert recording.channels[0].fs_hz == 250
    assert "The file says 500 Hz, and its time column 250 Hz. 250 Hz is taken; check it." in recording.notes


def test_an_uneven_time_column_does_no_harm_where_the_lines_say_the_rate(read):
    times = np.sort(np.random.default_rng(0).random(COUNT)) * SECONDS
    check(read({"a.csv": f"Sampling rate: 250 Hz\ntime (s),ecg (mV)\n{lines(times, ECG)}"}), name="ecg")


@pytest.mark.parametrize("separator", [",", ";", " ", "\t"])
def test_one_long_row(read, separator):
    recording = read({"a.csv": separator.join(f"{value:.4f}" for value in ECG)}, fs_hz=FS_HZ)
    np.testing.assert_allclose(recording.channels[0].signal, ECG, atol=1e-4)
    recording = read(
        {
            "a.csv": "\n".join(
                [
                    f"time{separator}" + separator.join(f"{each:.4f}" for each in TIME_S),
                    f"ECG{separator}" + separator.join(f"{value:.4f}" for value in ECG),
                ]
            )
        }
    )
    check(recording, unit="", name="ECG")


@pytest.mark.parametrize("columns", [187, 188])
def test_a_table_of_beats_is_named(read, columns):
    beats = np.random.default_rng(0).random((20, columns))
    with pytest.raises(UserError, match=r'is a table of beats that are already cut.*choose "Change beats" there'):
        read({"a.csv": "\n".join(",".join(f"{value:.5f}" for value in row) for row in beats)})


def test_a_line_that_is_cut_off_at_the_end(read):
    text = "time (s),ecg (mV)\n" + lines(TIME_S, ECG)
    recording = read({"a.csv": text[:-9]})
    assert recording.channels[0].fs_hz == 250
    assert "1 line is not as the others" in recording.notes[0]


def test_headings_that_stand_in_a_comment(read):
    check(read({"a.txt": "# made by numpy\n# time(s) ecg(mV)\n" + lines(TIME_S, ECG, separator=" ")}), name="ecg")

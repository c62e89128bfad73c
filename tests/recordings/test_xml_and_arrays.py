"""XML, JSON, workbooks and files of arrays: what devices write, and what an attacker would."""

import io
import json
import struct

import numpy as np
import openpyxl
import pandas as pd
import pytest
import scipy.io

from nsr_core.errors import UserError
from nsr_core.recordings.formats import philips
from tests.recordings.good import (
    COUNT,
    FS_HZ,
    dicom_file,
    hl7_file,
    muse_file,
    ods_file,
    philips_file,
    signals,
    workbook_file,
)
from tests.recordings.heart import beat_train

ENTITIES = b'<!DOCTYPE x [<!ENTITY a "0 "><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("make", [hl7_file, muse_file])
@pytest.mark.parametrize("declaration", [ENTITIES, b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'])
def test_entities_are_refused(read, make, declaration):
    head, body = make().split(b"\n", 1)
    with pytest.raises(UserError, match="XML that declares entities, which are not read"):
        read({"a.xml": head + declaration + body.replace(b'<!DOCTYPE RestingECG SYSTEM "restecg.dtd">', b"")})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><body/></html>", 'is XML that begins with "html"'),
        (
            b'<?xml version="1.0"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3"><id/></AnnotatedECG>',
            "is an HL7 annotated ECG without a series",
        ),
        (
            b"<RestingECG><Waveform><WaveformType>Median</WaveformType></Waveform></RestingECG>",
            "a MUSE file without a rhythm waveform",
        ),
        (b"<restingecgdata/>", "a Philips file without waveforms"),
        (b"<AnnotatedECG><a>", "damaged or cut off"),
        (b"<AnnotatedECG>" + b"<a>" * 200, "damaged or cut off"),
    ],
)
def test_what_an_xml_file_is_is_said(read, content, message):
    with pytest.raises(UserError, match=message):
        read({"a.xml": content})


def test_the_augmented_leads_follow_from_the_two_that_are_stored(read):
    leads = {channel.name: channel.signal for channel in read({"a.xml": muse_file()}).channels}
    np.testing.assert_allclose(leads["III"], leads["II"] - leads["I"], atol=1e-9)
    np.testing.assert_allclose(leads["aVR"] + leads["aVL"] + leads["aVF"], 0, atol=1e-9)


def packed(lead: np.ndarray) -> bytes:
    """A lead of whole numbers by XLI: second differences, high bytes before low ones, codes of ten bits for single bytes.

    The encoder's second difference is the decoder's read backwards: x[n] = 2 x[n-1] - x[n-2] - (d[n-1] - 64), d before the
    third being the number in the chunk's header.
    """
    differences = 2 * lead[1:-1] - lead[:-2] - lead[2:]
    stored = np.concatenate([lead[:2], differences[1:] + 64, [0]]).astype(">i2")
    data = stored.view(np.uint8).reshape(-1, 2).T.tobytes()
    bits = "".join(f"{byte:010b}" for byte in data)
    bits += "0" * (-len(bits) % 8)
    chunk = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return struct.pack("<ihh", len(chunk), 1, int(differences[0])) + chunk


def test_philips_leads_packed_by_xli(read):
    steps = [np.round(200 * lead[:400]).astype(np.int64) for lead in signals()]
    channels = read({"a.xml": philips_file(b"".join(map(packed, steps)))}).channels
    assert [channel.name for channel in channels] == ["II", "V5"]
    for channel, expected in zip(channels, steps, strict=True):
        np.testing.assert_array_equal(channel.signal[:400], 5 * expected)


def test_a_philips_lead_that_grows_is_stopped(read, monkeypatch):
    monkeypatch.setattr(philips, "MOST_BYTES", 500)
    with pytest.raises(UserError, match="has a lead of more than 500 bytes"):
        read({"a.xml": philips_file(packed(np.arange(400) % 7))})


def test_a_workbook_speaks_as_text_does(read):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Sampling rate", "250 Hz"])
    sheet.append(["Patient", "X"])
    sheet.append(["label", "ecg (mV)", "note"])
    for number, value in enumerate(signals()[0].tolist()):
        sheet.append(["N", value if number not in (700, 701) else "#N/A", None])
    buffer = io.BytesIO()
    book.save(buffer)
    recording = read({"a.xlsx": buffer.getvalue()})
    assert [(channel.name, channel.unit, channel.fs_hz) for channel in recording.channels] == [("ecg", "mV", 250)]
    assert np.flatnonzero(np.isnan(recording.channels[0].signal)).tolist() == [700, 701]


def test_a_workbook_with_dates_and_times(read):
    first = pd.Timestamp("2024-01-31 23:59:55")
    frame = pd.DataFrame({"when": first + pd.to_timedelta(np.arange(COUNT) / FS_HZ, "s"), "ECG (mV)": signals()[0]})
    buffer = io.BytesIO()
    frame.to_excel(buffer, index=False)
    recording = read({"a.xlsx": buffer.getvalue()})
    assert [(channel.name, channel.fs_hz) for channel in recording.channels] == [("ECG", 250.0)]


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx", "a.bin"])
def test_a_workbook_is_known_by_its_content_and_in_a_zip(read, name):
    assert read({name: workbook_file()}).kind == "workbook"
    assert read({"a.ods": ods_file()}).kind == "workbook"


def test_dicom_without_a_waveform_and_deflated(read):
    good = dicom_file()
    with pytest.raises(UserError, match="deflated DICOM file, which is not read"):
        read({"a.dcm": good.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99", 1)})
    with pytest.raises(UserError, match=r"DICOM file (without a waveform|that cannot be read)"):
        read({"a.dcm": good[:600]})


HEART = beat_train(5000, np.arange(120, 4900, 300))


@pytest.mark.parametrize(
    "value",
    [
        HEART.tolist(),
        [[value] for value in HEART.tolist()],
        {"ecg": HEART.tolist(), "fs": 360},
        {"data": {"II": HEART.tolist()}, "meta": {"sampling_rate": 360, "unit": "mV"}},
        {
            "signals": [HEART.tolist(), (HEART / 2).tolist()],
            "leads": ["II", "V1"],
            "samplingFrequency": 360,
            "units": "mV",
        },
        [{"t": at / 360, "ecg": value} for at, value in enumerate(HEART.tolist())],
        {"samples": [{"time": at / 360, "ecg_mV": value, "q": "ok"} for at, value in enumerate(HEART.tolist())]},
    ],
)
def test_json_of_many_shapes(read, value):
    recording = read({"a.json": json.dumps(value)}, fs_hz=360)
    np.testing.assert_allclose(recording.channels[0].signal, HEART, atol=1e-9)
    assert recording.channels[0].fs_hz == 360
    assert not any("by hand" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": "b"}', "is JSON without a list of numbers"),
        ('{"a": [1, 2', "begins as JSON and is damaged or cut off"),
        ('{"a":' * 5000, "begins as JSON and is damaged or cut off"),
    ],
)
def test_json_that_holds_no_signal(read, text, message):
    with pytest.raises(UserError, match=message):
        read({"a.json": text})


@pytest.mark.parametrize("shape", [(5000,), (5000, 1), (1, 5000), (2, 5000), (5000, 2)])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2"])
def test_numpy_arrays_of_all_shapes(read, shape, dtype):
    buffer = io.BytesIO()
    heart = np.round(1000 * HEART)
    array = heart.reshape(shape) if 2 not in shape else np.stack([heart, heart / 2], axis=shape.index(2))
    np.save(buffer, array.astype(dtype))
    np.testing.assert_allclose(read({"a.npy": buffer.getvalue()}, fs_hz=360).channels[0].signal, heart)


def test_objects_are_never_opened(read):
    buffer = io.BytesIO()
    np.save(buffer, np.array([print, None], object), allow_pickle=True)
    with pytest.raises(UserError, match="objects are never opened"):
        read({"a.npy": buffer.getvalue()})


def test_a_challenge_record_and_its_matlab_file_alone(read):
    """PhysioNet's Challenges: a WFDB record whose samples lie in a MATLAB file of version 4 behind 24 bytes."""
    buffer = io.BytesIO()
    digital = np.round(1000 * HEART).astype("<i2")[None, :]
    scipy.io.savemat(buffer, {"val": digital}, format="4")
    header = "c1 1 360 5000\nc1.mat 16+24 1000/mV 16 0 0 0 0 II\n"
    recording = read({"c1.hea": header, "c1.mat": buffer.getvalue()})
    assert (recording.kind, recording.channels[0].unit, recording.channels[0].fs_hz) == ("wfdb", "mV", 360)
    np.testing.assert_allclose(recording.channels[0].signal, HEART, atol=6e-4)
    alone = read({"c1.mat": buffer.getvalue()}, fs_hz=360)
    np.testing.assert_array_equal(alone.channels[0].signal, digital[0])


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"%PDF-1.7\n\0", "is a PDF: it holds a picture of the ECG and no samples"),
        (b"\x89PNG\r\n\x1a\n\0", "is a picture, which holds no samples"),
        (b"\x1f\x8b\x08\0", "is packed with gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "is a workbook or document of Office before 2007"),
        (b"\x89HDF\r\n\x1a\n\0", "is an HDF5 file"),
        (b"\x80\x04\x95\0\0", "is a Python pickle"),
        (b"\0" * 16 + b"SCPECG\0\0", "is an SCP-ECG file"),
    ],
)
def test_what_is_no_recording_is_named(read, start, message):
    with pytest.raises(UserError, match=message):
        read({"a.bin": start + bytes(100)})

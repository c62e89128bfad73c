"""Small recordings of every format, as bytes: two leads, ten seconds at 250 Hz."""

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable

import edfio
import numpy as np
import openpyxl
import pandas as pd
import pydicom
import scipy.io
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

FS_HZ = 250
COUNT = 10 * FS_HZ


def signals(count: int = COUNT) -> np.ndarray:
    """(2, n) float64 in mV: a beat a second, and a slower wave."""
    time = np.arange(count) / FS_HZ
    return np.stack([np.exp(-(((time % 1 - 0.5) / 0.02) ** 2)), 0.3 * np.sin(2 * np.pi * 0.7 * time)])


def csv_file(count: int = COUNT) -> bytes:
    """With a time column in seconds."""
    rows = np.column_stack([np.arange(count) / FS_HZ, *signals(count)])
    return "\n".join(
        ["time (s),MLII (mV),V5 (mV)", *("{:.3f},{:.4f},{:.4f}".format(*row) for row in rows), ""]
    ).encode()


def edf_file(annotations: tuple[edfio.EdfAnnotation, ...] | None = None) -> bytes:
    """EDF, or EDF+ where annotations are given."""
    leads = [
        edfio.EdfSignal(signal, FS_HZ, label=label, physical_dimension="mV", physical_range=(-5, 5))
        for label, signal in zip(("ECG II", "V5"), signals(), strict=True)
    ]
    buffer = io.BytesIO()
    edfio.Edf(leads, annotations=annotations).write(buffer)
    return buffer.getvalue()


def wfdb_files() -> dict[str, bytes]:
    """A record in format 16 with annotations, made without wfdb."""
    digital = np.round(signals() * 200).astype("<i2")
    header = (
        f"r1 2 {FS_HZ} {COUNT}\nr1.dat 16 200(0)/mV 11 0 0 0 0 MLII\nr1.dat 16 200(0)/mV 11 0 0 0 0 V5\n# a comment\n"
    )
    return {"r1.hea": header.encode(), "r1.dat": digital.T.tobytes(), "r1.atr": annotation_file()}


def workbook_file() -> bytes:
    """Metadata, headings, and rows with a time in seconds; a short second sheet."""
    book = openpyxl.Workbook()
    book.active.append(["Recorded by", "a device"])
    book.active.append(["time (s)", "MLII (mV)", "V5 (mV)"])
    for number, row in enumerate(signals().T.round(4).tolist()):
        book.active.append([number / FS_HZ, *row])
    book.create_sheet("notes").append(["nothing"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def ods_file() -> bytes:
    """The same as an OpenDocument sheet, made without a library."""

    def cell(value: object) -> str:
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value:.2f}</text:p></table:table-cell>'

    rows = [
        ["time (s)", "MLII (mV)", "V5 (mV)"],
        *([number / FS_HZ, *row] for number, row in enumerate(signals().T.round(4).tolist())),
    ]
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    spaces = " ".join(
        f'xmlns:{each}="urn:oasis:names:tc:opendocument:xmlns:{each}:1.0"' for each in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="ECG">{body}<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return zip_of({"mimetype": kind.encode(), "content.xml": content.encode()}, zipfile.ZIP_STORED)


def hl7_file() -> bytes:
    """Two leads in steps of 1 uV, in the name space of HL7."""
    leads = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{name}"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/>'
        f'<scale value="1" unit="uV"/><digits>{" ".join(map(str, (1000 * lead).round().astype(int)))}</digits></value></sequence></component>'
        for name, lead in zip(("II", "V5"), signals(), strict=True)
    )
    time = (
        '<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20240102080000"/>'
        f'<increment value="{1 / FS_HZ}" unit="s"/></value></sequence></component>'
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><series><code code="RHYTHM"/><component>'
        f"<sequenceSet>{time}{leads}</sequenceSet></component></series></component></AnnotatedECG>"
    ).encode()


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.round().astype("<i2").tobytes()).decode()


def muse_file() -> bytes:
    """I and II in steps of 4.88 uV; a median beat before them."""

    def waveform(kind: str, count: int) -> str:
        leads = "".join(
            f"<LeadData><LeadID>{name}</LeadID><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>"
            f"<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><WaveFormData>{_base64(1000 * lead[:count] / 4.88)}</WaveFormData></LeadData>"
            for name, lead in zip(("I", "II"), signals()[::-1], strict=True)
        )
        return f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{FS_HZ}</SampleBase><SampleExponent>0</SampleExponent>{leads}</Waveform>"

    text = f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>{waveform("Median", 300)}{waveform("Rhythm", COUNT)}</RestingECG>'
    return text.encode("latin-1")


def philips_file(packed: bytes | None = None) -> bytes:
    """Two leads in steps of 5 uV, unpacked, or what is given, packed by XLI."""
    data = (
        base64.b64encode(packed).decode() if packed is not None else _base64(np.concatenate(list(1000 * signals() / 5)))
    )
    method = "XLI" if packed is not None else "Uncompressed"
    text = (
        '<?xml version="1.0" encoding="UTF-16"?>\n<restingecgdata xmlns="http://www3.medical.philips.com"><dataacquisition>'
        f"<signalcharacteristics><samplingrate>{FS_HZ}</samplingrate><resolution>5</resolution></signalcharacteristics></dataacquisition>"
        f'<waveforms><parsedwaveforms dataencoding="Base64" compression="{method}" durationperchannel="{1000 * COUNT // FS_HZ}" '
        f'numberofleads="2" leadlabels="II V5">{data}</parsedwaveforms></waveforms></restingecgdata>'
    )
    return text.encode("utf-16")


def dicom_file() -> bytes:
    """Two leads in steps of 1 uV, written by pydicom."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.9.1.2")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    group = Dataset()
    group.WaveformOriginality, group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = "ORIGINAL", 2, COUNT
    group.SamplingFrequency, group.WaveformBitsAllocated, group.WaveformSampleInterpretation = str(FS_HZ), 16, "SS"
    group.ChannelDefinitionSequence = []
    for name in ("Lead II", "V5"):
        channel, source, unit = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "5.6.3-9-2", "SCPECG", name
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        channel.ChannelSourceSequence, channel.ChannelSensitivityUnitsSequence = [source], [unit]
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = "1", "1", "0"
        channel.WaveformBitsStored = 16
        group.ChannelDefinitionSequence.append(channel)
    group.WaveformData = (1000 * signals()).round().astype("<i2").T.tobytes()
    dataset.WaveformSequence = [group]
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def ishne_file() -> bytes:
    """Two leads in steps of 1000 nV."""
    header = bytearray(522)
    header[:8] = b"ISHNE1.0"
    struct.pack_into("<iiii", header, 10, 0, COUNT, 522, 522)
    struct.pack_into("<h", header, 156, 2)
    struct.pack_into("<12h", header, 158, 6, 15, *[-9] * 10)
    struct.pack_into("<12h", header, 206, 1000, 1000, *[0] * 10)
    struct.pack_into("<h", header, 272, FS_HZ)
    return bytes(header) + (1000 * signals()).round().astype("<i2").T.tobytes()


def npy_file() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, signals().T)
    return buffer.getvalue()


def mat_file() -> bytes:
    """With rate, unit and leads beside the array, as MATLAB packs it."""
    buffer = io.BytesIO()
    scipy.io.savemat(
        buffer, {"ecg": signals(), "fs": float(FS_HZ), "unit": "mV", "leads": ["II", "V5"]}, do_compression=True
    )
    return buffer.getvalue()


def json_file() -> bytes:
    leads = {"II": signals()[0].round(4).tolist(), "V5": signals()[1].round(4).tolist()}
    return json.dumps({"fs": FS_HZ, "unit": "mV", "signals": leads}).encode()


def parquet_file() -> bytes:
    """With a time in seconds."""
    buffer = io.BytesIO()
    lead, other = signals()
    pd.DataFrame({"time (s)": np.arange(COUNT) / FS_HZ, "II (mV)": lead, "V5 (mV)": other}).to_parquet(buffer)
    return buffer.getvalue()


def annotation_file() -> bytes:
    """Ten normal beats, a second apart: the code 1 in six bits, the samples since the last in ten."""
    words = [(1 << 10) + (FS_HZ // 2 if beat == 0 else FS_HZ) for beat in range(10)]
    return np.array([*words, 0], "<u2").tobytes()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An ordinary zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


#: A good upload of each format in ``FORMATS``, and more of some; the fuzzer damages them.
GOOD: dict[str, list[Callable[[], dict[str, bytes]]]] = {
    "csv": [lambda: {"a.csv": csv_file()}],
    "edf": [lambda: {"a.edf": edf_file()}],
    "wfdb": [wfdb_files],
    "workbook": [lambda: {"a.xlsx": workbook_file()}, lambda: {"a.ods": ods_file()}],
    "hl7": [lambda: {"a.xml": hl7_file()}],
    "muse": [lambda: {"a.xml": muse_file()}],
    "philips": [lambda: {"a.xml": philips_file()}],
    "dicom": [lambda: {"a.dcm": dicom_file()}],
    "ishne": [lambda: {"a.ecg": ishne_file()}],
    "npy": [lambda: {"a.npy": npy_file()}],
    "mat": [lambda: {"a.mat": mat_file()}],
    "json": [lambda: {"a.json": json_file()}],
    "parquet": [lambda: {"a.parquet": parquet_file()}],
}

"""Small recordings of every format, as bytes: two leads, ten seconds at 250 Hz."""

import io
import zipfile

import edfio
import numpy as np

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

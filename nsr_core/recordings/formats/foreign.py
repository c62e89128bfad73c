"""What is often given and is no recording: known by its first bytes, so that the message can say what to do."""

#: The first bytes, where they stand, and what such a file is, as the rest of a sentence.
_KINDS: tuple[tuple[bytes, int, str], ...] = (
    (b"%PDF", 0, "a PDF: it holds a picture of the ECG and no samples. Export the samples from the device's software"),
    (b"\x89PNG", 0, "a picture, which holds no samples. Export the samples from the device's software"),
    (b"\xff\xd8\xff", 0, "a picture, which holds no samples. Export the samples from the device's software"),
    (b"GIF8", 0, "a picture, which holds no samples. Export the samples from the device's software"),
    (b"II*\0", 0, "a picture, which holds no samples. Export the samples from the device's software"),
    (b"\xd0\xcf\x11\xe0", 0, "a workbook or document of Office before 2007. Save it as .xlsx or .csv"),
    (b"\x1f\x8b", 0, "packed with gzip. Unpack it and give the file in it"),
    (b"7z\xbc\xaf", 0, "packed with 7-Zip. Unpack it and give the files in it"),
    (b"Rar!", 0, "packed with RAR. Unpack it and give the files in it"),
    (b"BZh", 0, "packed with bzip2. Unpack it and give the file in it"),
    (b"\xfd7zXZ", 0, "packed with xz. Unpack it and give the file in it"),
    (b"ustar", 257, "packed with tar. Unpack it and give the files in it"),
    (b"\x89HDF", 0, "an HDF5 file (MATLAB 7.3 among them). Save it as MATLAB 7, in Python as .npy, or as CSV"),
    (b"SQLite format 3", 0, "a database. Export the recording from the app that made it"),
    (b"SCPECG", 16, "an SCP-ECG file, which is not read. Export it as DICOM, HL7 aECG or CSV"),
    (b"RIFF", 0, "a sound or film file, which holds no ECG that is known. Export the samples as CSV or EDF"),
    (
        b"\x80\x04\x95",
        0,
        "a Python pickle, which could run anything and is never opened. Save the array with numpy.save",
    ),
    (b"ANN  1.0", 0, "the annotations of an ISHNE recording. Give the recording itself (.ecg)"),
    (b"bplist", 0, "a property list. Export the recording as CSV"),
    (b"XDF:", 0, "an XDF stream file, which is not read. Export the ECG as CSV or EDF"),
)


def foreign_kind(content: bytes) -> str | None:
    """What the file is, with what to do, to stand behind its name; None where it is not known."""
    start = content[:600]
    return next((what for magic, at, what in _KINDS if start[at : at + len(magic)] == magic), None)

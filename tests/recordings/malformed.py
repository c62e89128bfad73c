"""Malformed uploads, made from a seed: for each kind of damage a function from a generator to files."""

import functools
import io
import json
import math
import re
import struct
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import edfio
import numpy as np
import scipy.io
import wfdb

from nsr_core.recordings.formats import FORMATS, endings
from tests.recordings.good import GOOD, annotation_file, csv_file, edf_file, philips_file, signals, wfdb_files, zip_of

Files = dict[str, bytes]
Rng = np.random.Generator
ENDINGS = (*endings(), "xyz", "pdf", "")
ODD_NUMBERS = (
    "0",
    "-1",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e9",
    "1e999",
    "",
    "x",
    "99999999",
    "1e-300",
    "0x10",
    "1_0",
    "٣",
)
BOMB_PART_BYTES = 16_000_000


@dataclass(frozen=True)
class Case:
    """One upload: the kind of damage, the files, and the rate that the person gives."""

    kind: str
    files: Mapping[str, bytes]
    fs_hz: float | None = None


def make_case(kind: str, seed: int) -> Case:
    """The same kind and seed, the same case."""
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind)])
    files = KINDS[kind](rng)
    fs_hz = None
    if kind == "wrong rate given":
        fs_hz = float(rng.choice([0.0, -360.0, math.nan, math.inf, 1e9, 1e-9, 49.9]))
    elif rng.random() < 0.3:
        fs_hz = 250.0
    return Case(kind, files, fs_hz)


def some(rng: Rng, *choices):
    return choices[rng.integers(len(choices))]


def noise(rng: Rng, size: int) -> bytes:
    return rng.integers(0, 256, size, np.uint8).tobytes()


def cut(rng: Rng, content: bytes) -> bytes:
    """Up to a random byte; often within the first few hundred, where headers are."""
    return content[: rng.integers(some(rng, 20, 300, len(content)))]


def flip(rng: Rng, content: bytes, most: int = 40, within: int | None = None) -> bytes:
    """Some bits the other way, or some bytes new."""
    damaged = np.frombuffer(content, np.uint8).copy()
    at = rng.integers(0, min(within or len(damaged), len(damaged)), rng.integers(1, most))
    if rng.random() < 0.5:
        damaged[at] ^= (1 << rng.integers(0, 8, len(at))).astype(np.uint8)
    else:
        damaged[at] = rng.integers(0, 256, len(at), np.uint8)
    return damaged.tobytes()


def splice(rng: Rng, content: bytes) -> bytes:
    """A stretch taken out, doubled, blanked or replaced by noise."""
    start, end = sorted(rng.integers(0, len(content), 2))
    middle = some(rng, b"", content[start:end] * 2, bytes(end - start), noise(rng, end - start), b"\n" * 1000)
    return content[:start] + middle + content[end:]


def any_name(rng: Rng, stem: str = "upload") -> str:
    ending = some(rng, *ENDINGS)
    return f"{stem}.{ending}" if ending else stem


def rubbish(rng: Rng, size: int) -> str:
    """Unicode of all planes, surrogates left out."""
    points = rng.integers(1, 0x30000, size)
    return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


# CSV ------------------------------------------------------------------------------------------------------------------


def csv_table(rng: Rng, cell: Callable[[int, int], str], columns: int = 3, rows: int = 200) -> Files:
    separator = some(rng, ",", ";", "\t")
    lines = [separator.join(cell(row, column) for column in range(columns)) for row in range(rows)]
    heading = some(rng, "", separator.join(f"c{column}" for column in range(columns)) + "\n")
    return {"table.csv": (heading + "\n".join(lines)).encode(errors="replace")}


def csv_time(rng: Rng) -> Files:
    """A time column that is uneven, backward, constant, infinite, of absurd rate or not a time."""
    count = int(rng.integers(1, 400))
    time = np.arange(count) / 250
    kind = rng.integers(9)
    if kind == 0:
        time = np.sort(rng.random(count))
    elif kind == 1:
        time = time[::-1]
    elif kind == 2:
        time = time * 0
    elif kind == 3:
        time[rng.integers(count)] = some(rng, np.nan, np.inf, -np.inf)
    elif kind == 4:
        time = time * some(rng, 1e-12, 1e12, 1e300, 1e-300, -1)
    elif kind == 5:
        time[count // 2 :] += some(rng, 1, 1e6, -0.5)
    elif kind == 6:
        time = time + 1e308 * np.linspace(-1, 1, count)
    stamp = some(rng, "{:.3f}", "{:.17g}", "0:{:06.3f}", "25:61:{:06.3f}", "2024-13-01T00:00:{:06.3f}")
    heading = some(rng, "time", "time (ms)", "t [us]", "seconds", "elapsed", "sample #", "x", "")
    lines = [f"{heading},ECG", *(f"{stamp.format(each)},{row % 7}" for row, each in enumerate(time))]
    return {"timed.csv": "\n".join(lines).encode()}


def csv_odd_numbers(rng: Rng) -> Files:
    share = some(rng, 0.01, 0.2, 1.0)
    return csv_table(rng, lambda *_: some(rng, *ODD_NUMBERS) if rng.random() < share else f"{rng.normal():.3f}")


def csv_ragged(rng: Rng) -> Files:
    lines = [",".join("1" * rng.integers(1, 5)) for _ in range(100)]
    return {"ragged.csv": "\n".join(lines).encode()}


def csv_quotes(rng: Rng) -> Files:
    return csv_table(rng, lambda *_: some(rng, '"1', '1"', "'1", '"1,2"', "1", '""', "'"))


def csv_line_ends(rng: Rng) -> Files:
    lines = csv_file(300).split(b"\n")
    return {"ends.csv": b"".join(line + some(rng, b"\n", b"\r", b"\r\n", b"\n\n", b"\v", b"\0\n") for line in lines)}


def csv_encoding(rng: Rng) -> Files:
    text = csv_file(300).decode().replace("mV", "µV")
    encoded = text.encode(some(rng, "utf-16", "utf-8-sig", "latin-1", "utf-32", "utf-16-be"))
    return {"encoded.csv": some(rng, encoded, encoded[:-1], b"\xff\xfe" + noise(rng, 999), flip(rng, encoded))}


def csv_wide(rng: Rng) -> Files:
    columns = int(some(rng, 64, 65, 66, 500, 1_000_000))
    rows = 2 if columns > 1000 else 30
    return {"wide.csv": (",".join(["1"] * columns) + "\n").encode() * rows}


def csv_long_line(rng: Rng) -> Files:
    long = some(rng, b"1", b"a", b" ", b'"', b"#", b"-", b",") * int(some(rng, 90_000, 110_000, 3_000_000))
    return {"long.csv": some(rng, long, b"a,b\n1,2\n" + long, b"a,b\n" + b"1,2\n" * 100_000 + long)}


def csv_blank_lines(rng: Rng) -> Files:
    filler = some(rng, b"\n", b"#\n", b" \n", b"\t\n", b",\n", b"\r\n")
    return {
        "blank.csv": some(rng, b"", b"1,2\n") + filler * int(rng.integers(1, 400_000)) + some(rng, b"", b"1,2\n3,4")
    }


def csv_short(rng: Rng) -> Files:
    return {
        any_name(rng): some(
            rng, b"", b"\n", b"1", b"a", b"a,b\n", b"time,ECG\n0,1", b"#", b",", b"\xef\xbb\xbf", b"\xff\xfe"
        )
    }


def csv_unicode(rng: Rng) -> Files:
    heading = rubbish(rng, int(rng.integers(1, 2000)))
    return {"rubbish.csv": some(rng, heading, heading + "\n1\n2\n3", "1\n2\n" + heading).encode()}


# EDF ------------------------------------------------------------------------------------------------------------------


@functools.cache
def good_edf() -> bytes:
    return edf_file()


@functools.cache
def good_edf_plus() -> bytes:
    return edf_file(
        tuple(edfio.EdfAnnotation(second + 0.5, None, some_text) for second, some_text in enumerate("NVA~"))
    )


#: Start and width of the header's fields; of the signals' fields the first of two.
EDF_FIELDS = {
    "version": (0, 8),
    "patient": (8, 80),
    "date": (168, 8),
    "time": (176, 8),
    "size": (184, 8),
    "reserved": (192, 44),
    "records": (236, 8),
    "duration": (244, 8),
    "signals": (252, 4),
    "label": (256, 16),
    "unit": (448, 8),
    "physical min": (464, 8),
    "physical max": (480, 8),
    "digital min": (496, 8),
    "digital max": (512, 8),
    "samples": (688, 8),
}


def edf_field(rng: Rng) -> Files:
    """One or two fields of the header with something else in them."""
    content = bytearray(good_edf())
    for _ in range(rng.integers(1, 3)):
        start, width = EDF_FIELDS[some(rng, *EDF_FIELDS)]
        text = some(
            rng, *ODD_NUMBERS, "EDF+D", "EDF+C", "EDF Annotations", "5", "-5", "32767", "1.5", "٣", "1000000", "2e4"
        )
        content[start : start + width] = some(rng, text.encode(), noise(rng, width)).ljust(width)[:width]
    return {"field.edf": bytes(content)}


def edf_huge_header(rng: Rng) -> Files:
    content = bytearray(good_edf())
    count = int(some(rng, 65, 500, 9999))
    content[252:256] = str(count).encode().ljust(4)
    content[184:192] = str(256 * (count + 1)).encode().ljust(8)
    return {"huge.edf": bytes(content) + b" " * some(rng, 0, 256 * count)}


def edf_annotations(rng: Rng) -> Files:
    """The part of the file that holds annotations, damaged."""
    content = good_edf_plus()
    start = content.index(b"\x14\x14") - 2
    damaged = some(
        rng,
        noise(rng, 200),
        b"+1\x14" * 60,
        b"+" * 200,
        b"+nan\x14N\x14\0",
        b"-1e999\x15\x14N\x14\0",
        b"+0\x14\x14\0+9" + b"9" * 60 + b"\x14N\x14\0",
    )
    return {"plus.edf": content[:start] + damaged + content[start + len(damaged) :]}


# WFDB -----------------------------------------------------------------------------------------------------------------


def wfdb_but(**changed: bytes | None) -> Files:
    """The good record with some files changed, by ending; None takes one away."""
    files = wfdb_files()
    for ending, content in changed.items():
        files.pop(f"r1.{ending}")
        if content is not None:
            files[f"r1.{ending}"] = content
    return files


#: What may stand in each place of a header; the first is right.
WFDB_WORDS = {
    "name": ("r1", "r1/2", "../r1", "", "r 1", "r1/0"),
    "count": ("2", "1", "0", "3", "-2", "99999999", "x"),
    "rate": ("250", "0", "-250", "nan", "1e9", "1000000000", "0.0001", "250/1(0)", ".", "inf", "9" * 400, "²", ""),
    "frames": ("2500", "", "0", "-5", "9999999999999999999", "2501", "2499", "nan", "1e6", "1", "9" * 900),
    "file": (
        "r1.dat",
        "../../etc/passwd",
        "/etc/passwd",
        "~",
        "http://x.org/r1.dat",
        "r1.hea",
        "r1.atr",
        "C:\\r1.dat",
        "s3://r1.dat",
        "a" * 300,
        "r1.d\u00e4t",
        "-",
    ),
    "layout": (
        "16",
        "212",
        "8",
        "24",
        "32",
        "61",
        "80",
        "160",
        "310",
        "311",
        "508",
        "516",
        "17",
        "x",
        "16x2",
        "16x0",
        "16x99999999",
        "16:3",
        "16:2499",
        "16:9999999999",
        "16+100",
        "16+99999999999",
        "8x2:1+4",
        "16x" + "9" * 900,
    ),
    "gain": (
        "200(0)/mV",
        "200",
        "",
        "0",
        "nan/mV",
        "-200/uV",
        "1e-300",
        "1e999",
        "1e-999",
        "200(" + "9" * 24 + ")/mV",
        "200/" + "V" * 300,
        "200(-99999)/\u00b5V",
        ".",
    ),
    "rest": ("11 0 0 0 0 II", "", "x" * 500, chr(7), "99999999999 9999999999 99999999999999 9 9", "\u0663"),
}


def wfdb_header(rng: Rng) -> Files:
    """A header with one, two or three wrong words."""
    words = {place: choices[0] for place, choices in WFDB_WORDS.items()}
    for place in rng.permutation(list(WFDB_WORDS))[: rng.integers(1, 4)]:
        words[place] = some(rng, *WFDB_WORDS[place])
    signal = "{file} {layout} {gain} {rest}".format(**words)
    other = some(rng, signal, "r1.dat 16 200(0)/mV 11 0 0 0 0 V5")
    return wfdb_but(hea="\n".join(["{name} {count} {rate} {frames}".format(**words), signal, other]).encode())


def wfdb_huge_header(rng: Rng) -> Files:
    line = b"r1.dat 16 200(0)/mV 11 0 0 0 0 MLII\n"
    count = int(some(rng, 65, 2000, 100_000))
    return wfdb_but(
        hea=some(rng, f"r1 {count} 250\n".encode() + line * count, b"1" * 1_000_000, b"a" * 999 + b"\n" + line * 2)
    )


def wfdb_samples(rng: Rng) -> Files:
    good = wfdb_files()["r1.dat"]
    return wfdb_but(
        dat=some(rng, cut(rng, good), b"", None, noise(rng, 10_000), good + noise(rng, 5000), b"\0\x80" * 5000)
    )


def wfdb_annotations(rng: Rng) -> Files:
    """Annotations cut, flipped, random, without end, far away, backwards, or with notes that explain the file wrongly."""
    good = annotation_file()
    note = some(
        rng,
        b"## x",
        b"## time resolution: 0",
        b"## time resolution: " + b"9" * 30,
        b"## annotation type definitions",
        b"99 q what",
        b"## " * 20,
    )
    noted = struct.pack("<HH", 22 << 10, (63 << 10) + len(note)) + note.ljust(len(note) + len(note) % 2, b"\0")
    skips = b"".join(struct.pack("<HHHH", 59 << 10, *rng.integers(0, 65536, 2), 1 << 10) for _ in range(50))
    return wfdb_but(
        atr=some(
            rng,
            cut(rng, good),
            flip(rng, good),
            noise(rng, int(rng.integers(1, 5000))),
            b"\x01\x04" * 100_000,
            skips,
            noted * 3 + good,
            noted + good,
            noted[:-3],
            b"",
        )
    )


# Zip ------------------------------------------------------------------------------------------------------------------


@functools.cache
def zip_bomb() -> bytes:
    """Some 260 MB of zeros."""
    return zip_of({f"{part}.csv": bytes(BOMB_PART_BYTES) for part in range(16)})


@functools.cache
def lying_bomb() -> bytes:
    """The same in one file of 4 MB, whose directory says that it has a hundred bytes."""
    content = zip_of({"a.csv": b"1,2\n" * 1_000_000})
    return content.replace(struct.pack("<L", 4_000_000), struct.pack("<L", 100))


def zip_names(rng: Rng) -> Files:
    """Paths that lead out of the zip, are absolute, empty, doubled, or no names at all."""
    names = [
        "../../evil.csv",
        "/etc/cron.d/evil.csv",
        "..\\evil.csv",
        "C:\\evil.csv",
        "a/../../b.csv",
        " ",
        ".",
        "a\0b.csv",
        "x" * 5000,
        rubbish(rng, 30),
        "a/b.csv",
        "c/b.csv",
        "__MACOSX/b.csv",
        ".hidden",
        "d/",
    ]
    return {"names.zip": zip_of({name: csv_file(30) for name in rng.permutation(names)[: rng.integers(1, 4)]})}


def zip_nested(rng: Rng) -> Files:
    inner = zip_of({"a.csv": csv_file(30)})
    return {"nested.zip": zip_of({some(rng, "inner.zip", "inner.csv", "inner.ZIP"): inner})}


def zip_many(rng: Rng) -> Files:
    count = int(some(rng, 101, 3000, 30_000))
    return {"many.zip": zip_of({f"{number}.csv": b"1" for number in range(count)}, zipfile.ZIP_STORED)}


def zip_method(rng: Rng) -> Files:
    """Encrypted, of another method, with the end or the sizes of its directory changed."""
    good = zip_of({"a.csv": csv_file(100)})
    end = good.index(b"PK\x05\x06")
    return {
        "method.zip": some(
            rng,
            zip_of({"a.csv": csv_file(100)}, zipfile.ZIP_LZMA),
            zip_of({"a.csv": csv_file(100)}, zipfile.ZIP_BZIP2),
            good.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0"),
            good[:end] + b"PK\x06\x07" + bytes(16) + good[end:],
            good[: end + 12] + struct.pack("<L", int(rng.integers(2**32))) + good[end + 16 :],
            good[: end + 16] + struct.pack("<L", int(rng.integers(2**32))) + good[end + 20 :],
            good[:end] + good[end : end + 22] * 2,
            good[end:],
        )
    }


def zip_of_damaged(rng: Rng) -> Files:
    """A whole zip of one of the other kinds."""
    kind = some(rng, *(kind for kind in sorted(KINDS) if kind.startswith(("csv", "edf", "wfdb"))))
    files = KINDS[kind](rng)
    return {"upload.zip": zip_of(files) if sum(map(len, files.values())) < 2_000_000 else zip_of({"a.csv": b""})}


# Anything -------------------------------------------------------------------------------------------------------------


def mixed_up(rng: Rng) -> Files:
    """A good file under another's name, or several that do not belong together."""
    contents = [csv_file(300), good_edf(), *wfdb_files().values(), zip_of({"a.csv": csv_file(30)})]
    return {any_name(rng, f"f{number}"): some(rng, *contents) for number in range(rng.integers(0, 4))}


def odd_names(rng: Rng) -> Files:
    name = some(rng, "", "/", "../../x.csv", "a" * 5000 + ".csv", rubbish(rng, 40), "\n.csv", "\ud800.csv", "x.csv\0")
    return {name: some(rng, csv_file(30), good_edf(), b"junk here")}


def damaged_zip(rng: Rng, damage: Callable[[Rng, bytes], bytes]) -> Files:
    return {"record.zip": damage(rng, zip_of(wfdb_files()))}


# Every format -----------------------------------------------------------------------------------------------------------


@functools.cache
def good_of(key: str) -> list[Files]:
    return [make() for make in GOOD[key]]


def damaged_of(key: str, damage: Callable[[Rng, bytes], bytes], rng: Rng) -> Files:
    """A good upload of a format with one of its files damaged; now and then under another ending."""
    files = dict(some(rng, *good_of(key)))
    name = some(rng, *sorted(files))
    files[name] = damage(rng, files[name])
    if len(files) == 1 and rng.random() < 0.2:
        files = {any_name(rng): files[name]}
    return files


def flip_ahead(rng: Rng, content: bytes) -> bytes:
    return flip(rng, content, within=some(rng, 100, 600, None))


def swap_numbers(rng: Rng, content: bytes) -> bytes:
    """Numbers in a text, or words of bytes in anything else, with others in their place."""
    if rng.random() < 0.5:
        places = list(re.finditer(rb"\d+(\.\d+)?", content[:20_000]))
        for match in (
            (places[each] for each in sorted(rng.integers(0, len(places), min(3, len(places))).tolist(), reverse=True))
            if places
            else ()
        ):
            content = (
                content[: match.start()]
                + some(rng, *ODD_NUMBERS, "4294967295", "-32768").encode()
                + content[match.end() :]
            )
        return content
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, max(1, min(len(damaged) - 8, some(rng, 600, len(damaged))))))
        word = struct.pack("<q", int(some(rng, -1, 0, 1, 2**31 - 1, -(2**31), 2**62, 65535, 1 << 40)))
        size = int(some(rng, 2, 4, 8))
        damaged[at : at + size] = word[:size]
    return bytes(damaged)


def _of_formats(title: str, damage: Callable[[Rng, bytes], bytes]) -> dict[str, Callable[[Rng], Files]]:
    return {f"{key} {title}": functools.partial(damaged_of, key, damage) for key in FORMATS}


# Text with something above it -------------------------------------------------------------------------------------------


def csv_metadata(rng: Rng) -> Files:
    """Lines of all kinds above, between and below a table, with numbers of all kinds in them."""
    words = (
        "Sample Rate",
        "Abtastrate",
        "Interval",
        "fs",
        "Unit",
        "Lead",
        "Range",
        "ChannelTitle",
        "2 channels",
        "#",
        "%",
        "sep",
        "{",
        rubbish(rng, 8),
    )
    values = (
        *ODD_NUMBERS,
        "250 Hz",
        "0.004 s",
        "512 hertz",
        "1e999 Hz",
        "4 ms",
        "µV",
        "Lead II",
        '{"a": {"sampling rate": 1e999}}',
        "[" * 5000,
        rubbish(rng, 30),
    )
    separators = (",", ";", "\t", "=", ": ", ":= ", " ")
    lines = [f"{some(rng, *words)}{some(rng, *separators)}{some(rng, *values)}" for _ in range(rng.integers(0, 30))]
    table = csv_file(300).decode().split("\n")
    at = int(rng.integers(0, len(table)))
    return {
        "noted.csv": "\n".join([*lines[:20], *table[:at], *lines[20:], *table[at:]])
        .replace(",", some(rng, ",", ";", "\t", " ", ", ", "|"))
        .encode(errors="replace")
    }


def csv_styles(rng: Rng) -> Files:
    """Decimal commas, thousands, quotation marks, currency, percent, dates and times of all kinds, one or mixed."""
    forms = (
        "{0:.3f}",
        "{1},{2:03d}",
        "{1}.{2:03d},5",
        '"{1},{2:03d}"',
        "{1} {2:03d},5",
        "{0:.2e}",
        "{1}'{2:03d}.5",
        "$ {0:.2f}",
        "{0:.1%}",
        "#N/A",
        "",
        "2024-02-30",
        "08:00:{3:06.3f} PM",
        "31.12.2024 23:59:{3:06.3f}",
        "{1}/{2}/2024 1:2:3",
        "25:61:61",
        "text",
    )
    chosen = [some(rng, *forms) for _ in range(3)]
    separator = some(rng, ",", ";", "\t", " ", "|")
    rows = []
    for row in range(200):
        form = [some(rng, *forms) if rng.random() < 0.02 else each for each in chosen]
        rows.append(
            separator.join(
                each.format(rng.normal(), int(rng.integers(0, 999)), int(rng.integers(0, 999)), row % 60)
                for each in form
            )
        )
    return {"styled.csv": "\n".join([*some(rng, [], ["a;b;c", "sep=;"], ["time,ecg,label"]), *rows]).encode()}


def csv_on_its_side(rng: Rng) -> Files:
    """Rows of hundreds or thousands of cells, some of them no numbers."""
    count, rows = int(some(rng, 129, 187, 188, 5000, 200_000)), int(some(rng, 1, 2, 10, 65))
    if count * rows > 1_000_000:
        rows = 1
    cells = [
        some(rng, "0.1", "1", "x", "", "1e999") if rng.random() < 0.01 else f"{value:.2f}"
        for value in rng.random(count)
    ]
    return {"wide.csv": "\n".join([some(rng, ",", ";", "\t", " ").join(cells)] * rows).encode()}


# XML, JSON, workbooks and arrays ----------------------------------------------------------------------------------------


def xml_odd(rng: Rng) -> Files:
    """Entities that grow, outside parts, deep and wide documents, wrong encodings, digits that are none."""
    good = some(rng, *good_of("hl7"), *good_of("muse"))["a.xml"]
    root = some(rng, b"AnnotatedECG", b"RestingECG", b"restingecgdata", b"html")
    lol = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"lol" * 10) for n in range(9))
    return {
        "odd.xml": some(
            rng,
            b'<?xml version="1.0"?><!DOCTYPE x [' + lol + b"]><" + root + b">&l8;</" + root + b">",
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><' + root + b">&e;</" + root + b">",
            b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><' + root + b"/>",
            b"<" + root + b">" + b"<a>" * int(some(rng, 50, 101, 100_000)),
            b"<" + root + b">" + b"<a/>" * 400_000 + b"</" + root + b">",
            good.replace(b"</digits>", some(rng, b" x</digits>", b" 1e999 nan</digits>", b"</digits><digits/>"), 1),
            good.replace(b"encoding=", b'encoding="utf-7" a='),
            good.replace(b"</", b"< /", 3),
            b"\xff\xfe" + good,
        )
    }


def philips_odd(rng: Rng) -> Files:
    """Leads packed by XLI that are cut, without end, or grow a thousandfold."""
    size = int(some(rng, 0, 1, 8, 2000, 60_000))
    chunk = some(rng, bytes(size), b"\xff" * size, noise(rng, size), _growing_codes(size))
    header = struct.pack("<ihh", int(some(rng, len(chunk), -1, 2**31 - 1, 5)), 1, int(rng.integers(-32768, 32767)))
    return {"odd.xml": philips_file((header + chunk) * int(some(rng, 1, 2, 12, 70)))}


def _growing_codes(size: int) -> bytes:
    """Codes of ten bits, each the one that the decoder makes next: the text doubles and doubles."""
    codes = [65, *(min(256 + place, 1023) for place in range(size * 8 // 10))]
    bits = "".join(f"{code:010b}" for code in codes)[: size * 8]
    return int(bits or "0", 2).to_bytes(max(1, size), "big")


def json_odd(rng: Rng) -> Files:
    leaf = some(rng, *ODD_NUMBERS, '"x"', "null", "true", "[]", "{}", "1e400", "9" * 5000, '"\\ud800"')
    return {
        "odd.json": some(
            rng,
            "[" * 100_000,
            '{"a":' * 50_000,
            f"[{leaf}]",
            f'{{"fs": {leaf}, "ecg": [{", ".join(["1"] * 500)}]}}',
            f'{{"ecg": [[1, 2], [3, {leaf}]]}}',
            f'[{{"t": 1, "v": {leaf}}}, {{"t": 2}}]',
            json.dumps({f"n{number}": [number] * 10 for number in range(3000)}),
            json.dumps([[0.5] * 70] * 500),
            json.dumps([0.25] * 300_000),
        ).encode()
    }


def workbook_odd(rng: Rng) -> Files:
    """Cells far away, wide rows, wrong types, entities, a bomb in a part, parts that are missing."""
    with zipfile.ZipFile(io.BytesIO(good_of("workbook")[0]["a.xlsx"])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    wide = b'<row r="3000">' + b"<c><v>1</v></c>" * int(some(rng, 60, 500, 20_000)) + b"</row></sheetData>"
    changed = {
        sheet: some(
            rng,
            parts[sheet].replace(b"</sheetData>", far),
            parts[sheet].replace(b"</sheetData>", wide),
            parts[sheet].replace(b"<v>0.", b"<v>x", 40),
            parts[sheet].replace(b't="n"', b't="d"', 40),
            parts[sheet].replace(b"<?xml", b'<!DOCTYPE x [<!ENTITY e "x">]><?xml'),
            parts[sheet][: len(parts[sheet]) // 2],
            b" " * 60_000_000,
        )
    }
    if rng.random() < 0.3:
        parts.pop(some(rng, *sorted(parts)))
    content = some(rng, parts | changed, parts)
    if rng.random() < 0.3:
        repeated = b'<table:table-row table:number-rows-repeated="%d"><table:table-cell table:number-columns-repeated="%d" office:value-type="float" office:value="1"/></table:table-row></table:table>'
        ods = good_of("workbook")[1]["a.ods"]
        return {
            "odd.ods": ods.replace(
                b"</table:table>", repeated % (int(some(rng, 1, 10**6, 10**9)), int(some(rng, 1, 5, 10**6)))
            )
        }
    return {"odd.xlsx": zip_of(content)}


def arrays_odd(rng: Rng) -> Files:
    """Arrays of all shapes and kinds, objects among them, of which none may be opened."""
    shape = some(rng, (), (0,), (1,), (3, 500), (500, 3), (2, 3, 4), (70, 2000), (1, 1, 4000))
    values = rng.normal(size=shape)
    array = some(
        rng, values, values > 0, values.astype(complex), values.astype("<f2"), values * np.inf, values.astype(str)
    )
    buffer = io.BytesIO()
    if rng.random() < 0.5:
        array = some(rng, array, np.array([print, None], object), np.zeros(5, [("a", "f8"), ("b", "O")]))
        np.save(buffer, array, allow_pickle=True)
        return {
            "odd.npy": some(
                rng, buffer.getvalue(), buffer.getvalue().replace(b"False", b"print"), buffer.getvalue()[:-3]
            )
        }
    held = some(rng, array, {"a": values}, [values, "x"], np.array([{}, 1], object), np.zeros((3_000_000,)))
    scipy.io.savemat(
        buffer,
        {some(rng, "ecg", "val", "fs"): held, "fs": some(rng, 250, 1e9, "x", values)},
        do_compression=bool(rng.random() < 0.7),
    )
    return {"odd.mat": buffer.getvalue()}


def wfdb_segments(rng: Rng) -> Files:
    """Segments that are missing, name each other, lie about their length, or have other signals."""
    files = wfdb_files()
    other = {
        name.replace("r1", "r2"): content.replace(b"r1", b"r2")
        for name, content in files.items()
        if not name.endswith("atr")
    }
    lines = [
        f"{some(rng, 'r1', 'r2', '~', 'm', 'x', '../r1', 'r1')} {some(rng, 2500, 0, 2499, 10**12, 'x', '')}"
        for _ in range(rng.integers(1, 6))
    ]
    if rng.random() < 0.4:
        other["r2.hea"] = other["r2.hea"].replace(
            some(rng, b"MLII", b"250", b"mV", b"200"), some(rng, b"V1", b"500", b"uV", b"x")
        )
    return (
        files
        | other
        | {
            "m.hea": f"m/{some(rng, len(lines), 99, 0)} 2 250 {some(rng, 5000, 0, '')}\n".encode()
            + "\n".join(lines).encode()
        }
    )


@functools.cache
def flac_record() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        wfdb.wrsamp("f", 250, ["mV"] * 2, ["I", "II"], p_signal=signals().T, fmt=["516"] * 2, write_dir=folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def flac(rng: Rng) -> Files:
    files = dict(flac_record())
    name = next(name for name in files if not name.endswith(".hea"))
    damage = some(rng, cut, flip, flip_ahead, splice, swap_numbers)
    return files | {name: damage(rng, files[name])}


def long_real(rng: Rng) -> Files:
    """Some megabytes that are almost a table."""
    return {"long.csv": flip(rng, csv_file(1000) * 100, 4)}


KINDS: dict[str, Callable[[Rng], Files]] = {
    "csv cut": lambda rng: {"a.csv": cut(rng, csv_file())},
    "csv flipped": lambda rng: {"a.csv": flip(rng, csv_file())},
    "csv spliced": lambda rng: {"a.csv": splice(rng, csv_file())},
    "csv is binary": lambda rng: {"a.csv": noise(rng, int(rng.integers(1, 100_000)))},
    "csv with odd numbers": csv_odd_numbers,
    "csv without numbers": lambda rng: csv_table(rng, lambda *_: some(rng, "nan", "inf", "", "NA", "-")),
    "csv with odd time": csv_time,
    "csv ragged": csv_ragged,
    "csv with odd quotes": csv_quotes,
    "csv with odd line ends": csv_line_ends,
    "csv in odd encoding": csv_encoding,
    "csv wide": csv_wide,
    "csv with long line": csv_long_line,
    "csv of blank lines": csv_blank_lines,
    "csv short": csv_short,
    "csv of rubbish": csv_unicode,
    "csv with NUL": lambda rng: {"a.csv": splice(rng, csv_file().replace(b"0", b"\0", int(rng.integers(1, 9))))},
    "csv long": long_real,
    "edf cut": lambda rng: {"a.edf": cut(rng, good_edf())},
    "edf flipped": lambda rng: {"a.edf": flip(rng, good_edf(), within=some(rng, 256, 768, None))},
    "edf spliced": lambda rng: {"a.edf": splice(rng, good_edf())},
    "edf field": edf_field,
    "edf with huge header": edf_huge_header,
    "edf with odd annotations": edf_annotations,
    "edf is csv": lambda rng: {"a.edf": some(rng, csv_file(300), b"0       " + csv_file(300), noise(rng, 5000))},
    "wfdb header": wfdb_header,
    "wfdb header cut": lambda rng: wfdb_but(hea=cut(rng, wfdb_files()["r1.hea"])),
    "wfdb header flipped": lambda rng: wfdb_but(hea=flip(rng, wfdb_files()["r1.hea"], 6)),
    "wfdb with huge header": wfdb_huge_header,
    "wfdb samples": wfdb_samples,
    "wfdb annotations": wfdb_annotations,
    "zip cut": lambda rng: damaged_zip(rng, cut),
    "zip flipped": lambda rng: damaged_zip(rng, flip),
    "zip spliced": lambda rng: damaged_zip(rng, splice),
    "zip bomb": lambda rng: {"bomb.zip": some(rng, zip_bomb(), lying_bomb())},
    "zip with odd names": zip_names,
    "zip nested": zip_nested,
    "zip of many": zip_many,
    "zip of odd method": zip_method,
    "zip of damaged": zip_of_damaged,
    "mixed up": mixed_up,
    "odd names": odd_names,
    "noise": lambda rng: {any_name(rng): noise(rng, int(rng.integers(0, 20_000)))},
    "wrong rate given": lambda rng: {"a.csv": b"1\n2\n3\n"},
    "csv with metadata": csv_metadata,
    "csv in odd styles": csv_styles,
    "csv on its side": csv_on_its_side,
    "xml odd": xml_odd,
    "philips odd": philips_odd,
    "json odd": json_odd,
    "workbook odd": workbook_odd,
    "arrays odd": arrays_odd,
    "wfdb segments": wfdb_segments,
    "wfdb flac": flac,
    **_of_formats("cut", cut),
    **_of_formats("spliced", splice),
    **_of_formats("flipped", flip_ahead),
    **_of_formats("with other numbers", swap_numbers),
}

"""Malformed uploads, made from a seed: for each kind of damage a function from a generator to files."""

import functools
import math
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import edfio
import numpy as np

from tests.recordings.good import annotation_file, csv_file, edf_file, wfdb_files, zip_of

Files = dict[str, bytes]
Rng = np.random.Generator
ENDINGS = ("csv", "tsv", "txt", "edf", "hea", "dat", "atr", "zip", "bdf", "xyz", "")
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
}

"""A zip unpacked in memory, with every promise of its directory checked before it is believed."""

import io
import struct
import zipfile
from pathlib import PurePosixPath

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import Deadline, Limits, megabytes

SIGNATURE = b"PK\x03\x04"
#: A zip without a single file begins with its end.
EMPTY_SIGNATURE = b"PK\x05\x06"
CHUNK_BYTES = 1 << 20
#: By how many times a zip may grow as it is unpacked.
MOST_PACKED = 40
#: Of the directory at a zip's end: an entry takes 46 bytes and its name.
DIRECTORY_BYTES = 1 << 20
_END = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 1 << 16
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
#: lzma and bzip2 can ask for gigabytes to unpack a few bytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REMEDY = "Unpack it and give the recording's files themselves."


def is_zip(content: bytes) -> bool:
    """Whether these bytes begin as a zip does."""
    return content[: len(SIGNATURE)] in (SIGNATURE, EMPTY_SIGNATURE)


def unzip(name: str, content: bytes, limits: Limits, deadline: Deadline) -> dict[str, bytes]:
    """The files in a zip by their names without folders. Nothing is written to disk.

    Raises:
        UserError: it is damaged, holds too much or another zip, is encrypted, or names a path outside itself.
    """
    _check_directory(name, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            left = _unpacked_limit(len(content), limits)
            entries = _usable_entries(name, len(content), archive.infolist(), limits)
            files: dict[str, bytes] = {}
            for base, entry in entries.items():
                files[base] = _read_entry(archive, entry, left, deadline)
                left -= len(files[base])
                if is_zip(files[base]) and not is_document(base):
                    raise _nested(name, base)
            return files
    except UserError:
        raise
    except Exception as error:  # zipfile meets damage with more types than it documents
        raise _damaged(name) from error


def is_document(name: str) -> bool:
    """Whether a zip is by its name the file of an office, which has no recordings in it but cells."""
    return PurePosixPath(name).suffix.lower() in (".xlsx", ".xlsm", ".ods")


def _unpacked_limit(size: int, limits: Limits) -> int:
    """Bytes that a zip of a size may unpack to: real samples pack to a tenth, a bomb to a thousandth."""
    return min(limits.unzipped_bytes, max(limits.small_bytes, MOST_PACKED * size))


def _too_large(name: str, size: int, limits: Limits) -> UserError:
    return UserError(
        f"{quote(name)} unpacks to more than {megabytes(_unpacked_limit(size, limits))}, which is not read. "
        "Cut a shorter stretch out of the recording."
    )


def _check_directory(name: str, content: bytes) -> None:
    """The directory is read as a whole, so its size is looked up first, where ``zipfile`` looks for it."""
    at = content.rfind(EMPTY_SIGNATURE, max(0, len(content) - _LONGEST_COMMENT - _END.size))
    if at < 0 or at + _END.size > len(content):
        raise _damaged(name)
    directory_bytes = _END.unpack_from(content, at)[5]
    is_zip64 = content[max(0, at - _ZIP64_LOCATOR_BYTES) : at].startswith(_ZIP64_LOCATOR)
    if directory_bytes > DIRECTORY_BYTES or is_zip64:
        raise UserError(f"{quote(name)} has a directory for far more files than a recording has. {_REMEDY}")


def _usable_entries(name: str, size: int, entries: list[zipfile.ZipInfo], limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The entries that are files, by base name, after all that the directory says has been checked."""
    if len(entries) > limits.files:
        raise UserError(f"{quote(name)} holds {len(entries):,} files, at most {limits.files} are read. {_REMEDY}")
    if sum(entry.file_size for entry in entries) > _unpacked_limit(size, limits):
        raise _too_large(name, size, limits)
    usable: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        _check_entry(name, entry, path)
        if entry.is_dir() or not path.name or "__MACOSX" in path.parts or path.name.startswith("."):
            continue
        if path.name in usable:
            raise UserError(f"{quote(name)} holds two files named {quote(path.name)}. {_REMEDY}")
        usable[path.name] = entry
    return usable


def _check_entry(name: str, entry: zipfile.ZipInfo, path: PurePosixPath) -> None:
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename[:2]:
        raise UserError(f"{quote(name)} names a path outside itself, {quote(entry.filename)}. {_REMEDY}")
    if entry.flag_bits & 0x1:
        raise UserError(f"{quote(name)} is encrypted. {_REMEDY}")
    if path.suffix.lower() == ".zip":
        raise _nested(name, path.name)
    if entry.compress_type not in _METHODS:
        raise UserError(f"{quote(name)} is packed by another method than deflate. Pack it again as an ordinary zip.")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, deadline: Deadline) -> bytes:
    """One file, counted while it is unpacked: the directory may have lied."""
    unpacked = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            deadline.check()
            unpacked += chunk
            if len(unpacked) > left:
                raise UserError(f"The zip unpacks to more than its directory says. {_REMEDY}")
    return bytes(unpacked)


def _nested(name: str, inner: str) -> UserError:
    return UserError(f"{quote(name)} holds another zip, {quote(inner)}, which is not opened. {_REMEDY}")


def _damaged(name: str) -> UserError:
    return UserError(f"{quote(name)} is not a whole zip: it is damaged or cut off. Copy or pack it again.")


def check_sizes(name: str, content: bytes, limits: Limits) -> None:
    """What a zip unpacks to, unpacked and thrown away, for a library that unpacks without asking.

    Raises:
        UserError: it is damaged, or holds more than it may.
    """
    _check_directory(name, content)
    left = _unpacked_limit(len(content), limits)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if entry.compress_type not in _METHODS:
                    raise _damaged(name)
                with archive.open(entry) as stream:
                    while chunk := stream.read(CHUNK_BYTES):
                        left -= len(chunk)
                        if left < 0:
                            raise _too_large(name, len(content), limits)
    except UserError:
        raise
    except Exception as error:  # zipfile meets damage with more types than it documents
        raise _damaged(name) from error

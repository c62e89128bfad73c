"""Arrays as numpy saves them (.npy), never with objects in them."""

import io
import math

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.arrays import Named, read_arrays
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import quote

_MAGIC = b"\x93NUMPY"
_KINDS = "iufb"


def read_npy(given: Given) -> Contents:
    """One signal, or several side by side. There is no rate in it.

    Raises:
        UserError: it is damaged, holds objects, or is no array of numbers.
    """
    header = io.BytesIO(given.content[:20_000])
    try:
        version = np.lib.format.read_magic(header)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(header)
        count = math.prod(int(side) for side in shape)
    except Exception as error:  # the header is a Python literal, and may be anything
        raise UserError(f"{quote(given.name)} is a numpy file with a damaged header. Save it again.") from error
    if dtype.names is not None or dtype.kind not in _KINDS:
        raise UserError(
            f"{quote(given.name)} holds {quote(str(dtype))}, expected numbers; objects are never opened. Save a plain array."
        )
    given.limits.check_samples(count)
    if count * dtype.itemsize > len(given.content):
        raise UserError(f"{quote(given.name)} is cut off: it announces {count:,} numbers. Save it again.")
    try:
        array = np.load(io.BytesIO(given.content), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(
            f"{quote(given.name)} cannot be read as a numpy array. Save it again with numpy.save."
        ) from error
    return read_arrays(given, Named(arrays={"": array}))


NPY = Format(
    key="npy",
    title="a numpy array",
    endings=(".npy",),
    recognise=lambda name, content: content[: len(_MAGIC)] == _MAGIC,
    read=read_npy,
    reads="numbers in one or two dimensions; no objects",
)

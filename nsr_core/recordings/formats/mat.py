"""MATLAB files up to version 7 (.mat), read by scipy: plain arrays, and the rate, unit and leads beside them."""

import io
import math
import warnings

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.arrays import Named, read_arrays
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import quote

_MAGIC = b"MATLAB 5.0 MAT-file"
_NUMBERS = {"double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "logical"}
_TEXTS = {"char"}
MOST_VARIABLES = 500
_NAME_LENGTH = 63


def read_mat(given: Given) -> Contents:
    """The longest arrays; ``val`` of a Challenge record alone has neither rate nor unit, which its .hea names.

    Raises:
        UserError: it is damaged, or holds no plain array, or more than a limit allows.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            named = _variables(given)
    except UserError:
        raise
    except Exception as error:  # scipy meets damage with more types than it documents
        raise UserError(
            f"{quote(given.name)} cannot be read as a MATLAB file. Save it again with save(..., '-v7'), or give a WFDB record's .hea too."
        ) from error
    return read_arrays(given, named)


def _variables(given: Given) -> Named:
    from scipy.io import loadmat, whosmat

    listed = whosmat(io.BytesIO(given.content))
    if len(listed) > MOST_VARIABLES:
        raise UserError(f"{quote(given.name)} holds {len(listed):,} variables. Save only the ECG and its rate.")
    wanted = [(name, shape) for name, shape, kind in listed if kind in _NUMBERS | _TEXTS and len(name) <= _NAME_LENGTH]
    given.limits.check_samples(sum(math.prod(max(0, int(side)) for side in shape) for _, shape in wanted))
    given.deadline.check()
    if not wanted:
        raise UserError(f"{quote(given.name)} holds no plain array, but {quote(', '.join(each[0] for each in listed))}. Save the samples as one.")  # fmt: skip
    loaded = loadmat(io.BytesIO(given.content), variable_names=[name for name, _ in wanted], chars_as_strings=True)
    named = Named()
    for name, _ in wanted:
        value = np.asarray(loaded[name])
        if value.dtype.kind in "US":
            named.texts[name] = tuple(str(each).strip() for each in value.ravel()[:200])
        elif value.dtype.kind in "iufb" and value.size == 1:
            named.numbers[name] = float(value.ravel()[0])
        elif value.dtype.kind in "iufb":
            named.arrays[name] = value
    return named


MAT = Format(
    key="mat",
    title="a MATLAB file",
    endings=(".mat",),
    recognise=lambda name, content: content[: len(_MAGIC)] == _MAGIC,
    read=read_mat,
    reads="plain arrays up to version 7, with variables such as fs, unit and leads",
)

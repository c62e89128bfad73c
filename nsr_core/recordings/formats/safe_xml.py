"""XML out of files that may hold anything: no entities, no external parts, a limit of elements."""

import io
import math
import re
from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import Deadline

MOST_ELEMENTS, MOST_DEPTH = 200_000, 100
_BETWEEN_CHECKS = 1 << 14
HEAD_BYTES = 1 << 16
#: Blanks, declarations and comments, then the first element.
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*|<![^>\[]*(?:\[[^\]]*\])?[^>]*>\s*)*<(?:[\w.-]+:)?([A-Za-z][\w.-]*)",
    re.DOTALL,
)


def parse_stream(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """``start`` and ``end`` of every element. Entities and external parts are errors.

    Raises:
        ValueError: it is too deep, or what defusedxml forbids.
        ParseError: it is no XML.
    """
    depth = 0
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=False, forbid_entities=True):
        depth += 1 if event == "start" else -1
        if depth > MOST_DEPTH:
            raise ValueError("elements lie too deep in one another")
        yield event, element


def parse(name: str, content: bytes, deadline: Deadline) -> Element:
    """The root of a document, its names without their name spaces.

    Raises:
        UserError: it is no XML, declares entities, or has too many elements.
    """
    root: Element | None = None
    count = 0
    try:
        for event, element in parse_stream(io.BytesIO(content)):
            count += 1
            if count % _BETWEEN_CHECKS == 0:
                deadline.check()
            if count > 2 * MOST_ELEMENTS:
                raise UserError(f"{quote(name)} has more than {MOST_ELEMENTS:,} elements. Export a shorter stretch.")
            if event == "start":
                root = element if root is None else root
                element.tag = str(element.tag).rpartition("}")[2]
    except DefusedXmlException as error:
        raise UserError(
            f"{quote(name)} is XML that declares entities, which are not read. Export it again without them."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{quote(name)} is XML that is damaged or cut off. Export it again, or copy it again."
        ) from error
    if root is None:
        raise UserError(f"{quote(name)} is XML without an element. Export it again.")
    return root


def root_name(content: bytes) -> str:
    """The name of a document's first element without its name space; empty where the beginning is no XML."""
    start = content[:HEAD_BYTES]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        start = start[: len(start) // 2 * 2].decode("utf-16", errors="replace").encode()
    match = _ROOT.match(start)
    return match[1].decode(errors="replace") if match else ""


def is_xml(content: bytes) -> bool:
    """Whether a text begins as XML or HTML does."""
    return root_name(content) != ""


def text_of(element: Element, path: str) -> str:
    """The text of the first element on a path, without the blanks around it; empty where there is none."""
    found = element.find(path)
    return (found.text or "").strip() if found is not None else ""


def number_of(text: str | None) -> float:
    """NaN where a text is no number."""
    try:
        return float((text or "").strip()[:40])
    except ValueError:
        return math.nan


def whole_numbers(text: str, most: int) -> np.ndarray:
    """(n,) float64 of a text of numbers with blanks between them; ValueError where it holds anything else, or too many."""
    if len(text) > 12 * most:
        raise ValueError("too many numbers")
    return np.array(text.split(), np.float64)

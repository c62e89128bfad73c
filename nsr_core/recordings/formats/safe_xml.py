"""XML out of files that may hold anything: no entities, no external parts, a limit of elements."""

import io
from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import Deadline

MOST_ELEMENTS, MOST_DEPTH = 2_000_000, 100
_BETWEEN_CHECKS = 1 << 14


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

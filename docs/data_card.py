"""The data card of the beats, in Croissant 1.0 (JSON-LD): where they come from and how they are cut. Facts; no record."""

import json
from typing import Any

from nsr_core.data.beats import BEAT_LENGTH, CITATION, CLASS_NAMES, CLASS_SYMBOLS, FS_HZ
from nsr_core.data.mitbih import BASE_URL, CHECKSUMS

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def data_card() -> str:
    """The text of the data card."""
    return json.dumps(_dataset(), indent=2, ensure_ascii=False) + "\n"


def _dataset() -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "mit-bih-heartbeats",
        "description": (
            "Single heartbeats of the MIT-BIH Arrhythmia Database 1.0.0, cut as in the published heartbeat set of Kachuee et al. "
            f"(2018). A beat is {BEAT_LENGTH} numbers at {FS_HZ:g} Hz: from its annotation to 1.2 beats later, every third sample of "
            "the first signal, scaled to [0, 1] over the whole segment, then cut or padded with zeros. The records are read from "
            "their publisher and cut by nsr_core.data.mitbih; this card and its project hold no record."
        ),
        "url": BASE_URL,
        "license": "https://opendatacommons.org/licenses/by/1-0/",
        "creator": [{"@type": "sc:Person", "name": "George B. Moody"}, {"@type": "sc:Person", "name": "Roger G. Mark"}],
        "publisher": {"@type": "sc:Organization", "name": "PhysioNet"},
        "datePublished": "2005-02-24",
        "version": "1.0.0",
        "citeAs": CITATION,
        "isLiveDataset": False,
        "rai:dataBiases": (
            "47 people of one hospital, recorded from 1975 to 1979; 25 of the 48 records were chosen for less common arrhythmias, "
            "so classes are not as frequent as in a clinic. The split by beat has beats of one person on both sides."
        ),
        "rai:dataUseCases": "Research and education on heartbeat classification and its robustness. Not for clinical use.",
        "rai:personalSensitiveInformation": "De-identified by the publisher; headers tell age, sex and medication of each record.",
        "distribution": [_file(name, digest) for name, digest in CHECKSUMS.items()],
        "recordSet": [_classes()],
    }


def _file(name: str, digest: str) -> dict[str, str]:
    kinds = {"hea": "text/plain"}
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": BASE_URL + name,
        "encodingFormat": kinds.get(name.rpartition(".")[2], "application/octet-stream"),
        "sha256": digest,
    }


def _classes() -> dict[str, Any]:
    """The five classes, with the annotation symbols of the records that each takes together."""
    fields = {"letter": "Of the class.", "title": "In words.", "symbols": "Annotation symbols of the records."}
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": "What a beat is classified as.",
        "key": {"@id": "classes/letter"},
        "field": [
            {"@type": "cr:Field", "@id": f"classes/{name}", "name": name, "description": words, "dataType": "sc:Text"}
            for name, words in fields.items()
        ],
        "data": [
            {"classes/letter": letter, "classes/title": title, "classes/symbols": " ".join(CLASS_SYMBOLS[letter])}
            for letter, title in CLASS_NAMES.items()
        ],
    }

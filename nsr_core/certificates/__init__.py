"""Certificates: noise levels up to which no noise at all flips a beat, proved.

An attack that fails proves nothing; a certificate that fails breaks nothing. Between the largest level that is proved and
the smallest that was broken, nothing is known.
"""

from nsr_core.certificates.bracket import band, bracket
from nsr_core.certificates.methods import BOUNDS
from nsr_core.certificates.search import certified_eps, guaranteed_margin
from nsr_core.certificates.stages import can_be_certified, is_quick_to_certify
from nsr_core.certificates.store import CERTIFICATES_FILE, certify, proved_levels
from nsr_core.certificates.table import certify_beats, load_certificates, proved_share, summarise_certificates

__all__ = [
    "BOUNDS",
    "CERTIFICATES_FILE",
    "band",
    "bracket",
    "can_be_certified",
    "certified_eps",
    "certify",
    "certify_beats",
    "guaranteed_margin",
    "is_quick_to_certify",
    "load_certificates",
    "proved_levels",
    "proved_share",
    "summarise_certificates",
]

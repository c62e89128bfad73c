"""Adversarial robustness of ECG heartbeat classifiers, after Ma & Liang (2020).

Data flows one way, and imports follow it::

    data -> models -> attacks -> methods -> training -> certificates -> evaluation -> jobs -> cli, app

Research and education only. Not for clinical use.
"""

__version__ = "0.1.0"

DISCLAIMER = "Research and education only. Not for clinical use."

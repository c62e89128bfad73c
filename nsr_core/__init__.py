"""Adversarial robustness of ECG heartbeat classifiers, after Ma & Liang (2020).

Each page of the app has a room here and one in ``ui``, all of one name. Data flows one way, and imports follow it::

    ground         errors  progress  settings  compute  files  writing
    what beats are     data
    what attacks them  models -> attacks -> methods -> training -> certificates
    what comes of it   evaluation -> beat -> recordings, verdict, paper, lesson
    long work          jobs -> reproduction
    doors              cli, the app

The first three lines of most programs:

>>> from nsr_core.data import load_beats
>>> beats = load_beats("demo")
>>> beats.x.shape, beats.name(3)
((1000, 187), 'demo:3')

Research and education only. Not for clinical use.
"""

__version__ = "0.1.0"

DISCLAIMER = "Research and education only. Not for clinical use."

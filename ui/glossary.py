"""The words of the field that the pages use, each in a sentence or two; those of the tables come from the tables."""

import streamlit as st

from nsr_core.attacks import ATTACKS, attack_title
from nsr_core.data import CLASS_NAMES
from nsr_core.methods import METHODS

WORDS = {
    "ε, the noise level": "The most that noise may add to or take from any sample of a beat, as a share of the beat's height. On a "
    "median beat of 2 mV from peak to peak, ε = 0.1 is about 0.2 mV, or 2 mm on ECG paper.",
    "L∞": "The size of noise measured by its largest sample. Noise within ε in L∞ moves no sample by more than ε.",
    "MLP": "A fully connected neural network (multilayer perceptron): each unit sees the whole beat.",
    "CNN": "A convolutional neural network: short filters slide along the beat.",
    "Worst case": "All our attacks in turn; a beat counts as broken when one of them succeeds. Accuracy in the worst case is an upper "
    "bound: a stronger attack may find more.",
    "Certified": "Proved by computation: no noise within the level changes the reading, whatever its shape.",
    "Gradient masking": "A network's gradient leads attacks nowhere, so it looks more robust than it is.",
    "Padding": "Zeros that fill a beat up to 187 samples, since heartbeats are not all of one length.",
    "Accuracy, precision, recall": "Recall: the share of a class's beats that is found. Accuracy: the mean recall of the five classes. "
    "Precision: the share of the readings of a class that are right, as a mean over the classes.",
}


def popover() -> None:
    """A button under a page's first words that opens the glossary."""
    with st.popover("What the words mean", icon=":material/menu_book:"):
        _list(WORDS)
        st.markdown("##### The classes of heartbeats")
        _list({f"{letter}": title for letter, title in CLASS_NAMES.items()})
        st.markdown("##### Ways to train a network")
        _list({f"{method.title} ({name})": method.summary for name, method in METHODS.items()})
        st.markdown("##### Attacks")
        _list({attack_title(name): attack.summary for name, attack in ATTACKS.items()})


def _list(meanings: dict[str, str]) -> None:
    st.markdown("\n".join(f"- **{word}**: {meaning}" for word, meaning in meanings.items()))

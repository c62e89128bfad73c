"""The section Everyday noise: what ordinary ECG noise does, beside adversarial noise of the same power."""

import pandas as pd
import streamlit as st

from nsr_core.data.everyday_noise import NOISE_KINDS
from ui import chart, loaders, results
from ui.theme import ink
from ui.verdict import everyday_figures, network, words


def show(levels: dict[str, pd.DataFrame]) -> None:
    st.markdown(
        "Every recording has noise. Breathing moves the baseline, muscles and loose electrodes disturb it, the mains hums. "
        "None of it aims at the network. The signal-to-noise ratio puts both on one axis: at **0 dB** noise has as much "
        "power as the beat itself, at **20 dB** a hundredth."
    )
    result = {name: found for name in levels if (found := results.everyday(name)) is not None}
    if not result:
        st.info("No network was tried under everyday noise yet. The command line's noise command does it.")
        return
    name = network.choose(list(result))
    aimed = results.aimed_noise(name)
    figure = everyday_figures.everyday(result[name], aimed, ink())
    chart.draw(figure, key="everyday", alt=_alt(name, result[name], aimed))
    st.markdown("  \n".join(f"**{kind.title}.** {kind.help}" for kind in NOISE_KINDS.values()))
    ran = loaders.checkpoint(name).card["results"]["everyday"]
    st.caption(
        f"Everyday noise: synthetic, {ran['draws']} draws for each beat, seed {ran['seed']}, added before the beat is scaled "
        "to 0 to 1 and so on the signal only. Aimed noise: worst case on the signal only, at the median signal-to-noise ratio "
        "that noise of that level has if it uses the whole budget at every sample, so at least this far to the left. "
        + words.protocol(name)
    )
    chart.numbers(
        result[name].round(4),
        name=f"everyday-{name}",
        figures=lambda: {loaders.title(name): figure},
        facts={
            "everyday": ran,
            "aimed": aimed.to_dict("records"),
            "protocol": words.protocol(name),
            "weights": loaders.checkpoint(name).digest,
        },
    )


def _alt(name: str, result: pd.DataFrame, aimed: pd.DataFrame) -> str:
    at = result[result["snr_db"] == result["snr_db"].min()]
    worst = at.loc[at["acc"].idxmin()]
    least = aimed.iloc[(aimed["snr_db"] - 12).abs().argmin()] if len(aimed) else None
    adversarial = "" if least is None else f"; aimed noise at {least['snr_db']:.0f} dB leaves {least['signal']:.2f}"
    return (
        f"Accuracy of {loaders.title(name)} under everyday noise: the worst kind at {worst['snr_db']:.0f} dB, "
        f"{NOISE_KINDS[worst['kind']].title.lower()}, leaves {worst['acc']:.2f}{adversarial}."
    )

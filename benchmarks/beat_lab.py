"""How long the Beat lab takes to answer a change, on the server: from a new noise level to the finished page.

    python -m benchmarks.beat_lab

Every change is a noise level that was not asked for before, 100-PGD, one thread, synthetic beats. What a browser needs to
draw the answer comes on top.
"""

import statistics
import time

import torch
from streamlit.testing.v1 import AppTest

from nsr_core.compute import describe_machine
from ui.navigation import PAGES

CHANGES = 15
NETWORKS = {
    "1 MLP": ["mlp-loss2"],
    "4 MLPs": ["mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-adv0.1"],
}


def main() -> None:
    app = AppTest.from_file(str(PAGES["beat"].file), default_timeout=60).run()
    print(describe_machine(torch.device("cpu"))["processor"])
    for title, names in NETWORKS.items():
        app.multiselect(key="models").set_value(names).run()
        seconds = [_change(app, 0.001 * (step + 30 * len(names))) for step in range(CHANGES)]
        print(
            f"{title:8} {1000 * statistics.median(seconds):5.0f} ms (slowest of {CHANGES}: {1000 * max(seconds):.0f})"
        )


def _change(app: AppTest, eps: float) -> float:
    app.query_params["eps"] = f"{eps:.3f}"  # where the dial, which only a browser can move, keeps it
    started = time.perf_counter()
    app.run()
    assert not app.exception
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

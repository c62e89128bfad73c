"""A finished sweep over β as its file holds it: two methods, of which one has its best score at the paper's β."""

from typing import Any

EPS = [0.0, 0.01, 0.1]


def _trial(beta: float, acc: list[float], score: float) -> dict[str, Any]:
    result = {"epochs": 10, "clean_acc": acc[0], "beats": 962, "eps": EPS, "acc": acc, "area": 0.5, "score": score}
    return {"beta": beta} | result


def example() -> dict[str, Any]:
    return {
        "protocol": {
            "source": "mitbih",
            "split": {"name": "beat", "seed": 2020, "fingerprint": "0123456789ab"},
            "attack": {"name": "pgd", "steps": 100},
            "beats": "up to 200 validation beats of each class",
            "seed": 0,
            "training_seeds": [3],
        },
        "sweeps": [
            {
                "network": "mlp",
                "method": "loss1",
                "paper_beta": 0.2,
                "chosen_beta": 0.4,
                "at_edge": True,
                "trials": [_trial(0.2, [0.9, 0.8, 0.2], 0.6), _trial(0.4, [0.88, 0.84, 0.3], 0.7)],
            },
            {
                "network": "mlp",
                "method": "jacob",
                "paper_beta": 0.9,
                "chosen_beta": 0.9,
                "at_edge": False,
                "trials": [_trial(0.9, [0.86, 0.85, 0.5], 0.8)],
            },
        ],
    }

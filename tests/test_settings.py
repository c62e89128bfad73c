"""Settings that check themselves, in the tables of methods, attacks and the training configuration."""

from dataclasses import dataclass, replace

import pytest

from nsr_core.attacks import ATTACKS, get_attack
from nsr_core.errors import UserError
from nsr_core.methods import METHODS, get_method
from nsr_core.settings import Settings, described_fields, parse, setting, update
from nsr_core.training.config import TrainConfig

DECLARED = {**ATTACKS, **METHODS, "training": TrainConfig()}


@dataclass(frozen=True)
class Toy(Settings):
    ratio: float = setting(0.5, "A share.", 0.0, 1.0, "of all")
    count: int = setting(3, "How many.", 1, 10)
    exact: bool = setting(True, "Whether exactly.")
    kind: str = setting("a", "Which.", choices=("a", "b"))


@pytest.mark.parametrize("name", DECLARED)
def test_every_setting_tells_what_it_is_and_its_default_is_allowed(name):
    for declared, info in described_fields(DECLARED[name]).values():
        assert info.help.endswith(".")
        numeric = type(declared.default) in (int, float)
        assert (info.low is not None and info.high is not None) == numeric
        assert not info.choices or declared.default in info.choices
        if numeric:
            assert info.low <= declared.default <= info.high


@pytest.mark.parametrize("name", DECLARED)
def test_no_setting_can_be_out_of_range_nor_of_another_type(name):
    instance = DECLARED[name]
    for field, (declared, info) in described_fields(instance).items():
        wrong = [None, [1]]
        wrong += [info.low - 1, info.high + 1] if info.low is not None else []
        wrong += [float("nan"), float("inf")] if type(declared.default) is float else ["seven"]
        wrong += [True] if type(declared.default) is int else []
        for value in wrong:
            with pytest.raises(UserError, match=field):
                replace(instance, **{field: value})


@pytest.mark.parametrize("low", [0.0, 1.0])
def test_bounds_are_inclusive(low):
    assert Toy(ratio=low).ratio == low


def test_a_whole_number_is_a_fine_float_but_not_the_reverse():
    assert Toy(ratio=1) == Toy(ratio=1.0)
    assert type(Toy(ratio=1).ratio) is float
    with pytest.raises(UserError, match=r"count is 2.0; it must be a int: How many"):
        Toy(count=2.0)


def test_the_error_names_value_bounds_unit_and_meaning():
    with pytest.raises(UserError, match=r"^ratio is 1.5 of all; it must lie in \[0.0, 1.0\] of all: A share.$"):
        Toy(ratio=1.5)
    with pytest.raises(UserError, match=r"^kind is 'c'; choose one of: a, b.$"):
        Toy(kind="c")


def test_update_changes_what_it_is_told_and_knows_its_names():
    assert update(Toy(), {"count": 4}) == Toy(count=4)
    with pytest.raises(UserError, match=r'"colour" is no setting of Toy. Its settings: ratio, count, exact, kind'):
        update(Toy(), {"colour": 1})


def test_texts_become_the_types_of_their_settings():
    texts = {"ratio": "1e-1", "count": "7", "exact": "False", "kind": "b"}
    assert parse(Toy(), texts) == {"ratio": 0.1, "count": 7, "exact": False, "kind": "b"}


@pytest.mark.parametrize(("name", "text"), [("ratio", "much"), ("count", "1.5"), ("exact", "perhaps"), ("count", "")])
def test_a_text_of_another_type_is_named(name, text):
    with pytest.raises(UserError, match=f'{name} is "{text}"; it must be a'):
        parse(Toy(), {name: text})


@pytest.mark.parametrize("get", [get_attack, get_method])
def test_an_unknown_name_is_answered_with_the_known_ones(get):
    with pytest.raises(UserError, match=r'There is no .* "nothing". Choose one of: .*, '):
        get("nothing")

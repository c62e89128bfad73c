"""Settings that describe themselves: a frozen dataclass's fields with range, unit and help.

One declaration is the command line's option, the page's form and the card's JSON alike.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, TypeVar

from nsr_core.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class SettingInfo:
    """What a form needs to know of a setting: bounds (inclusive), unit, one sentence of help, and the names it may take.

    Where a table names the choices they are the table itself, so that what is added to it is a choice.
    """

    low: float | None
    high: float | None
    unit: str
    help: str
    choices: Collection[str] = ()


def setting(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    choices: Collection[str] = (),
) -> Any:
    """A dataclass field with its description; ``check`` enforces the bounds and the choices."""
    return field(default=default, metadata={"setting": SettingInfo(low, high, unit, help, choices)})


class Settings:
    """Base of the frozen dataclasses whose ``setting`` fields are checked whenever one is made."""

    def __post_init__(self) -> None:
        check(self)


def described_fields(cls: Any) -> dict[str, tuple[Field[Any], SettingInfo]]:
    """The ``setting`` fields of a settings class or instance, by name, in order."""
    return {f.name: (f, f.metadata["setting"]) for f in fields(cls) if "setting" in f.metadata}


def check(self: Any) -> None:
    """Raise UserError for the first setting of the wrong type, out of range or not among the choices."""
    for name, (declared, info) in described_fields(self).items():
        value = getattr(self, name)
        if value is None and declared.default is None:
            continue
        if type(value) is int and isinstance(declared.default, float):
            object.__setattr__(self, name, value := float(value))  # 1 is a fine 1.0
        if declared.default is not None and type(value) is not type(declared.default):
            wanted = type(declared.default).__name__
            raise UserError(f"{name} is {value!r}; it must be a {wanted}: {info.help}")
        if info.choices and value not in info.choices:
            raise UserError(f"{name} is {value!r}; choose one of: {', '.join(info.choices)}.")
        too_low = info.low is not None and not value >= info.low  # "not >=" also catches NaN
        too_high = info.high is not None and not value <= info.high
        if too_low or too_high:
            unit = f" {info.unit}" if info.unit else ""
            raise UserError(f"{name} is {value}{unit}; it must lie in [{info.low}, {info.high}]{unit}: {info.help}")


def update(instance: T, changes: Mapping[str, Any]) -> T:
    """A copy of a settings instance with ``changes``.

    Raises:
        UserError: a name that is not one of its settings, or a value that does not pass ``check``.
    """
    known = described_fields(instance)
    for name in changes:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UserError(f'"{name}" is no setting of {type(instance).__name__}. Its settings: {listed}.')
    return replace(instance, **changes)  # type: ignore[type-var]


def parse(instance: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """Text values (from a command line) to the types of the settings that they name; unknown names pass through."""
    known = described_fields(instance)
    parsed: dict[str, Any] = {}
    for name, text in texts.items():
        default = known[name][0].default if name in known else MISSING
        kind = type(default) if default not in (MISSING, None) else float
        try:
            parsed[name] = {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
        except (ValueError, KeyError):
            raise UserError(f'{name} is "{text}"; it must be a {kind.__name__}.') from None
    return parsed

"""What every paper's configuration can do: presets, overrides, and the origin of each value."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from components.errors import ConfigError

Preset: TypeAlias = str

ConfigType = TypeVar("ConfigType", bound="PaperConfig")


class PaperConfig(BaseModel):
    """A paper's settings: frozen sections, unknown keys are errors.

    Attributes:
        PRESETS: Names of its presets; a paper may add to them.
    """

    PRESETS: ClassVar[tuple[Preset, ...]] = ("smoke", "sample", "paper")

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def preset(cls: type[ConfigType], name: Preset, overrides: Mapping[str, Any]) -> ConfigType:
        """The preset's values; `overrides` tells those that other values follow from."""
        raise NotImplementedError

    def derived(self: ConfigType, given: frozenset[str]) -> ConfigType:
        """The configuration with values that follow from others, save the user's `given` keys."""
        return self


@dataclasses.dataclass(frozen=True)
class Setting:
    """One resolved value: `section.key`, the value, and where it came from."""

    key: str
    value: Any
    origin: str


@dataclasses.dataclass(frozen=True)
class ResolvedConfig:
    """A paper's configuration with the origin of every value."""

    preset: Preset
    config: PaperConfig
    settings: tuple[Setting, ...]

    def to_json(self) -> str:
        """The configuration as canonical JSON, the form that enters cache keys."""
        return json.dumps(self.config.model_dump(mode="json"), sort_keys=True)


def resolve_config(
    config_type: type[ConfigType], preset: str, assignments: Iterable[str] = ()
) -> ResolvedConfig:
    """Resolves a preset and `key=value` overrides.

    Args:
        config_type: The paper's configuration.
        preset: One of the paper's.
        assignments: `training.steps=100`, or `steps=100` where one key alone ends so. Values are
            JSON, and anything that is not JSON is a string.

    Raises:
        ConfigError: If a key is unknown or ambiguous, or a value has the wrong type.
    """
    if preset not in config_type.PRESETS:
        raise ConfigError(
            "unknown preset",
            found=preset,
            expected=" | ".join(config_type.PRESETS),
            fix="pass --preset sample",
        )
    keys = [key for key, _ in _leaves(config_type.preset(preset, {}).model_dump(mode="json"))]
    overrides = dict(_parse_assignment(text, keys, config_type) for text in assignments)
    base = config_type.preset(preset, overrides)
    values = base.model_dump(mode="json")
    for key, value in overrides.items():
        _assign(values, key, value)
    config = _validated(config_type, values).derived(frozenset(overrides))
    return ResolvedConfig(preset, config, _with_origins(config, base, preset, overrides))


def _parse_assignment(
    text: str, keys: list[str], config_type: type[PaperConfig]
) -> tuple[str, Any]:
    name, separator, raw = text.partition("=")
    if not separator:
        raise ConfigError(
            "--set takes key=value", found=text, fix="for example --set training.steps=500"
        )
    key = _full_key(name.strip(), keys)
    try:
        value = json.loads(raw)
    except json.JSONDecodeError:
        value = {"True": True, "False": False, "None": None}.get(raw, raw)
    if value == "none" and not _takes(config_type, key, value):
        value = None
    return key, value


def _takes(config_type: type[PaperConfig], key: str, word: str) -> bool:
    """Whether a word is a value of its own for a key that has a list of words."""
    section, _, leaf = key.partition(".")
    hints = get_type_hints(config_type.model_fields[section].annotation)
    return word in get_args(hints.get(leaf))


def _full_key(name: str, keys: list[str]) -> str:
    """The one key that is `name` or ends in `.name`, or the section of that name."""
    if any(key == name or key.startswith(f"{name}.") for key in keys):
        return name
    matches = [key for key in keys if key.endswith(f".{name}")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ConfigError(
            "a configuration key is ambiguous", found=name, expected=" or ".join(matches)
        )
    near = difflib.get_close_matches(name, keys + [key.rpartition(".")[2] for key in keys], n=3)
    raise ConfigError(
        "unknown configuration key",
        found=name,
        expected=f"one of: {', '.join(near or keys)}",
        fix="`papergarden config` lists every key",
    )


def _assign(values: dict[str, Any], key: str, value: Any) -> None:
    *sections, leaf = key.split(".")
    for section in sections:
        values = values[section]
    values[leaf] = value


def _validated(config_type: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    try:
        return TypeAdapter(config_type).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"configuration key {'.'.join(str(part) for part in first['loc']) or '(whole)'}",
            found=repr(first.get("input")),
            expected=first["msg"],
            fix="`papergarden config` shows every key with its present value",
        ) from error


def _with_origins(
    config: PaperConfig, base: PaperConfig, preset: str, overrides: Mapping[str, Any]
) -> tuple[Setting, ...]:
    defaults = dict(_leaves(_defaults(type(config))))
    preset_values = dict(_leaves(base.model_dump(mode="json")))

    def origin(key: str, value: Any) -> str:
        if any(key == given or key.startswith(f"{given}.") for given in overrides):
            return "--set"
        if key in preset_values and preset_values[key] != value:
            return "derived"
        return "default" if defaults.get(key, ...) == value else f"preset {preset}"

    leaves = _leaves(config.model_dump(mode="json"))
    return tuple(Setting(key, value, origin(key, value)) for key, value in leaves)


def _defaults(config_type: type[PaperConfig]) -> dict[str, Any]:
    """The defaults of the sections, before any preset."""
    sections: dict[str, Any] = {}
    for name, field in config_type.model_fields.items():
        if dataclasses.is_dataclass(field.annotation):
            sections[name] = {
                # As the values are compared: JSON knows no tuples.
                item.name: list(item.default) if isinstance(item.default, tuple) else item.default
                for item in dataclasses.fields(field.annotation)
                if item.default is not dataclasses.MISSING
            }
    return sections


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            leaves += _leaves(value, f"{prefix}{name}.")
        else:
            leaves.append((f"{prefix}{name}", value))
    return leaves

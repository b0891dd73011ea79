"""Presets, overrides and origins, on a configuration of the tests' own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from components.errors import ConfigError
from pipelines.configs.paper_config import PaperConfig, Preset, resolve_config


@dataclass(frozen=True)
class Section:
    __pydantic_config__ = {"extra": "forbid"}

    steps: int = 10
    rate: float | None = None
    kind: Literal["a", "b"] = "a"
    sides: tuple[int, ...] = (1, 2)


class Config(PaperConfig):
    first: Section = Section()
    second: Section = Section()

    @classmethod
    def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> Config:
        return cls(first=Section(steps={"smoke": 1, "sample": 10, "paper": 1000}[name]))

    def derived(self, given: frozenset[str]) -> Config:
        if "second.steps" in given:
            return self
        return Config(first=self.first, second=Section(steps=self.first.steps * 2))


def origins(*assignments: str, preset: str = "smoke") -> dict[str, tuple[Any, str]]:
    resolved = resolve_config(Config, preset, assignments)
    return {setting.key: (setting.value, setting.origin) for setting in resolved.settings}


def test_every_value_tells_where_it_came_from() -> None:
    found = origins("first.kind=b")
    assert found["first.steps"] == (1, "preset smoke")
    assert found["first.kind"] == ("b", "--set")
    assert found["first.rate"] == (None, "default")
    assert found["first.sides"] == ([1, 2], "default")
    assert found["second.steps"] == (2, "derived")


def test_a_set_value_is_not_derived_over() -> None:
    assert origins("second.steps=7")["second.steps"] == (7, "--set")


def test_a_key_may_be_shortened_where_one_key_ends_so() -> None:
    class Small(PaperConfig):
        only: Section = Section()

        @classmethod
        def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> Small:
            return cls()

    assert resolve_config(Small, "smoke", ["steps=3"]).config.only.steps == 3


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("steps=3", ["ambiguous", "first.steps or second.steps"]),
        ("first.stepz=3", ["unknown configuration key", "first.steps"]),
        ("first.steps=many", ["first.steps", "'many'"]),
        ("first.kind=c", ["first.kind", "'c'", "'a' or 'b'"]),
        ("first.steps", ["key=value"]),
        ("first=3", ["first", "3", "dictionary"]),
    ],
)
def test_a_wrong_override_is_named_with_what_was_expected(
    assignment: str, words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_config(Config, "smoke", [assignment])
    for word in words:
        assert word in str(caught.value)


def test_none_is_a_word_where_it_is_one_of_the_words() -> None:
    @dataclass(frozen=True)
    class Section:
        kind: Literal["none", "some"] = "some"
        path: str | None = "file"
        name: Literal["a", "b"] | None = "a"

    class Small(PaperConfig):
        only: Section = Section()

        @classmethod
        def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> Small:
            return cls()

    given = ["kind=none", "path=none", "name=none"]
    assert resolve_config(Small, "smoke", given).config.only == Section("none", None, None)


def test_a_whole_section_may_be_set() -> None:
    found = origins('first={"steps": 4}')
    assert found["first.steps"] == (4, "--set")
    assert found["second.steps"] == (8, "derived")


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"smoke \| sample \| paper"):
        resolve_config(Config, "huge")


def test_json_is_canonical_and_holds_every_value() -> None:
    text = resolve_config(Config, "paper").to_json()
    expected = {"steps": 1000, "rate": None, "kind": "a", "sides": [1, 2]}
    assert json.loads(text)["first"] == expected
    assert text == resolve_config(Config, "paper").to_json()

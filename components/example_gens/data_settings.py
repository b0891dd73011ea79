"""How the settings of a `data` section are held against what they may be."""

from __future__ import annotations

from components.errors import ConfigError


def require_setting(holds: bool, name: str, value: object, expected: str) -> None:
    """Refuses a setting that is out of range.

    Args:
        holds: Whether it is in range.
        name: The setting, without `data.`.
        value: What it is.
        expected: What it may be.

    Raises:
        ConfigError: It is out of range.
    """
    if not holds:
        raise ConfigError(
            f"data.{name} is out of range",
            found=value,
            expected=expected,
            fix=f"--set data.{name}=VALUE",
        )

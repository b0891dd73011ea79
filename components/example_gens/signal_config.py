"""What to read for SIREN and how: the tasks and the `data` section of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from components.errors import ConfigError
from components.example_gens.data_settings import require_setting

SignalTask = Literal[
    "image",
    "inpainting",
    "audio",
    "poisson_gradient",
    "poisson_laplacian",
    "poisson_editing",
    "video",
]


@dataclass(frozen=True)
class SignalDataConfig:
    """How a picture, a sound or a film becomes the signal that the network fits.

    Pictures are cropped about their centre to the aspect height:width, then resized. A sound is
    read as it is; height, width and channels do not concern it.

    Attributes:
        height: Rows of the signal, pixels, at least 2: the coordinates run from -1 to 1, ends
            included.
        width: Columns of the signal, pixels, at least 2.
        channels: 1 for gray, 3 for colour; a picture of the other kind is converted and counted.
        keep_probability: Inpainting without a mask file: the share of pixels that is known, (0, 1].
        mask: Inpainting: name of the mask inside the data root (white = known). None draws one.
        max_rejected_share: The run fails when a larger share of the records cannot be used, [0, 1].
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    height: int = 256
    width: int = 256
    channels: Literal[1, 3] = 3
    keep_probability: float = 0.1
    mask: str | None = None
    max_rejected_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        for name, value in (("height", self.height), ("width", self.width)):
            require_setting(value >= 2, name, value, "2 or more pixels")
        require_setting(
            self.channels in (1, 3), "channels", self.channels, "1 (gray) or 3 (colour)"
        )
        require_setting(
            0.0 < self.keep_probability <= 1.0,
            "keep_probability",
            self.keep_probability,
            "a share above 0 and at most 1",
        )
        require_setting(
            0.0 <= self.max_rejected_share <= 1.0,
            "max_rejected_share",
            self.max_rejected_share,
            "a share from 0 to 1",
        )


def task_and_config(settings: Mapping[str, Any]) -> tuple[SignalTask, SignalDataConfig]:
    """Reads what ExampleGen and Transform are given: `task` and the fields of `SignalDataConfig`.

    Raises:
        ConfigError: The task or a field is unknown or out of range.
    """
    fields = dict(settings)
    task = fields.pop("task", None)
    if task not in get_args(SignalTask):
        raise ConfigError("unknown task", found=task, expected=" or ".join(get_args(SignalTask)))
    try:
        return task, SignalDataConfig(**fields)
    except TypeError as error:
        raise ConfigError("unknown setting of the data section", found=error) from error

"""SIREN's data: one picture, two pictures, a film or a sound, from a file or a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens import signal_features as keys
from components.example_gens.fingerprints import fingerprint_of_contents
from components.example_gens.image_reader import IMAGE_SUFFIXES, read_image, upright_size
from components.example_gens.mask_reader import read_mask
from components.example_gens.record_source import (
    FeatureValue,
    Record,
    RecordError,
    RecordSource,
)
from components.example_gens.signal_config import SignalDataConfig, SignalTask, task_and_config
from components.example_gens.wav_reader import WAV_SUFFIXES, read_wav

MIN_FRAMES = 2


@dataclass(frozen=True)
class SignalReference:
    """One record: a sound, a picture with what belongs to it, or a frame of a film.

    Attributes:
        names: File names inside the folder; two for Poisson editing.
        index: Position in the film, from 0.
        count: Frames of the film; 1 otherwise.
    """

    names: tuple[str, ...]
    index: int = 0
    count: int = 1


class SignalSource(RecordSource):
    """The records of a task; the same ones in both splits.

    SIREN is scored on the very signal it fits, so `eval` is not held-out data.
    """

    SPLITS = ("train", "eval")

    def __init__(self, data_root: str, task: SignalTask, config: SignalDataConfig) -> None:
        self.data_root = data_root
        self.task = task
        self.config = config
        self.max_rejected_share = config.max_rejected_share
        self._frame_size: tuple[str, int, int] | None = None

    @classmethod
    def from_settings(cls, data_root: str, settings: Mapping[str, Any]) -> SignalSource:
        """Takes `task` and the fields of `SignalDataConfig`."""
        task, config = task_and_config(settings)
        return cls(data_root, task, config)

    def fingerprint(self) -> str:
        """sha256 over the names and contents of the files that the task reads."""
        folder, names = self._folder_and_names()
        if self.task == "inpainting" and self.config.mask is not None:
            names = [*names, self.config.mask]
        return fingerprint_of_contents((name, file_access.join(folder, name)) for name in names)

    def references(self, split: str) -> Sequence[SignalReference]:
        """One reference a file, except that Poisson editing takes two files to a record."""
        del split
        _, names = self._folder_and_names()
        if self.task == "poisson_editing":
            return [SignalReference(tuple(names))]
        return [SignalReference((name,), index, len(names)) for index, name in enumerate(names)]

    def key(self, reference: SignalReference) -> str:
        """The file names, joined."""
        return "+".join(reference.names)

    def read(self, reference: SignalReference) -> Record:
        """Reads and checks a record."""
        if self.task == "audio":
            return self._read_sound(reference)
        return self._read_picture(reference)

    def _read_sound(self, reference: SignalReference) -> Record:
        path, encoded = self._load(reference.names[0])
        sound = read_wav(path, encoded)
        features: dict[str, FeatureValue] = {
            keys.AUDIO_SAMPLES: sound.samples,
            keys.AUDIO_RATE: sound.rate,
            keys.AUDIO_CHANNELS: sound.channels,
            keys.AUDIO_ID: reference.names[0].encode(),
        }
        return Record(self.key(reference), features, sound.conversions)

    def _read_picture(self, reference: SignalReference) -> Record:
        path, encoded = self._load(reference.names[0])
        picture = read_image(path, encoded)
        if self.task == "video":
            self._refuse_other_size(path, picture.height, picture.width)
        features: dict[str, FeatureValue] = {
            keys.IMAGE_ENCODED: picture.encoded,
            keys.IMAGE_HEIGHT: picture.height,
            keys.IMAGE_WIDTH: picture.width,
            keys.IMAGE_CHANNELS: picture.channels,
            keys.IMAGE_ID: reference.names[0].encode(),
            keys.FRAME_INDEX: reference.index,
            keys.FRAME_COUNT: reference.count,
        }
        conversions = [*picture.conversions, *self._conversion_of_channels(picture.channels)]
        if self.task == "poisson_editing":
            second = read_image(*self._load(reference.names[1]))
            features[keys.SECOND_ENCODED] = second.encoded
            conversions += [*second.conversions, *self._conversion_of_channels(second.channels)]
        if self.task == "inpainting":
            mask = b""
            if self.config.mask is not None:
                mask, changes = read_mask(
                    *self._load(self.config.mask), picture, self.config.height, self.config.width
                )
                conversions += changes
            features[keys.MASK_ENCODED] = mask
        return Record(self.key(reference), features, tuple(conversions))

    def _load(self, name: str) -> tuple[str, bytes]:
        folder, _ = self._folder_and_file()
        path = file_access.join(folder, name)
        return path, file_access.read_bytes(path)

    def _conversion_of_channels(self, channels: int) -> tuple[str, ...]:
        """Transform converts; it is counted here, where the file is known."""
        if channels == self.config.channels:
            return ()
        return ("gray_to_colour",) if channels == 1 else ("colour_to_gray",)

    def _refuse_other_size(self, path: str, height: int, width: int) -> None:
        """Holds a frame to the size of the film's first frame that can be read."""
        if self._frame_size is None:
            self._frame_size = self._first_readable_size()
        name, first_height, first_width = self._frame_size
        if (height, width) != (first_height, first_width):
            raise RecordError(
                "frame_size",
                f"the frame {path} has another size than the first one, {name}",
                found=f"{width} x {height} pixels",
                expected=f"{first_width} x {first_height} pixels",
                fix="give all frames one size, or move foreign pictures out of the folder",
            )

    def _first_readable_size(self) -> tuple[str, int, int]:
        _, names = self._folder_and_names()
        for name in names:
            try:
                return (name, *upright_size(*self._load(name)))
            except RecordError:
                continue
        raise DataError(f"no frame in {self.data_root} can be read", found=f"{len(names)} files")

    def _folder_and_file(self) -> tuple[str, str | None]:
        """The folder, and the one file in it that was asked for."""
        if file_access.is_folder(self.data_root):
            return self.data_root, None
        return file_access.parent_and_name(self.data_root)

    def _folder_and_names(self) -> tuple[str, list[str]]:
        """The folder and the names of the files the task reads, their number checked."""
        folder, file = self._folder_and_file()
        if file is not None and self.task not in ("video", "poisson_editing"):
            return folder, [file]
        if file is not None:
            raise self._wrong_number(f"one file, {file}")
        suffixes = WAV_SUFFIXES if self.task == "audio" else IMAGE_SUFFIXES
        present = file_access.list_files(folder)
        names = [
            name for name in present if name.lower().endswith(suffixes) and name != self.config.mask
        ]
        least, most = {"video": (MIN_FRAMES, None), "poisson_editing": (2, 2)}.get(
            self.task, (1, 1)
        )
        if len(names) < least or (most is not None and len(names) > most):
            raise self._wrong_number(_summary(names, present))
        return folder, names

    def _wrong_number(self, found: str) -> DataError:
        kind = f"wav file ({', '.join(WAV_SUFFIXES)})" if self.task == "audio" else "picture"
        expected = {
            "video": f"a folder with at least {MIN_FRAMES} frames, named in their order",
            "poisson_editing": "a folder with exactly two pictures",
        }.get(self.task, f"one {kind}, or a folder with exactly one")
        return DataError(
            f"task={self.task} cannot use {self.data_root}",
            found=found,
            expected=expected,
            fix="point --data-root at the file itself"
            if self.task not in ("video", "poisson_editing")
            else "put just those pictures into a folder and point --data-root at it",
        )


def _summary(names: Sequence[str], present: Sequence[str]) -> str:
    """What is in a folder, in a line."""
    if not present:
        return "an empty folder"
    shown = list(names) or list(present)
    listed = ", ".join(shown[:5]) + (", …" if len(shown) > 5 else "")
    if not names:
        return f"{len(present)} files, none with a known suffix: {listed}"
    return f"{len(names)} files: {listed}"

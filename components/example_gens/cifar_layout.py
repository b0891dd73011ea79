"""Where CIFAR-10's files are: the binary or the python version, as their archives unpack."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.errors import DataError
from components.example_gens import file_access
from components.example_gens.cifar_pickle import unpickle_batch

BINARY_FOLDER = "cifar-10-batches-bin"
PYTHON_FOLDER = "cifar-10-batches-py"
NUM_CLASSES = 10
NUM_TRAIN_BATCHES = 5
TEST_BATCH = "test_batch"

_BATCH_FILE = re.compile(r"(data_batch_\d+|test_batch)(\.bin)?")


@dataclass(frozen=True)
class CifarLayout:
    """A folder with batch files.

    Attributes:
        folder: The folder that holds the batch files themselves.
        binary: Whether they are the `.bin` files; pickles otherwise.
        present: Names of the files in the folder.
    """

    folder: str
    binary: bool
    present: frozenset[str]

    @property
    def meta_file(self) -> str:
        """The file with the names of the classes."""
        return "batches.meta.txt" if self.binary else "batches.meta"

    def file_of(self, batch: str) -> str:
        """The file name of a batch."""
        return f"{batch}.bin" if self.binary else batch

    def path(self, file: str) -> str:
        """The path of a file in the folder."""
        return file_access.join(self.folder, file)

    def train_batches(self, subset: bool) -> list[str]:
        """The training batches in order; a subset may end early, but has no gaps.

        Raises:
            DataError: One is missing.
        """
        last = NUM_TRAIN_BATCHES
        if subset:
            there = [n for n in range(1, last + 1) if self._has(f"data_batch_{n}")]
            last = max(there, default=1)
        return self._all_there([f"data_batch_{n}" for n in range(1, last + 1)])

    def test_batch(self) -> list[str]:
        """The one batch of the test set.

        Raises:
            DataError: It is missing.
        """
        return self._all_there([TEST_BATCH])

    def class_names(self) -> list[bytes]:
        """The names of the ten classes, in the order of the labels.

        Raises:
            DataError: The file is missing or does not name ten classes.
        """
        path = self.path(self.meta_file)
        content = file_access.read_bytes(path)
        if self.binary:
            names = [line.strip() for line in content.splitlines() if line.strip()]
        else:
            listed = unpickle_batch(path, content).get("label_names", [])
            names = [one.encode() if isinstance(one, str) else one for one in listed]
        if len(names) != NUM_CLASSES or not all(isinstance(name, bytes) for name in names):
            raise DataError(
                f"{path} does not name the classes of CIFAR-10",
                found=f"{len(names)} names",
                expected=f"{NUM_CLASSES} names",
                fix="unpack the archive of CIFAR-10 again",
            )
        return names

    def _has(self, batch: str) -> bool:
        return self.file_of(batch) in self.present

    def _all_there(self, batches: list[str]) -> list[str]:
        missing = [self.file_of(batch) for batch in batches if not self._has(batch)]
        if missing:
            raise DataError(
                f"CIFAR-10 in {self.folder} lacks batch files",
                found=f"missing: {', '.join(missing)}",
                expected=", ".join(self.file_of(batch) for batch in batches),
                fix="unpack the whole archive again; --set data.subset=true accepts fewer training "
                "batches, counted from data_batch_1 without gaps",
            )
        return batches


def find_layout(data_root: str) -> CifarLayout:
    """Finds the batch files in a folder or in the one that an archive unpacks to.

    Where both versions are, the binary one is read: they hold the same records.

    Raises:
        DataError: There is no batch file.
    """
    if not file_access.is_folder(data_root):
        raise _not_cifar(data_root, "a file, not a folder")
    top = _files(data_root)
    found = _layout_of(data_root, top)
    for folder in (BINARY_FOLDER, PYTHON_FOLDER):
        if found is None:
            inner = file_access.join(data_root, folder)
            found = _layout_of(inner, _files(inner, may_miss=True))
    if found is None:
        raise _not_cifar(data_root, ", ".join(sorted(top)[:5]) or "no batch file in the folder")
    return found


def _layout_of(folder: str, present: frozenset[str]) -> CifarLayout | None:
    """The layout that a folder's files follow, if any."""
    batches = [match for match in map(_BATCH_FILE.fullmatch, present) if match]
    if not batches:
        return None
    return CifarLayout(folder, any(match.group(2) for match in batches), present)


def _files(folder: str, may_miss: bool = False) -> frozenset[str]:
    if may_miss:
        try:
            return frozenset(file_access.list_files(folder))
        except DataError:
            return frozenset()
    return frozenset(file_access.list_files(folder))


def _not_cifar(data_root: str, found: str) -> DataError:
    return DataError(
        f"there is no CIFAR-10 in {data_root}",
        found=found,
        expected=f"data_batch_1.bin … or data_batch_1 …, directly or in {BINARY_FOLDER} or "
        f"{PYTHON_FOLDER}",
        fix="unpack cifar-10-binary.tar.gz or cifar-10-python.tar.gz and point --data-root at it",
    )

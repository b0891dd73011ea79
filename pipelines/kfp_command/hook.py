"""Lets `kfp run <registered pipeline>` reach Papergarden; all other words stay upstream's.

`papergarden_kfp.pth` calls `install` when Python starts a script named `kfp`. Nothing more happens
until that script imports the SDK. If its words are ours, it then gets stand-ins for the three
modules it imports, so that the SDK itself (two seconds) is imported only if the run needs it.
"""

from __future__ import annotations

import sys

# Python's start waits for this module, so it imports nothing else; type checkers take this as True.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from pipelines.kfp_command.words import Request

STANDINS = ("kfp", "kfp.cli", "kfp.cli.__main__")


class StandinFinder:
    """Gives the script's `from kfp.cli.__main__ import main` a `main` that is Papergarden's.

    Args:
        words: The command line behind the program's name.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._request: Request | None = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a stand-in if the words are ours; None leaves the module to upstream."""
        if name == "kfp":
            self._request = self._read_words()
        if self._request is None or name not in STANDINS:
            return None
        from pipelines.kfp_command.standin import standin_spec

        return standin_spec(name, self._request, self.step_aside)

    def step_aside(self) -> None:
        """Puts the SDK back in reach."""
        sys.meta_path.remove(self)
        for name in STANDINS:
            sys.modules.pop(name, None)

    def _read_words(self) -> Request | None:
        try:
            from pipelines.kfp_command.words import parse_words
            from pipelines.registry import PIPELINES

            return parse_words(self._words, PIPELINES)
        except Exception:  # noqa: BLE001 - upstream's command works even where ours is broken
            return None


def install(words: Sequence[str]) -> None:
    """Waits for the SDK to be imported by a script with these words behind its name."""
    # Python reads the `.pth` files of a virtual environment twice.
    if not any(isinstance(finder, StandinFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StandinFinder(words))

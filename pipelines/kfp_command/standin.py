"""What the script `kfp` imports instead of the SDK when its words are Papergarden's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

from pipelines.kfp_command.words import Request


class StandinLoader(Loader):
    """Makes an empty module whose `main` runs the request.

    Args:
        request: The command line.
        step_aside: Called before the run; from then on the SDK's own modules are found again.
    """

    def __init__(self, request: Request, step_aside: Callable[[], None]) -> None:
        self._request = request
        self._step_aside = step_aside

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leaves the making of the module to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fills the module."""
        vars(module)["main"] = self._main

    def _main(self) -> int:
        from pipelines.kfp_command.command import run_registered

        self._step_aside()
        return run_registered(self._request)


def standin_spec(name: str, request: Request, step_aside: Callable[[], None]) -> ModuleSpec:
    """The spec of the stand-in called `name`."""
    return ModuleSpec(name, StandinLoader(request, step_aside), is_package=True)

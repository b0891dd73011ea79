"""The options that Beam nodes get: this machine's, until a run names another runner.

What a run gives is handed to Beam as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

# Beam's own DirectRunner of late first tries to download a Go binary (Prism), and without an image
# name every Beam node rebuilds a source distribution of TFX.
LOCAL_BEAM_ARGS = (
    "--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    "--sdk_container_image=local",
)
# Those that run in this process or in children of it.
_LOCAL_RUNNERS = ("directrunner", "bundlebaseddirectrunner", "fnapirunner")


def as_flags(options: Iterable[str]) -> tuple[str, ...]:
    """The options of a run as Beam takes them.

    Args:
        options: `runner=FlinkRunner`, or `--runner=FlinkRunner`.
    """
    return tuple(f"--{option.lstrip('-')}" for option in options)


def node_beam_args(flags: tuple[str, ...]) -> tuple[str, ...]:
    """All options of a Beam node; of two of the same name the later one counts.

    The image name of this machine would be taken for a real one elsewhere, so none of its options
    goes to another runner.

    Args:
        flags: Those that the run gives.
    """
    runners = [flag.partition("=")[2] for flag in flags if flag.startswith("--runner=")]
    elsewhere = runners and runners[-1].rpartition(".")[2].lower() not in _LOCAL_RUNNERS
    return flags if elsewhere else (*LOCAL_BEAM_ARGS, *flags)

"""Which options Beam nodes get."""

from __future__ import annotations

import pytest

from pipelines.runners.beam_options import LOCAL_BEAM_ARGS, as_flags, node_beam_args


def test_options_become_flags_and_stay_what_they_are() -> None:
    options = ("runner=FlinkRunner", "--parallelism=8", "save_main_session", "labels=a=b")
    flags = as_flags(options)
    assert flags == (
        "--runner=FlinkRunner",
        "--parallelism=8",
        "--save_main_session",
        "--labels=a=b",
    )


def test_without_a_runner_those_of_a_run_come_last_and_so_count() -> None:
    flags = as_flags(["direct_num_workers=4", "direct_running_mode=multi_threading"])
    assert node_beam_args(()) == LOCAL_BEAM_ARGS
    assert node_beam_args(flags) == (*LOCAL_BEAM_ARGS, *flags)


@pytest.mark.parametrize(
    "runner", ["FlinkRunner", "SparkRunner", "DataflowRunner", "PortableRunner", "a.b.OwnRunner"]
)
def test_nothing_of_this_machine_goes_to_another_runner(runner: str) -> None:
    flags = as_flags([f"runner={runner}", "parallelism=8"])
    assert node_beam_args(flags) == flags


@pytest.mark.parametrize(
    "runner", ["DirectRunner", "apache_beam.runners.direct.direct_runner.BundleBasedDirectRunner"]
)
def test_another_runner_of_this_machine_keeps_the_rest(runner: str) -> None:
    flags = as_flags([f"runner={runner}"])
    assert node_beam_args(flags) == (*LOCAL_BEAM_ARGS, *flags)

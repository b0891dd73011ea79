from __future__ import annotations

import pytest

from pipelines.kfp_command.words import parse_words

PIPELINES = {"siren_pipeline"}


@pytest.mark.parametrize(
    ("line", "options", "words"),
    [
        ("run siren_pipeline", {}, ()),
        ("run siren_pipeline --preset smoke -n x", {}, ("--preset", "smoke", "-n", "x")),
        ("--endpoint http://k run siren_pipeline", {"endpoint": "http://k"}, ()),
        ("--endpoint=http://k run siren_pipeline", {"endpoint": "http://k"}, ()),
        ("-n papers run siren_pipeline", {"namespace": "papers"}, ()),
        ("-npapers run siren_pipeline", {"namespace": "papers"}, ()),
        ("--namespace run run siren_pipeline --help", {"namespace": "run"}, ("--help",)),
    ],
)
def test_a_registered_pipeline_behind_global_options_is_ours(line, options, words) -> None:
    request = parse_words(line.split(), PIPELINES)
    assert request is not None
    assert request.pipeline == "siren_pipeline"
    assert dict(request.global_options) == options
    assert request.words == words


@pytest.mark.parametrize(
    "line",
    [
        "",
        "run",
        "run --help",
        "run create --help",
        "run create siren_pipeline",
        "run list",
        "run other_pipeline",
        "--help run siren_pipeline",
        "--version",
        "--endpoint",
        "--endpoint run siren_pipeline",
        "--unheard-of run siren_pipeline",
        "pipeline run siren_pipeline",
        "siren_pipeline",
    ],
)
def test_other_words_are_upstreams(line: str) -> None:
    assert parse_words(line.split(), PIPELINES) is None


def test_upstreams_global_options_are_all_known() -> None:
    from kfp.cli.cli import cli

    from pipelines.kfp_command.words import VALUE_OPTIONS

    shell_completion = {"--show-completion", "--install-completion"}
    with_value = {
        name for option in cli.params if not option.is_flag for name in option.opts
    } - shell_completion
    assert with_value <= set(VALUE_OPTIONS)

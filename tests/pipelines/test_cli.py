"""The command line, up to where a run begins."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pipelines import cli


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(list(words))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.mark.parametrize(
    "command", ["run", "follow", "list", "config", "data", "doctor", "lineage"]
)
def test_help_of_everything_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys; from pipelines import cli\n"
        f"cli.main(['{command}', '--help'])\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'ml_metadata', 'kfp', 'numpy', 'keras'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"papergarden {command}" in done.stdout
    assert done.stdout.strip().endswith("HEAVY []")


def test_list_names_every_paper(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "list", "--json")
    assert code == 0
    assert "siren_pipeline" in json.loads(text)


def test_config_prints_values_with_their_origin(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(
        capsys, "config", "siren_pipeline", "--preset", "smoke", "--set", "steps=7", "--json"
    )
    values = json.loads(text)
    assert code == 0
    assert values["training.steps"] == {"value": 7, "origin": "--set"}
    assert values["data.height"]["origin"] == "preset smoke"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "sirene"), "siren_pipeline"),
        (("config", "siren_pipeline", "--set", "stepz=3"), "unknown configuration key"),
        (("config", "siren_pipeline", "--set", "steps=many"), "training.steps"),
        (("config", "siren_pipeline", "--preset", "big"), "smoke | sample | paper"),
        (("run", "siren_pipeline", "--nothing"), "No such option"),
    ],
)
def test_wrong_usage_is_explained_and_exits_with_2(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: str
) -> None:
    code, text = run(capsys, *words)
    assert code == 2
    assert expected in text
    assert "Traceback" not in text

"""`papergarden compile` before it compiles; what it writes is in `runners/test_kubeflow.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipelines.cli import main


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "nothing to compile"),
        (("siren_pipeline", "--all"), "exclude each other"),
        (("no_such_pipeline",), "no such pipeline"),
        (("siren_pipeline", "--accelerator", "fpga"), "fpga"),
        (("siren_pipeline", "--cluster", "nodes.Trainer.memory=lots"), "lots"),
        (("siren_pipeline", "--cluster", "nodes.Trainr.memory=1Gi"), "nodes.Trainer.memory"),
    ],
)
def test_wrong_words_are_told_before_anything_is_imported_or_written(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = set(sys.modules)
    assert main(["compile", *words, "-o", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert not {"kfp", "tfx"} & (set(sys.modules) - imported)

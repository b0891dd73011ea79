"""Every pipeline, compiled and executed task by task, leaves the lineage of its local run.

The tasks run the compiled commands in processes forked from one that has imported TFX. Both runs of
a pipeline take one to four minutes, so `make test` runs SIREN alone, in processes of their own
(`test_local_equals_cluster.py`), and `make test-every-pipeline` runs this.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compiled_run import ProcessRun, read_tasks

from components.lineage.metadata_uri import connect, sqlite_uri
from pipelines.registry import PIPELINES

VARIABLE = "PAPERGARDEN_EVERY_PIPELINE"
# As long as the ids of local runs, and the roots as long as each other: sizes of files tell both.
RUN_ID = "20260101-000000-0000"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(VARIABLE not in os.environ, reason="minutes: make test-every-pipeline"),
]


@pytest.mark.parametrize("pipeline", sorted(PIPELINES))
def test_lineage_equals_the_local_runs(
    pipeline: str, run_pipeline: Callable[..., Any], tmp_path: Path
) -> None:
    from forked_task import ForkedTask
    from lineage_form import LineageForm

    papergarden = str(Path(sys.executable).parent / "papergarden")
    subprocess.run([papergarden, "compile", pipeline, "-o", str(tmp_path)], check=True)
    root = tmp_path / "compiled"
    uri = sqlite_uri(root / "metadata.sqlite")
    tasks = read_tasks(
        tmp_path / f"{pipeline}.yaml",
        RUN_ID,
        {"preset": "smoke", "root": str(root)},
        {"papergarden-metadata": {"uri": uri, "user": "", "password": ""}},
    )
    processes = ProcessRun(tmp_path / "logs", ForkedTask)
    processes.run(tasks)
    assert processes.exit_codes == {task.name: [0] for task in tasks}

    local_root = tmp_path / "executed"
    local = run_pipeline(local_root, pipeline=pipeline)
    assert local.exit_code == 0, local.error
    local_uri = sqlite_uri(local_root / "metadata.sqlite")
    local_store = connect(local_uri, read_only=True)
    expected = LineageForm(
        local_store, local.outcome["run_id"], str(local_root), local_uri
    ).as_dict()
    found = LineageForm(connect(uri, read_only=True), RUN_ID, str(root), uri).as_dict()
    for part in expected:
        assert expected[part]
        assert found[part] == expected[part], part

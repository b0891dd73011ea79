"""The notebooks run, at smoke size, and are small enough to be kept in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs the development tools")
nbclient = pytest.importorskip("nbclient", reason="needs the development tools")
pytest.importorskip("sklearn", reason="needs the extra `notebooks`")

LARGEST_NOTEBOOK_BYTES = 400_000

# Injected after the cell tagged `parameters`.
SMOKE_SIZES = {
    "detr": """
SIDE = 64
IMAGES = STEPS = MASK_STEPS = 2
""",
    "finegan": """
WIDTH = 4
IMAGES = 24
STEPS = 8
""",
    "only_bn": """
EPOCHS = 1
DEPTH = 8
DEPTHS = (8,)
""",
    "siren": """
SIDE = 16
SECONDS = 0.05
IMAGE_STEPS = INPAINTING_STEPS = AUDIO_STEPS = POISSON_STEPS = 4
""",
}


@pytest.fixture(params=sorted(SMOKE_SIZES))
def notebook(request: pytest.FixtureRequest, project_dir: Path) -> tuple[str, Path]:
    return request.param, project_dir / "notebooks" / f"{request.param}.ipynb"


def test_every_notebook_is_tested(project_dir: Path) -> None:
    found = {path.stem for path in (project_dir / "notebooks").glob("*.ipynb")}
    assert found == set(SMOKE_SIZES)


def test_the_notebook_runs_from_top_to_bottom(
    notebook: tuple[str, Path], project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, path = notebook
    content = nbformat.read(path, as_version=4)
    place = _parameters_cell(content)
    content.cells.insert(place + 1, nbformat.v4.new_code_cell(SMOKE_SIZES[name]))
    # The project is imported from here, installed or not.
    monkeypatch.setenv("PYTHONPATH", str(project_dir))
    client = nbclient.NotebookClient(
        content, timeout=240, kernel_name="python3", resources={"metadata": {"path": project_dir}}
    )
    client.execute()
    outputs = [output for cell in content.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/jpeg" in output.get("data", {}) for output in outputs)


def test_the_notebook_is_small_and_free_of_errors(notebook: tuple[str, Path]) -> None:
    _, path = notebook
    assert path.stat().st_size <= LARGEST_NOTEBOOK_BYTES
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    for cell in content.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            # Paths and warnings of the machine it was last run on have no place in it.
            assert output.get("name") != "stderr"


def test_nothing_is_installed_where_the_project_is(notebook: tuple[str, Path]) -> None:
    _, path = notebook
    cells = nbformat.read(path, as_version=4).cells
    installing = [cell.source for cell in cells if "%pip install" in cell.source]
    assert len(installing) == 1
    guard, _, command = installing[0].partition("except ModuleNotFoundError:")
    assert "import components" in guard and "%pip install" in command


def _parameters_cell(content: Any) -> int:
    places = [
        number
        for number, cell in enumerate(content.cells)
        if "parameters" in cell.metadata.get("tags", ())
    ]
    assert len(places) == 1, "exactly one cell carries the tag `parameters`"
    return places[0]

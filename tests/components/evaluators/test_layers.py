import os
import subprocess
import sys
from pathlib import Path

LIGHT = [
    "components.evaluators.audio_quality",
    "components.evaluators.benchmark_metrics",
    "components.evaluators.classification",
    "components.evaluators.evaluate_signature",
    "components.evaluators.evaluation_config",
    "components.evaluators.image_quality",
    "components.evaluators.paper_results",
    "components.evaluators.verdict",
    "components.pushers.versioned_directory",
]
HEAVY = ["tensorflow", "tfx", "apache_beam", "ml_metadata", "kfp", "pydantic", "scipy", "PIL"]


def test_the_measures_need_numpy_alone():
    code = (
        f"import sys, importlib\n"
        f"for name in {LIGHT}: importlib.import_module(name)\n"
        f"sys.exit(','.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    finished = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, f"imported: {finished.stderr}"

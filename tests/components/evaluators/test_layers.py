import os
import subprocess
import sys
from pathlib import Path

LIGHT = [
    "components.evaluators.audio_quality",
    "components.evaluators.average_precision",
    "components.evaluators.benchmark_metrics",
    "components.evaluators.category_values",
    "components.evaluators.classification",
    "components.evaluators.cluster_agreement",
    "components.evaluators.evaluate_signature",
    "components.evaluators.evaluation_config",
    "components.evaluators.feature_network",
    "components.evaluators.frechet_distance",
    "components.evaluators.generated_images",
    "components.evaluators.generated_images_config",
    "components.evaluators.generated_records",
    "components.evaluators.generation_protocol",
    "components.evaluators.image_quality",
    "components.evaluators.image_regions",
    "components.evaluators.inception_score",
    "components.evaluators.jackknife",
    "components.evaluators.kernel_distance",
    "components.evaluators.panoptic_matching",
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

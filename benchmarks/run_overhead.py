"""Where the time of a run goes that is not training: a fresh `smoke` run and its cached rerun.

    python benchmarks/run_overhead.py --repeats 3

Each run is the command a user types, from process start to exit. Training time is what the loop
itself measured; the rest of the Trainer node counts as overhead. Medians over the repeats.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(root: Path) -> dict[str, float]:
    """Runs the command once; seconds by part."""
    outcome_file = root / "outcome.json"
    command = [sys.executable, "-c", "import sys; from pipelines.cli import main; sys.exit(main())"]
    arguments = ["run", "siren_pipeline", "--preset", "smoke", "--root", str(root)]
    start = time.perf_counter()
    subprocess.run(
        [*command, *arguments, "--json", str(outcome_file)], check=True, capture_output=True
    )
    total = time.perf_counter() - start
    outcome = json.loads(outcome_file.read_text())
    parts = {"process start to first node": outcome["seconds"]["start"]}
    parts |= {name: node["seconds"] for name, node in outcome["nodes"].items()}
    training = 0.0
    if not outcome["from_cache"]:
        facts = Path(outcome["paths"]["tensorboard"]) / "training.json"
        training = json.loads(facts.read_text())["seconds"]
    return {**parts, "whole run": total, "not training": total - training}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    fresh, cached = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as root:
            fresh.append(run(Path(root)))
            cached.append(run(Path(root)))
    print(f"{'seconds, median of ' + str(repeats):<32}{'fresh':>8}{'cached':>8}")
    for name in fresh[0]:
        values = (statistics.median(times[name] for times in runs) for runs in (fresh, cached))
        print(f"{name:<32}" + "".join(f"{value:8.1f}" for value in values))
    print("nodes overlap: their times add up to more than the whole")


if __name__ == "__main__":
    main()

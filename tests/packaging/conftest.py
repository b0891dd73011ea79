"""A wheel of this project, and environments that hold the dependencies but not the project."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Environment:
    """A virtual environment whose `kfp` script is upstream's.

    Attributes:
        path: Its folder.
        home: An empty home folder for what runs in it.
    """

    path: Path
    home: Path

    @property
    def site(self) -> Path:
        """Its site-packages."""
        return next((self.path / "lib").glob("python*/site-packages"))

    def run(self, program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its programs, away from the project's folder."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KFP_"))}
        return subprocess.run(
            [str(self.path / "bin" / program), *words],
            capture_output=True,
            text=True,
            cwd=self.home,
            env={**inherited, "HOME": str(self.home), "TF_CPP_MIN_LOG_LEVEL": "3", **variables},
            timeout=120,
            check=False,
        )

    def pip(self, *words: str) -> None:
        """Runs pip without any network."""
        done = self.run("python", "-m", "pip", "--disable-pip-version-check", *words)
        if done.returncode:
            pytest.fail(f"pip {' '.join(words)}\n{done.stdout}{done.stderr}")


def _make_environment(folder: Path) -> Environment:
    environment = Environment(folder / "venv", folder / "home")
    environment.home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(environment.path)], check=True)
    # All that is installed here, the project excepted: pip must neither see nor touch that one.
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "papergarden" not in entry.name and entry.name not in {"pip", "__pycache__"}:
            (dependencies / entry.name).symlink_to(entry)
    (environment.site / "dependencies.pth").write_text(f"{dependencies}\n")
    script = environment.path / "bin" / "kfp"
    script.write_text(
        f"#!{environment.path}/bin/python\n"
        "import sys\nfrom kfp.cli.__main__ import main\n"
        "if __name__ == '__main__':\n    sys.exit(main())\n"
    )
    script.chmod(0o755)
    return environment


@pytest.fixture(scope="session")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment into which nothing is ever installed: upstream's own behaviour."""
    return _make_environment(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment to install into; every test leaves it as it found it."""
    return _make_environment(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session")
def wheel(project_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, as `pip install .` would build it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(project_dir)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


class _Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Says that the server is there, which is all that upstream's client asks at its start."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"multi_user": False}).encode())

    def log_message(self, *words: object) -> None:
        """Stays quiet."""


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """A Kubeflow Pipelines endpoint on this machine that is alive, and nothing else."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

"""A Kubeflow endpoint of this machine, for the commands and the runner that talk to one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kfp_server import KubeflowServer
    from swagger import Swagger


@pytest.fixture(scope="session")
def kubeflow_api(shared_dir: Path) -> Swagger:
    """Kubeflow's published API."""
    from swagger import Swagger

    path = shared_dir / "kfp" / "kfp_api_v2beta1.swagger.json"
    if not path.is_file():
        pytest.skip(f"Kubeflow's published API is not at {path}")
    return Swagger(path)


@pytest.fixture
def no_kubeflow_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves nothing of this machine's own settings to upstream's client."""
    pytest.importorskip("kfp", reason="needs the `pipelines` extra")
    from kfp.client import client

    monkeypatch.setattr(client.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    for name in list(os.environ):
        if name.startswith(("KFP_", "KF_PIPELINES_")):
            monkeypatch.delenv(name)


@pytest.fixture
def kubeflow(kubeflow_api: Swagger, no_kubeflow_settings: None) -> Iterator[KubeflowServer]:
    """An endpoint; afterwards no request was against the published API, and no answer."""
    from kfp_http import serve
    from kfp_server import KubeflowServer

    server = KubeflowServer(kubeflow_api)
    with serve(server):
        yield server
    assert server.violations == []

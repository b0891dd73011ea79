"""Compiled pipelines whose metadata store is a MariaDB, a PostgreSQL or an ML Metadata server.

Every task is a process that runs the compiled command, forked from one that has imported TFX.
"""

from __future__ import annotations

import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from compiled_run import CompiledTask, ProcessRun, TaskProcess, read_tasks

from components.lineage.metadata_uri import PASSWORD_VARIABLE, connect, sqlite_uri

if TYPE_CHECKING:
    from cutting_proxy import CuttingProxy
    from database_server import DatabaseServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PIPELINE = "siren_pipeline"
# As long as the ids of local runs: sizes of files tell both.
RUN_ID = "20260101-000000-0000"
# A node asks its store some 350 times; the first 90 requests make the store ready.
FIRST_CUT, REQUESTS_BETWEEN_CUTS, NUM_CUTS = 130, 270, 14
AT_ONCE = 4

StartTask = Callable[[CompiledTask, Path], TaskProcess]


@pytest.fixture(scope="module")
def start_task() -> StartTask:
    pytest.importorskip("tfx", reason="needs the `pipelines` extra")
    from forked_task import ForkedTask

    return ForkedTask


@pytest.fixture
def tasks(project_dir: Path) -> Callable[..., dict[str, CompiledTask]]:
    return lambda *arguments: tasks_of_run(project_dir, *arguments)


def tasks_of_run(project_dir: Path, root: Path, uri: str, run_id: str) -> dict[str, CompiledTask]:
    """The tasks of a smoke-sized run by name."""
    from database_server import OWNER, PASSWORDS

    secret = {"uri": uri, "user": "", "password": PASSWORDS[OWNER]}
    found = read_tasks(
        project_dir / "kfp" / "compiled" / f"{PIPELINE}.yaml",
        run_id,
        {"preset": "smoke", "root": str(root)},
        {"papergarden-metadata": secret},
    )
    return {task.name: task for task in found}


@dataclass
class DisturbedRun:
    """A whole run whose connections are cut again and again, and whose server crashes in training.

    Attributes:
        server: The database server.
        proxy: What all connections go through.
        root: The run's root.
        processes: Its tasks.
        crashed: Whether the server has crashed and was started again.
    """

    server: DatabaseServer
    proxy: CuttingProxy
    root: Path
    processes: ProcessRun
    crashed: bool = False

    @property
    def uri(self) -> str:
        """The store as the tasks know it."""
        return self.server.uri("mlmd", port=self.proxy.port)

    @property
    def direct_uri(self) -> str:
        """The store as this process asks it: a call would keep the proxy's thread from running."""
        return self.server.uri("mlmd")

    def crash_in_training(self, name: str, process: TaskProcess) -> None:
        if name == "trainer" and not self.crashed and "progress" in self.log(name):
            self.server.crash()
            self.server.start()
            self.crashed = True

    def log(self, task: str) -> str:
        path = self.processes.log_dir / f"{task}.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def disturbed(
    database_server: DatabaseServer,
    start_task: StartTask,
    tmp_path_factory: pytest.TempPathFactory,
    project_dir: Path,
) -> Iterator[DisturbedRun]:
    from cutting_proxy import CuttingProxy

    folder = tmp_path_factory.mktemp("disturbed")
    cuts = {
        FIRST_CUT + number * REQUESTS_BETWEEN_CUTS: ("request", "answer")[number % 2]
        for number in range(NUM_CUTS)
    }
    with CuttingProxy(database_server.port, cuts) as proxy:
        run = DisturbedRun(
            database_server, proxy, folder / "runs", ProcessRun(folder / "logs", start_task)
        )
        tasks = tasks_of_run(project_dir, run.root, run.uri, RUN_ID)
        run.processes.run(list(tasks.values()), run.crash_in_training)
        yield run


@pytest.fixture(scope="module")
def undisturbed(
    run_pipeline: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The lineage of a local run, in a SQLite file."""
    from lineage_form import LineageForm

    root = tmp_path_factory.mktemp("undisturb") / "runs"
    run = run_pipeline(root)
    assert run.exit_code == 0, run.error
    uri = sqlite_uri(root / "metadata.sqlite")
    store = connect(uri, read_only=True)
    return dict(LineageForm(store, run.outcome["run_id"], str(root), uri).as_dict())


@pytest.fixture
def owner_password(monkeypatch: pytest.MonkeyPatch) -> str:
    from database_server import OWNER, PASSWORDS

    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORDS[OWNER])
    return PASSWORDS[OWNER]


def test_every_task_of_a_disturbed_run_ends_well_at_its_first_try(disturbed: DisturbedRun) -> None:
    codes = disturbed.processes.exit_codes
    assert codes == {name: [0] for name in codes}
    assert len(codes) == 12
    assert disturbed.crashed
    assert len(disturbed.proxy.cut) == NUM_CUTS


def test_its_lineage_equals_that_of_an_undisturbed_run_in_a_sqlite_file(
    disturbed: DisturbedRun, undisturbed: dict[str, Any], owner_password: str
) -> None:
    from lineage_form import LineageForm

    store = connect(disturbed.direct_uri, read_only=True)
    found = LineageForm(store, RUN_ID, str(disturbed.root), disturbed.uri).as_dict()
    for part, expected in undisturbed.items():
        assert expected
        assert found[part] == expected, part


def test_no_password_is_left_behind(disturbed: DisturbedRun, owner_password: str) -> None:
    assert "is ready" in disturbed.log("prepare")
    password = owner_password.encode()
    searched = 0
    for folder in (disturbed.root, disturbed.processes.log_dir, disturbed.server.data_dir):
        for path in folder.rglob("*"):
            if path.is_file():
                searched += 1
                assert password not in path.read_bytes(), path
    assert searched > 100


def test_the_command_line_tells_the_lineage_of_a_run_in_a_server(
    disturbed: DisturbedRun, owner_password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.cli import main

    assert main(["lineage", "--metadata-uri", disturbed.direct_uri]) == 0
    assert RUN_ID in capsys.readouterr().out
    assert main(["lineage", RUN_ID, "--metadata-uri", disturbed.direct_uri]) == 0
    told = capsys.readouterr().out
    assert re.search("verdict +blessed", told), told
    assert owner_password not in told


def test_processes_that_start_at_once_make_an_empty_store_ready_and_share_it(
    database_server: DatabaseServer,
    start_task: StartTask,
    tasks: Callable[..., dict[str, CompiledTask]],
    tmp_path: Path,
    owner_password: str,
) -> None:
    uri = database_server.uri("raced")
    runs = [tasks(tmp_path / "runs", uri, f"run-{number}") for number in range(AT_ONCE)]
    # The first of these find no table, the others no type and no context of theirs.
    for task in ("prepare", "schema"):
        started = [
            start_task(run[task], tmp_path / f"{task}-{number}.log")
            for number, run in enumerate(runs)
        ]
        codes = [process.wait() for process in started]
        assert codes == [0] * AT_ONCE, (tmp_path / f"{task}-0.log").read_text()
    store = connect(uri, read_only=True)
    kinds = (store.get_artifact_types(), store.get_execution_types(), store.get_context_types())
    for types in kinds:
        assert types
        assert set(Counter(one.name for one in types).values()) == {1}
    contexts = Counter(one.type for one in store.get_contexts())
    assert contexts == {
        "pipeline": 1,
        "node": 1,
        "pipeline_run": AT_ONCE,
        "execution_cache": 1,
    }
    executions = store.get_executions()
    states = {one.State.Name(one.last_known_state) for one in executions}
    assert len(executions) == AT_ONCE
    assert states <= {"COMPLETE", "CACHED"}
    for execution in executions:
        [event] = store.get_events_by_execution_ids([execution.id])
        [schema] = store.get_artifacts_by_id([event.artifact_id])
        assert (schema.type, schema.state) == ("Schema", schema.LIVE)
        assert (Path(schema.uri) / "schema.pbtxt").is_file()


def test_the_largest_configuration_of_every_pipeline_fits(
    database_server: DatabaseServer, start_task: StartTask, tmp_path: Path, owner_password: str
) -> None:
    from registered_pipelines import register_all

    from pipelines.registry import PIPELINES

    log = tmp_path / "log"
    process = multiprocessing.get_context("forkserver").Process(
        target=register_all, args=(database_server.uri("shared"), owner_password, log)
    )
    process.start()
    process.join(timeout=280)
    assert process.exitcode == 0, log.read_text()[-3000:]
    assert log.read_text().count("registered ") == len(PIPELINES)


def test_a_server_of_ml_metadata_that_goes_away_and_comes_back(
    start_task: StartTask,
    tasks: Callable[..., dict[str, CompiledTask]],
    tmp_path: Path,
) -> None:
    from grpc_store import GrpcStore

    server = GrpcStore(tmp_path / "metadata.sqlite")
    run = tasks(tmp_path / "runs", server.uri, RUN_ID)
    log = tmp_path / "prepare.log"
    assert start_task(run["prepare"], log).wait() == 0, log.read_text()
    server.stop()
    log = tmp_path / "schema.log"
    schema = start_task(run["schema"], log)
    while not (log.exists() and "asking again" in log.read_text()):
        assert schema.poll() is None, log.read_text()
        time.sleep(0.05)
    server = GrpcStore(tmp_path / "metadata.sqlite", server.port)
    try:
        assert schema.wait() == 0, log.read_text()
        assert "node      Schema: executed" in log.read_text()
        [execution] = connect(server.uri).get_executions()
        assert execution.last_known_state == execution.COMPLETE
    finally:
        server.stop()

"""`papergarden run --endpoint`, `kfp --endpoint … run` and `papergarden follow`, word for word.

The graph of the pipeline comes from its compiled file, because TFX takes long to import; that the
file is what compiling gives is tested in `runners/test_kubeflow.py`.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kfp", reason="needs the `pipelines` extra")

from compiled_graph import compiled_graph
from compiled_run import read_documents
from kfp_server import Fault, KubeflowServer, Look

from pipelines import cli, submit_command
from pipelines.kfp_command.command import run_registered
from pipelines.kfp_command.words import parse_words
from pipelines.registry import PIPELINES
from pipelines.runners.kubeflow import compile_graph
from pipelines.runners.kubeflow_cluster import cluster_config
from pipelines.runners.kubeflow_patience import Patience
from pipelines.runners.kubeflow_resources import VERDICT_TASK

PIPELINE = "siren_pipeline"
COMPILED_DIR = Path(__file__).parents[2] / "kfp" / "compiled"
TOKEN = "a-token-that-is-secret"
# The path of a look at a run.
LOOK = "/runs/[^/]+"
PATIENCE = Patience(
    connection=30.0, answer=30.0, between_tries=(0.0,), between_looks=0.0, longest_silence=0.0
)

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits, and nothing of TFX is imported."""
    monkeypatch.setattr(submit_command, "PATIENCE", PATIENCE)
    monkeypatch.setattr(
        "pipelines.runners.kubeflow.read_graph", lambda name: compiled_graph(name, COMPILED_DIR)
    )


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str) -> tuple[int, str]:
        code = cli.main(list(words))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return command


@pytest.fixture
def run(kubeflow: KubeflowServer, command: Run) -> Run:
    return lambda *words: command("run", PIPELINE, "--endpoint", kubeflow.url, *words)


def compiled() -> tuple[dict[str, Any], dict[str, Any]]:
    return read_documents(COMPILED_DIR / f"{PIPELINE}.yaml")


def all_tasks(**others: str) -> dict[str, str]:
    """Title -> state: everything succeeded but the others."""
    tasks = compiled()[0]["root"]["dag"]["tasks"]
    return {**{one["taskInfo"]["name"]: "SUCCEEDED" for one in tasks.values()}, **others}


def submitted(server: KubeflowServer) -> dict[str, Any]:
    """What was sent of the one run or recurring run."""
    [body] = [
        one.body
        for one in server.asked
        if one.method == "POST" and one.path.endswith(("/runs", "/recurringruns"))
    ]
    return dict(body)


# Submitting, and what the run comes to.


def test_a_blessed_run_ends_with_0_and_its_tasks_were_shown(
    kubeflow: KubeflowServer, run: Run, tmp_path: Path
) -> None:
    kubeflow.story = [
        Look("PENDING"),
        Look("RUNNING", {"prepare": "SUCCEEDED", "ExampleGen": "RUNNING"}),
        Look("SUCCEEDED", all_tasks()),
    ]
    file = tmp_path / "outcome.json"
    code, text = run("--preset", "paper", "--data-root", "/papergarden/a.png", "--json", str(file))
    assert code == 0, text
    [made] = kubeflow.runs
    changes = [line.split()[:2] for line in text.splitlines()]
    for change in (["ExampleGen", "running"], ["ExampleGen", "done"], [VERDICT_TASK, "done"]):
        assert change in changes
    page = f"{kubeflow.url}/#/runs/details/{made['run_id']}"
    assert f"page      {page}" in text
    assert "verdict   BLESSED" in text
    outcome = json.loads(file.read_text())
    assert outcome["run_id"] == made["run_id"]
    assert (outcome["pipeline"], outcome["preset"]) == (PIPELINE, "paper")
    assert outcome["verdict"]["blessed"] is True
    assert outcome["nodes"]["ExampleGen"]["seconds"] == 50.0
    assert outcome["seconds"] == {"start": 10.0, "total": 150.0}
    assert outcome["paths"] == {"page": page}
    assert (outcome["error"], outcome["from_cache"], outcome["metadata_uri"]) == (None, None, None)


def test_what_is_submitted_is_what_compile_writes_and_the_runs_parameters(
    kubeflow: KubeflowServer, run: Run, tmp_path: Path
) -> None:
    code, text = run(
        *("--preset", "smoke", "--data-root", "gs://bucket/data", "--root", "/elsewhere/runs"),
        *("--set", "steps=7", "--set", "task=audio", "--beam", "runner=FlinkRunner"),
        *("--experiment", "mine"),
    )
    assert code == 0, text
    body = submitted(kubeflow)
    path = tmp_path / "compiled.yaml"
    compile_graph(compiled_graph(PIPELINE, COMPILED_DIR), cluster_config(PIPELINE), path)
    specification, executors = read_documents(path)
    assert body["pipeline_spec"]["pipeline_spec"] == specification
    platform = body["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]
    assert platform["deploymentSpec"]["executors"] == executors
    assert body["runtime_config"]["parameters"] == {
        "preset": "smoke",
        "data_root": "gs://bucket/data",
        "root": "/elsewhere/runs",
        "overrides": '["steps=7", "task=audio"]',
        "beam_options": '["runner=FlinkRunner"]',
    }
    assert body["display_name"].startswith(f"{PIPELINE}-")
    assert [one["display_name"] for one in kubeflow.experiments] == ["mine"]


def test_what_the_cluster_offers_can_be_said(kubeflow: KubeflowServer, run: Run) -> None:
    code, text = run("--accelerator", "none", "--cluster", "image=registry.example/garden:7")
    assert code == 0, text
    executors = submitted(kubeflow)["pipeline_spec"]["pipeline_spec"]["deploymentSpec"]["executors"]
    containers = [one["container"] for one in executors.values()]
    assert {one["image"] for one in containers} == {"registry.example/garden:7"}
    assert not any("accelerator" in one["resources"] for one in containers)
    assert [one["display_name"] for one in kubeflow.experiments] == [PIPELINE]


def test_a_refused_model_ends_with_3(kubeflow: KubeflowServer, run: Run, tmp_path: Path) -> None:
    kubeflow.story = [
        Look("RUNNING", all_tasks(verdict="RUNNING")),
        Look("FAILED", all_tasks(verdict="FAILED")),
    ]
    file = tmp_path / "outcome.json"
    code, text = run("--json", str(file))
    assert code == 3, text
    assert "verdict   NOT BLESSED" in text
    assert "the task verdict failed; its log has the reasons" in text
    assert json.loads(file.read_text())["verdict"]["blessed"] is False


def test_a_failed_task_ends_with_1_and_is_named(
    kubeflow: KubeflowServer, run: Run, tmp_path: Path
) -> None:
    tasks = {"prepare": "SUCCEEDED", "ExampleGen": "SUCCEEDED", "Transform": "FAILED"}
    kubeflow.story = [Look("RUNNING", {**tasks, "Schema": "RUNNING"}), Look("FAILED", tasks)]
    file = tmp_path / "outcome.json"
    code, text = run("--json", str(file))
    assert code == 1
    assert "Transform: its log tells why" in text
    assert f"{kubeflow.url}/#/runs/details/{kubeflow.runs[0]['run_id']} shows the log" in text
    outcome = json.loads(file.read_text())
    assert outcome["verdict"] is None
    assert outcome["nodes"]["Transform"]["state"] == "failed"
    assert outcome["nodes"]["Trainer"]["state"] == "skipped"
    assert "failed" in outcome["error"]


@pytest.mark.parametrize("end", ["CANCELED", "FAILED"])
def test_a_run_that_somebody_stopped_ends_with_1_and_says_so(
    kubeflow: KubeflowServer, run: Run, end: str
) -> None:
    """Some versions of Kubeflow call such a run failed."""
    kubeflow.story = [
        Look("RUNNING", all_tasks(verdict="RUNNING")),
        Look("CANCELING", all_tasks(verdict="RUNNING")),
        Look(end, all_tasks(verdict="FAILED")),
    ]
    code, text = run()
    assert code == 1
    assert "was canceled" in text
    assert "training resumes" in text


def test_a_json_file_that_cannot_be_written_is_told(
    kubeflow: KubeflowServer, run: Run, tmp_path: Path
) -> None:
    code, text = run("--json", str(tmp_path / "no" / "folder.json"))
    assert code == 1
    assert "cannot be written" in text


@pytest.mark.parametrize("variable", ["KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT"])
def test_an_endpoint_may_be_configured_and_an_empty_one_runs_here(
    kubeflow: KubeflowServer, command: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    here: list[Any] = []
    monkeypatch.setattr(cli, "_run_here", lambda request, _: here.append(request))
    monkeypatch.setenv(variable, kubeflow.url)
    code, text = command("run", PIPELINE)
    assert code == 0, text
    assert (len(kubeflow.runs), here) == (1, [])
    assert command("run", PIPELINE, "--endpoint", "")[0] == 0
    assert (len(kubeflow.runs), len(here)) == (1, 1)


# What is told before the seconds that compiling takes.


@pytest.mark.parametrize(
    ("setting", "told"),
    [({"token": TOKEN}, "does not know who asks"), ({"multi_user": True}, "--namespace NAME")],
)
def test_who_may_not_ask_is_told_before_anything_is_compiled(
    kubeflow: KubeflowServer, run: Run, setting: dict[str, Any], told: str
) -> None:
    vars(kubeflow).update(setting)
    code, text = run()
    assert code == (2 if kubeflow.multi_user else 1)
    assert told in text
    assert "loading" not in text


# Wrong words: nothing is sent.


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--preset", "big"), "smoke | sample | paper"),
        (("--set", "stepz=3"), "unknown configuration key"),
        (("--cluster", "nodes.Trainr.memory=1Gi"), "nodes.Trainer.memory"),
        (("--accelerator", "fpga"), "fpga"),
        (("--schedule", "every day"), "no cron expression"),
        (("--schedule", ""), "no cron expression"),
        (("--data-root", "photograph.png"), "absolute path on the cluster's volume"),
        (("--root", "runs"), "--root is no path"),
        (("--ssl-ca-cert", "/nowhere.pem"), "/nowhere.pem"),
    ],
)
def test_wrong_words_are_told_before_anything_is_sent(
    kubeflow: KubeflowServer, run: Run, words: tuple[str, ...], told: str
) -> None:
    code, text = run(*words)
    assert (code, kubeflow.asked) == (2, [])
    assert told in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", PIPELINE, "--schedule", "0 3 * * *"), "--schedule is for runs on Kubeflow"),
        (("run", PIPELINE, "--experiment", "mine"), "--experiment is for runs on Kubeflow"),
        (("run", PIPELINE, "--cluster", "image=x"), "--cluster is for runs on Kubeflow"),
        (("run", PIPELINE, "--accelerator", "gpu"), "--accelerator is for runs on Kubeflow"),
        (("follow", "a-run"), "no Kubeflow endpoint to follow a run on"),
        (("run", PIPELINE, "--endpoint", "ftp://host"), "no address of Kubeflow Pipelines"),
    ],
)
def test_what_needs_an_endpoint_says_so(
    no_kubeflow_settings: None, command: Run, words: tuple[str, ...], told: str
) -> None:
    code, text = command(*words)
    assert code == 2
    assert told in text


# Schedules.


def test_a_schedule_makes_a_recurring_run_and_follows_nothing(
    kubeflow: KubeflowServer, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "outcome.json"
    code, text = run("--schedule", "0 3 * * MON", "--preset", "paper", "--json", str(file))
    assert code == 0, text
    [made] = kubeflow.recurring_runs
    assert kubeflow.runs == []
    body = submitted(kubeflow)
    assert body["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * MON"
    assert body["runtime_config"]["parameters"] == {"preset": "paper"}
    identifier = made["recurring_run_id"]
    assert f"kfp --endpoint {kubeflow.url} recurring-run delete {identifier}" in text
    outcome = json.loads(file.read_text())
    assert (outcome["recurring_run_id"], outcome["schedule"]) == (identifier, "0 0 3 * * MON")


# Following.


def test_following_survives_an_endpoint_that_comes_back(
    kubeflow: KubeflowServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit_command, "PATIENCE", replace(PATIENCE, longest_silence=60.0))
    kubeflow.story = [Look("RUNNING", {"prepare": "RUNNING"}), Look("SUCCEEDED", all_tasks())]
    kubeflow.faults = [
        Fault("GET", LOOK, "drop", times=7, after=1),
        Fault("GET", LOOK, 503, times=7),
        Fault("GET", LOOK, 500, times=7),
    ]
    code, text = run()
    assert code == 0, text
    assert "still trying" in text
    assert [one.times for one in kubeflow.faults] == [0, 0, 0]


def test_an_endpoint_that_stays_away_ends_the_following_but_not_the_run(
    kubeflow: KubeflowServer, run: Run, tmp_path: Path
) -> None:
    kubeflow.story = [Look("RUNNING", {"prepare": "RUNNING"})]
    kubeflow.faults = [Fault("GET", LOOK, "drop", times=99, after=1)]
    file = tmp_path / "outcome.json"
    code, text = run("--json", str(file))
    assert code == 1
    run_id = kubeflow.runs[0]["run_id"]
    assert f"the run {run_id} is followed no more; it may go on" in text
    assert f"papergarden follow {run_id} --endpoint {kubeflow.url}" in text
    outcome = json.loads(file.read_text())
    assert outcome["nodes"]["prepare"]["state"] == "running"
    assert outcome["verdict"] is None


def test_an_endpoint_that_is_gone_at_once_leaves_the_run_and_how_to_follow_it(
    kubeflow: KubeflowServer, run: Run
) -> None:
    kubeflow.faults = [Fault("GET", LOOK, "drop", times=99)]
    code, text = run()
    assert code == 1
    run_id = kubeflow.runs[0]["run_id"]
    assert f"papergarden follow {run_id} --endpoint {kubeflow.url}" in text


def test_a_run_that_is_not_there_is_not_followed(kubeflow: KubeflowServer, command: Run) -> None:
    code, text = command("follow", "nowhere", "--endpoint", kubeflow.url)
    assert code == 1
    assert "Run nowhere not found" in text
    assert "may go on" not in text


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as in a terminal: what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_run_alive_and_says_how_to_follow_it(
    kubeflow: KubeflowServer, run: Run, command: Run, number: signal.Signals
) -> None:
    kubeflow.story = [Look("RUNNING", {"prepare": "RUNNING"}), Look("SUCCEEDED", all_tasks())]
    handler = signal.getsignal(number)
    kubeflow.faults = [
        Fault("GET", LOOK, "hang", after=1, before=lambda: os.kill(os.getpid(), number))
    ]
    code, text = run()
    assert code == 75
    run_id = kubeflow.runs[0]["run_id"]
    assert "it goes on" in text
    assert {one.method for one in kubeflow.asked} == {"GET", "POST"}
    assert not any(one.path.endswith(":terminate") for one in kubeflow.asked)
    assert signal.getsignal(number) is handler
    again = f"papergarden follow {run_id} --endpoint {kubeflow.url}"
    assert again in text
    code, text = command(*again.split()[1:])
    assert code == 0, text
    assert "verdict   BLESSED" in text


@pytest.mark.usefixtures("interruptible")
def test_a_signal_while_submitting_says_that_the_run_may_be_there(
    kubeflow: KubeflowServer, run: Run
) -> None:
    kubeflow.faults = [
        Fault("POST", "/runs", "hang", before=lambda: os.kill(os.getpid(), signal.SIGINT))
    ]
    code, text = run()
    assert code == 75
    assert "was submitted" in text
    assert f"look for it on {kubeflow.url}" in text


def test_a_run_that_was_started_on_kubeflows_page_can_be_followed(
    kubeflow: KubeflowServer, command: Run, tmp_path: Path
) -> None:
    specification, _ = compiled()
    kubeflow.versions["p", "v"] = {"pipeline_spec": specification}
    made = kubeflow.add_run(
        "from the page",
        pipeline_version_reference={"pipeline_id": "p", "pipeline_version_id": "v"},
        runtime_config={"parameters": {"preset": "smoke"}},
    )
    kubeflow.story = [Look("SUCCEEDED", all_tasks())]
    file = tmp_path / "outcome.json"
    words = ("--endpoint", kubeflow.url, "--json", str(file))
    code, text = command("follow", made["run_id"], *words)
    assert code == 0, text
    outcome = json.loads(file.read_text())
    assert (outcome["pipeline"], outcome["preset"]) == (PIPELINE, "smoke")


def test_a_run_of_another_pipeline_is_not_followed(kubeflow: KubeflowServer, command: Run) -> None:
    tasks = {"hello": {"taskInfo": {"name": "hello"}}}
    specification = {"pipelineInfo": {"name": "other"}, "root": {"dag": {"tasks": tasks}}}
    made = kubeflow.add_run("other", pipeline_spec={"pipeline_spec": specification})
    code, text = command("follow", made["run_id"], "--endpoint", kubeflow.url)
    assert code == 1
    assert "none of Papergarden's" in text
    assert "pipeline other, tasks hello" in text


# `kfp … run NAME`.


@pytest.mark.parametrize("place", ["before run", "behind the name", "variables"])
def test_upstreams_words_reach_the_client(
    kubeflow: KubeflowServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    kubeflow.multi_user = True
    kubeflow.token = TOKEN
    kubeflow.story = [Look("SUCCEEDED", all_tasks())]
    words = ["--endpoint", kubeflow.url, "--existing-token", TOKEN, "-n", "papers"]
    line = {
        "before run": [*words, "run", PIPELINE],
        "behind the name": ["run", PIPELINE, *words],
        "variables": ["run", PIPELINE],
    }[place]
    variables = {"KF_PIPELINES_ENDPOINT": kubeflow.url, "KFP_EXISTING_TOKEN": TOKEN}
    monkeypatch.setattr(os, "environ", dict(os.environ))
    if place == "variables":
        os.environ |= {**variables, "KFP_NAMESPACE": "papers"}
    request = parse_words(line, PIPELINES)
    assert request is not None
    code = run_registered(request)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert kubeflow.experiments[0]["namespace"] == "papers"
    assert "namespace papers" in captured.out
    assert "no Kubeflow endpoint" not in captured.err
    assert TOKEN not in captured.out + captured.err
    assert TOKEN not in json.dumps(submitted(kubeflow))


def test_a_session_and_a_certificate_can_stand_before_run_too() -> None:
    line = "--cookies a=b --ssl-ca-cert ca.pem --no-verify-ssl --endpoint http://k run"
    request = parse_words([*line.split(), PIPELINE], PIPELINES)
    assert request is not None
    assert dict(request.global_options) == {
        "cookies": "a=b",
        "ssl_ca_cert": "ca.pem",
        "verify_ssl": "false",
        "endpoint": "http://k",
    }

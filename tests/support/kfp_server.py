"""Kubeflow Pipelines on the loopback interface, well or badly: its published API, no cluster.

Every request is checked against the API, and so is every answer. A run goes through the states of
a story, one a look.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from swagger import Swagger

# What Go makes of a time that is not known.
NO_TIME = "0001-01-01T00:00:00Z"
CREATED, FINISHED = "2026-01-02T03:04:00Z", "2026-01-02T03:06:30Z"
STARTED, ENDED = "2026-01-02T03:04:10Z", "2026-01-02T03:05:00Z"
PREFIX = "/apis/v2beta1/"
GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13, 503: 14}


@dataclass(frozen=True)
class Look:
    """A run at one look: its state, and its tasks' states by title; `X-driver` is a driver's."""

    state: str
    tasks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Fault:
    """What goes wrong with the next requests of a kind.

    Attributes:
        method: `GET` or `POST`.
        path: What the path ends with, a regular expression.
        how: A status; `page`, a web page; `drop`, no answer; `lose`, done but no answer; `hang`.
        times: How many requests.
        after: How many of them go well before.
        before: Called before the first.
    """

    method: str
    path: str
    how: int | str
    times: int = 1
    after: int = 0
    before: Callable[[], None] | None = None


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KubeflowServer:
    """The server's state; may be changed between requests.

    Attributes:
        story: The looks that each run is made of; the last one stays.
        multi_user: Whether there are namespaces.
        token: The bearer token that is asked for; None for none.
        cookie: The cookie that is asked for; None for none.
        page_size: How many things a page of a list goes through.
        faults: What goes wrong.
        experiments, runs, recurring_runs, versions: What there is.
        asked: The requests that came.
        violations: What was against the API.
    """

    def __init__(self, swagger: Swagger) -> None:
        self.story: list[Look] = [Look("SUCCEEDED")]
        self.multi_user = False
        self.token: str | None = None
        self.cookie: str | None = None
        self.page_size = 10
        self.faults: list[Fault] = []
        self.experiments: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.recurring_runs: list[dict[str, Any]] = []
        self.versions: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[Asked] = []
        self.violations: list[str] = []
        self.url = ""
        self.closing = threading.Event()
        self._swagger = swagger
        self._looks: dict[str, int] = {}
        self._lock = threading.Lock()

    def fault(self, asked: Asked) -> Fault | None:
        """What goes wrong with a request."""
        for one in self.faults:
            matches = one.method == asked.method and re.search(f"{one.path}$", asked.path)
            if matches and one.after:
                one.after -= 1
                return None
            if matches and one.times:
                one.times -= 1
                if one.before is not None:
                    one.before()
                    one.before = None
                return one
        return None

    def add_experiment(self, name: str, **values: Any) -> dict[str, Any]:
        """Makes an experiment."""
        made = {
            "experiment_id": str(uuid.uuid4()),
            "display_name": name,
            "created_at": CREATED,
            "storage_state": "AVAILABLE",
            **values,
        }
        self.experiments.append(made)
        return made

    def add_run(self, name: str, **values: Any) -> dict[str, Any]:
        """Makes a run."""
        made = {"run_id": str(uuid.uuid4()), "display_name": name, "created_at": CREATED, **values}
        self.runs.append(made)
        return made

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Does what is asked."""
        with self._lock:
            self.asked.append(asked)
            operation = self._swagger.find(asked.method, asked.path)
            if operation is None:
                self.violations.append(f"{asked.method} {asked.path} is not part of the API")
                return 404, {"code": 5, "message": "Not Found"}
            wrong = self._swagger.request_violations(operation, asked.query, asked.body)
            try:
                self._authorize(asked)
                if wrong:
                    raise RefusedError(400, "; ".join(wrong))
                status, body = 200, self._do(operation["operationId"], asked)
            except RefusedError as error:
                status, body = error.status, error_body(error.status, str(error))
            wrong += self._swagger.answer_violations(operation, status, body)
            self.violations += [f"{asked.method} {asked.path}: {one}" for one in wrong]
            return status, body

    def _authorize(self, asked: Asked) -> None:
        if self.token is not None and asked.headers.get("authorization") != f"Bearer {self.token}":
            raise RefusedError(401, "Unauthenticated: the request has no valid bearer token")
        if self.cookie is not None and asked.headers.get("Cookie") != self.cookie:
            raise RefusedError(401, "Unauthenticated: no session")

    def _do(self, operation: str, asked: Asked) -> Any:
        last = asked.path.rpartition("/")[2]
        if operation == "HealthzService_GetHealthz":
            return {"multi_user": True} if self.multi_user else {}
        if operation == "ExperimentService_ListExperiments":
            return self._list_experiments(asked.query)
        if operation == "ExperimentService_CreateExperiment":
            return self._create_experiment(asked.body)
        if operation == "RunService_CreateRun":
            return self._create_run(asked.body)
        if operation == "RunService_GetRun":
            return self._get_run(last)
        if operation == "RunService_ListRuns":
            return self._page("runs", self.runs, asked.query)
        if operation == "RecurringRunService_CreateRecurringRun":
            return self._create_recurring_run(asked.body)
        if operation == "RecurringRunService_ListRecurringRuns":
            return self._page("recurringRuns", self.recurring_runs, asked.query)
        if operation == "PipelineService_GetPipelineVersion":
            *_, pipeline_id, _, version_id = asked.path.split("/")
            return {"pipeline_spec": self.versions[pipeline_id, version_id]}
        raise RefusedError(500, f"{operation} is not played here")

    def _list_experiments(self, query: Mapping[str, str]) -> Any:
        namespace = query.get("namespace", "")
        if self.multi_user and not namespace:
            raise RefusedError(400, "Invalid input error: the namespace is empty")
        if namespace and not self.multi_user:
            raise RefusedError(400, "In single-user mode, the namespace must be empty")
        there = [one for one in self.experiments if one.get("namespace", "") == namespace]
        return self._page("experiments", there, query)

    def _create_experiment(self, body: dict[str, Any]) -> Any:
        same = [one for one in self.experiments if one["display_name"] == body["display_name"]]
        if any(one.get("namespace") == body.get("namespace") for one in same):
            raise RefusedError(
                409, f"Already exist error: the name {body['display_name']} already exists"
            )
        return self.add_experiment(body["display_name"], **_namespace(body))

    def _create_run(self, body: dict[str, Any]) -> Any:
        self._check_submission(body)
        made = self.add_run(body["display_name"], state="PENDING")
        kept = ("experiment_id", "pipeline_spec", "runtime_config")
        made.update({name: body[name] for name in kept if name in body})
        return made

    def _create_recurring_run(self, body: dict[str, Any]) -> Any:
        self._check_submission(body)
        made = {
            **body,
            "recurring_run_id": str(uuid.uuid4()),
            "created_at": CREATED,
            "status": "ENABLED",
            "max_concurrency": str(body["max_concurrency"]),
        }
        self.recurring_runs.append(made)
        return made

    def _check_submission(self, body: dict[str, Any]) -> None:
        """What the real server looks at before it takes a pipeline."""
        experiments = {one["experiment_id"]: one for one in self.experiments}
        experiment = experiments.get(body.get("experiment_id", ""))
        if experiment is None:
            raise RefusedError(404, "Not found error: the experiment is not there")
        if experiment["storage_state"] != "AVAILABLE":
            raise RefusedError(400, "Failed precondition: the experiment is archived")
        specification = body["pipeline_spec"]["pipeline_spec"]
        try:
            json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
        except json_format.ParseError as error:
            raise RefusedError(400, f"Invalid input error: {error}") from error
        if specification["schemaVersion"] != "2.1.0":
            raise RefusedError(400, "Invalid input error: only schema 2.1.0 is known")
        known = specification["root"]["inputDefinitions"]["parameters"]
        for name, value in body["runtime_config"].get("parameters", {}).items():
            if name not in known or not isinstance(value, str):
                raise RefusedError(400, f"Invalid input error: the parameter {name}={value!r}")

    def _get_run(self, run_id: str) -> Any:
        found = next((one for one in self.runs if one["run_id"] == run_id), None)
        if found is None:
            raise RefusedError(404, f"Failed to get a run: Run {run_id} not found")
        index = self._looks.get(run_id, 0)
        self._looks[run_id] = index + 1
        return {**found, **self._seen(found, self.story[min(index, len(self.story) - 1)])}

    def _seen(self, run: Mapping[str, Any], look: Look) -> dict[str, Any]:
        ended = look.state in ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
        past = [one.state for one in self.story[: self.story.index(look) + 1]]
        pipeline = run.get("pipeline_spec") or next(iter(self.versions.values()))
        tasks = pipeline["pipeline_spec"]["root"]["dag"]["tasks"]
        names = {task["taskInfo"]["name"]: name for name, task in tasks.items()}
        details = [_detail("root-driver", "SUCCEEDED"), _detail("root", look.state)]
        for title, state in look.tasks.items():
            task = title.removesuffix("-driver")
            driver = title != task
            details.append(_detail(names[task] + "-driver", state if driver else "SUCCEEDED"))
            if not driver:
                details += [_detail(names[task], state), _detail("executor", state)]
        return {
            "state": look.state,
            "finished_at": FINISHED if ended else NO_TIME,
            "state_history": [{"update_time": CREATED, "state": state} for state in past],
            "run_details": {"task_details": details},
        }

    def _page(self, key: str, things: list[dict[str, Any]], query: Mapping[str, str]) -> Any:
        """A page of a list: a page may be empty and have another behind it."""
        wanted = _wanted_name(query.get("filter", ""))
        experiment = query.get("experiment_id", "")
        start = int(query.get("page_token") or 0)
        end = start + self.page_size
        page = [
            one
            for one in things[start:end]
            if wanted in (None, one["display_name"])
            and experiment in ("", one.get("experiment_id", ""))
        ]
        answer: dict[str, Any] = {key: page} if page else {}
        return {**answer, "next_page_token": str(end)} if end < len(things) else answer


def error_body(status: int, message: str) -> dict[str, Any]:
    """An error as Kubeflow's gateway answers it."""
    return {"code": GRPC_CODES.get(status, 2), "message": message, "details": []}


def _namespace(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"namespace": body["namespace"]} if body.get("namespace") else {}


def _wanted_name(text: str) -> str | None:
    if not text:
        return None
    [predicate] = json.loads(text)["predicates"]
    if predicate["key"] != "display_name" or predicate["operation"] not in (1, "EQUALS"):
        raise RefusedError(400, f"Invalid input error: the filter {text}")
    value = predicate.get("string_value", predicate.get("stringValue"))
    if not isinstance(value, str):
        raise RefusedError(400, f"Invalid input error: the filter {text}")
    return value


def _detail(name: str, state: str) -> dict[str, Any]:
    ended = state in ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
    return {
        "task_id": str(uuid.uuid4()),
        "display_name": name,
        "create_time": CREATED,
        "start_time": STARTED,
        "end_time": ENDED if ended else NO_TIME,
        "state": state,
        "execution_id": "0",
    }

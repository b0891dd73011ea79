"""What is asked of a Kubeflow endpoint, through upstream's client.

Only what the client's versions 2.5 and 2.14 to 2.16 both have is used: their generated methods
differ in name, the client's own do not.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
from google.auth.exceptions import GoogleAuthError

from components.errors import ConfigError
from pipelines.runners.kubeflow_client import PatientClient, Say, quietly
from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.kubeflow_errors import CONFLICT, UNAUTHORIZED, EndpointError
from pipelines.runners.kubeflow_patience import Patience

ARCHIVED = "ARCHIVED"
# What getting a token from Google, or reading the client's own files, can end with.
SET_UP_ERRORS = (GoogleAuthError, requests.RequestException, OSError, ValueError, KeyError)

Created = TypeVar("Created")


class KubeflowService:
    """Experiments, runs and recurring runs of one endpoint.

    Args:
        endpoint, patience, say: As `PatientClient` takes them.

    Raises:
        EndpointError: The endpoint does not answer as Kubeflow Pipelines does.
    """

    def __init__(self, endpoint: Endpoint, patience: Patience, say: Say) -> None:
        self.endpoint = endpoint
        self._patience = patience
        self._say = say
        self._client = self._connect()

    def _connect(self) -> PatientClient:
        try:
            with quietly():
                return PatientClient(self.endpoint, self._patience, self._say)
        except SET_UP_ERRORS as error:
            raise EndpointError(
                f"the client for {self.endpoint.shown} cannot be set up",
                found=self.endpoint.redact(f"{type(error).__name__}: {error}"),
                fix="check the credentials, and ~/.config/kfp if there is such a folder",
            ) from None

    @functools.cached_property
    def namespace(self) -> str | None:
        """The namespace that gets runs; None on an endpoint with one user.

        Raises:
            ConfigError: The endpoint has several users, and no namespace is known.
        """
        given = self.endpoint.namespace
        if not self._client.get_kfp_healthz().multi_user:
            if given:
                self._say(f"the endpoint has one user: the namespace {given} is not used")
            return None
        namespace = given or self._client.get_user_namespace()
        if not namespace:
            raise ConfigError(
                f"{self.endpoint.shown} has several users and none is named",
                expected="the namespace of your profile",
                fix="pass --namespace NAME, or set KFP_NAMESPACE",
            )
        return str(namespace)

    def find_or_create_experiment(self, name: str) -> str:
        """The id of an experiment, which is made if there is none.

        Raises:
            EndpointError: It can neither be found nor made.
            ConfigError: It is archived: no run can be added.
        """
        experiment = self._create(
            lambda: self._client.create_experiment(name, namespace=self.namespace),
            # Upstream looks before it creates.
            lambda: None,
            f"the experiment {name}",
        )
        if experiment.storage_state == ARCHIVED:
            raise ConfigError(
                f"the experiment {name} is archived",
                expected="an experiment that takes runs",
                fix="restore it on Kubeflow's page, or pass another --experiment",
            )
        return str(experiment.experiment_id)

    def submit(self, path: Path, experiment_id: str, name: str, arguments: dict[str, str]) -> str:
        """Starts a run.

        Args:
            path: The compiled pipeline.
            experiment_id: The experiment that gets the run.
            name: The run's name, which no other run has.
            arguments: Its parameters; the pipeline's defaults fill in.

        Returns:
            The run's id.

        Raises:
            EndpointError: It cannot be started, or it cannot be told whether it was.
        """
        run = self._create(
            lambda: self._client.run_pipeline(
                experiment_id, name, pipeline_package_path=str(path), params=arguments
            ),
            lambda: self._find("runs", self._client.list_runs, experiment_id, name),
            f"the run {name}",
        )
        return str(run.run_id)

    def schedule(
        self, path: Path, experiment_id: str, name: str, arguments: dict[str, str], cron: str
    ) -> str:
        """Has a pipeline run again and again, one run at a time; what was missed stays missed.

        Args:
            path: The compiled pipeline.
            experiment_id: The experiment that gets the runs.
            name: The recurring run's name, which no other has.
            arguments: Parameters of every run.
            cron: Six fields, from `kubeflow_schedule.parse_schedule`.

        Returns:
            The recurring run's id.

        Raises:
            EndpointError: It cannot be created, or it cannot be told whether it was.
        """
        recurring = self._create(
            lambda: self._client.create_recurring_run(
                experiment_id,
                name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                params=arguments,
                pipeline_package_path=str(path),
            ),
            lambda: self._find(
                "recurring_runs", self._client.list_recurring_runs, experiment_id, name
            ),
            f"the recurring run {name}",
        )
        return str(recurring.recurring_run_id)

    def read_run(self, run_id: str) -> Any:
        """A run as it is now: upstream's `V2beta1Run`.

        Raises:
            EndpointError: There is none of that id, or it cannot be read.
        """
        try:
            return self._client.get_run(run_id)
        except EndpointError as error:
            if error.status != UNAUTHORIZED:
                raise
        # Training takes longer than a token lasts; setting the client up again gets a new one.
        self._client = self._connect()
        return self._client.get_run(run_id)

    def read_pipeline(self, run: Any) -> dict[str, Any]:
        """The compiled pipeline that a run runs.

        Raises:
            EndpointError: It cannot be read.
        """
        if run.pipeline_spec:
            return dict(run.pipeline_spec)
        reference = run.pipeline_version_reference
        if reference is None:
            raise EndpointError(
                f"the run {run.run_id} has no pipeline",
                found=self.endpoint.redact(run.error.message) if run.error else None,
            )
        version = self._client.get_pipeline_version(
            reference.pipeline_id, reference.pipeline_version_id
        )
        return dict(version.pipeline_spec)

    def _find(
        self, kind: str, list_page: Callable[..., Any], experiment_id: str, name: str
    ) -> Any | None:
        """The run of that name, or the recurring run."""
        equals = {"operation": "EQUALS", "key": "display_name", "string_value": name}
        token = ""
        while True:
            page = list_page(
                experiment_id=experiment_id,
                filter=json.dumps({"predicates": [equals]}),
                page_token=token,
            )
            for found in getattr(page, kind) or ():
                if found.display_name == name:
                    return found
            token = page.next_page_token
            if not token:
                return None

    def _create(
        self, create: Callable[[], Created], find: Callable[[], Created | None], what: str
    ) -> Created:
        """Creates something once, although answers may be lost: looks before it tries again."""
        for wait in (*self._patience.between_tries, 0.0):
            try:
                with quietly():
                    return create()
            except EndpointError as error:
                # Somebody else may have made the experiment since it was looked for.
                if not (error.transient or error.status == CONFLICT):
                    raise
                problem = error
            self._say(f"{problem.what} ({problem.found}): looking whether it is there")
            time.sleep(wait)
            try:
                found = find()
            except EndpointError as error:
                raise EndpointError(
                    f"{what} may have been created or not: {self.endpoint.shown} went away",
                    found=error.found,
                    fix="look for it on Kubeflow's page before you start it again",
                ) from error
            if found is not None:
                return found
        raise problem

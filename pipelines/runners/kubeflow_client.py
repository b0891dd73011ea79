"""Upstream's client, with patience and plain words below it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from kfp import client as kfp_client  # type: ignore[attr-defined] # the folder kfp/ misleads mypy
from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.kubeflow_patience import Patience
from pipelines.runners.kubeflow_transport import PatientTransport

Say = Callable[[str], None]


class PatientClient(kfp_client.Client):
    """Upstream's client above our transport.

    Args:
        endpoint: Whom to ask, and as whom.
        patience: How long to wait for answers.
        say: Told when questions have to be repeated.

    Raises:
        EndpointError: The endpoint does not answer as Kubeflow Pipelines does.
    """

    def __init__(self, endpoint: Endpoint, patience: Patience, say: Say) -> None:
        self._transport_parts = (endpoint, patience, say)
        self._state: Any = None
        credentials = (
            kfp_client.ServiceAccountTokenVolumeCredentials(endpoint.token_path)
            if endpoint.token_path
            else None
        )
        # The namespace is given where it is needed: an endpoint with one user refuses any.
        super().__init__(
            host=endpoint.url,
            client_id=endpoint.iap_client_id,
            other_client_id=endpoint.other_client_id,
            other_client_secret=endpoint.other_client_secret,
            existing_token=endpoint.existing_token,
            cookies=endpoint.cookies,
            ssl_ca_cert=endpoint.ssl_ca_cert,
            credentials=credentials,
            verify_ssl=endpoint.verify_ssl,
        )
        # Only where no namespace is configured has upstream asked by now.
        self.get_kfp_healthz()

    def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
        """The endpoint's state, asked for once; it is the first thing that is asked."""
        if self._state is None:
            # All of upstream's services share this one.
            api_client = self._run_api.api_client
            api_client.rest_client = PatientTransport(
                api_client.configuration, *self._transport_parts
            )
            self._state = super().get_kfp_healthz(sleep_duration)
        return self._state


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keeps upstream's links and warnings, which may name the endpoint with its password, quiet."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

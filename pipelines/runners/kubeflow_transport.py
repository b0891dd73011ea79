"""The HTTP layer below upstream's client: with time limits, repetition, and errors that say why.

Upstream's own waits for ever, repeats without a pause, takes any web page for an empty answer, and
fails on a certificate with an `AttributeError`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import kfp_server_api
import urllib3
from kfp_server_api.exceptions import ApiException
from kfp_server_api.rest import RESTClientObject, RESTResponse

from pipelines.runners.kubeflow_endpoint import Endpoint
from pipelines.runners.kubeflow_errors import (
    EndpointError,
    not_kubeflow,
    refused,
    unreachable,
    untrusted,
)
from pipelines.runners.kubeflow_patience import Patience

API_PREFIX = "/apis/v2beta1/"
# The start of a resource's path -> its name; the first that fits.
RESOURCES = (
    ("healthz", "state"),
    ("experiments", "experiment"),
    ("recurringruns", "recurring run"),
    ("runs", "run"),
    ("pipelines", "pipeline"),
)
# How urllib3 begins its sentences.
OBJECT_NAME = re.compile(r"^(<\S+ object at \w+>|HTTPS?Connection\(.*?\)): ")


class PatientTransport(RESTClientObject):
    """Upstream's HTTP layer, patient and plain-spoken.

    A question is repeated where repeating may help. A request that creates something is not: what
    it should create may be there although the answer was lost.

    Args:
        configuration: Upstream's.
        endpoint: Whom it talks to.
        patience: How long to wait.
        say: Told once when questions have to be repeated.
    """

    def __init__(
        self,
        configuration: kfp_server_api.Configuration,
        endpoint: Endpoint,
        patience: Patience,
        say: Callable[[str], None],
    ) -> None:
        # urllib3 would repeat up to three times at once, and log each with the address.
        configuration.retries = False
        super().__init__(configuration)
        self._endpoint = endpoint
        self._patience = patience
        self._say = say

    def request(self, method: str, url: str, *arguments: Any, **named: Any) -> RESTResponse:
        """Sends a request; see upstream.

        Raises:
            EndpointError: It was not answered as it should be.
        """
        named["_request_timeout"] = (self._patience.connection, self._patience.answer)
        told = False
        for wait in self._patience.between_tries if method == "GET" else ():
            try:
                return self._request_once(method, url, *arguments, **named)
            except EndpointError as error:
                if not error.transient:
                    raise
                if not told:
                    self._say(f"{error.what} ({error.found}): asking again")
                told = True
                time.sleep(wait)
        return self._request_once(method, url, *arguments, **named)

    def _request_once(self, method: str, url: str, *arguments: Any, **named: Any) -> RESTResponse:
        asked = describe(method, url)
        try:
            response = super().request(method, url, *arguments, **named)
        except ApiException as error:
            if not error.status:
                # Upstream's way to say that TLS failed.
                raise untrusted(self._endpoint, asked, _one_line(error.reason)) from None
            raise refused(
                self._endpoint, asked, error.status, error.reason or "", error.body
            ) from None
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self._endpoint, asked, self._problem(error)) from None
        if not _is_json_object(response.data):
            kind = response.urllib3_response.headers.get("Content-Type", "")
            raise not_kubeflow(self._endpoint, asked, kind, response.data)
        return response

    def _problem(self, error: urllib3.exceptions.HTTPError) -> str:
        """What went wrong, without the library's object names."""
        exceptions = urllib3.exceptions
        if isinstance(error, exceptions.ReadTimeoutError):
            return f"no answer within {self._patience.answer:g} s"
        if isinstance(error, exceptions.ProtocolError):
            return "the connection broke off before an answer came"
        # In urllib3 1 a connection that was refused is a kind of time-out.
        refused_at_once = isinstance(error, exceptions.NewConnectionError)
        if isinstance(error, exceptions.ConnectTimeoutError) and not refused_at_once:
            return f"no connection within {self._patience.connection:g} s"
        return OBJECT_NAME.sub("", _one_line(error))


def describe(method: str, url: str) -> str:
    """What a request is for, in words: `submitting the run`."""
    path = urlsplit(url).path.partition(API_PREFIX)[2]
    name = next((name for start, name in RESOURCES if path.startswith(start)), "API")
    if method == "POST":
        return f"{'submitting' if name == 'run' else 'creating'} the {name}"
    return f"{'reading' if '/' in path or name == 'state' else 'looking for'} the {name}"


def _is_json_object(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


def _one_line(text: object) -> str:
    return " ".join(str(text).split())

"""What can go wrong between here and a Kubeflow endpoint, each in a clear sentence."""

from __future__ import annotations

import json
import re
from typing import Any

from components.errors import RunError
from pipelines.runners.kubeflow_endpoint import Endpoint

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY = 401, 403, 404, 409, 429
BAD_REQUEST = 400

LONGEST_MESSAGE = 400
DOCUMENT_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)
SIGN_IN = (
    "pass a valid token (--existing-token or KFP_EXISTING_TOKEN) or session (--cookies or "
    "KFP_COOKIES)"
)


class EndpointError(RunError):
    """An endpoint does not do what it was asked.

    Args:
        what: See `PapergardenError`, as for the rest.
        status: The HTTP status it answered with; None if it did not answer.
        transient: Whether asking again may help.
    """

    def __init__(
        self, what: str, *, status: int | None = None, transient: bool = False, **details: Any
    ) -> None:
        super().__init__(what, **details)
        self.status = status
        self.transient = transient


def refused(
    endpoint: Endpoint, asked: str, status: int, reason: str, body: bytes | None
) -> EndpointError:
    """What an answer that is an error means.

    Args:
        endpoint: Who answered.
        asked: What it was asked for, as `submitting the run`.
        status: The HTTP status.
        reason: The status in words.
        body: The answer.
    """
    found = endpoint.redact(f"{status} {reason}: {_message(body)}".rstrip(": "))
    transient = status == TOO_MANY or status >= 500
    what, expected, fix = _meaning(endpoint, asked, status)
    return EndpointError(
        what, found=found, expected=expected, fix=fix, status=status, transient=transient
    )


def unreachable(endpoint: Endpoint, asked: str, problem: str) -> EndpointError:
    """What an endpoint is that does not answer.

    Args:
        endpoint: Who was asked.
        asked: What for.
        problem: What happened, as `connection refused`.
    """
    return EndpointError(
        f"{asked}: {endpoint.shown} cannot be reached",
        found=endpoint.redact(problem),
        expected="a Kubeflow Pipelines endpoint that answers",
        fix="check the address and the network; to reach a cluster from here, `kubectl "
        "port-forward -n kubeflow svc/ml-pipeline 8888:8888` and --endpoint http://localhost:8888",
        transient=True,
    )


def untrusted(endpoint: Endpoint, asked: str, problem: str) -> EndpointError:
    """What a TLS connection that cannot be made means."""
    plain = "wrong version number" in problem.lower() or "record layer" in problem.lower()
    return EndpointError(
        f"{asked}: no secure connection to {endpoint.shown}",
        found=endpoint.redact(problem),
        expected="TLS" if plain else "a certificate that is trusted here",
        fix="the endpoint may speak plain HTTP: try http://"
        if plain
        else "pass the endpoint's certificate, or that of its authority, with --ssl-ca-cert FILE; "
        "--no-verify-ssl does without any check",
    )


def not_kubeflow(endpoint: Endpoint, asked: str, content_type: str, body: bytes) -> EndpointError:
    """What an answer means that Kubeflow Pipelines would not give."""
    title = DOCUMENT_TITLE.search(body.decode("utf-8", "replace"))
    shown = f'a web page, "{title[1][:80]}"' if title else f"{content_type or 'something'} else"
    return EndpointError(
        f"{asked}: {endpoint.shown} does not answer as Kubeflow Pipelines does",
        found=endpoint.redact(shown),
        expected="JSON of the API v2beta1",
        fix="--endpoint takes the address of the API server, or of the page with /pipeline behind "
        f"it; where that is a page to sign in, {SIGN_IN}",
    )


def _meaning(endpoint: Endpoint, asked: str, status: int) -> tuple[str, str | None, str | None]:
    """What happened, what was expected, and the fix."""
    where = endpoint.shown
    if status == UNAUTHORIZED:
        signed = endpoint.existing_token or endpoint.cookies or endpoint.token_path
        return (
            f"{asked}: {where} does not know who asks",
            "a token or session that is still valid" if signed else "a token or a session",
            SIGN_IN,
        )
    if status == FORBIDDEN:
        return (
            f"{asked}: {where} does not allow it",
            "a user who may do so in the namespace",
            "pass the user's own namespace with --namespace, or ask for the rights",
        )
    if status == NOT_FOUND:
        return (
            f"{asked}: {where} has no such thing",
            "an address of Kubeflow Pipelines 2, and an id that it knows",
            "check --endpoint, --namespace and the id",
        )
    if status == CONFLICT:
        return f"{asked}: {where} has one already", None, "choose another name"
    if status == TOO_MANY or status >= 500:
        return (
            f"{asked}: {where} fails",
            "an answer within a few tries",
            "try again later; `kubectl logs -n kubeflow deployment/ml-pipeline` tells the cause",
        )
    return f"{asked}: {where} does not accept it", None, None


def _message(body: bytes | None) -> str:
    """The sentence in an error's answer, on one line."""
    text = (body or b"").decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except ValueError:
        title = DOCUMENT_TITLE.search(text)
        text = title[1] if title else text
    else:
        if isinstance(answer, dict):
            text = str(answer.get("message") or answer.get("error") or "")
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"

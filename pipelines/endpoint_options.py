"""The options that say which Kubeflow endpoint to talk to, and as whom; several commands have them.

They are those of upstream's client. The variables are those that upstream's command and its client
read.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Optional

import typer

from pipelines.runners.kubeflow_endpoint import Endpoint

PANEL = "Kubeflow"
# Where upstream's command and upstream's client look for an endpoint, in their order.
ENDPOINT_VARIABLES = ("KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT")


def _option(kind: Any, help_text: str, *words: str, also: tuple[str, ...] = ()) -> Any:
    """An option; upstream's command would read its value from `KFP_<OPTION>`, too."""
    name = words[0].partition("/")[0].removeprefix("--").replace("-", "_").upper()
    return Annotated[
        Optional[kind],  # noqa: UP045 - typer reads this on Python 3.10
        typer.Option(
            *words,
            help=help_text,
            envvar=[f"KFP_{name}", *also],
            show_envvar=False,
            rich_help_panel=PANEL,
        ),
    ]


# Attribute of `Endpoint` -> its option.
OPTIONS: dict[str, Any] = {
    "url": _option(
        str,
        "Address of Kubeflow Pipelines; also from KFP_ENDPOINT or KF_PIPELINES_ENDPOINT.",
        "--endpoint",
        also=ENDPOINT_VARIABLES[1:],
    ),
    "namespace": _option(
        str, "Your namespace, where the endpoint has several users.", "--namespace", "-n"
    ),
    "existing_token": _option(
        str, "A bearer token; better from KFP_EXISTING_TOKEN.", "--existing-token"
    ),
    "token_path": _option(
        str,
        "A file with a token that is renewed, as in a pod.",
        "--token-path",
        also=("KF_PIPELINES_SA_TOKEN_PATH",),
    ),
    "cookies": _option(str, "The cookies of a session; better from KFP_COOKIES.", "--cookies"),
    "iap_client_id": _option(
        str,
        "OAuth client of an Identity-Aware Proxy.",
        "--iap-client-id",
        also=("KF_PIPELINES_IAP_OAUTH2_CLIENT_ID",),
    ),
    "other_client_id": _option(
        str,
        "OAuth client that gets a user's tokens for it.",
        "--other-client-id",
        also=("KF_PIPELINES_APP_OAUTH2_CLIENT_ID",),
    ),
    "other_client_secret": _option(
        str,
        "Its secret; better from KFP_OTHER_CLIENT_SECRET.",
        "--other-client-secret",
        also=("KF_PIPELINES_APP_OAUTH2_CLIENT_SECRET",),
    ),
    "ssl_ca_cert": _option(str, "File of the certificates to trust.", "--ssl-ca-cert"),
    "verify_ssl": _option(
        bool, "Whether to check the endpoint's certificate.", "--verify-ssl/--no-verify-ssl"
    ),
    "page_url": _option(
        str,
        "Address of Kubeflow's page, if it is another.",
        "--ui-endpoint",
        also=("KF_PIPELINES_UI_ENDPOINT",),
    ),
}


def with_endpoint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command these options in the place of its parameter `endpoint`.

    Args:
        command: Gets an `Endpoint`, or None where no address is given.
    """

    @functools.wraps(command)
    def wrapper(**values: Any) -> None:
        given = {name: values.pop(name) for name in OPTIONS}
        command(**values, endpoint=Endpoint(**given) if given["url"] else None)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(command, eval_str=True).parameters.items()
        if name != "endpoint"
    ]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in OPTIONS.items()
    ]
    # Typer reads the signature for the order and the defaults, the annotations for the types.
    wrapper.__signature__ = inspect.Signature([*options, *own])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {one.name: one.annotation for one in (*options, *own)}
    return wrapper

"""An ML Metadata server of a test's own, on loopback.

It speaks ML Metadata's published gRPC service and answers from the C++ store of the installed
package, as the official server does, of which there is no build for pip.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store
from ml_metadata.proto import metadata_store_pb2, metadata_store_service_pb2

from components.lineage.metadata_uri import connection_config, sqlite_uri

_SERVICE = metadata_store_service_pb2.DESCRIPTOR.services_by_name["MetadataStoreService"]
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcStore:
    """A server of one SQLite file.

    Args:
        path: The file.
        port: Where it listens; 0 takes any.
    """

    def __init__(self, path: Path, port: int = 0) -> None:
        self._store = metadata_store.CreateMetadataStore(
            connection_config(sqlite_uri(path)).SerializeToString(),
            metadata_store_pb2.MigrationOptions().SerializeToString(),
        )
        # The store's own connection serves one call at a time.
        self._server = grpc.server(ThreadPoolExecutor(max_workers=1))
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(self._answer(method.name))
            for method in _SERVICE.methods
            if hasattr(metadata_store, method.name)
        }
        service = grpc.method_handlers_generic_handler(_SERVICE.full_name, handlers)
        self._server.add_generic_rpc_handlers((service,))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    @property
    def uri(self) -> str:
        """Its metadata URI."""
        return f"grpc://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Breaks every call off."""
        self._server.stop(grace=None).wait()

    def _answer(self, name: str) -> Callable[[bytes, Any], bytes]:
        method = getattr(metadata_store, name)

        def answer(request: bytes, context: Any) -> bytes:
            response, message, code = method(self._store, request)
            if code:
                context.abort(_CODES[code], message.decode())
            return response

        return answer

"""Puts the Kubeflow server of `kfp_server.py` on the loopback interface."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kfp_server import Asked, KubeflowServer, error_body

SIGN_IN_PAGE = "<!doctype html><html><head><title>Log in to Dex</title></head></html>"


@contextmanager
def serve(server: KubeflowServer, certificate: Path | None = None) -> Iterator[KubeflowServer]:
    """Serves in threads; `server.url` is the address.

    Args:
        server: What to serve.
        certificate: A file with a key and its certificate, for HTTPS.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._handle(None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._handle(json.loads(self.rfile.read(length)))

        def _handle(self, body: Any) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            asked = Asked(self.command, parts.path, query, dict(self.headers), body)
            fault = server.fault(asked)
            if fault is None:
                self._send(*server.answer(asked))
            elif isinstance(fault.how, int):
                self._send(fault.how, error_body(fault.how, "Internal Server Error: the database"))
            elif fault.how == "page":
                self._send_text(200, SIGN_IN_PAGE, "text/html; charset=utf-8")
            else:
                if fault.how == "lose":
                    server.answer(asked)
                if fault.how == "hang":
                    server.closing.wait(30)
                self.close_connection = True

        def _send(self, status: int, body: Any) -> None:
            self._send_text(status, json.dumps(body), "application/json")

        def _send_text(self, status: int, text: str, kind: str) -> None:
            data = text.encode()
            with suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        web.socket = context.wrap_socket(web.socket, server_side=True)
        scheme = "https"
    server.url = f"{scheme}://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        web.shutdown()
        web.server_close()
        thread.join()

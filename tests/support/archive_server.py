"""A web server on the loopback interface that serves one file, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """What is served, and how; may be changed between requests.

    Attributes:
        content: The file.
        etag: Its mark; None sends none.
        ranges: Whether parts may be asked for.
        heeds_if_range: Whether a part of a changed file is refused.
        sends_length: Whether the length is announced.
        faults: One for each of the next requests: a status to answer, or a function of the bytes to
            send that gives those that are sent before the connection breaks; None serves well.
        requests: Headers of the requests that came.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"first"'
        self.ranges = True
        self.heeds_if_range = True
        self.sends_length = True
        self.faults: list[int | Callable[[bytes], bytes] | None] = []
        self.requests: list[dict[str, str]] = []
        self.url = ""


@contextmanager
def serve(served: Served) -> Iterator[Served]:
    """Serves in a thread; `served.url` is the address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            served.requests.append(dict(self.headers))
            fault = served.faults.pop(0) if served.faults else None
            if isinstance(fault, int):
                self.send_error(fault)
                return
            body = self._start()
            with suppress(ConnectionError):
                self.wfile.write(body if fault is None else fault(body))
            self.close_connection = True

        def _start(self) -> bytes:
            """Sends the headers and gives the bytes that belong behind them."""
            total = len(served.content)
            first = self._first_byte()
            if first is not None and first >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return b""
            body = served.content[first or 0 :]
            self.send_response(200 if first is None else 206)
            if first is not None:
                self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
            if served.etag:
                self.send_header("ETag", served.etag)
            if served.sends_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return body

        def _first_byte(self) -> int | None:
            asked = self.headers.get("Range")
            mark = self.headers.get("If-Range")
            changed = served.heeds_if_range and mark is not None and mark != served.etag
            if asked is None or not served.ranges or changed:
                return None
            return int(asked.removeprefix("bytes=").rstrip("-"))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/archive"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
